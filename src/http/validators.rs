//! What a file's state is known by, and the conditions of requests on it (RFC 9110, 8.8 and 13).
//!
//! Judged as nginx does, so that caches and scripts meet the same answers: a time is the same only
//! when it is exactly that of the file, and a request with several conditions must meet them all.

use std::io::Write as _;

use super::date;
use super::head::Header;

/// A file's state. The tag is strong: whoever changes a file twice within a second without
/// changing its length is not seen, as nginx does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validators {
    /// Seconds since the Unix epoch.
    pub(crate) modified_s: i64,
    pub(crate) bytes: u64,
}

/// Room for two numbers of 64 bits in hexadecimal, their hyphen and the quotes.
const TAG_BYTES_MAX: usize = 35;

/// A written entity tag, with its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag {
    text: [u8; TAG_BYTES_MAX],
    bytes: usize,
}

impl Tag {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.bytes]
    }
}

impl Validators {
    /// nginx's form: time and length in hexadecimal.
    pub(crate) fn tag(&self) -> Tag {
        let mut text = [0; TAG_BYTES_MAX];
        let mut rest = &mut text[..];
        let written = write!(rest, "\"{:x}-{:x}\"", self.modified_s, self.bytes);
        debug_assert!(written.is_ok(), "there is room for the longest");
        let bytes = TAG_BYTES_MAX - rest.len();
        Tag { text, bytes }
    }
}

/// The lines of a request that say which state of a file is asked for, and how it may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions<'a> {
    pub(crate) if_match: Option<&'a [u8]>,
    pub(crate) if_none_match: Option<&'a [u8]>,
    pub(crate) if_modified_since: Option<&'a [u8]>,
    pub(crate) if_unmodified_since: Option<&'a [u8]>,
    pub(crate) if_range: Option<&'a [u8]>,
    pub(crate) range: Option<&'a [u8]>,
    pub(crate) accept_encoding: Option<&'a [u8]>,
}

impl<'a> Conditions<'a> {
    /// Of a request whose head is `bytes`; of a line that is repeated, the first counts.
    pub(crate) fn read(headers: &[Header], bytes: &'a [u8]) -> Self {
        let mut read = Self::default();
        for header in headers {
            let name = header.name.in_bytes(bytes);
            let (slot, known): (&mut Option<&[u8]>, &[u8]) = match name.len() {
                5 => (&mut read.range, b"range"),
                8 if name[3].eq_ignore_ascii_case(&b'm') => (&mut read.if_match, b"if-match"),
                8 => (&mut read.if_range, b"if-range"),
                13 => (&mut read.if_none_match, b"if-none-match"),
                15 => (&mut read.accept_encoding, b"accept-encoding"),
                17 => (&mut read.if_modified_since, b"if-modified-since"),
                19 => (&mut read.if_unmodified_since, b"if-unmodified-since"),
                _ => continue,
            };
            if slot.is_none() && name.eq_ignore_ascii_case(known) {
                *slot = Some(header.value.in_bytes(bytes));
            }
        }
        read
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send,
    /// A 304.
    NotModified,
    /// A 412.
    Failed,
}

/// `None` for what has no state to be known by: a listing.
pub(crate) fn judge(conditions: &Conditions<'_>, file: Option<Validators>) -> Verdict {
    let Conditions { if_match, if_none_match, if_modified_since, if_unmodified_since, .. } =
        *conditions;
    let modified_s = file.map(|file| file.modified_s);
    if let Some(value) = if_unmodified_since
        && (modified_s.is_none() || date::parse(value) < modified_s)
    {
        return Verdict::Failed;
    }
    if let Some(list) = if_match
        && !names(list, file, Comparison::Strong)
    {
        return Verdict::Failed;
    }
    let is_same_time =
        if_modified_since.map(|value| file.is_some() && date::parse(value) == modified_s);
    let is_same_tag = if_none_match.map(|list| names(list, file, Comparison::Weak));
    match (is_same_time, is_same_tag) {
        (None, None) | (Some(false), _) | (_, Some(false)) => Verdict::Send,
        (Some(true) | None, Some(true) | None) => Verdict::NotModified,
    }
}

/// Whether parts of the file go together with what the client has of it.
pub(crate) fn may_be_parted(if_range: Option<&[u8]>, file: Validators) -> bool {
    match if_range {
        None => true,
        Some(tag @ [_, .., b'"']) => tag == file.tag().as_bytes(),
        Some(time) => date::parse(time) == Some(file.modified_s),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Strong,
    /// `W/` makes no difference.
    Weak,
}

/// Whether a list of entity tags, or `*`, names the file's. A comma within a tag separates, too, as
/// in nginx: ours have none.
fn names(list: &[u8], file: Option<Validators>, comparison: Comparison) -> bool {
    if list == b"*" {
        return true;
    }
    let Some(tag) = file.map(|file| file.tag()) else { return false };
    list.split(|&byte| byte == b',').any(|named| {
        let named = named.trim_ascii();
        let named = match comparison {
            Comparison::Strong => named,
            Comparison::Weak => named.strip_prefix(b"W/").unwrap_or(named),
        };
        named == tag.as_bytes()
    })
}
