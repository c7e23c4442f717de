//! The section rule: a faint line with an accent title at the left, facts at the right, and column
//! names exactly above their columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::columns::Placed;
use super::pen::{self, Side};
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Columns left of the title: margin, one piece of rule, a space.
const LEAD: u16 = 3;

pub(crate) struct Rule<'a> {
    title: Line<'a>,
    facts: Line<'a>,
    columns: Option<&'a Placed<'a>>,
}

impl<'a> Rule<'a> {
    pub(crate) fn new(title: &'a str, skin: &Skin) -> Self {
        let title = Line::from(Span::styled(title, skin.strong(Role::Accent)));
        Self { title, facts: Line::default(), columns: None }
    }

    /// More words after the title, in their own styles.
    pub(crate) fn and(mut self, span: Span<'a>) -> Self {
        self.title.spans.push(Span::raw(" "));
        self.title.spans.push(span);
        self
    }

    pub(crate) fn facts(mut self, facts: Line<'a>) -> Self {
        self.facts = facts;
        self
    }

    /// Plain facts, dim.
    pub(crate) fn says(self, facts: impl Into<String>, skin: &Skin) -> Self {
        self.facts(Line::from(Span::styled(facts.into(), skin.style(Role::Dim))))
    }

    pub(crate) fn columns(mut self, columns: &'a Placed<'a>) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Draws into the first row of `area`.
    pub(crate) fn draw(&self, buffer: &mut Buffer, area: Rect, skin: &Skin) {
        if area.width < 4 || area.height == 0 {
            return;
        }
        let faint = skin.style(Role::Faint);
        let y = area.y;
        let last = area.right() - 1;
        for x in area.x + 1..last {
            pen::text(buffer, (x, y), 1, skin.glyphs.rule, faint);
        }
        let title_room = Rect::new(area.x + LEAD, y, last.saturating_sub(area.x + LEAD + 1), 1);
        pen::text(buffer, (area.x + LEAD - 1, y), 1, " ", faint);
        let mut taken = pen::line(buffer, title_room, &self.title, Side::Left, skin);
        taken = pen::text(buffer, (taken, y), last.saturating_sub(taken), " ", faint);
        if let Some(columns) = self.columns {
            taken = columns.titles(buffer, y, taken, skin).max(taken);
        }
        self.draw_facts(buffer, (taken, last), y, skin);
    }

    /// Facts yield to titles: they are drawn when they fit beside them, or not at all.
    fn draw_facts(&self, buffer: &mut Buffer, (taken, last): (u16, u16), y: u16, skin: &Skin) {
        let width = self.facts.width() as u16;
        let end = last.saturating_sub(1);
        let Some(start) = end.checked_sub(width + 1) else { return };
        if width == 0 || start < taken + 1 {
            return;
        }
        let faint = skin.style(Role::Faint);
        pen::text(buffer, (start - 1, y), 1, " ", faint);
        pen::line(buffer, Rect::new(start, y, width, 1), &self.facts, Side::Left, skin);
        pen::text(buffer, (start + width, y), 1, " ", faint);
    }
}
