//! Columns of a table: minimum widths, what goes first when there is no room, what takes the rest.
//!
//! Placing depends on the columns and the width alone, never on the rows, so that nothing jumps.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::pen::{self, Clip, Side};
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Cells between two columns.
const GAP: u16 = 2;
/// Columns from this priority on yield to names that would otherwise be cut.
const MINOR: u8 = 5;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    side: Side,
    clip: Clip,
    width: u16,
    width_max: u16,
    /// 1 stays to the end; higher numbers go first.
    priority: u8,
}

impl Column {
    pub(crate) fn left(title: &'static str, width: u16) -> Self {
        Self { title, side: Side::Left, clip: Clip::End, width, width_max: width, priority: 1 }
    }

    /// For numbers.
    pub(crate) fn right(title: &'static str, width: u16) -> Self {
        Self { side: Side::Right, ..Self::left(title, width) }
    }

    /// For names: as wide as the widest, within bounds; cut in the middle.
    pub(crate) fn name(title: &'static str, widest: u16, (least, most): (u16, u16)) -> Self {
        let width_max = widest.clamp(least, most);
        Self { width: least, width_max, clip: Clip::Middle, ..Self::left(title, least) }
    }

    pub(crate) fn priority(self, priority: u8) -> Self {
        Self { priority, ..self }
    }

    /// Cut in the middle where it is too long.
    pub(crate) fn middle(self) -> Self {
        Self { clip: Clip::Middle, ..self }
    }

    /// Cells that a name's column needs beyond the least it can do with.
    fn lack(&self) -> u16 {
        if self.priority == 1 { self.width_max - self.width } else { 0 }
    }

    /// Takes what the others leave, up to `width_max`.
    pub(crate) fn grow(self, width_max: u16) -> Self {
        Self { width_max: width_max.max(self.width), ..self }
    }
}

/// Columns with their places on a row.
pub(crate) struct Placed<'a> {
    columns: &'a [Column],
    /// Start and width, or `None` for a column that had to go.
    places: Vec<Option<(u16, u16)>>,
    area: Rect,
    /// What stands beside the row and need not be said in it again.
    left_out: Option<String>,
    /// Which column the rows are sorted by, and the sign of its direction.
    sorted: Option<(usize, &'static str)>,
}

/// Gives each column its place within `area`; what does not fit goes, least important first.
pub(crate) fn place(columns: &[Column], area: Rect) -> Placed<'_> {
    let mut is_shown: Vec<bool> = columns.iter().map(|column| column.width_max > 0).collect();
    let whole: u16 =
        columns.iter().filter(|column| column.clip == Clip::Middle).map(Column::lack).sum();
    while needed(columns, &is_shown) + whole > area.width {
        match first_to_go(columns, &is_shown) {
            Some(at) if columns[at].priority >= MINOR => is_shown[at] = false,
            Some(_) | None => break,
        }
    }
    while needed(columns, &is_shown) > area.width {
        match first_to_go(columns, &is_shown) {
            Some(at) if columns[at].priority > 1 => is_shown[at] = false,
            Some(_) | None => break,
        }
    }
    let mut widths: Vec<u16> = columns.iter().map(|column| column.width).collect();
    let mut spare = area.width.saturating_sub(needed(columns, &is_shown));
    for at in (0..columns.len()).filter(|at| is_shown[*at]) {
        let more = (columns[at].width_max - columns[at].width).min(spare);
        widths[at] += more;
        spare -= more;
    }
    let mut x = area.x;
    let places = (0..columns.len())
        .map(|at| {
            let start = x;
            let width = widths[at].min(area.right().saturating_sub(start));
            if !is_shown[at] || width == 0 {
                return None;
            }
            x = start.saturating_add(width + GAP);
            Some((start, width))
        })
        .collect();
    Placed { columns, places, area, left_out: None, sorted: None }
}

/// The least important column that is still shown; of equals the last.
fn first_to_go(columns: &[Column], is_shown: &[bool]) -> Option<usize> {
    (0..columns.len()).filter(|at| is_shown[*at]).max_by_key(|at| (columns[*at].priority, *at))
}

fn needed(columns: &[Column], is_shown: &[bool]) -> u16 {
    let shown = columns.iter().zip(is_shown).filter(|(_, is_shown)| **is_shown);
    shown.map(|(column, _)| column.width + GAP).sum::<u16>().saturating_sub(GAP)
}

impl<'a> Placed<'a> {
    /// The same places for a row whose cells do without these words.
    pub(crate) fn leaving_out(&self, words: String) -> Placed<'a> {
        let Self { columns, area, sorted, .. } = *self;
        Placed { columns, places: self.places.clone(), area, left_out: Some(words), sorted }
    }

    /// `sign_of` the column by whose title the rows are sorted.
    pub(crate) fn sorted(mut self, sign_of: impl Fn(&str) -> Option<&'static str>) -> Self {
        let mut columns = self.columns.iter().enumerate();
        self.sorted = columns.find_map(|(at, column)| Some((at, sign_of(column.title)?)));
        self
    }

    /// Where the column at `at` is on row `y`; `None` when it had to go.
    pub(crate) fn cell(&self, at: usize, y: u16) -> Option<Rect> {
        let (x, width) = (*self.places.get(at)?)?;
        (y < self.area.bottom()).then(|| Rect::new(x, y, width, 1))
    }

    /// Writes the titles from column `from` on, each with a space around it; returns where the last
    /// one ends.
    pub(crate) fn titles(&self, buffer: &mut Buffer, y: u16, from: u16, skin: &Skin) -> u16 {
        let mut taken = from;
        for (at, (column, place)) in self.columns.iter().zip(&self.places).enumerate() {
            let Some((x, width)) = *place else { continue };
            let title_width = pen::width(column.title).min(width);
            let start = match column.side {
                Side::Left => x,
                Side::Right => x + width - title_width,
            };
            if title_width == 0 || start < taken {
                continue;
            }
            let blank = Style::new();
            pen::text(buffer, (start.saturating_sub(1), y), 1, " ", blank);
            let sign = self.sorted.filter(|(sorted, _)| *sorted == at).map(|(_, sign)| sign);
            let role = if sign.is_some() { Role::Accent } else { Role::Dim };
            pen::text(buffer, (start, y), title_width, column.title, skin.style(role));
            let end = (start + title_width, y);
            taken = match sign {
                Some(sign) => pen::text(buffer, end, 1, sign, skin.style(role)),
                None => pen::text(buffer, end, 1, " ", blank),
            };
        }
        taken
    }

    /// Writes one row; `cells` are in the order of the columns.
    pub(crate) fn row(&self, buffer: &mut Buffer, y: u16, cells: &[Line], skin: &Skin) {
        for (at, cell) in cells.iter().enumerate() {
            let Some(area) = self.cell(at, y) else { continue };
            let shorter = self.left_out.as_deref().and_then(|words| without(cell, words));
            let cell = shorter.as_ref().unwrap_or(cell);
            match self.columns[at].clip {
                Clip::Middle => name(buffer, area, cell, skin),
                Clip::End => {
                    pen::line(buffer, area, cell, self.columns[at].side, skin);
                }
            }
        }
    }
}

fn without<'c>(cell: &'c Line, words: &str) -> Option<Line<'c>> {
    if !cell.spans.iter().any(|span| span.content.contains(words)) {
        return None;
    }
    let span = |span: &'c Span| Span::styled(span.content.replacen(words, "", 1), span.style);
    Some(Line { spans: cell.spans.iter().map(span).collect(), ..cell.clone() })
}

/// A name after its signs; the name alone is shortened, in its middle.
fn name(buffer: &mut Buffer, area: Rect, cell: &Line, skin: &Skin) {
    let Some((name, signs)) = cell.spans.split_last() else { return };
    let mut x = area.x;
    for sign in signs {
        let room = area.right().saturating_sub(x);
        x = pen::text(buffer, (x, area.y), room, &sign.content, cell.style.patch(sign.style));
    }
    let room = area.right().saturating_sub(x);
    let shown = pen::shorten(&name.content, room, Clip::Middle, skin.glyphs.ellipsis);
    pen::text(buffer, (x, area.y), room, &shown, cell.style.patch(name.style));
}
