//! One line of a log: a text with variables, or JSON of fixed members.
//!
//! Whatever a client sent, a line is one line, and a JSON line is valid JSON in UTF-8. Allocates
//! nothing unless there is something to escape.

use crate::config::model::access_log::{self, Escape};
use crate::config::template::{Part, Template, Variable};
use crate::worker::variables::{Facts, Value};

pub(super) enum Format {
    Text { template: Template, escape: Escape },
    Json(Vec<Member>),
}

/// A member of a JSON line.
pub(super) struct Member {
    /// With all that stands before the value.
    before: String,
    variable: Variable,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

impl Format {
    pub(super) fn compile(format: &access_log::Format) -> Self {
        match format {
            access_log::Format::Text { template, escape } => {
                Self::Text { template: template.clone(), escape: *escape }
            }
            access_log::Format::Json => Self::Json(members()),
        }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let (template, members) = match self {
            Self::Text { template, .. } => (Some(template), &[][..]),
            Self::Json(members) => (None, members.as_slice()),
        };
        let of_template = template.into_iter().flat_map(Template::variables);
        of_template.chain(members.iter().map(|member| &member.variable))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, facts: &Facts<'_>) {
        match self {
            Self::Text { template, escape } => {
                for part in &template.parts {
                    match part {
                        Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                        Part::Variable(variable) => value(out, variable, *escape, facts),
                    }
                }
                out.push(b'\n');
            }
            Self::Json(members) => {
                for member in members {
                    out.extend_from_slice(member.before.as_bytes());
                    member.write(out, facts);
                }
                out.extend_from_slice(b"}\n");
            }
        }
    }
}

fn value(out: &mut Vec<u8>, variable: &Variable, escape: Escape, facts: &Facts<'_>) {
    let start = out.len();
    let written = facts.write(out, variable);
    match (escape, written) {
        (Escape::Default, Value::Absent) => out.push(b'-'),
        (Escape::Default, Value::Written) => escape_default(out, start),
        (Escape::Json, _) => escape_json(out, start),
        // A line stays one line, whatever is not escaped otherwise.
        (Escape::None, _) => {
            out[start..].iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
        }
    }
}

impl Member {
    fn write(&self, out: &mut Vec<u8>, facts: &Facts<'_>) {
        let start = out.len();
        match (self.kind, facts.write(out, &self.variable)) {
            (_, Value::Absent) => out.extend_from_slice(b"null"),
            (Kind::Number, Value::Written) => {}
            (Kind::Text, Value::Written) => {
                out.insert(start, b'"');
                escape_json(out, start + 1);
                out.push(b'"');
            }
        }
    }
}

/// The documented members, in their order.
fn members() -> Vec<Member> {
    let header = |name: &str| Variable::RequestHeader(name.to_owned());
    let list = [
        ("time", Variable::TimeIso8601, Kind::Text),
        ("msec", Variable::Msec, Kind::Number),
        ("client", Variable::RemoteAddr, Kind::Text),
        ("user", Variable::RemoteUser, Kind::Text),
        ("method", Variable::RequestMethod, Kind::Text),
        ("host", Variable::Host, Kind::Text),
        ("uri", Variable::RequestUri, Kind::Text),
        ("request", Variable::Request, Kind::Text),
        ("protocol", Variable::ServerProtocol, Kind::Text),
        ("status", Variable::Status, Kind::Number),
        ("bytes_sent", Variable::BytesSent, Kind::Number),
        ("body_bytes_sent", Variable::BodyBytesSent, Kind::Number),
        ("request_length", Variable::RequestLength, Kind::Number),
        ("request_time", Variable::RequestTime, Kind::Number),
        ("referer", header("referer"), Kind::Text),
        ("user_agent", header("user_agent"), Kind::Text),
        ("forwarded_for", header("x_forwarded_for"), Kind::Text),
        ("server", Variable::ServerName, Kind::Text),
        ("upstream", Variable::UpstreamName, Kind::Text),
        ("upstream_addr", Variable::UpstreamAddr, Kind::Text),
        ("upstream_status", Variable::UpstreamStatus, Kind::Text),
        ("upstream_connect_time", Variable::UpstreamConnectTime, Kind::Text),
        ("upstream_header_time", Variable::UpstreamHeaderTime, Kind::Text),
        ("upstream_response_time", Variable::UpstreamResponseTime, Kind::Text),
        ("connection", Variable::Connection, Kind::Number),
        ("connection_requests", Variable::ConnectionRequests, Kind::Number),
    ];
    let member = |(at, (name, variable, kind)): (usize, (&str, Variable, Kind))| {
        let open = if at == 0 { '{' } else { ',' };
        Member { before: format!("{open}\"{name}\":"), variable, kind }
    };
    list.into_iter().enumerate().map(member).collect()
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn hex(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

fn is_plain(byte: u8) -> bool {
    (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\')
}

/// Takes away what is behind `start` from the first byte on that is to be escaped; `None`: there is none.
fn split_before_escapes(out: &mut Vec<u8>, start: usize) -> Option<Vec<u8>> {
    let text = &out[start..];
    // To look at all of them is quicker than to stop at one, which hardly ever is there.
    if text.iter().fold(true, |are_plain, byte| are_plain & is_plain(*byte)) {
        return None;
    }
    let at = text.iter().position(|byte| !is_plain(*byte))?;
    Some(out.split_off(start + at))
}

/// nginx's `escape=default`, for the part of `out` from `start` on.
fn escape_default(out: &mut Vec<u8>, start: usize) {
    let Some(rest) = split_before_escapes(out, start) else { return };
    for byte in rest {
        if is_plain(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(b"\\x");
            out.extend_from_slice(&hex(byte));
        }
    }
}

/// What stands between the quotes of a JSON string; what is not UTF-8 becomes U+FFFD.
fn escape_json(out: &mut Vec<u8>, start: usize) {
    let Some(rest) = split_before_escapes(out, start) else { return };
    for chunk in rest.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                // C1 controls too: a log is read on terminals.
                control if control.is_control() => {
                    out.extend_from_slice(b"\\u00");
                    out.extend_from_slice(&hex(control as u8));
                }
                character => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_as_nginx_does_it() {
        for (value, expected) in [
            (&b"plain /path?x=1"[..], "plain /path?x=1"),
            (b"a\"b\\c", "a\\x22b\\x5Cc"),
            (b"\n\x7f\xff", "\\x0A\\x7F\\xFF"),
            ("ü".as_bytes(), "\\xC3\\xBC"),
        ] {
            let mut out = b"before\"".to_vec();
            escape_default(&mut out, 7);
            out.extend_from_slice(value);
            escape_default(&mut out, 7);
            assert_eq!(String::from_utf8(out).unwrap(), format!("before\"{expected}"));
        }
    }

    #[test]
    fn any_bytes_are_a_json_string() {
        for first in 0..=255 {
            for second in [0, b'"', b'\\', b'a', 0x7f, 0xc3, 0xff] {
                let mut out = vec![b'"', first, second, first];
                escape_json(&mut out, 1);
                out.push(b'"');
                let text = String::from_utf8(out).expect("UTF-8");
                assert!(!text.chars().any(char::is_control), "{text:?}");
                let mut parsed = text[1..text.len() - 1].chars();
                while let Some(character) = parsed.next() {
                    assert_ne!(character, '"', "{text}");
                    if character == '\\' {
                        let escape = parsed.next().expect("a whole escape");
                        assert!(matches!(escape, '"' | '\\' | 'n' | 'r' | 't' | 'u'), "{text}");
                    }
                }
            }
        }
    }
}
