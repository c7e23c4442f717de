//! The corpora in `tests/corpus/firewall`, and the requests that are made of their lines.
//!
//! A line is one value as its receiver would read it; `⏎` stands for a line end, `␀` for a zero
//! byte. Attacks are sent in every position and encoding, honest values as browsers send them.

use std::fmt::Write as _;

use super::super::body::Kind;
use super::super::inspector::Inspector;

/// The lines of a file.
pub(super) fn lines(file: &str) -> Vec<String> {
    let path = std::path::Path::new("tests/corpus/firewall").join(file);
    let text = std::fs::read_to_string(&path).expect("tests run in the package's folder");
    text.lines().map(|line| line.replace('⏎', "\n").replace('␀', "\0")).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    Query,
    QueryName,
    Path,
    Header,
    Cookie,
    Form,
    Json,
    JsonEscaped,
    Multipart,
    Xml,
}

impl Position {
    pub(super) const ALL: [Self; 10] = [
        Self::Query,
        Self::QueryName,
        Self::Path,
        Self::Header,
        Self::Cookie,
        Self::Form,
        Self::Json,
        Self::JsonEscaped,
        Self::Multipart,
        Self::Xml,
    ];

    /// Where a value stands as it is, but for what the form around it asks for.
    pub(super) const OF_BODIES: [Self; 4] =
        [Self::Json, Self::JsonEscaped, Self::Multipart, Self::Xml];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As the position asks for it, and no more.
    Once,
    Twice,
    EveryByte,
    Unicode,
    MixedCase,
    /// Comments in place of spaces: SQL only.
    Comments,
    Tabs,
}

impl Encoding {
    pub(super) const ALL: [Self; 7] = [
        Self::Once,
        Self::Twice,
        Self::EveryByte,
        Self::Unicode,
        Self::MixedCase,
        Self::Comments,
        Self::Tabs,
    ];
}

pub(super) fn percent(text: &[u8], is_plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for &byte in text {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("memory");
        }
    }
    out
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The value as it is sent in a place whose values are percent-encoded.
fn in_percents(line: &str, encoding: Encoding) -> String {
    let text = match encoding {
        Encoding::MixedCase => mixed(line),
        Encoding::Comments => line.replace(' ', "/**/"),
        Encoding::Tabs => line.replace(' ', "\t"),
        _ => line.to_owned(),
    };
    let once = percent(text.as_bytes(), is_unreserved);
    match encoding {
        Encoding::Twice => percent(once.as_bytes(), is_unreserved),
        Encoding::EveryByte => percent(text.as_bytes(), |_| false),
        Encoding::Unicode => {
            let escaped = text.chars().map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' => character.to_string(),
                _ => {
                    let mut units = [0; 2];
                    let units = character.encode_utf16(&mut units);
                    escaped(units, "%u")
                }
            });
            escaped.collect()
        }
        _ => once,
    }
}

fn escaped(units: &[u16], sign: &str) -> String {
    let mut out = String::new();
    for unit in units {
        write!(out, "{sign}{unit:04x}").expect("memory");
    }
    out
}

/// Every second letter large.
fn mixed(line: &str) -> String {
    let case = |(at, character): (usize, char)| {
        if at % 2 == 0 { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() }
    };
    line.chars().enumerate().map(case).collect()
}

/// The score of a request with this value.
pub(super) fn score(line: &str, position: Position, encoding: Encoding) -> u32 {
    let mut inspector = Inspector::default();
    let mut inspection = inspector.inspect(&[]);
    let coded = in_percents(line, encoding);
    match position {
        Position::Query => inspection.target(format!("/shop?id=1&q={coded}&page=2").as_bytes()),
        Position::QueryName => inspection.target(format!("/shop?{coded}=1").as_bytes()),
        // Slashes of a path are what they are.
        Position::Path if encoding == Encoding::Once => {
            let kept = percent(line.as_bytes(), |byte| is_unreserved(byte) || byte == b'/');
            inspection.target(format!("/shop/{kept}").as_bytes());
        }
        Position::Path => inspection.target(format!("/shop/{coded}").as_bytes()),
        Position::Header => inspection.header(b"X-Tag", coded.as_bytes()),
        Position::Cookie => {
            inspection.header(b"Cookie", format!("a=1; tag={coded}; b=2").as_bytes());
        }
        Position::Form => {
            inspection
                .body(Kind::Form, format!("a=1&tag={coded}&b=2").replace("%20", "+").as_bytes());
        }
        Position::Json | Position::JsonEscaped | Position::Multipart | Position::Xml => {
            let text = match encoding {
                Encoding::MixedCase => mixed(line),
                Encoding::Comments => line.replace(' ', "/**/"),
                Encoding::Tabs => line.replace(' ', "\t"),
                Encoding::Once => line.to_owned(),
                _ => coded,
            };
            in_body(&mut inspection, position, &text);
        }
    }
    inspector.score()
}

fn in_body(
    inspection: &mut super::super::inspector::Inspection<'_>,
    position: Position,
    text: &str,
) {
    match position {
        Position::Json => {
            let quoted = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
                .replace('\t', "\\t")
                .replace('\0', "\\u0000");
            let body = format!("{{\"a\": 1, \"tags\": [\"x\", \"{quoted}\"], \"b\": true}}");
            inspection.body(Kind::Json, body.as_bytes());
        }
        Position::JsonEscaped => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let quoted = escaped(&units, "\\u");
            inspection.body(Kind::Json, format!("{{\"tag\":\"{quoted}\"}}").as_bytes());
        }
        Position::Multipart => {
            let body = format!(
                "--xyz\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\n{text}\r\n--xyz--\r\n"
            );
            inspection.body(Kind::Multipart { boundary: b"xyz" }, body.as_bytes());
        }
        _ => {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            inspection.body(Kind::Xml, format!("<a><tag>{escaped}</tag></a>").as_bytes());
        }
    }
}
