//! The parts of a `multipart/form-data` body (RFC 7578): fields by their names, files by theirs.
//!
//! A file's content is nobody's query; its name, which ends up in paths and pages, is judged.

use super::super::finding::Part;
use super::super::inspector::{Inspection, Spot};
use super::super::normal::Coding;

/// RFC 2046, 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;
/// What is looked at of the header lines of one part.
const LINES_BYTES_MAX: usize = 2048;

/// The boundary that a `Content-Type` names.
pub(super) fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let value = parameter(content_type, b"boundary")?;
    (!value.is_empty() && value.len() <= BOUNDARY_BYTES_MAX).then_some(value)
}

/// The value of `name=…` or `name="…"` in a header line's value.
fn parameter<'v>(value: &'v [u8], name: &[u8]) -> Option<&'v [u8]> {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let before = rest[..at].trim_ascii_end();
        let start = before.len().checked_sub(name.len());
        let is_it = start.is_some_and(|start| {
            before[start..].eq_ignore_ascii_case(name)
                && (start == 0 || matches!(before[start - 1], b' ' | b';' | b'\t' | b'\n'))
        });
        let text = rest[at + 1..].trim_ascii_start();
        let (found, after) = if let [b'"', quoted @ ..] = text {
            let end = closing(quoted);
            (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
        } else {
            let is_end = |byte: &u8| matches!(byte, b';' | b' ' | b'\t' | b'\r' | b'\n');
            let end = text.iter().position(is_end).unwrap_or(text.len());
            (&text[..end], &text[end..])
        };
        if is_it {
            return Some(found);
        }
        rest = after;
    }
    None
}

/// Where a quoted text ends; a quote behind a backslash does not end it.
fn closing(quoted: &[u8]) -> usize {
    let mut is_escaped = false;
    for (at, &byte) in quoted.iter().enumerate() {
        match byte {
            b'"' if !is_escaped => return at,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    quoted.len()
}

pub(super) fn inspect(inspection: &mut Inspection<'_>, boundary: &[u8], body: &[u8]) {
    let mut delimiter = Vec::with_capacity(boundary.len() + 2);
    delimiter.extend_from_slice(b"--");
    delimiter.extend_from_slice(boundary);
    let finder = memchr::memmem::Finder::new(&delimiter);
    let Some(first) = finder.find(body) else {
        // No part of it can be told: whoever reads it finds another boundary, or a text.
        inspection.value(Spot { part: Part::Multipart, name: b"" }, body, Coding::Plain);
        return;
    };
    let mut rest = &body[first + delimiter.len()..];
    while !rest.is_empty() && !rest.starts_with(b"--") && !inspection.is_exhausted() {
        let end = finder.find(rest);
        let part = &rest[..end.unwrap_or(rest.len())];
        inspect_part(inspection, part);
        rest = end.map_or(&[][..], |end| &rest[end + delimiter.len()..]);
    }
}

fn inspect_part(inspection: &mut Inspection<'_>, part: &[u8]) {
    let part = part.trim_ascii_start();
    let lines_max = part.len().min(LINES_BYTES_MAX);
    let (lines, content) = match lines_end(&part[..lines_max]) {
        Some((end, start)) => (&part[..end], &part[start..]),
        None => (&part[..lines_max], &part[lines_max..]),
    };
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    let name = parameter(lines, b"name").unwrap_or_default();
    inspection.name(Part::Multipart, name, Coding::Plain);
    let files = [parameter(lines, b"filename"), parameter(lines, b"filename*")];
    let spot = Spot { part: Part::Multipart, name };
    for file in files.into_iter().flatten() {
        inspection.value(spot, file, Coding::Plain);
    }
    if files == [None, None] {
        inspection.value(spot, content, Coding::Plain);
    }
}

/// Where the lines end, and where the content begins.
fn lines_end(part: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr_iter(b'\n', part).find_map(|at| match &part[at + 1..] {
        [b'\n', ..] => Some((at, at + 2)),
        [b'\r', b'\n', ..] => Some((at, at + 3)),
        _ => None,
    })
}
