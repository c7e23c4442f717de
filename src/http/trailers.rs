//! The field lines behind a chunked body, judged as a whole once they are all there.
//!
//! Trailers pass, but never those that would mean something else to a receiver that treats them like
//! headers (RFC 9110, 6.5.1): what frames, routes, authenticates or describes a message belongs in its
//! head, where this proxy has judged it. They are left out; the message goes on without them.

use super::grammar::{is_text, is_token};
use super::head::{self, Kind};
use super::{Error, TRAILER_BYTES_MAX};

/// What the bytes behind the last chunk amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Partial,
    /// With the empty line that ends it.
    Complete {
        length: usize,
    },
}

/// Finds and judges the section at the front of `bytes`.
pub(crate) fn section(bytes: &[u8]) -> Result<Section, Error> {
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', bytes) {
        let line = bytes[start..at].strip_suffix(b"\r").ok_or(Error::Chunk)?;
        start = at + 1;
        if start > TRAILER_BYTES_MAX {
            return Err(Error::Chunk);
        }
        if line.is_empty() {
            return Ok(Section::Complete { length: start });
        }
        judge(line)?;
    }
    if bytes.len() > TRAILER_BYTES_MAX { Err(Error::Chunk) } else { Ok(Section::Partial) }
}

fn judge(line: &[u8]) -> Result<(), Error> {
    let name = name_of(line);
    let is_line = !name.is_empty()
        && name.len() < line.len()
        && name.iter().all(|&byte| is_token(byte))
        && line.iter().all(|&byte| is_text(byte));
    if is_line { Ok(()) } else { Err(Error::Chunk) }
}

/// What stands before the colon; all of a line without one.
fn name_of(line: &[u8]) -> &[u8] {
    &line[..memchr::memchr(b':', line).unwrap_or(line.len())]
}

/// Moves the lines that may pass together at the front of `section`, which is complete, and returns
/// how long they are with the empty line.
pub(crate) fn filter(section: &mut [u8]) -> usize {
    let mut kept = 0;
    let mut start = 0;
    while start < section.len() {
        let rest = &section[start..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        if may_pass(name_of(&rest[..length])) {
            section.copy_within(start..start + length, kept);
            kept += length;
        }
        start += length;
    }
    kept
}

/// RFC 9110's classes of fields that may not be trailers: request modifiers, authentication, response
/// control, content format. Framing, routing and forwarding have kinds of their own.
const HEADERS_ONLY: &[&str] = &[
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "cookie",
    "expires",
    "forwarded",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "location",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "retry-after",
    "set-cookie",
    "trailer",
    "vary",
    "via",
    "www-authenticate",
    "x-real-ip",
];

pub(crate) fn may_pass(name: &[u8]) -> bool {
    head::kind_of_request(name) == Kind::Other
        && !HEADERS_ONLY.iter().any(|known| is_disguised(name, known))
}

/// `name` is `known`, with underscores for hyphens or without.
fn is_disguised(name: &[u8], known: &str) -> bool {
    name.len() == known.len()
        && name.iter().zip(known.bytes()).all(|(&byte, known)| {
            byte.to_ascii_lowercase() == known || (byte == b'_' && known == b'-')
        })
}
