//! Which engine is meant on a command line: a socket here, or `ssh://[user@]host[:port][/which]`
//! elsewhere, where `which` is an engine's name or the path of its socket.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Near(PathBuf),
    Far(Far),
}

/// An engine that is reached by ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Far {
    pub(crate) user: Option<String>,
    /// Also an alias of ssh's own configuration.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) which: Which,
}

/// Which of a host's engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that `pilothouse` without more words would open there.
    Default,
    Named(String),
    Socket(String),
}

const SCHEME: &str = "ssh://";

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix(SCHEME) {
            Some(rest) => far(rest).map(Self::Far).map_err(|why| format!("{text}: {why}")),
            None if text.contains("://") => Err(format!(
                "{text}: expected a socket's path, or ssh://[user@]host[:port][/engine]"
            )),
            None if text.is_empty() => Err("expected a socket's path".to_owned()),
            None => Ok(Self::Near(PathBuf::from(text))),
        }
    }
}

fn far(text: &str) -> Result<Far, String> {
    let (place, path) = match text.find('/') {
        Some(at) => (&text[..at], &text[at..]),
        None => (text, ""),
    };
    let (user, place) = match place.rsplit_once('@') {
        Some((user, place)) => (Some(word("user", user)?), place),
        None => (None, place),
    };
    // An address of IPv6 stands in brackets, since it holds colons itself.
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().map_err(|_| format!("`{port}` is no port"))?),
        None => None,
    };
    Ok(Far { user, host: word("host", host)?, port, which: which(path)? })
}

/// What ssh could take for one of its options, or a shell for more than a word, is no name.
fn word(what: &str, text: &str) -> Result<String, String> {
    let is_plain = |char: char| char.is_alphanumeric() || "._-:%+".contains(char);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
        return Err(format!("`{}` is no {what}", text.escape_debug()));
    }
    Ok(text.to_owned())
}

fn which(path: &str) -> Result<Which, String> {
    let name = path.trim_matches('/');
    if name.is_empty() {
        return Ok(Which::Default);
    }
    if !name.contains('/') && Path::new(name).extension() != Some(OsStr::new("sock")) {
        return word("engine", name).map(Which::Named);
    }
    // ssh parts the two ends of a forwarding by a colon.
    if path.chars().any(|char| char.is_control() || char == ':') {
        return Err(format!("`{}` can not be forwarded by ssh", path.escape_debug()));
    }
    Ok(Which::Socket(path.to_owned()))
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.which {
            Which::Default => Ok(()),
            Which::Named(name) => write!(f, "/{name}"),
            Which::Socket(path) => f.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written_alike() {
        for text in [
            "ssh://edge1",
            "ssh://ana@edge1",
            "ssh://ana@edge1:2222/default",
            "ssh://[::1]:22",
            "ssh://edge1/run/pilothouse/default/control.sock",
            "ssh://edge1/control.sock",
        ] {
            match Target::parse(text) {
                Ok(Target::Far(far)) => assert_eq!(far.to_string(), text),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(Target::parse("run/a.sock"), Ok(Target::Near(PathBuf::from("run/a.sock"))));
    }

    #[test]
    fn what_is_no_target_is_said_with_its_part() {
        for (text, part) in [
            ("ssh://", "no host"),
            ("ssh://-oProxyCommand=x", "no host"),
            ("ssh://-l@edge1", "no user"),
            ("ssh://edge1:many", "no port"),
            ("ssh://edge1:99999", "no port"),
            ("ssh://edge1/a;b", "no engine"),
            ("ssh://edge1/$(x)", "no engine"),
            ("ssh://edge1/run/a:b.sock", "can not be forwarded"),
            ("https://edge1", "expected a socket's path"),
            ("", "expected a socket's path"),
        ] {
            let why = Target::parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
