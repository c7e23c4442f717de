//! Text of unknown origin, made safe to print: a program's output, names, reasons.
//!
//! A control character that reached the operator's terminal could move the cursor, rewrite the
//! clipboard or hide a line, so none leaves here. Does not shorten or measure.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::wire::ProgramState;

/// Supervisor's word for a program's state, which is also how the API spells it.
pub(crate) fn program_state(state: ProgramState) -> &'static str {
    match state {
        ProgramState::Stopped => "STOPPED",
        ProgramState::Starting => "STARTING",
        ProgramState::Running => "RUNNING",
        ProgramState::Backoff => "BACKOFF",
        ProgramState::Stopping => "STOPPING",
        ProgramState::Exited => "EXITED",
        ProgramState::Fatal => "FATAL",
        ProgramState::Unknown => "UNKNOWN",
    }
}

/// Without any escape sequence; other control characters become visible (`^G`), a tab four spaces.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    neutralised(text, Colour::Dropped)
}

/// As `plain`, but colours and attributes (SGR sequences) stay, and end with the text.
pub(crate) fn coloured(text: &str) -> Cow<'_, str> {
    neutralised(text, Colour::Kept)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    Kept,
    Dropped,
}

/// Where the words stand in the text, in bytes. Lower-case words match either case, as in less and
/// vim; a capital letter makes them exact.
pub(crate) fn places(text: &str, words: &str) -> Vec<std::ops::Range<usize>> {
    if words.is_empty() {
        return Vec::new();
    }
    if words.chars().any(char::is_uppercase) {
        return text.match_indices(words).map(|(at, found)| at..at + found.len()).collect();
    }
    // Byte by byte, so that places in the folded text are places in the text.
    let folded = text.to_ascii_lowercase();
    folded.match_indices(words).map(|(at, found)| at..at + found.len()).collect()
}

const ESCAPE: char = '\u{1b}';

fn neutralised(text: &str, colour: Colour) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut is_coloured = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == ESCAPE {
            let (sequence, after) = split_sequence(rest);
            if colour == Colour::Kept && is_sgr(sequence) {
                out.push_str(sequence);
                is_coloured = true;
            }
            rest = after;
            continue;
        }
        push_visible(&mut out, character);
        rest = &rest[character.len_utf8()..];
    }
    if is_coloured {
        out.push_str("\u{1b}[0m");
    }
    Cow::Owned(out)
}

/// Control characters, and the invisible ones that reorder what surrounds them.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{2028}' | '\u{2029}')
}

fn push_visible(out: &mut String, character: char) {
    match character {
        '\t' => out.push_str("    "),
        // The end of a line that a program wrote as CR LF is not worth showing.
        '\r' => {}
        '\u{7f}' => out.push_str("^?"),
        '\0'..='\u{1f}' => {
            let letter = char::from(b'@' + character as u8);
            let _infallible_for_a_string = write!(out, "^{letter}");
        }
        other if is_unsafe(other) => out.push(char::REPLACEMENT_CHARACTER),
        other => out.push(other),
    }
}

/// The escape sequence `text` starts with, as ECMA-48 delimits it; an unfinished one takes the rest.
fn split_sequence(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let end = match bytes.get(1) {
        // CSI: parameters and intermediates, then one final byte.
        Some(b'[') => bytes[2..]
            .iter()
            .position(|byte| !(0x20..=0x3f).contains(byte))
            .map_or(bytes.len(), |at| at + 2 + usize::from((0x40..=0x7e).contains(&bytes[at + 2]))),
        // OSC, DCS, SOS, PM, APC: up to BEL or ESC \.
        Some(b']' | b'P' | b'X' | b'^' | b'_') => string_end(bytes),
        // Two bytes, perhaps with intermediates between them (`ESC ( B`).
        Some(0x20..=0x2f) => bytes[1..]
            .iter()
            .position(|byte| !(0x20..=0x2f).contains(byte))
            .map_or(bytes.len(), |at| at + 1 + usize::from((0x30..=0x7e).contains(&bytes[at + 1]))),
        Some(0x30..=0x7e) => 2,
        Some(_) | None => 1,
    };
    text.split_at(end)
}

fn string_end(bytes: &[u8]) -> usize {
    let mut at = 2;
    while at < bytes.len() {
        match bytes[at] {
            0x07 => return at + 1,
            0x1b if bytes.get(at + 1) == Some(&b'\\') => return at + 2,
            // Another sequence begins: the string was never closed.
            0x1b => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_sgr(sequence: &str) -> bool {
    sequence.strip_prefix("\u{1b}[").and_then(|rest| rest.strip_suffix('m')).is_some_and(
        |parameters| {
            parameters.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'))
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{coloured, is_unsafe, places, plain};

    #[test]
    fn control_characters_never_reach_the_terminal() {
        for (raw, safe, with_colour) in [
            ("plain é 漢", "plain é 漢", "plain é 漢"),
            ("a\tb\r", "a    b", "a    b"),
            ("ding\u{7}\u{7f}", "ding^G^?", "ding^G^?"),
            ("\u{1b}[31mred\u{1b}[0m", "red", "\u{1b}[31mred\u{1b}[0m\u{1b}[0m"),
            ("\u{1b}[38:5:9mred", "red", "\u{1b}[38:5:9mred\u{1b}[0m"),
            ("\u{1b}[2Jgone\u{1b}[H", "gone", "gone"),
            ("\u{1b}]52;c;aGk=\u{7}clip", "clip", "clip"),
            ("\u{1b}]0;title\u{1b}\\shown", "shown", "shown"),
            ("\u{1b}]0;open\u{1b}[1mx", "x", "\u{1b}[1mx\u{1b}[0m"),
            ("\u{1b}(Bx\u{1b}cy", "xy", "xy"),
            ("\u{1b}[12", "", ""),
            ("\u{1b}[1é", "é", "é"),
            ("\u{1b}", "", ""),
            ("\u{1b}é", "é", "é"),
            ("\u{202e}evil\u{9b}31m", "\u{fffd}evil\u{fffd}31m", "\u{fffd}evil\u{fffd}31m"),
        ] {
            assert_eq!(plain(raw), safe, "{raw:?}");
            assert_eq!(coloured(raw), with_colour, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_out_safe(raw in "(\\PC|[\u{0}-\u{9f}]|\u{1b}[\\[\\]P(]?[0-9;m]?){0,40}") {
            prop_assert!(!plain(&raw).chars().any(is_unsafe));
            let without_colour = coloured(&raw).replace('\u{1b}', "");
            prop_assert!(!without_colour.chars().any(is_unsafe));
        }
    }

    #[test]
    fn a_capital_letter_makes_a_search_exact() {
        let places = |text, words| -> Vec<(usize, usize)> {
            places(text, words).iter().map(|place| (place.start, place.end)).collect()
        };
        assert_eq!(places("Error: an error", "error"), [(0, 5), (10, 15)]);
        assert_eq!(places("Error: an error", "Error"), [(0, 5)]);
        assert_eq!(places("é error", "error"), [(3, 8)]);
        assert!(places("anything", "").is_empty());
    }
}
