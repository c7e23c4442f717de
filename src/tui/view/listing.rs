//! The rows of a panel on the screen: which of them are in view, the focus, the marks, and what is
//! said when there are none.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::{self, Canvas};
use crate::tui::model::Link;
use crate::tui::model::panel::{Empty, Panel, View};
use crate::tui::model::pointer::Hit;
use crate::tui::model::rows::{self, Row};
use crate::tui::theme::Role;
use crate::tui::widget::pen;

pub(super) struct Listing<'a> {
    pub(super) panel: Panel,
    pub(super) rows: Vec<Row<'a>>,
    cursor: Option<usize>,
    total: usize,
    marked: usize,
}

impl<'a> Listing<'a> {
    pub(super) fn of(canvas: &Canvas<'a>, panel: Panel) -> Self {
        let model = canvas.model;
        let rows = rows::rows(model, panel);
        let cursor = rows::cursor(model, panel, &rows);
        // A row's key costs names, and marks are rare.
        let is_marked = |row: &&Row<'_>| model.marks.contains(&row.key());
        let marked = if model.marks.is_empty() { 0 } else { rows.iter().filter(is_marked).count() };
        let is_whole = model.lists.of(panel).filter.is_empty();
        let total = if is_whole { rows.len() } else { rows::unfiltered(model, panel).len() };
        Self { panel, rows, cursor, total, marked }
    }

    /// The row with the cursor.
    pub(super) fn selected(&self) -> Option<&Row<'a>> {
        self.rows.get(self.cursor?)
    }

    /// Whether the focus is on the row at `at`.
    pub(super) fn is_cursor(&self, canvas: &Canvas, at: usize) -> bool {
        canvas.has_focus(self.panel) && self.cursor == Some(at)
    }

    /// How many rows are above the view, so that the cursor is always in it. A function of the
    /// cursor alone: nothing is remembered between frames. On the Overview, a panel without the
    /// focus shows its top.
    pub(super) fn first(&self, canvas: &Canvas, height: u16) -> usize {
        if canvas.pane.view == View::Overview && !canvas.has_focus(self.panel) {
            return 0;
        }
        let height = usize::from(height);
        let last = self.rows.len().saturating_sub(height);
        self.cursor.unwrap_or(0).saturating_sub(height / 2).min(last)
    }

    /// `12`, `5 of 12`, `3 marked, 12`.
    pub(super) fn count(&self, height: u16) -> String {
        let shown = self.rows.len().min(usize::from(height));
        let count = if shown == self.total {
            format!("{}", self.total)
        } else {
            format!("{shown} of {}", self.total)
        };
        if self.marked == 0 { count } else { format!("{} marked, {count}", self.marked) }
    }

    /// Draws the rows in view, the focus and the marks over them; `draw` writes one row.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'a>,
        area: Rect,
        draw: impl Fn(&mut Canvas<'a>, &Row<'a>, Rect),
    ) {
        canvas.hit(area, Hit::Panel(self.panel));
        if self.rows.is_empty() {
            self.draw_empty(canvas, area);
            return;
        }
        let first = self.first(canvas, area.height);
        let visible = self.rows.iter().enumerate().skip(first).take(usize::from(area.height));
        for ((at, row), y) in visible.zip(area.y..) {
            let place = Rect { y, height: 1, ..area };
            draw(canvas, row, place);
            canvas.hit(place, Hit::Row(self.panel, row.key()));
            if !canvas.model.marks.is_empty()
                && canvas.model.marks.contains(&row.key())
                && area.width > 1
            {
                let style = canvas.skin.strong(Role::Accent);
                pen::text(canvas.buffer, (area.x + 1, y), 1, canvas.skin.glyphs.mark, style);
            }
            if self.is_cursor(canvas, at) {
                pen::select(canvas.buffer, place, canvas.skin);
            }
        }
    }

    /// Empty states say what to do.
    fn draw_empty(&self, canvas: &mut Canvas, area: Rect) {
        let model = canvas.model;
        let filter = &model.lists.of(self.panel).filter;
        let noun = self.panel.facts().noun;
        let text = match (&model.link, (self.panel.facts().when_empty)(model)) {
            _ if !filter.is_empty() => {
                format!("no {noun} match /{filter}: Esc shows all {}", self.total)
            }
            (Link::Connecting { .. }, _) => "waiting for the engine".to_owned(),
            (_, Empty::Fits(text)) => {
                let line = Line::from(vec![
                    canvas.span(format!("{} ", canvas.skin.glyphs.fits), Role::Ok),
                    canvas.span(text, Role::Dim),
                ]);
                canvas.line(canvas::content(area), &line);
                return;
            }
            (_, Empty::Says(text)) => text.to_owned(),
            (_, Empty::NoneYet) => format!("no {noun} yet"),
        };
        let line = canvas.cell(text, Role::Dim);
        canvas.line(canvas::content(area), &line);
    }
}
