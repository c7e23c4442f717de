//! The grammar of heads (RFC 9112, 2 to 5), alike for requests and responses: where the parts of the
//! first line and the header lines lie. Nothing is judged here but which bytes may stand where.
//!
//! A bare LF ends a line as well, and empty lines before the first are passed over; folded lines and
//! blanks before the colon are refused. Eight bytes at a time are looked at where long runs are usual.
//! That httparse reads all heads the same is a property the tests hold.

use super::HEADERS_MAX;
use super::head::{Header, Kind, Span, Version};

/// Why there is no head in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// More bytes may make it one.
    Partial,
    Broken,
    Version,
    TooManyHeaders,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) version: Version,
    /// Where the header lines begin.
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) version: Version,
    /// Three digits, any.
    pub(super) status: u16,
    /// Empty when it is not plain ASCII: nobody could tell in which encoding it is.
    pub(super) reason: Span,
    /// Where the header lines begin.
    pub(super) end: usize,
}

/// Reads a request's first line: one blank between its parts.
pub(super) fn request_line(bytes: &[u8]) -> Result<RequestLine, Stop> {
    let start = skip_empty_lines(bytes)?;
    let method_end = start + run(&bytes[start..], is_token);
    if followed(bytes, method_end)? != b' ' || method_end == start {
        return Err(Stop::Broken);
    }
    let target_start = method_end + 1;
    let target_end = target_start + visible(&bytes[target_start..]);
    if followed(bytes, target_end)? != b' ' || target_end == target_start {
        return Err(Stop::Broken);
    }
    let target = &bytes[target_start..target_end];
    if !target.is_ascii() && std::str::from_utf8(target).is_err() {
        return Err(Stop::Broken);
    }
    let (version, version_end) = version(bytes, target_end + 1)?;
    let end = line_end(bytes, version_end)?;
    let (method, target) = (span(start, method_end), span(target_start, target_end));
    Ok(RequestLine { method, target, version, end })
}

/// Reads a response's first line. The reason and the blank before it may be missing; more blanks than
/// one are passed over.
pub(super) fn status_line(bytes: &[u8]) -> Result<StatusLine, Stop> {
    let start = skip_empty_lines(bytes)?;
    let (version, version_end) = version(bytes, start)?;
    if followed(bytes, version_end)? != b' ' {
        return Err(Stop::Version);
    }
    let mut at = skip_spaces(bytes, version_end)?;
    let mut status = 0;
    for _ in 0..3 {
        match followed(bytes, at)? {
            digit @ b'0'..=b'9' => status = status * 10 + u16::from(digit - b'0'),
            _ => return Err(Stop::Broken),
        }
        at += 1;
    }
    if followed(bytes, at)? != b' ' {
        return Ok(StatusLine { version, status, reason: span(at, at), end: line_end(bytes, at)? });
    }
    let reason_start = skip_spaces(bytes, at)?;
    let reason_end = reason_start + text(&bytes[reason_start..]);
    let end = line_end(bytes, reason_end)?;
    let is_plain = bytes[reason_start..reason_end].is_ascii();
    let reason = if is_plain { span(reason_start, reason_end) } else { span(at, at) };
    Ok(StatusLine { version, status, reason, end })
}

/// Reads the header lines that begin at `at` into `headers`, which is emptied first, and returns
/// where the empty line behind them ends. `kind_of` is told each name.
pub(super) fn header_lines(
    bytes: &[u8],
    mut at: usize,
    headers: &mut Vec<Header>,
    kind_of: impl Fn(&[u8]) -> Kind,
) -> Result<usize, Stop> {
    headers.clear();
    loop {
        if matches!(followed(bytes, at)?, b'\r' | b'\n') {
            return line_end(bytes, at);
        }
        let name_end = at + run(&bytes[at..], is_token);
        if followed(bytes, name_end)? != b':' || name_end == at {
            return Err(Stop::Broken);
        }
        let mut start = name_end + 1;
        while matches!(followed(bytes, start)?, b' ' | b'\t') {
            start += 1;
        }
        let mut end = start + text(&bytes[start..]);
        let line_end = line_end(bytes, end)?;
        if headers.len() == HEADERS_MAX {
            return Err(Stop::TooManyHeaders);
        }
        while end > start && matches!(bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        let kind = kind_of(&bytes[at..name_end]);
        headers.push(Header { name: span(at, name_end), value: span(start, end), kind });
        at = line_end;
    }
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// The byte at `at`, if it has come.
fn followed(bytes: &[u8], at: usize) -> Result<u8, Stop> {
    bytes.get(at).copied().ok_or(Stop::Partial)
}

/// Where the line that ends at `at` ends, with its LF.
fn line_end(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    match followed(bytes, at)? {
        b'\n' => Ok(at + 1),
        b'\r' if followed(bytes, at + 1)? == b'\n' => Ok(at + 2),
        _ => Err(Stop::Broken),
    }
}

fn skip_empty_lines(bytes: &[u8]) -> Result<usize, Stop> {
    let mut at = 0;
    while matches!(followed(bytes, at)?, b'\r' | b'\n') {
        at = line_end(bytes, at)?;
    }
    Ok(at)
}

fn skip_spaces(bytes: &[u8], mut at: usize) -> Result<usize, Stop> {
    while followed(bytes, at)? == b' ' {
        at += 1;
    }
    Ok(at)
}

/// The version at `at`, and where it ends. What cannot become one is refused before it is all there.
fn version(bytes: &[u8], at: usize) -> Result<(Version, usize), Stop> {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(b"HTTP/1.1") => Ok((Version::Http11, at + 8)),
        Some(b"HTTP/1.0") => Ok((Version::Http10, at + 8)),
        None if BEGINNING.starts_with(rest) => Err(Stop::Partial),
        Some(_) | None => Err(Stop::Version),
    }
}

/// What may stand in names and methods.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut others: &[u8] = b"!#$%&'*+-.^_`|~";
    while let [byte, rest @ ..] = others {
        table[*byte as usize] = true;
        others = rest;
    }
    table
};

pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// What may stand in a field's value: no line end, no other control byte.
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != DELETE)
}

/// How many bytes at the front are such bytes.
fn run(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !is_such(byte)).unwrap_or(bytes.len())
}

/// How many bytes at the front may stand in a target: visible ones, and those of other encodings.
fn visible(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let stops = below(u64::from_le_bytes(*eight), b' ' + 1);
        if stops != 0 {
            return at + first(stops);
        }
        at += 8;
    }
    at + run(&bytes[at..], |byte| byte > b' ' && byte != DELETE)
}

/// How many bytes at the front may stand in values and reasons: no control characters but the tab.
fn text(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let stops = below(u64::from_le_bytes(*eight), b' ');
        if stops == 0 {
            at += 8;
            continue;
        }
        at += first(stops);
        if bytes[at] != b'\t' {
            return at;
        }
        at += 1;
    }
    at + run(&bytes[at..], is_text)
}

const DELETE: u8 = 0x7f;
const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);

/// A high bit for the first byte of `word` that is less than `bound`, which is at most 128, or that is
/// a DEL; what is above the first such bit says nothing, since a difference borrows from above.
fn below(word: u64, bound: u8) -> u64 {
    let less = word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let deletes = word ^ (ONES * u64::from(DELETE));
    let deletes = deletes.wrapping_sub(ONES) & !deletes;
    (less | deletes) & HIGHS
}

/// The byte that the lowest bit belongs to.
fn first(highs: u64) -> usize {
    (highs.trailing_zeros() / 8) as usize
}
