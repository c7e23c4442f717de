//! Who is let in over TCP: whoever knows the token, or, on loopback without one, everyone who only
//! reads and was not sent here by a web page.
//!
//! Pure. A page of some site can make a browser ask us, and by giving its own name our address it
//! could read the answer too; but then the request names that site as its host.

use std::fmt;
use std::hint::black_box;
use std::net::IpAddr;

use super::wire::Role;

pub(crate) enum Entrance {
    /// For loopback: looking is free.
    ReadOnly,
    Token(Token),
}

/// A secret; shown to nobody.
#[derive(Clone)]
pub(crate) struct Token(Vec<u8>);

impl Token {
    pub(crate) fn new(secret: &str) -> Self {
        Self(secret.as_bytes().to_vec())
    }

    /// Takes as long wherever the two differ.
    pub(crate) fn is(&self, other: &[u8]) -> bool {
        let differing = self.0.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other));
        black_box(differing) == 0 && self.0.len() == other.len()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// What a request says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a str,
    /// Of the target, where it is a whole URL.
    pub(crate) authority: Option<&'a str>,
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) authorization: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("expected `Authorization: Bearer` with the token of `token_file`")]
    NoToken,
    #[error("expected `Host` to be localhost or a loopback address")]
    ForeignHost,
    #[error("read-only over TCP: `token_file` in [control] allows to operate")]
    ReadOnly,
}

impl Entrance {
    /// What comes in here may do.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::ReadOnly => Role::Read,
            Self::Token(_) => Role::Operate,
        }
    }

    pub(crate) fn judge(&self, asking: &Asking<'_>) -> Result<(), Refusal> {
        match self {
            Self::Token(token) => match asking.authorization.and_then(bearer) {
                Some(given) if token.is(given) => Ok(()),
                Some(_) | None => Err(Refusal::NoToken),
            },
            Self::ReadOnly => {
                let host = asking.host.and_then(|host| std::str::from_utf8(host).ok());
                let is_ours =
                    host.is_some_and(is_loopback) && asking.authority.is_none_or(is_loopback);
                match asking.method {
                    _ if !is_ours => Err(Refusal::ForeignHost),
                    "GET" | "HEAD" => Ok(()),
                    _ => Err(Refusal::ReadOnly),
                }
            }
        }
    }

    /// Whether it lets in the same as another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ReadOnly, Self::ReadOnly) => true,
            (Self::Token(one), Self::Token(other)) => one.is(&other.0),
            (Self::ReadOnly, Self::Token(_)) | (Self::Token(_), Self::ReadOnly) => false,
        }
    }
}

/// The credentials of `Bearer TOKEN`; the scheme's name is in any case (RFC 9110 11.1).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, credentials) = authorization.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| credentials.trim_ascii())
}

/// A host, perhaps with a port, that no name server has a say in.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking<'a>(method: &'a str, host: &'a str) -> Asking<'a> {
        Asking { method, host: Some(host.as_bytes()), ..Asking::default() }
    }

    #[test]
    fn without_a_token_only_readers_of_this_machine_come_in() {
        for (host, is_ours) in [
            ("127.0.0.1:9900", true),
            ("127.8.9.1", true),
            ("localhost:1", true),
            ("LocalHost", true),
            ("[::1]:9900", true),
            ("[::1]", true),
            ("evil.example:9900", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:9900", false),
            ("0.0.0.0:9900", false),
            ("[::]", false),
            ("192.168.0.1", false),
            ("", false),
            ("user@localhost", false),
            ("127.0.0.1:80:80", false),
        ] {
            let judged = Entrance::ReadOnly.judge(&asking("GET", host));
            assert_eq!(judged.is_ok(), is_ours, "{host}: {judged:?}");
        }
        let judge = |asking: &Asking<'_>| Entrance::ReadOnly.judge(asking);
        assert_eq!(judge(&asking("HEAD", "localhost")), Ok(()));
        assert_eq!(judge(&asking("POST", "localhost")), Err(Refusal::ReadOnly));
        assert_eq!(judge(&asking("DELETE", "localhost")), Err(Refusal::ReadOnly));
        assert_eq!(judge(&asking("POST", "evil.example")), Err(Refusal::ForeignHost));
        assert_eq!(
            judge(&Asking { method: "GET", ..Asking::default() }),
            Err(Refusal::ForeignHost)
        );
        let proxied = Asking { authority: Some("evil.example"), ..asking("GET", "localhost") };
        assert_eq!(judge(&proxied), Err(Refusal::ForeignHost));
    }

    #[test]
    fn with_a_token_nothing_else_counts() {
        let entrance = Entrance::Token(Token::new("s3cret"));
        for (authorization, is_let_in) in [
            (Some("Bearer s3cret"), true),
            (Some("bearer  s3cret "), true),
            (Some("Bearer s3cre"), false),
            (Some("Bearer s3cretX"), false),
            (Some("Bearer "), false),
            (Some("Bearer"), false),
            (Some("Basic s3cret"), false),
            (Some("s3cret"), false),
            (Some(""), false),
            (None, false),
        ] {
            for method in ["GET", "POST"] {
                let authorization = authorization.map(str::as_bytes);
                let asking = Asking { authorization, ..asking(method, "evil.example") };
                let judged = entrance.judge(&asking);
                assert_eq!(judged.is_ok(), is_let_in, "{asking:?}");
            }
        }
        assert!(!entrance.is_same(&Entrance::ReadOnly));
        assert!(entrance.is_same(&Entrance::Token(Token::new("s3cret"))));
        assert!(!format!("{:?}", Token::new("s3cret")).contains("s3cret"));
    }
}
