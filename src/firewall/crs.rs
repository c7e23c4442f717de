//! What the OWASP core rules say of a request, read from the lines that their engine logs.
//!
//! A line is `… against variable `ARGS:q' (Value: `…' ) [file "…"] [line "46"] [id "942100"] …
//! [data "…"] [severity "2"] …`. What a client wrote stands before `[file` as it is, and behind it
//! only with its quotes escaped: so the last `[file` is the engine's own.

use super::finding::Part;
use super::inspector::Spot;
use super::rule::{CRITICAL, NOTICE, WARNING};

/// The core rules' points for what they call an error: between critical and warning.
const ERROR: u32 = 4;

/// One rule's match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match<'l> {
    pub(crate) id: u32,
    pub(crate) points: u32,
    pub(crate) spot: Spot<'l>,
    pub(crate) excerpt: &'l [u8],
}

/// What the request carries arguments in, since the engine's `ARGS` are of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carriers<'r> {
    pub(crate) query: &'r [u8],
    /// Of the body's values.
    pub(crate) body: Part,
}

/// `None` for lines of rules that only add up what others found, and for what is no rule's line.
pub(crate) fn read<'l>(
    line: &'l [u8],
    is_refusal: bool,
    carriers: Carriers<'_>,
) -> Option<Match<'l>> {
    let at = last(line, b" [file \"")?;
    let (words, facts) = line.split_at(at);
    let id = number(fact(facts, b"id")?)?;
    if is_sum(id) {
        return None;
    }
    let data = fact(facts, b"data").unwrap_or_default();
    let variable = between(words, b" against variable `", b"' (Value: `").or_else(|| {
        let place = after(data, b" found within ")?;
        Some(place.split(|byte| *byte == b' ').next()?.strip_suffix(b":").unwrap_or(place))
    });
    let points = match number(fact(facts, b"severity").unwrap_or_default()) {
        // Of no severity, as rules that only note something are.
        Some(0) | None if !is_refusal => 0,
        Some(3) => ERROR,
        Some(4) => WARNING,
        Some(5) => NOTICE,
        Some(6..) => 0,
        Some(_) | None => CRITICAL,
    };
    let excerpt = between(data, b"Matched Data: ", b" found within ")
        .or_else(|| Some(&words[last(words, b"(Value: `")? + b"(Value: `".len()..]))
        .unwrap_or_default();
    let spot = spot(variable.unwrap_or_default(), carriers);
    Some(Match { id, points, spot, excerpt })
}

/// Rules that judge the score, and those that sum up for the log.
fn is_sum(id: u32) -> bool {
    matches!(id, 949_000..=949_999 | 959_000..=959_999 | 980_000..=980_999)
}

/// A variable of the engine as a place of ours.
fn spot<'l>(variable: &'l [u8], carriers: Carriers<'_>) -> Spot<'l> {
    let colon = memchr::memchr(b':', variable).unwrap_or(variable.len());
    let (collection, name) = variable.split_at(colon);
    let name = name.get(1..).unwrap_or_default();
    let is_of_query = || {
        carriers.query.split(|byte| *byte == b'&').any(|pair| {
            pair.strip_prefix(name).is_some_and(|rest| matches!(rest.first(), None | Some(b'=')))
        })
    };
    let part = match collection {
        b"ARGS_GET" | b"ARGS_GET_NAMES" | b"QUERY_STRING" => Part::Query,
        b"ARGS" | b"ARGS_NAMES" if is_of_query() => Part::Query,
        b"ARGS" | b"ARGS_NAMES" | b"ARGS_POST" | b"ARGS_POST_NAMES" => carriers.body,
        b"REQUEST_HEADERS" | b"REQUEST_HEADERS_NAMES" => Part::Header,
        b"REQUEST_COOKIES" | b"REQUEST_COOKIES_NAMES" => Part::Cookie,
        b"REQUEST_URI" | b"REQUEST_URI_RAW" | b"REQUEST_FILENAME" | b"REQUEST_BASENAME"
        | b"PATH_INFO" => Part::Path,
        b"REQUEST_BODY" => Part::Text,
        b"XML" => Part::Xml,
        b"FILES" | b"FILES_NAMES" | b"MULTIPART_FILENAME" | b"MULTIPART_NAME" => Part::Multipart,
        _ => Part::Head,
    };
    match part {
        Part::Path | Part::Text => Spot { part, name: b"" },
        Part::Head => Spot { part, name: collection },
        Part::Query
        | Part::Header
        | Part::Cookie
        | Part::Form
        | Part::Json
        | Part::Multipart
        | Part::Xml => Spot { part, name },
    }
}

/// `[name "…"]`, whose quotes are escaped inside.
fn fact<'l>(facts: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let opening = [b" [", name, b" \""].concat();
    between(facts, &opening, b"\"]")
}

fn between<'l>(text: &'l [u8], opening: &[u8], closing: &[u8]) -> Option<&'l [u8]> {
    let rest = after(text, opening)?;
    Some(&rest[..memchr::memmem::find(rest, closing)?])
}

fn after<'l>(text: &'l [u8], opening: &[u8]) -> Option<&'l [u8]> {
    Some(&text[memchr::memmem::find(text, opening)? + opening.len()..])
}

fn last(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::rfind(text, word)
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
