//! The values of a request's body, by what its head says that the body is.
//!
//! Only the beginning of a long body may be there; what was cut is judged as far as it goes.

mod json;
mod multipart;
mod xml;

use super::finding::Part;
use super::inspector::{Inspection, Spot};
use super::normal::Coding;

/// What a body is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'h> {
    Form,
    Json,
    Xml,
    Multipart {
        boundary: &'h [u8],
    },
    Text,
    /// What nobody named, or nobody knows: a form to one reader, and a text to another.
    Unknown,
    /// A picture, an archive: nothing that is read as a language.
    Opaque,
}

/// Media that nobody reads as a language.
const OPAQUE: [&str; 10] = [
    "application/octet-stream",
    "application/zip",
    "application/x-zip-compressed",
    "application/gzip",
    "application/x-gzip",
    "application/pdf",
    "application/protobuf",
    "application/x-protobuf",
    "application/vnd.google.protobuf",
    "application/wasm",
];
const OPAQUE_BEGINNINGS: [&str; 5] = ["application/grpc", "image/", "audio/", "video/", "font/"];

impl<'h> Kind<'h> {
    /// By the value of `Content-Type`; `None` if there is none.
    pub(crate) fn of(content_type: Option<&'h [u8]>) -> Self {
        // What nobody named may be read as anything.
        let Some(value) = content_type else { return Self::Unknown };
        let value = value.trim_ascii();
        let is_end = |byte: &u8| matches!(byte, b';' | b',') || byte.is_ascii_whitespace();
        let end = value.iter().position(is_end).unwrap_or(value.len());
        let media = &value[..end];
        // Of two, the next reader may go by the other.
        let rest = value[end..].trim_ascii_start();
        let is_only = !value.contains(&b',') && rest.first().is_none_or(|byte| *byte == b';');
        let is = |name: &str| media.eq_ignore_ascii_case(name.as_bytes());
        let ends = |name: &str| {
            media
                .len()
                .checked_sub(name.len())
                .is_some_and(|start| media[start..].eq_ignore_ascii_case(name.as_bytes()))
        };
        let begins = |name: &str| {
            media.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes()))
        };
        if is("application/x-www-form-urlencoded") {
            Self::Form
        } else if is("multipart/form-data") || is("multipart/mixed") || is("multipart/related") {
            // Without a boundary it is what its reader makes of it.
            multipart::boundary(value).map_or(Self::Text, |boundary| Self::Multipart { boundary })
        } else if is("application/json")
            || ends("+json")
            || is("text/json")
            || is("application/x-ndjson")
        {
            Self::Json
        } else if is("application/xml") || is("text/xml") || ends("+xml") {
            Self::Xml
        } else if begins("text/") || is("application/graphql") {
            Self::Text
        } else if is_only
            && (OPAQUE.into_iter().any(is) || OPAQUE_BEGINNINGS.into_iter().any(begins))
        {
            Self::Opaque
        } else {
            Self::Unknown
        }
    }
}

/// Whether a body of which nobody says what it is holds data: in a text, in whatever alphabet, there
/// are next to no control characters.
fn is_data(body: &[u8]) -> bool {
    let is_odd = |byte: &&u8| byte.is_ascii_control() && !b"\t\n\r\x0b\x0c\x1b".contains(byte);
    body.iter().filter(is_odd).count() * TEXT_BYTES_PER_CONTROL > body.len()
}

/// What is random has one in ten.
const TEXT_BYTES_PER_CONTROL: usize = 32;

impl Inspection<'_> {
    pub(crate) fn body(&mut self, kind: Kind<'_>, body: &[u8]) {
        match kind {
            Kind::Form => self.pairs(Part::Form, body),
            Kind::Json => json::inspect(self, body),
            Kind::Xml => xml::inspect(self, body),
            Kind::Multipart { boundary } => multipart::inspect(self, boundary, body),
            Kind::Text => self.value(Spot { part: Part::Text, name: b"" }, body, Coding::Plain),
            Kind::Unknown if is_data(body) => {}
            Kind::Unknown => self.worse(
                |it| it.pairs(Part::Form, body),
                |it| it.value(Spot { part: Part::Text, name: b"" }, body, Coding::Plain),
            ),
            Kind::Opaque => {}
        }
    }
}
