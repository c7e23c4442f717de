//! The parts of a `multipart/form-data` body (RFC 7578): fields by their names, files by theirs.
//!
//! A file's content is nobody's query; its name, which ends up in paths and pages, is judged. Where
//! two readers could find different parts, no content is taken for a file's.

use super::super::finding::Part;
use super::super::inspector::{Inspection, Spot};
use super::super::normal::Coding;

/// RFC 2046, 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;
/// What is looked at of the header lines of one part.
const LINES_BYTES_MAX: usize = 2048;

/// The boundary that a `Content-Type` names; `None` as well if it names two.
pub(super) fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    let is_before = |byte: u8| matches!(byte, b' ' | b';' | b',' | b'\t');
    let (value, rest) = parameter(content_type, b"boundary", is_before)?;
    let is_only = parameter(rest, b"boundary", is_before).is_none();
    (is_only && !value.is_empty() && value.len() <= BOUNDARY_BYTES_MAX).then_some(value)
}

/// The value of `name=…` or `name="…"` in a header line's value, and what is behind it. `is_before`
/// says what may stand before the name, and `;` with white space behind it always may.
fn parameter<'v>(
    value: &'v [u8],
    name: &[u8],
    is_before: impl Fn(u8) -> bool,
) -> Option<(&'v [u8], &'v [u8])> {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let before = rest[..at].trim_ascii_end();
        let is_it = before.len().checked_sub(name.len()).is_some_and(|start| {
            let (front, end) = before.split_at(start);
            let front = &value[..value.len() - rest.len() + front.len()];
            end.eq_ignore_ascii_case(name)
                && (front.last().is_none_or(|byte| is_before(*byte))
                    || front.trim_ascii_end().last().is_none_or(|byte| *byte == b';'))
        });
        let text = rest[at + 1..].trim_ascii_start();
        let (found, after) = if let [b'"', quoted @ ..] = text {
            let end = closing(quoted);
            (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
        } else {
            let is_end = |byte: &u8| matches!(byte, b';' | b',') || byte.is_ascii_whitespace();
            let end = text.iter().position(is_end).unwrap_or(text.len());
            (&text[..end], &text[end..])
        };
        if is_it {
            return Some((found, after));
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
    let delimiter = [b"--", boundary].concat();
    let finder = memchr::memmem::Finder::new(&delimiter);
    // What stands before the first part: the whole body, if no part of it can be told.
    let mut part = Between { bytes: &[], is_part: false };
    let mut rest = body;
    let mut is_first = true;
    loop {
        let end = next(&finder, rest, is_first);
        part.bytes = &rest[..end.unwrap_or(rest.len())];
        part.inspect(inspection);
        let Some(end) = end else { return };
        if inspection.is_exhausted() {
            return;
        }
        let is_line_before = end == 0 || part.bytes.ends_with(b"\r\n");
        rest = &rest[end + delimiter.len()..];
        // The last delimiter begins none, and for some readers only whole line ends count.
        part.is_part = is_line_before && rest.starts_with(b"\r\n");
        is_first = false;
    }
}

/// Where the next delimiter begins a line.
fn next(finder: &memchr::memmem::Finder<'_>, rest: &[u8], is_first: bool) -> Option<usize> {
    finder.find_iter(rest).find(|&at| match at.checked_sub(1) {
        Some(before) => rest[before] == b'\n',
        None => is_first,
    })
}

/// What stands between two delimiters.
struct Between<'b> {
    bytes: &'b [u8],
    /// Whether every reader finds a part here.
    is_part: bool,
}

impl Between<'_> {
    fn inspect(&self, inspection: &mut Inspection<'_>) {
        let content = self.bytes.strip_prefix(b"--").unwrap_or(self.bytes);
        let content = without_line_end(content);
        let line = memchr::memchr(b'\n', content).map_or(&content[..0], |end| &content[..end]);
        let part = if line.trim_ascii().is_empty() {
            &content[memchr::memchr(b'\n', content).map_or(0, |end| end + 1)..]
        } else {
            content
        };
        let lines_max = part.len().min(LINES_BYTES_MAX);
        let has_lines = !matches!(part, [b'\n', ..] | [b'\r', b'\n', ..]);
        let Some((end, start)) = lines_end(&part[..lines_max]).filter(|_| has_lines) else {
            // All of it may be content.
            return text(inspection, b"", part);
        };
        let (lines, content) = (&part[..end], &part[start..]);
        let Disposition { name, files, is_file } = Disposition::of(lines);
        inspection.name(Part::Multipart, name, Coding::Plain);
        for file in files.into_iter().flatten() {
            text(inspection, name, file);
        }
        if !self.is_part {
            text(inspection, name, part);
        } else if !is_file || !part[..start].ends_with(b"\r\n\r\n") {
            text(inspection, name, content);
        }
    }
}

fn text(inspection: &mut Inspection<'_>, name: &[u8], text: &[u8]) {
    if !text.trim_ascii().is_empty() {
        inspection.value(Spot { part: Part::Multipart, name }, text, Coding::Plain);
    }
}

fn without_line_end(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

const DISPOSITION: &[u8] = b"content-disposition:";

/// What a part's lines say that it is.
#[derive(Default)]
struct Disposition<'b> {
    name: &'b [u8],
    /// `filename` and `filename*`.
    files: [Option<&'b [u8]>; 2],
    /// By its plain `filename`: not every reader knows the other one.
    is_file: bool,
}

impl<'b> Disposition<'b> {
    fn of(lines: &'b [u8]) -> Self {
        let mut found = lines.split(|&byte| byte == b'\n').filter_map(|line| {
            let name = line.get(..DISPOSITION.len())?;
            name.eq_ignore_ascii_case(DISPOSITION).then(|| &line[DISPOSITION.len()..])
        });
        let Some(line) = found.next() else { return Self::default() };
        let is_only = found.next().is_none();
        let of = |name: &[u8]| parameter(line, name, |byte| byte == b';').map(|(value, _)| value);
        let files = [of(b"filename"), of(b"filename*")];
        let is_file = is_only && files[0].is_some_and(|file| !file.is_empty());
        Self { name: of(b"name").unwrap_or_default(), files, is_file }
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
