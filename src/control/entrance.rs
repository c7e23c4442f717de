//! Who is let in over TCP: whoever knows the token or the login, or, on loopback without one,
//! everyone who only reads and was not sent here by a web page.
//!
//! Pure. A page of some site can make a browser ask us, and by giving its own name our address it
//! could read the answer too; but then the request names that site as its host.

use std::fmt;
use std::hint::black_box;
use std::net::IpAddr;

use super::rpc::base64;
use super::sha1;
use super::wire::Role;

pub(crate) enum Entrance {
    /// For loopback: looking is free.
    ReadOnly,
    Token(Token),
    /// The same two for Supervisor's clients, who ask everything by POST.
    SupervisorReadOnly,
    Supervisor(Login),
}

/// What is understood behind an entrance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// The whole API.
    Api,
    /// Supervisor's protocol and nothing else.
    Supervisor,
}

/// Basic credentials (RFC 7617).
#[derive(Debug)]
pub(crate) struct Login {
    username: Token,
    password: Password,
}

#[derive(Debug)]
pub(crate) enum Password {
    Plain(Token),
    /// Its SHA-1.
    Sha1(sha1::Digest),
}

impl Login {
    pub(crate) fn new(username: &str, password: Password) -> Self {
        Self { username: Token::new(username), password }
    }

    /// Both are looked at, whichever is wrong.
    fn is(&self, username: &[u8], password: &[u8]) -> bool {
        let is_password = match &self.password {
            Password::Plain(token) => token.is(password),
            Password::Sha1(digest) => Token(digest.to_vec()).is(&sha1::digest(password)),
        };
        self.username.is(username) & is_password
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_same_password = match (&self.password, &other.password) {
            (Password::Plain(one), Password::Plain(other)) => one.is(&other.0),
            (Password::Sha1(one), Password::Sha1(other)) => one == other,
            (Password::Plain(_), Password::Sha1(_)) | (Password::Sha1(_), Password::Plain(_)) => {
                false
            }
        };
        is_same_password && self.username.is(&other.username.0)
    }
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
    #[error("expected `Authorization: Basic` with `username` and the password of `password_file`")]
    NoLogin,
    #[error("expected `Host` to be localhost or a loopback address")]
    ForeignHost,
    #[error("read-only over TCP: `token_file` in [control] allows to operate")]
    ReadOnly,
}

impl Entrance {
    /// What comes in here may do.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::ReadOnly | Self::SupervisorReadOnly => Role::Read,
            Self::Token(_) | Self::Supervisor(_) => Role::Operate,
        }
    }

    pub(crate) fn speech(&self) -> Speech {
        match self {
            Self::ReadOnly | Self::Token(_) => Speech::Api,
            Self::SupervisorReadOnly | Self::Supervisor(_) => Speech::Supervisor,
        }
    }

    pub(crate) fn judge(&self, asking: &Asking<'_>) -> Result<(), Refusal> {
        match self {
            Self::Supervisor(login) => {
                let given = asking.authorization.and_then(basic);
                let colon = given.as_ref().and_then(|given| memchr::memchr(b':', given));
                match given.as_deref().zip(colon) {
                    Some((given, at)) if login.is(&given[..at], &given[at + 1..]) => Ok(()),
                    Some(_) | None => Err(Refusal::NoLogin),
                }
            }
            // What such a call may do is seen when it has been read. No browser leaves the host out,
            // and Supervisor's client does when it follows a log.
            Self::SupervisorReadOnly => match asking.host {
                Some(b"") if asking.authority.is_none() => Ok(()),
                Some(_) | None if asking.is_for_loopback() => Ok(()),
                Some(_) | None => Err(Refusal::ForeignHost),
            },
            Self::Token(token) => match asking.authorization.and_then(bearer) {
                Some(given) if token.is(given) => Ok(()),
                Some(_) | None => Err(Refusal::NoToken),
            },
            Self::ReadOnly => match asking.method {
                _ if !asking.is_for_loopback() => Err(Refusal::ForeignHost),
                "GET" | "HEAD" => Ok(()),
                _ => Err(Refusal::ReadOnly),
            },
        }
    }

    /// Whether it lets in the same as another.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ReadOnly, Self::ReadOnly)
            | (Self::SupervisorReadOnly, Self::SupervisorReadOnly) => true,
            (Self::Token(one), Self::Token(other)) => one.is(&other.0),
            (Self::Supervisor(one), Self::Supervisor(other)) => one.is_same(other),
            (
                Self::ReadOnly | Self::SupervisorReadOnly | Self::Token(_) | Self::Supervisor(_),
                _,
            ) => false,
        }
    }
}

impl Asking<'_> {
    /// Whether whoever asks says that it is meant for this machine.
    fn is_for_loopback(&self) -> bool {
        let host = self.host.and_then(|host| std::str::from_utf8(host).ok());
        host.is_some_and(is_loopback) && self.authority.is_none_or(is_loopback)
    }
}

fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    credentials(authorization, b"bearer ")
}

/// `USERNAME:PASSWORD`.
fn basic(authorization: &[u8]) -> Option<Vec<u8>> {
    base64::decode(std::str::from_utf8(credentials(authorization, b"basic ")?).ok()?)
}

/// What follows the scheme, whose name is in any case (RFC 9110 11.1).
fn credentials<'a>(authorization: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (named, credentials) = authorization.split_at_checked(scheme.len())?;
    named.eq_ignore_ascii_case(scheme).then(|| credentials.trim_ascii())
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
    fn a_login_is_name_and_password() {
        let plain = || Password::Plain(Token::new("s3c:ret"));
        let entrance = Entrance::Supervisor(Login::new("ann", plain()));
        let hashed = Password::Sha1(sha1::digest(b"s3c:ret"));
        let by_digest = Entrance::Supervisor(Login::new("ann", hashed));
        for (login, is_let_in) in [
            ("ann:s3c:ret", true),
            ("ann:s3c", false),
            ("ann:", false),
            ("ann", false),
            ("", false),
            (":s3c:ret", false),
            ("bob:s3c:ret", false),
            ("Ann:s3c:ret", false),
            ("ann:{SHA}d0be2dc421be4fcd0172e5afceea3970e2f3d940", false),
        ] {
            let header = format!("BASIC {}", base64::encode(login.as_bytes()));
            for entrance in [&entrance, &by_digest] {
                let authorization = Some(header.as_bytes());
                let judged =
                    entrance.judge(&Asking { authorization, ..asking("POST", "evil.example") });
                assert_eq!(judged.is_ok(), is_let_in, "{login}: {judged:?}");
            }
        }
        for odd in [&b"Basic"[..], b"Basic ", b"Basic %%%%", b"Basic \xff", b"Bearer YW5uOnMzYw=="]
        {
            let judged = entrance.judge(&Asking { authorization: Some(odd), ..Asking::default() });
            assert_eq!(judged, Err(Refusal::NoLogin));
        }
        assert!(entrance.is_same(&Entrance::Supervisor(Login::new("ann", plain()))));
        assert!(!entrance.is_same(&Entrance::Supervisor(Login::new("bob", plain()))));
        assert!(!entrance.is_same(&by_digest) && !entrance.is_same(&Entrance::SupervisorReadOnly));
        assert!(!format!("{:?}", Login::new("ann", plain())).contains("s3c"));
    }

    #[test]
    fn supervisors_clients_may_look_from_this_machine() {
        let judge = |asking: &Asking<'_>| Entrance::SupervisorReadOnly.judge(asking);
        for host in ["localhost", "127.0.0.1:9001", ""] {
            assert_eq!(judge(&asking("POST", host)), Ok(()), "{host}");
            assert_eq!(judge(&asking("GET", host)), Ok(()), "{host}");
        }
        assert_eq!(judge(&asking("POST", "evil.example")), Err(Refusal::ForeignHost));
        assert_eq!(judge(&Asking::default()), Err(Refusal::ForeignHost));
        let proxied = Asking { authority: Some("evil.example"), ..asking("POST", "") };
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
