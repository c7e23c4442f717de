//! What a folder holds, as a page for people or as JSON: nginx's forms, byte for byte, since
//! scripts read them.

use std::io::Write as _;

use super::date;
use super::escape::{self, Place};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    /// Seconds since the Unix epoch; what is older is shown as of then.
    pub(crate) modified_s: i64,
}

/// Columns of a name on the page; a longer one is cut.
const NAME_COLUMNS: usize = 50;
const CUT: &[u8] = b"..&gt;";

/// Folders first, then by name.
pub(crate) fn sort(items: &mut [Item]) {
    let rank = |item: &Item| item.kind != Kind::Folder;
    items.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name)));
}

/// The page of the folder at `path`, a decoded path that ends in a slash.
pub(crate) fn html(path: &[u8], items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut title = Vec::new();
    escape_html(&mut title, path);
    for part in [
        b"<html>\r\n<head><title>Index of ",
        title.as_slice(),
        b"</title></head>\r\n<body>\r\n<h1>Index of ",
        &title,
        b"</h1><hr><pre><a href=\"../\">../</a>\r\n",
    ] {
        out.extend_from_slice(part);
    }
    for item in items {
        row(&mut out, item);
    }
    out.extend_from_slice(b"</pre><hr></body>\r\n</html>\r\n");
    out
}

fn row(out: &mut Vec<u8>, item: &Item) {
    let is_folder = item.kind == Kind::Folder;
    out.extend_from_slice(b"<a href=\"");
    reference(out, &item.name);
    if is_folder {
        out.push(b'/');
    }
    out.extend_from_slice(b"\">");
    let columns = item.name.len();
    if columns > NAME_COLUMNS {
        escape_html(out, &item.name[..NAME_COLUMNS - 3]);
        out.extend_from_slice(CUT);
        out.extend_from_slice(b"</a>");
    } else {
        escape_html(out, &item.name);
        let mut room = NAME_COLUMNS - columns;
        if is_folder && room > 0 {
            out.push(b'/');
            room -= 1;
        }
        out.extend_from_slice(b"</a>");
        out.resize(out.len() + room, b' ');
    }
    out.push(b' ');
    out.extend_from_slice(&date::listed(&date_of(item)));
    out.push(b' ');
    if is_folder {
        out.extend_from_slice(b"                  -");
    } else {
        let written = write!(out, "{:19}", item.bytes);
        debug_assert!(written.is_ok(), "a vector takes all");
    }
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn json(items: &[Item]) -> Vec<u8> {
    let mut out = b"[".to_vec();
    for (index, item) in items.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b",\r\n" } else { b"\r\n" });
        out.extend_from_slice(b"{ \"name\":\"");
        escape_json(&mut out, &item.name);
        let kind = match item.kind {
            Kind::File => "file",
            Kind::Folder => "directory",
            Kind::Other => "other",
        };
        for part in [b"\", \"type\":\"", kind.as_bytes(), b"\", \"mtime\":\"", &date_of(item)] {
            out.extend_from_slice(part);
        }
        out.push(b'"');
        if item.kind == Kind::File {
            let written = write!(out, ", \"size\":{}", item.bytes);
            debug_assert!(written.is_ok(), "a vector takes all");
        }
        out.extend_from_slice(b" }");
    }
    out.extend_from_slice(b"\r\n]");
    out
}

fn date_of(item: &Item) -> [u8; date::DATE_BYTES] {
    date::imf_fixdate(u64::try_from(item.modified_s).unwrap_or(0))
}

/// A name as a relative reference: a colon in it is no scheme's.
fn reference(out: &mut Vec<u8>, name: &[u8]) {
    let start = out.len();
    out.extend_from_slice(name);
    escape::tail(out, start, Place::Component);
}

fn escape_html(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            _ => out.push(byte),
        }
    }
}

fn escape_json(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                let written = write!(out, "\\u{byte:04X}");
                debug_assert!(written.is_ok(), "a vector takes all");
            }
            _ => out.push(byte),
        }
    }
}
