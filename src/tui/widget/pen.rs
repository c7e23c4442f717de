//! Writing text into cells: clipped, shortened where it does not fit, aligned.
//!
//! Foreign text is safe here: control characters never become cells.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tui::theme::glyph::Charset;
use crate::tui::theme::skin::Skin;

/// The side that text keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Where text that is too long loses its cells. Names differ at both ends, messages at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clip {
    End,
    Middle,
}

pub(crate) fn width(text: &str) -> u16 {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let width = if is_plain { text.len() } else { UnicodeWidthStr::width(text) };
    width.min(usize::from(u16::MAX)) as u16
}

/// `text` in at most `room` cells; what is cut shows as `ellipsis`.
pub(crate) fn shorten<'a>(text: &'a str, room: u16, clip: Clip, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let room = room.saturating_sub(1);
    let tail_room = match clip {
        Clip::End => 0,
        Clip::Middle => room / 2,
    };
    let tail_start = text.len() - prefix_bytes(text.chars().rev(), tail_room);
    let head_end = prefix_bytes(text.chars(), room - tail_room);
    Cow::Owned(format!("{}{ellipsis}{}", &text[..head_end], &text[tail_start..]))
}

/// As many of the clauses of `text`, which `; ` parts, as fit whole in `room` cells.
pub(crate) fn clauses(text: &str, room: u16) -> &str {
    let ends = text.match_indices("; ").map(|(at, _)| at).chain([text.len()]);
    ends.map(|end| &text[..end]).filter(|text| width(text) <= room).last().unwrap_or_default()
}

/// Bytes of the longest run of `characters` that fits in `room` cells.
pub(crate) fn prefix_bytes(characters: impl Iterator<Item = char>, room: u16) -> usize {
    let mut left = usize::from(room);
    characters
        .map_while(|character| {
            left = left.checked_sub(cells(character))?;
            Some(character.len_utf8())
        })
        .sum()
}

/// At most so many cells more than the text before it.
fn cells(character: char) -> usize {
    /// Makes what it follows an emoji, which can be one cell wider than it was.
    const EMOJI: char = '\u{fe0f}';
    if character == EMOJI { 1 } else { character.width().unwrap_or(0) }
}

/// Writes `text` at (`x`, `y`) in at most `room` cells and returns the column after it.
pub(crate) fn text(
    buffer: &mut Buffer,
    at: (u16, u16),
    room: u16,
    text: &str,
    style: Style,
) -> u16 {
    let (x, y) = at;
    let room = room.min(buffer.area.right().saturating_sub(x));
    if room == 0 || !buffer.area.contains((x, y).into()) {
        return x;
    }
    buffer.set_stringn(x, y, text, usize::from(room), style).0
}

/// Writes a line of styled pieces into the one-row `area`, shortened at its end if need be.
pub(crate) fn line(buffer: &mut Buffer, area: Rect, line: &Line, side: Side, skin: &Skin) -> u16 {
    let total = line.width().min(usize::from(u16::MAX)) as u16;
    let (mut x, end) = match side {
        Side::Left => (area.x, area.right()),
        Side::Right => (area.right().saturating_sub(total).max(area.x), area.right()),
    };
    let is_cut = total > area.width;
    for (at, span) in line.spans.iter().enumerate() {
        let style = line.style.patch(span.style);
        let room = end.saturating_sub(x);
        let is_last = at + 1 == line.spans.len();
        if is_cut && (width(&span.content) > room || (!is_last && width(&span.content) == room)) {
            let shown = shorten_always(&span.content, room, skin.glyphs.ellipsis);
            return text(buffer, (x, area.y), room, &shown, style);
        }
        x = text(buffer, (x, area.y), room, &span.content, style);
    }
    x
}

/// As `shorten`, but shows the cut even when this piece alone would have fitted.
fn shorten_always(text: &str, room: u16, ellipsis: &str) -> String {
    if room == 0 {
        return String::new();
    }
    let end = prefix_bytes(text.chars(), room - 1);
    format!("{}{ellipsis}", &text[..end])
}

/// What a terminal of this character set would show as something else becomes a question mark.
pub(crate) fn keep_to(buffer: &mut Buffer, charset: Charset) {
    if charset == Charset::Unicode {
        return;
    }
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        cell.set_symbol("?");
    }
}

/// Lays the focus over a drawn row: its background, and the bar in the first column.
pub(crate) fn select(buffer: &mut Buffer, row: Rect, skin: &Skin) {
    let row = row.intersection(buffer.area);
    for position in row.positions() {
        let cell = &mut buffer[position];
        // The empty part of a bar is meant to be hardly there.
        let style = if cell.symbol() == skin.glyphs.bar {
            cell.style().patch(skin.selected(Style::new()))
        } else {
            skin.selected(cell.style())
        };
        cell.set_style(style);
    }
    let accent = skin.strong(crate::tui::theme::Role::Accent);
    text(buffer, (row.x, row.y), row.width.min(1), skin.glyphs.focus, accent);
}
