//! What an event says beyond its name: Supervisor's words. Announces nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::config::model::listener::Subject;
use crate::supervise::state::Shown;

/// What every event about a process says of it.
pub(in crate::master::programs) struct Named<'a> {
    pub(in crate::master::programs) process: &'a str,
    pub(in crate::master::programs) group: &'a str,
}

impl Named<'_> {
    pub(super) fn state(&self, from: Shown, about: &str) -> String {
        let Self { process, group } = self;
        let from = state(from);
        let space = if about.is_empty() { "" } else { " " };
        format!("processname:{process} groupname:{group} from_state:{from}{space}{about}")
    }

    /// Bytes of the process's own.
    pub(in crate::master::programs) fn said(&self, about: &str, bytes: &[u8]) -> String {
        let Self { process, group } = self;
        format!("processname:{process} groupname:{group} {about}\n{}", text(bytes))
    }
}

/// As text, or as Supervisor shows what is none: Python's way to write bytes.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut shown = format!("Undecodable: b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'\t' => shown.push_str("\\t"),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\'' if quote == '\'' => shown.push_str("\\'"),
            b' '..=b'~' => shown.push(char::from(*byte)),
            // Text can always be written to.
            _ => write!(shown, "\\x{byte:02x}").expect("a String takes everything"),
        }
    }
    shown.push(quote);
    Cow::Owned(shown)
}

pub(super) fn group(name: &str) -> String {
    format!("groupname:{name}\n")
}

pub(super) fn tick(when_s: u64) -> String {
    format!("when:{when_s}")
}

pub(super) fn remote(kind: &str, data: &str) -> String {
    format!("type:{kind}\n{data}")
}

fn state(shown: Shown) -> &'static str {
    match shown {
        Shown::Stopped => "STOPPED",
        Shown::Starting => "STARTING",
        Shown::Running => "RUNNING",
        Shown::Backoff => "BACKOFF",
        Shown::Stopping => "STOPPING",
        Shown::Exited => "EXITED",
        Shown::Fatal => "FATAL",
    }
}

pub(super) fn subject(shown: Shown) -> Subject {
    match shown {
        Shown::Stopped => Subject::ProcessStateStopped,
        Shown::Starting => Subject::ProcessStateStarting,
        Shown::Running => Subject::ProcessStateRunning,
        Shown::Backoff => Subject::ProcessStateBackoff,
        Shown::Stopping => Subject::ProcessStateStopping,
        Shown::Exited => Subject::ProcessStateExited,
        Shown::Fatal => Subject::ProcessStateFatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_shown_as_python_shows_bytes() {
        for (bytes, expected) in [
            (&b"plain\xc3\xa9\n"[..], "plain\u{e9}\n"),
            (b"\xff'\\\t\r\n\0~\x7f", r#"Undecodable: b"\xff'\\\t\r\n\x00~\x7f""#),
            (b"\xff'\"", r#"Undecodable: b'\xff\'"'"#),
            (b"\xc3", r"Undecodable: b'\xc3'"),
        ] {
            assert_eq!(text(bytes), expected);
        }
    }
}
