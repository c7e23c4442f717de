//! The texts of an XML document: what stands between tags, and the values of attributes.
//!
//! Tags are the document's own and no markup that somebody smuggled in; entities and instructions
//! are judged whole.

use super::super::finding::Part;
use super::super::inspector::{Inspection, Spot};
use super::super::normal::Coding;

const CDATA: &[u8] = b"<![CDATA[";

pub(super) fn inspect(inspection: &mut Inspection<'_>, body: &[u8]) {
    let mut rest = body;
    let mut name: &[u8] = b"";
    while !rest.is_empty() && !inspection.is_exhausted() {
        let open = memchr::memchr(b'<', rest).unwrap_or(rest.len());
        let (text, tag) = rest.split_at(open);
        if !text.trim_ascii().is_empty() {
            inspection.value(Spot { part: Part::Xml, name }, text, Coding::Plain);
        }
        rest = match tag {
            [] => tag,
            // As far as the document type reaches, or a section that is no markup.
            [b'<', b'!', ..] => {
                let is_data = tag.starts_with(CDATA);
                let end: &[u8] = if is_data { b"]]>" } else { b">" };
                let length = match memchr::memmem::find(tag, end) {
                    // An entity has tags of its own inside of the type's brackets.
                    Some(_) if !is_data && tag.contains(&b'[') => tag.len(),
                    Some(found) => found + end.len(),
                    None => tag.len(),
                };
                let from = if is_data { CDATA.len() } else { 0 };
                inspection.value(Spot { part: Part::Xml, name }, &tag[from..length], Coding::Plain);
                &tag[length..]
            }
            [_, ..] => {
                let length = memchr::memchr(b'>', tag).map_or(tag.len(), |end| end + 1);
                name = attributes(inspection, &tag[1..length]);
                &tag[length..]
            }
        };
    }
}

/// Judges the attributes of a tag, and tells the name of what follows: none behind the end of an
/// element.
fn attributes<'b>(inspection: &mut Inspection<'_>, tag: &'b [u8]) -> &'b [u8] {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let length = tag.iter().position(is_end).unwrap_or(tag.len());
    let name = &tag[..length];
    let mut rest = &tag[length..];
    while let Some(start) = memchr::memchr2(b'"', b'\'', rest) {
        let quote = rest[start];
        let value = &rest[start + 1..];
        let end = memchr::memchr(quote, value).unwrap_or(value.len());
        inspection.value(Spot { part: Part::Xml, name }, &value[..end], Coding::Plain);
        rest = value.get(end + 1..).unwrap_or_default();
    }
    // The name of a closing tag is empty: its slash ends it.
    if tag.ends_with(b"/>") { b"" } else { name }
}
