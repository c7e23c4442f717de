//! The buffer with what decides how to draw on it, and the few words every view writes with.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::model::Model;
use crate::tui::model::panel::{self, Panel};
use crate::tui::model::pointer::Hit;
use crate::tui::model::split::Pane;
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;
use crate::tui::widget::columns::Placed;
use crate::tui::widget::number;
use crate::tui::widget::pen::{self, Side};
use crate::tui::widget::rule::Rule;

pub(in crate::tui) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) model: &'a Model,
    pub(super) skin: &'a Skin,
    /// The view that is drawn, and its part of the screen.
    pub(super) pane: Pane,
    /// What a pointer would be on, later ones above earlier ones.
    pub(super) hits: Vec<(Rect, Hit)>,
}

impl Canvas<'_> {
    /// Whoever points there means this.
    pub(super) fn hit(&mut self, area: Rect, hit: Hit) {
        self.hits.push((area, hit));
    }

    /// The panels of the view that is drawn.
    pub(super) fn shown(&self) -> Vec<Panel> {
        panel::shown_in(self.model, self.pane)
    }

    /// Whether keys act on this panel.
    pub(super) fn has_focus(&self, panel: Panel) -> bool {
        self.pane.has_focus && self.model.focus() == panel
    }

    /// Text in a role.
    pub(super) fn span<'t>(
        &self,
        text: impl Into<std::borrow::Cow<'t, str>>,
        role: Role,
    ) -> Span<'t> {
        Span::styled(text, self.skin.style(role))
    }

    /// The number or name one came for.
    pub(super) fn strong<'t>(
        &self,
        text: impl Into<std::borrow::Cow<'t, str>>,
        role: Role,
    ) -> Span<'t> {
        Span::styled(text, self.skin.strong(role))
    }

    pub(super) fn cell<'t>(
        &self,
        text: impl Into<std::borrow::Cow<'t, str>>,
        role: Role,
    ) -> Line<'t> {
        Line::from(self.span(text, role))
    }

    pub(super) fn bold<'t>(
        &self,
        text: impl Into<std::borrow::Cow<'t, str>>,
        role: Role,
    ) -> Line<'t> {
        Line::from(self.strong(text, role))
    }

    /// What stands where there is no number.
    pub(super) fn none(&self) -> Line<'static> {
        self.cell(self.skin.glyphs.dash, Role::Faint)
    }

    /// A number that is quiet when it is zero.
    pub(super) fn amount(&self, value: u64, text: String) -> Line<'static> {
        if value == 0 { self.cell(text, Role::Dim) } else { self.cell(text, Role::Text) }
    }

    /// A latency; without requests there is none.
    pub(super) fn latency(&self, value_us: u64) -> Line<'static> {
        if value_us == 0 { self.none() } else { self.cell(number::latency(value_us), Role::Text) }
    }

    pub(super) fn line(&mut self, area: Rect, line: &Line) {
        if area.width > 0 && area.height > 0 {
            pen::line(self.buffer, Rect { height: 1, ..area }, line, Side::Left, self.skin);
        }
    }

    /// A table's row.
    pub(super) fn row(&mut self, placed: &Placed, y: u16, cells: &[Line]) {
        placed.row(self.buffer, y, cells, self.skin);
    }

    /// A section's rule without columns.
    pub(super) fn rule(&mut self, area: Rect, title: &str, facts: String) {
        Rule::new(title, self.skin).says(facts, self.skin).draw(self.buffer, area, self.skin);
    }

    pub(super) fn right(&mut self, area: Rect, line: &Line) {
        if area.width > 0 && area.height > 0 {
            pen::line(self.buffer, Rect { height: 1, ..area }, line, Side::Right, self.skin);
        }
    }
}

/// The room for a section's rows: without the focus column, the mark column and the right margin.
pub(super) fn content(area: Rect) -> Rect {
    Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area }
}

/// The `at`-th row of an area; empty below its end.
pub(super) fn row(area: Rect, at: u16) -> Rect {
    if at < area.height {
        Rect { y: area.y + at, height: 1, ..area }
    } else {
        Rect { width: 0, height: 0, ..area }
    }
}

/// Cuts the first `height` rows off an area.
pub(super) fn take(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let taken = Rect { height, ..*area };
    area.y += height;
    area.height -= height;
    taken
}
