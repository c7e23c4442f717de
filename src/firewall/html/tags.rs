//! Tags and their attributes, by the tokens of the HTML standard, as far as they can run script.
//!
//! Each function goes over the value once, from where it is told to begin.

use super::super::Judgement;
use super::script;

/// Tags that run or load something, or change what addresses mean.
const RUNNING: [&[u8]; 12] = [
    b"script",
    b"iframe",
    b"object",
    b"embed",
    b"applet",
    b"frame",
    b"frameset",
    b"base",
    b"isindex",
    b"xss",
    b"bgsound",
    b"ilayer",
];

/// The longest name of a tag that is looked at.
const NAME_BYTES_MAX: usize = 32;

/// Judges the names of all tags, wherever they stand: a tag may lie inside of what another reading
/// takes for an attribute.
pub(super) fn names(value: &[u8]) -> (Judgement, usize) {
    for at in memchr::memchr_iter(b'<', value) {
        let judgement = name(&value[at + 1..]);
        if judgement == Judgement::Attack {
            return (judgement, at);
        }
    }
    (Judgement::Clean, 0)
}

fn name(rest: &[u8]) -> Judgement {
    let rest = &rest[..rest.len().min(NAME_BYTES_MAX)];
    let is_closing = rest.first() == Some(&b'/');
    let rest = if is_closing { &rest[1..] } else { rest };
    if rest.starts_with(b"!entity")
        || rest.starts_with(b"?xml-stylesheet")
        || rest.starts_with(b"![if")
    {
        return Judgement::Attack;
    }
    let length = rest.iter().take_while(|byte| is_of_name(**byte)).count();
    let name = &rest[..length];
    // With a name space before it: `<svg:script>`.
    let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    let ends = rest.get(length);
    let is_running = RUNNING.contains(&name) || name.starts_with(b"script");
    let is_attack = match (is_running, is_closing, ends) {
        // The end of a script that the page began.
        (true, true, _) => name == b"script",
        (true, false, None) => true,
        (true, false, Some(byte)) => b">/ \n\"'<+".contains(byte),
        (false, _, _) => false,
    };
    if is_attack { Judgement::Attack } else { Judgement::Clean }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_')
}

/// The value as text between tags, from `at` on.
pub(super) fn between(value: &[u8], at: usize) -> (Judgement, usize) {
    let mut worst = (Judgement::Clean, at);
    let mut at = at;
    while let Some(found) = value.get(at..).and_then(|rest| memchr::memchr(b'<', rest)) {
        let start = at + found;
        let name_start = start + 1;
        if !value.get(name_start).is_some_and(u8::is_ascii_alphabetic) {
            at = name_start;
            continue;
        }
        let length = value[name_start..].iter().take_while(|byte| is_of_name(**byte)).count();
        let tag = &value[name_start..name_start + length];
        let (judgement, end) = attributes(value, name_start + length, Whose::Tag(tag));
        if judgement > worst.0 {
            worst = (judgement, start);
        }
        if judgement == Judgement::Attack {
            break;
        }
        at = end;
    }
    worst
}

/// The value from behind the end of an attribute's value on: more attributes, then text.
pub(super) fn inside(value: &[u8], at: usize) -> (Judgement, usize) {
    let (judgement, end) = attributes(value, at, Whose::Unknown);
    if judgement == Judgement::Attack {
        return (judgement, at.saturating_sub(1));
    }
    let further = between(value, end);
    if further.0 > judgement { further } else { (judgement, at) }
}

/// Whose attributes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose<'v> {
    Tag(&'v [u8]),
    /// Of the tag that the page would have put the value in; if it put it in one.
    Unknown,
}

/// Reads attributes from `at` to the tag's end, and says where that is.
fn attributes(value: &[u8], at: usize, whose: Whose<'_>) -> (Judgement, usize) {
    let mut worst = Judgement::Clean;
    let mut at = at;
    while at < value.len() {
        let byte = value[at];
        if byte == b'>' {
            return (worst, at + 1);
        }
        if byte.is_ascii_whitespace() || matches!(byte, b'/' | b'=' | b'"' | b'\'') {
            at += 1;
            continue;
        }
        let start = at;
        at += value[at..]
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'=' | b'>'))
            .unwrap_or(value.len() - at);
        let name = &value[start..at];
        let spaces = value[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if value.get(at + spaces) != Some(&b'=') {
            continue;
        }
        at += spaces + 1;
        at += value[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (text, end) = attribute_value(value, at);
        at = end;
        worst = worst.max(attribute(name, text, whose));
        if worst == Judgement::Attack {
            return (worst, at);
        }
    }
    (worst, value.len())
}

/// The value of an attribute that begins at `at`, and where the next thing begins.
fn attribute_value(value: &[u8], at: usize) -> (&[u8], usize) {
    match value.get(at) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => match memchr::memchr(quote, &value[at + 1..]) {
            Some(end) => (&value[at + 1..at + 1 + end], at + end + 2),
            // The page's own quote will end it.
            None => (&value[at + 1..], value.len()),
        },
        Some(_) => {
            let rest = &value[at..];
            let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
            let length = rest.iter().position(is_end).unwrap_or(rest.len());
            (&rest[..length], at + length)
        }
        None => (&[], value.len()),
    }
}

fn attribute(name: &[u8], text: &[u8], whose: Whose<'_>) -> Judgement {
    let is_in_tag = matches!(whose, Whose::Tag(_));
    if script::is_event(name) || (is_in_tag && script::may_be_event(name)) {
        return Judgement::Attack;
    }
    if script::may_be_event(name) && text.iter().any(|byte| matches!(byte, b'(' | b'`')) {
        return Judgement::Attack;
    }
    if script::address(text) == Judgement::Attack {
        return Judgement::Attack;
    }
    // `src=x/onerror=…`, which some readers take for two attributes.
    let is_second = |piece: &[u8]| {
        memchr::memchr(b'=', piece).is_some_and(|equals| script::is_event(&piece[..equals]))
    };
    if is_in_tag && text.split(|byte| *byte == b'/').skip(1).any(is_second) {
        return Judgement::Attack;
    }
    let is_attack = match (name, whose) {
        (b"srcdoc", _) | (b"http-equiv", Whose::Tag(b"meta")) => true,
        (b"attributename", Whose::Tag(_)) => text.starts_with(b"on") || text.ends_with(b"href"),
        (b"rel", Whose::Tag(b"link")) => matches!(text, b"import" | b"stylesheet"),
        (b"style", _) => return script::style(text),
        _ => false,
    };
    if is_attack { Judgement::Attack } else { Judgement::Clean }
}
