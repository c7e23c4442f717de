//! Lines of a program's output: time, stream, text, and the supervisor's marks between them.
//!
//! Programs write what they like; whatever is not printable text is taken out here, so that no
//! escape sequence of theirs reaches the terminal.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::wire::{LogLine, Stream};

use super::super::theme::Role;
use super::super::theme::skin::Skin;
use super::number;
use super::pen::{self, Side};

/// Below this width the time of day goes.
const TIME_WIDTH_MIN: u16 = 60;
const MARK_LEAD: usize = 4;

/// Draws as many of `lines` (newest last) as fit, the newest at the bottom.
pub(crate) fn draw<'a>(
    buffer: &mut Buffer,
    area: Rect,
    lines: impl DoubleEndedIterator<Item = &'a LogLine>,
    skin: &Skin,
) {
    let mut shown: Vec<&LogLine> = lines.rev().take(usize::from(area.height)).collect();
    shown.reverse();
    for (line, y) in shown.into_iter().zip(area.y..) {
        let row = Rect { y, height: 1, ..area };
        let text = line_of(line, area.width, skin);
        pen::line(buffer, row, &text, Side::Left, skin);
    }
}

fn line_of<'a>(line: &'a LogLine, width: u16, skin: &Skin) -> Line<'a> {
    let text = printable(&line.text);
    let dim = skin.style(Role::Dim);
    let mut spans = Vec::with_capacity(4);
    if width >= TIME_WIDTH_MIN && line.stream != Stream::Mark {
        spans.push(Span::styled(number::clock_millis(line.wall_ms), dim));
        spans.push(Span::raw("  "));
    }
    match line.stream {
        Stream::Stdout => {
            spans.push(Span::styled("out  ", dim));
            spans.push(Span::styled(text, skin.style(Role::Text)));
        }
        Stream::Stderr => {
            spans.push(Span::styled("err  ", skin.style(Role::Warn)));
            spans.push(Span::styled(text, skin.style(Role::Bright)));
        }
        Stream::Mark => {
            let faint = skin.style(Role::Faint);
            let tail =
                usize::from(width).saturating_sub(MARK_LEAD + 2 + usize::from(pen::width(&text)));
            spans.push(Span::styled(skin.glyphs.rule.repeat(MARK_LEAD), faint));
            spans.push(Span::styled(format!(" {text} "), skin.style(Role::Info)));
            spans.push(Span::styled(skin.glyphs.rule.repeat(tail), faint));
        }
    }
    Line::from(spans)
}

/// What of `text` may be shown: escape sequences and control characters gone, tabs as spaces.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\t' => shown.push_str("    "),
            '\u{1b}' => skip_escape(&mut characters),
            '\u{9b}' => skip_until(&mut characters, is_csi_final),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_until(&mut characters, is_string_end);
            }
            other if other.is_control() => {}
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

/// Skips what follows an ESC: a control sequence, a string up to its end, or one character.
fn skip_escape(characters: &mut std::str::Chars) {
    match characters.next() {
        Some('[') => skip_until(characters, is_csi_final),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            skip_until(characters, is_string_end);
            // A string may end in ESC `\`: the backslash is part of the end.
            if characters.as_str().starts_with('\\') {
                characters.next();
            }
        }
        Some(_) | None => {}
    }
}

fn skip_until(characters: &mut std::str::Chars, is_last: impl Fn(char) -> bool) {
    for character in characters.by_ref() {
        if is_last(character) {
            break;
        }
    }
}

fn is_csi_final(character: char) -> bool {
    ('\u{40}'..='\u{7e}').contains(&character)
}

fn is_string_end(character: char) -> bool {
    matches!(character, '\u{7}' | '\u{1b}' | '\u{9c}')
}
