//! The strings of a JSON text, each by the name of what it belongs to.
//!
//! Reads tokens, not the grammar: a text that is no JSON to one reader may be some to another, so
//! whatever stands between quotes is a string, and what is outside of them and no number or word is
//! judged as it stands.

use super::super::JSON_DEPTH_MAX;
use super::super::finding::Part;
use super::super::inspector::{Inspection, Spot};
use super::super::normal::Coding;

pub(super) fn inspect(inspection: &mut Inspection<'_>, body: &[u8]) {
    let mut reader = Reader { body, at: 0 };
    let mut text = Vec::new();
    let mut name = Vec::new();
    let mut depth = 0_usize;
    while let Some(&byte) = body.get(reader.at) {
        match byte {
            b'"' => {
                reader.string(&mut text);
                if reader.is_name() {
                    std::mem::swap(&mut name, &mut text);
                    inspection.name(Part::Json, &name, Coding::Plain);
                } else {
                    inspection.value(Spot { part: Part::Json, name: &name }, &text, Coding::Plain);
                }
            }
            b'{' | b'[' => {
                depth += 1;
                reader.at += 1;
                if depth > JSON_DEPTH_MAX {
                    break;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                reader.at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => reader.at += 1,
            _ => {
                let bare = reader.bare();
                inspection.value(Spot { part: Part::Json, name: &name }, bare, Coding::Plain);
            }
        }
        if inspection.is_exhausted() {
            return;
        }
    }
    // Deeper than any reader should go: the rest is a text.
    if let Some(rest @ [_, ..]) = body.get(reader.at..) {
        inspection.value(Spot { part: Part::Json, name: &name }, rest, Coding::Plain);
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
