//! `GET /logtail/NAME[/stdout|stderr]` and `GET /mainlogtail`: the end of a log, and what comes.

use super::method::Channel;
use crate::control::percent;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    Main,
    Process {
        name: String,
        channel: Channel,
    },
    /// A log that no process has.
    Unknown,
}

/// As Supervisor matches these: by how the path begins.
pub(crate) fn parse(target: &str) -> Option<Tail> {
    let path = target.split('?').next().unwrap_or_default();
    if path.starts_with("/mainlogtail") {
        return Some(Tail::Main);
    }
    let rest = path.strip_prefix("/logtail")?;
    let Some(name) = percent::decode(rest.strip_prefix('/').unwrap_or_default()) else {
        return Some(Tail::Unknown);
    };
    let (name, channel) = name.split_once('/').unwrap_or((&name, "stdout"));
    let channel = match channel {
        "stdout" => Channel::Stdout,
        "stderr" => Channel::Stderr,
        _ => return Some(Tail::Unknown),
    };
    Some(Tail::Process { name: name.to_owned(), channel })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_channels_are_found() {
        let process = |name: &str, channel| Some(Tail::Process { name: name.to_owned(), channel });
        assert_eq!(parse("/logtail/cat"), process("cat", Channel::Stdout));
        assert_eq!(parse("/logtail/cat/stderr"), process("cat", Channel::Stderr));
        assert_eq!(parse("/logtail/g%3Ap%20q/stdout?x"), process("g:p q", Channel::Stdout));
        assert_eq!(parse("/logtail/cat/stdwhat"), Some(Tail::Unknown));
        assert_eq!(parse("/logtail"), process("", Channel::Stdout));
        assert_eq!(parse("/mainlogtail"), Some(Tail::Main));
        assert_eq!(parse("/v1/status"), None);
    }
}
