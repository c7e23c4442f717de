//! A file of users and their hashed passwords, as Apache's `htpasswd` writes it and nginx reads it.
//!
//! Read where the configuration is checked, so that a bad line is told with its place, and again by
//! workers when it changes. Hashes are never shown, and are no part of a configuration.

use std::fmt;

/// Of one file, and of one name; more of either is a mistake.
pub(crate) const USERS_MAX: usize = 100_000;
/// What costs more would be an attack on the worker itself.
const BCRYPT_COST_MAX: u32 = 16;
const SHA_CRYPT_ROUNDS: u32 = 5_000;
const SHA_CRYPT_ROUNDS_MAX: u32 = 1_000_000;
/// glibc's bounds.
const SHA_CRYPT_ROUNDS_LEAST: u32 = 1_000;
const SHA_CRYPT_SALT_BYTES_MAX: usize = 16;
const MD5_CRYPT_SALT_BYTES_MAX: usize = 8;
const SHA1_BYTES: usize = 20;

/// How a password was hashed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Hash {
    /// `{PLAIN}`: not at all.
    Plain(Vec<u8>),
    /// `{SHA}` without, `{SSHA}` with a salt.
    Sha1 { digest: [u8; SHA1_BYTES], salt: Vec<u8> },
    /// `$apr1$` (Apache's) or `$1$`, with the 22 letters of the digest.
    Md5Crypt { magic: &'static str, salt: String, digest: String },
    /// `$5$` or `$6$`.
    ShaCrypt { width: Width, rounds: u32, salt: String, digest: String },
    /// The whole word, which says how.
    Bcrypt(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Sha256,
    Sha512,
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash")
    }
}

/// Users by name, the first of each; nginx's rule, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Users {
    /// Sorted by name.
    list: Vec<(String, Hash)>,
    /// Where in the list the hash is that takes longest.
    hardest: usize,
}

/// A line that says nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(crate) struct BadLine {
    pub(crate) line: usize,
    pub(crate) reason: &'static str,
}

impl Users {
    /// Reads a whole file; empty lines and those that begin with `#` are none.
    pub(crate) fn parse(text: &str) -> Result<Self, BadLine> {
        let mut list: Vec<(String, Hash)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |reason| BadLine { line: at + 1, reason };
            let (name, rest) = line.split_once(':').ok_or(bad("no colon behind a name"))?;
            if name.is_empty() {
                return Err(bad("no name before the colon"));
            }
            if list.len() == USERS_MAX {
                return Err(bad("more users than one file may have"));
            }
            // Behind a second colon is what people write for themselves.
            let word = rest.split(':').next().unwrap_or_default();
            list.push((name.to_owned(), Hash::parse(word).map_err(bad)?));
        }
        // Stable, so that of two of one name the first is found.
        list.sort_by(|(one, _), (other, _)| one.cmp(other));
        list.dedup_by(|later, first| later.0 == first.0);
        let hardest = (0..list.len()).max_by_key(|at| list[*at].1.work()).unwrap_or(0);
        Ok(Self { list, hardest })
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&Hash> {
        let at = self.list.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
        Some(&self.list[at].1)
    }

    /// The hash that takes longest: for whom nobody knows, as much work is done as for one who is known.
    pub(crate) fn hardest(&self) -> Option<&Hash> {
        self.list.get(self.hardest).map(|(_, hash)| hash)
    }
}

impl Hash {
    /// How long it takes to verify, in about as many digests.
    pub(crate) fn work(&self) -> u64 {
        /// Of the cipher that one doubling of bcrypt's cost adds, beside a digest.
        const BCRYPT: u64 = 100;
        match self {
            Self::Plain(_) => 0,
            Self::Sha1 { .. } => 1,
            Self::Md5Crypt { .. } => 1_000,
            Self::ShaCrypt { rounds, .. } => u64::from(*rounds) * 2,
            // `$2b$12$…`
            Self::Bcrypt(word) => {
                let cost = word.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
                BCRYPT << cost.unwrap_or(0).min(BCRYPT_COST_MAX)
            }
        }
    }

    /// The error is the reason, and tells nothing of the word.
    pub(crate) fn parse(word: &str) -> Result<Self, &'static str> {
        if word.is_empty() {
            Err("no password behind the colon")
        } else if let Some(text) = word.strip_prefix("{PLAIN}") {
            Ok(Self::Plain(text.as_bytes().to_vec()))
        } else if let Some(text) = word.strip_prefix("{SHA}") {
            let digest = base64(text).and_then(|bytes| bytes.try_into().ok());
            let digest = digest.ok_or("`{SHA}` without the Base64 of 20 bytes")?;
            Ok(Self::Sha1 { digest, salt: Vec::new() })
        } else if let Some(text) = word.strip_prefix("{SSHA}") {
            let bytes = base64(text).unwrap_or_default();
            let (digest, salt) = bytes
                .split_first_chunk()
                .ok_or("`{SSHA}` without the Base64 of 20 bytes and a salt")?;
            Ok(Self::Sha1 { digest: *digest, salt: salt.to_vec() })
        } else if let Some(rest) = word.strip_prefix("$apr1$") {
            md5_crypt("$apr1$", rest)
        } else if let Some(rest) = word.strip_prefix("$1$") {
            md5_crypt("$1$", rest)
        } else if let Some(rest) = word.strip_prefix("$5$") {
            sha_crypt(Width::Sha256, rest)
        } else if let Some(rest) = word.strip_prefix("$6$") {
            sha_crypt(Width::Sha512, rest)
        } else if ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|it| word.starts_with(it)) {
            bcrypt(word)
        } else {
            Err("no hash known here: bcrypt, $apr1$, $1$, $5$, $6$, {SHA}, {SSHA} or {PLAIN}")
        }
    }
}

fn md5_crypt(magic: &'static str, rest: &str) -> Result<Hash, &'static str> {
    let (salt, digest) = rest.split_once('$').ok_or("no digest behind the salt")?;
    if salt.len() > MD5_CRYPT_SALT_BYTES_MAX {
        Err("a salt of more than 8 letters")
    } else if digest.len() != 22 || !is_crypt64(digest) {
        Err("a digest that has not 22 letters")
    } else {
        Ok(Hash::Md5Crypt { magic, salt: salt.to_owned(), digest: digest.to_owned() })
    }
}

fn sha_crypt(width: Width, rest: &str) -> Result<Hash, &'static str> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        None => (SHA_CRYPT_ROUNDS, rest),
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or("no salt behind the rounds")?;
            let rounds: u32 = rounds.parse().map_err(|_| "rounds that are no number")?;
            (rounds.max(SHA_CRYPT_ROUNDS_LEAST), rest)
        }
    };
    let (salt, digest) = rest.split_once('$').ok_or("no digest behind the salt")?;
    let letters = match width {
        Width::Sha256 => 43,
        Width::Sha512 => 86,
    };
    if rounds > SHA_CRYPT_ROUNDS_MAX {
        Err("more than 1000000 rounds")
    } else if digest.len() != letters || !is_crypt64(digest) {
        Err("a digest of another length")
    } else {
        let salt = salt.get(..SHA_CRYPT_SALT_BYTES_MAX).unwrap_or(salt).to_owned();
        Ok(Hash::ShaCrypt { width, rounds, salt, digest: digest.to_owned() })
    }
}

fn bcrypt(word: &str) -> Result<Hash, &'static str> {
    let rest = &word["$2y$".len()..];
    let cost = rest.split_once('$').and_then(|(cost, _)| cost.parse::<u32>().ok());
    match cost.ok_or("bcrypt without a cost")? {
        0..=3 => Err("bcrypt with a cost below 4"),
        cost if cost > BCRYPT_COST_MAX => Err("bcrypt with a cost over 16"),
        _ if word.len() != 60 || !word.get(7..).is_some_and(is_crypt64) => {
            Err("bcrypt that has not 60 letters")
        }
        _ => Ok(Hash::Bcrypt(word.to_owned())),
    }
}

fn is_crypt64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte))
}

/// RFC 4648, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in digits {
        let six = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_none_is_shown() {
        let text = "# staff\n\nann:$apr1$Xw7q3VfZ$0YgqLnWf3Yp1t2mE4xJ6O/:of the office\n\
            bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\n\
            cid:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n\
            dan:$5$rounds=1500$salt$abcdefghijklmnopqrstuvwxyz0123456789./ABCDE\n\
            eve:{PLAIN}secret\nann:{PLAIN}other\n";
        let users = Users::parse(text).unwrap();
        assert!(matches!(users.find(b"ann"), Some(Hash::Md5Crypt { magic: "$apr1$", .. })));
        assert!(matches!(users.find(b"bob"), Some(Hash::Sha1 { salt, .. }) if salt.is_empty()));
        assert!(matches!(users.find(b"cid"), Some(Hash::Bcrypt(_))));
        assert!(matches!(users.find(b"dan"), Some(Hash::ShaCrypt { rounds: 1_500, .. })));
        assert_eq!(users.find(b"eve"), Some(&Hash::Plain(b"secret".to_vec())));
        assert_eq!(users.find(b"fay"), None);
        assert_eq!(users.hardest(), users.find(b"cid"));
        let words = ["$2y$10$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC", "{PLAIN}a"];
        let work = words.map(|word| Hash::parse(word).unwrap().work());
        assert!(work[0] > users.hardest().map_or(0, Hash::work) && work[1] == 0, "{work:?}");
        assert!(!format!("{users:?}").contains("secret"));
    }

    #[test]
    fn a_bad_line_is_told_with_its_number_and_without_its_words() {
        for (line, reason) in [
            ("ann", "no colon behind a name"),
            (":x", "no name before the colon"),
            ("ann:", "no password behind the colon"),
            (
                "ann:rqXexS6ZhobKA",
                "no hash known here: bcrypt, $apr1$, $1$, $5$, $6$, {SHA}, {SSHA} or {PLAIN}",
            ),
            ("ann:$apr1$salt", "no digest behind the salt"),
            ("ann:$apr1$salt$short", "a digest that has not 22 letters"),
            ("ann:{SHA}!", "`{SHA}` without the Base64 of 20 bytes"),
            ("ann:$2y$99$", "bcrypt with a cost over 16"),
            ("ann:$2y$05$short", "bcrypt that has not 60 letters"),
            // Sixty bytes, of which the eighth begins no letter.
            (
                "ann:$2y$5$éaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "bcrypt that has not 60 letters",
            ),
            ("ann:$6$rounds=9999999$s$d", "more than 1000000 rounds"),
            ("ann:$6$s$d", "a digest of another length"),
        ] {
            let error = Users::parse(&format!("eve:{{PLAIN}}x\n{line}\n")).unwrap_err();
            assert_eq!((error.line, error.reason), (2, reason), "{line}");
        }
    }
}
