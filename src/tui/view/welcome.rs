//! Some keys to begin with, in a corner, until the first key is pressed.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::{Canvas, row};
use crate::tui::action::{self, Id};
use crate::tui::theme::Role;
use crate::tui::widget::overlay;

/// What is worth knowing first.
const FIRST: [Id; 5] = [Id::Help, Id::Palette, Id::Filter, Id::Undo, Id::Quit];
const WIDTH: u16 = 52;
const HEIGHT: u16 = FIRST.len() as u16 + 1;
/// With less room it would hide what it is about.
const BODY_MIN: (u16, u16) = (80, 24);

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    if area.width < BODY_MIN.0 || area.height < BODY_MIN.1 {
        return;
    }
    // Above the footer, to the right, where rows end.
    let (width, height) = (WIDTH + 4, HEIGHT + 2);
    let corner = Rect { x: area.right() - width - 1, y: area.bottom() - height - 1, width, height };
    let title = Line::from(canvas.strong(" New here ", Role::Accent));
    let inner = overlay::open(canvas.buffer, corner, (WIDTH, HEIGHT), &title, canvas.skin);
    for (at, id) in (0..).zip(FIRST) {
        let line = Line::from(vec![
            canvas.strong(format!("{:<3}", canvas.model.keys.name(id)), Role::Accent),
            canvas.span(action::of(id).help, Role::Text),
        ]);
        canvas.line(row(inner, at), &line);
    }
    let line = canvas.cell("any key ends this for good", Role::Dim);
    canvas.right(row(inner, HEIGHT - 1), &line);
}
