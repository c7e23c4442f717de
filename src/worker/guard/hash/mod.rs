//! Whether a password is the one that was hashed. Slow by design: nothing for a worker's own thread.
//!
//! Pure. Digests are compared without telling by time where they differ.

mod md5;
mod md5_crypt;
mod sha_crypt;

use std::hint::black_box;

use ring::digest;

use crate::config::users::{Hash, Width};

/// Letters of crypt's own base 64, which begins with its lowest bits.
const CRYPT64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn verifies(hash: &Hash, password: &[u8]) -> bool {
    match hash {
        Hash::Plain(text) => is_same(text, password),
        Hash::Sha1 { digest, salt } => {
            let own = [password, salt].concat();
            let own = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &own);
            is_same(own.as_ref(), digest)
        }
        Hash::Md5Crypt { magic, salt, digest } => {
            is_same(md5_crypt::digest(magic, salt, password).as_bytes(), digest.as_bytes())
        }
        Hash::ShaCrypt { width, rounds, salt, digest } => {
            let own = sha_crypt::digest(*width, *rounds, salt.as_bytes(), password);
            is_same(own.as_bytes(), digest.as_bytes())
        }
        // A word of another form was refused when the file was read.
        Hash::Bcrypt(word) => bcrypt::verify(password, word).unwrap_or(false),
    }
}

/// Equal in a time that depends on lengths alone.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing =
        one.iter().zip(other).fold(0, |sum, (one, other)| black_box(sum | (one ^ other)));
    one.len() == other.len() && differing == 0
}

/// Appends a word of up to four letters.
fn encode(out: &mut String, bytes: [u8; 3], letters: usize) {
    let [high, middle, low] = bytes.map(u32::from);
    let mut word = high << 16 | middle << 8 | low;
    for _ in 0..letters {
        out.push(char::from(CRYPT64[(word & 63) as usize]));
        word >>= 6;
    }
}

fn algorithm(width: Width) -> &'static digest::Algorithm {
    match width {
        Width::Sha256 => &digest::SHA256,
        Width::Sha512 => &digest::SHA512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_verify() {
        for (password, word) in [
            // The test vectors of the SHA-crypt specification.
            ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            (
                "Hello world!",
                "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
            ),
            (
                "Hello world!",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            // `openssl passwd`, and for bcrypt the vectors of its reference implementation.
            ("secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="),
            ("secret", "{PLAIN}secret"),
            ("secret", "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0"),
            ("secret", "$1$abc$iCQ2D3nhptRYi27fDYv2s1"),
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ] {
            let hash = Hash::parse(word).unwrap_or_else(|reason| panic!("{word}: {reason}"));
            assert!(verifies(&hash, password.as_bytes()), "{word}");
            for wrong in ["", "secreT", "Hello world", "Hello world!!", "U*U*"] {
                assert!(!verifies(&hash, wrong.as_bytes()), "{word} and {wrong:?}");
            }
        }
    }

    #[test]
    fn bytes_are_the_same_or_not() {
        assert!(is_same(b"", b"") && is_same(b"ab", b"ab"));
        assert!(!is_same(b"ab", b"ac") && !is_same(b"ab", b"a") && !is_same(b"", b"a"));
    }
}
