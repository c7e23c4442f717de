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
    /// A picture, an archive: nothing that is read as a language.
    Opaque,
}

impl<'h> Kind<'h> {
    /// By the value of `Content-Type`; `None` if there is none.
    pub(crate) fn of(content_type: Option<&'h [u8]>) -> Self {
        // What nobody named may be read as anything.
        let Some(value) = content_type else { return Self::Text };
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let media = value[..end].trim_ascii();
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
        } else if begins("text/")
            || media.is_empty()
            || is("application/graphql")
            || !media.contains(&b'/')
        {
            Self::Text
        } else if begins("image/")
            || begins("audio/")
            || begins("video/")
            || begins("font/")
            || begins("application/")
        {
            Self::Opaque
        } else {
            Self::Text
        }
    }
}

impl Inspection<'_> {
    pub(crate) fn body(&mut self, kind: Kind<'_>, body: &[u8]) {
        match kind {
            Kind::Form => self.pairs(Part::Form, body),
            Kind::Json => json::inspect(self, body),
            Kind::Xml => xml::inspect(self, body),
            Kind::Multipart { boundary } => multipart::inspect(self, boundary, body),
            Kind::Text => self.value(Spot { part: Part::Text, name: b"" }, body, Coding::Plain),
            Kind::Opaque => {}
        }
    }
}
