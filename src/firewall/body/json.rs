//! The strings of a JSON text, each by the name of what it belongs to.
//!
//! Reads tokens, not the grammar: a text that is no JSON to one reader may be some to another, so
//! whatever stands between quotes is a string, and what is outside of them and no number or word is
//! judged as it stands.

use std::ops::Range;

use super::super::JSON_DEPTH_MAX;
use super::super::finding::Part;
use super::super::inspector::{Inspection, Spot};
use super::super::normal::Coding;

pub(super) fn inspect(inspection: &mut Inspection<'_>, body: &[u8]) {
    let mut reader = Reader { body, at: 0 };
    let mut text = Vec::new();
    let mut names = Names::default();
    while let Some(&byte) = body.get(reader.at) {
        match byte {
            b'"' => {
                reader.string(&mut text);
                if reader.is_name() {
                    names.set(&text);
                    inspection.name(Part::Json, &text, Coding::Plain);
                } else {
                    inspection.value(names.spot(), &text, Coding::Plain);
                    names.restore();
                }
            }
            b'{' | b'[' => {
                names.enter();
                reader.at += 1;
                if names.outer.len() > JSON_DEPTH_MAX {
                    break;
                }
            }
            b'}' | b']' => {
                names.leave();
                reader.at += 1;
            }
            b',' => {
                names.restore();
                reader.at += 1;
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => reader.at += 1,
            _ => {
                let bare = reader.bare();
                inspection.value(names.spot(), bare, Coding::Plain);
                names.restore();
            }
        }
        if inspection.is_exhausted() {
            return;
        }
    }
    // Deeper than any reader should go: the rest is a text.
    if let Some(rest @ [_, ..]) = body.get(reader.at..) {
        inspection.value(names.spot(), rest, Coding::Plain);
    }
}

/// The name of what is read, and those of the lists and tables around it, whose own each has again
/// behind a value.
#[derive(Default)]
struct Names {
    /// The names in each other, one behind the other.
    text: Vec<u8>,
    current: Range<usize>,
    outer: Vec<Range<usize>>,
}

impl Names {
    fn spot(&self) -> Spot<'_> {
        Spot { part: Part::Json, name: &self.text[self.current.clone()] }
    }

    fn set(&mut self, name: &[u8]) {
        let start = self.outer.last().map_or(0, |outer| outer.end);
        self.text.truncate(start);
        self.text.extend_from_slice(name);
        self.current = start..self.text.len();
    }

    fn enter(&mut self) {
        self.outer.push(self.current.clone());
    }

    fn leave(&mut self) {
        self.outer.pop();
        self.restore();
    }

    fn restore(&mut self) {
        self.current = self.outer.last().cloned().unwrap_or_default();
    }
}

struct Reader<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    /// Writes the string that begins here without its escapes.
    fn string(&mut self, text: &mut Vec<u8>) {
        text.clear();
        self.at += 1;
        while let Some(rest) = self.body.get(self.at..).filter(|rest| !rest.is_empty()) {
            let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            text.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match rest.get(plain) {
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(_) => self.escape(&rest[plain..], text),
                None => return,
            }
        }
    }

    fn escape(&mut self, rest: &[u8], text: &mut Vec<u8>) {
        let (byte, read) = match rest.get(1) {
            Some(b'n') => (b'\n', 2),
            Some(b't') => (b'\t', 2),
            Some(b'r') => (b'\r', 2),
            Some(b'b' | b'f') => (b' ', 2),
            Some(b'u') => {
                self.at += unicode(rest, text);
                return;
            }
            Some(&byte) => (byte, 2),
            None => (b'\\', 1),
        };
        text.push(byte);
        self.at += read;
    }

    /// Whether the string that was read is the name of what follows.
    fn is_name(&self) -> bool {
        let rest = &self.body[self.at.min(self.body.len())..];
        rest.iter().take(SPACES_MAX).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }

    /// What stands outside of strings.
    fn bare(&mut self) -> &'b [u8] {
        let rest = &self.body[self.at..];
        let is_end = |byte: &u8| matches!(byte, b'"' | b',' | b':' | b'{' | b'}' | b'[' | b']');
        let length = rest.iter().position(is_end).unwrap_or(rest.len()).max(1);
        self.at += length;
        &rest[..length]
    }
}

/// White space between a name and its colon.
const SPACES_MAX: usize = 64;

/// `\u0041`; pairs of surrogates stand for nothing that detectors know. The bytes read.
fn unicode(rest: &[u8], text: &mut Vec<u8>) -> usize {
    let value = rest.get(2..6).and_then(|digits| {
        digits
            .iter()
            .try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
    });
    let Some(value) = value else {
        text.extend_from_slice(b"\\u");
        return 2;
    };
    let character = char::from_u32(value).unwrap_or('?');
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    6
}
