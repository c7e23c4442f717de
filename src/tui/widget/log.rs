//! Lines of output: time, who said it where that differs, stream, text, and the supervisor's marks
//! between them.
//!
//! Programs write what they like; lines go through `control::text` on their way to the cells, so that
//! no escape sequence of theirs reaches the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::text;
use crate::control::wire::{LogLine, Stream};

use super::number;
use super::pen::{self, Clip, Side};
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Below this width the time of day goes.
const TIME_WIDTH_MIN: u16 = 60;
const MARK_LEAD: usize = 4;

/// What happens to a line that is wider than the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongLines {
    Cut,
    Wrapped,
}

/// How lines are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) long: LongLines,
    /// Marked wherever it stands; empty: nothing is.
    pub(crate) searched: &'a str,
    /// The number of the line that was gone to.
    pub(crate) at: Option<u64>,
    /// In the lines of several programs: who said it.
    pub(crate) names: Option<&'a Names<'a>>,
}

/// The column of names, each program in its own colour.
#[derive(Clone, Debug)]
pub(crate) struct Names<'a> {
    /// Programs by their colours.
    pub(crate) order: Vec<&'a str>,
    pub(crate) width: u16,
}

impl Names<'_> {
    /// An instance has the colour of its program; one that is gone has none.
    fn span(&self, label: &str, skin: &Skin) -> Span<'static> {
        let name = label.rsplit_once(':').map_or(label, |(name, _instance)| name);
        let place = self.order.iter().position(|known| *known == name);
        let text = text::plain(label);
        let text = pen::shorten(&text, self.width, Clip::Middle, skin.glyphs.ellipsis);
        let rest = usize::from(self.width.saturating_sub(pen::width(&text)));
        Span::styled(
            format!("{text}{}", " ".repeat(rest)),
            skin.style(place.map_or(Role::Dim, Role::series)),
        )
    }
}

/// Draws as many of the numbered `lines` (newest last) as fit, the newest at the bottom once the pane
/// is full.
pub(crate) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    lines: &[(u64, &LogLine)],
    look: Look<'_>,
    skin: &Skin,
) {
    let mut rows: Vec<Line> = Vec::with_capacity(usize::from(area.height));
    for (number, line) in lines.iter().rev() {
        if rows.len() >= usize::from(area.height) {
            break;
        }
        let whole = line_of(line, area.width, look.names, skin);
        let mut pieces = match look.long {
            LongLines::Cut => vec![whole],
            LongLines::Wrapped => wrap(whole, area.width),
        };
        if !look.searched.is_empty() && line.stream != Stream::Mark {
            let is_there = look.at == Some(*number);
            for piece in &mut pieces {
                mark(piece, look.searched, is_there, skin);
            }
        }
        rows.extend(pieces.into_iter().rev());
    }
    rows.truncate(usize::from(area.height));
    for (line, y) in rows.iter().rev().zip(area.y..) {
        pen::line(buffer, Rect { y, height: 1, ..area }, line, Side::Left, skin);
    }
}

/// Cuts the text, a line's last piece, at what is searched for, which stands out. The line that was
/// gone to does so more than the others.
fn mark(line: &mut Line<'_>, searched: &str, is_there: bool, skin: &Skin) {
    let Some(last) = line.spans.pop() else { return };
    let found = skin.badge(if is_there { Role::Accent } else { Role::Warn });
    let mut rest = 0;
    for place in text::places(&last.content, searched) {
        line.spans.push(Span::styled(last.content[rest..place.start].to_owned(), last.style));
        line.spans.push(Span::styled(last.content[place.clone()].to_owned(), found));
        rest = place.end;
    }
    line.spans.push(Span::styled(last.content[rest..].to_owned(), last.style));
}

/// Rows of at most `width` cells. Only the last piece, the text itself, is long.
fn wrap(line: Line, width: u16) -> Vec<Line> {
    if line.width() <= usize::from(width) || width == 0 {
        return vec![line];
    }
    let mut spans = line.spans;
    let Some(last) = spans.pop() else { return Vec::new() };
    let lead: u16 = spans.iter().map(|span| pen::width(&span.content)).sum();
    let room = width.saturating_sub(lead).max(1);
    let mut rows = Vec::new();
    let mut rest: &str = &last.content;
    while !rest.is_empty() {
        let end = pen::prefix_bytes(rest.chars(), room)
            .max(rest.chars().next().map_or(0, char::len_utf8));
        let (piece, after) = rest.split_at(end);
        let mut row = if rows.is_empty() {
            std::mem::take(&mut spans)
        } else {
            vec![Span::raw(" ".repeat(usize::from(lead)))]
        };
        row.push(Span::styled(piece.to_owned(), last.style));
        rows.push(Line::from(row));
        rest = after;
    }
    rows
}

fn line_of<'a>(line: &'a LogLine, width: u16, names: Option<&Names>, skin: &Skin) -> Line<'a> {
    let text = text::plain(&line.text);
    let dim = skin.style(Role::Dim);
    let mut spans = Vec::with_capacity(6);
    if width >= TIME_WIDTH_MIN && line.stream != Stream::Mark {
        spans.push(Span::styled(number::clock_millis(line.wall_ms), dim));
        spans.push(Span::raw("  "));
    }
    let name = names.filter(|_| !line.program.is_empty());
    let name = name.map(|names| names.span(&line.program, skin));
    let name_width = name.as_ref().map_or(0, |name| name.width() + 2);
    if line.stream != Stream::Mark {
        spans.extend(name.clone().into_iter().flat_map(|name| [name, Span::raw("  ")]));
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
            let said = MARK_LEAD + 2 + name_width + usize::from(pen::width(&text));
            let tail = usize::from(width).saturating_sub(said);
            spans.push(Span::styled(skin.glyphs.rule.repeat(MARK_LEAD), faint));
            spans.extend(name.into_iter().flat_map(|name| [Span::raw(" "), name, Span::raw(" ")]));
            spans.push(Span::styled(format!(" {text} "), skin.style(Role::Info)));
            spans.push(Span::styled(skin.glyphs.rule.repeat(tail), faint));
        }
    }
    Line::from(spans)
}
