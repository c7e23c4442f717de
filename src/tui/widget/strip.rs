//! The strips at the edges of the screen: header, tabs, footer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pen::{self, Side};
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Fills the strip's background.
pub(crate) fn fill(buffer: &mut Buffer, area: Rect, skin: &Skin) {
    buffer.set_style(area.intersection(buffer.area), skin.panel());
}

/// Words at both ends; the right end is never shortened for the left.
pub(crate) fn two_ended(buffer: &mut Buffer, area: Rect, left: &Line, right: &Line, skin: &Skin) {
    let right_width = (right.width() as u16).min(area.width);
    let right_area = Rect { x: area.right() - right_width, width: right_width, ..area };
    pen::line(buffer, right_area, right, Side::Right, skin);
    let left_area = Rect { width: area.width.saturating_sub(right_width + 1), ..area };
    pen::line(buffer, left_area, left, Side::Left, skin);
}

/// One tab: its key and its name, whole and short.
pub(crate) struct Tab {
    pub(crate) key: String,
    pub(crate) name: &'static str,
    pub(crate) short: &'static str,
    pub(crate) is_open: bool,
}

/// Returns where each of them is.
pub(crate) fn tabs(buffer: &mut Buffer, area: Rect, tabs: &[Tab], skin: &Skin) -> Vec<Rect> {
    let mut places = Vec::with_capacity(tabs.len());
    let whole = tabs.iter().map(|tab| tab.name.len() + usize::from(pen::width(&tab.key)) + 3);
    let whole: usize = whole.sum();
    let is_short = whole > usize::from(area.width);
    let is_close = whole + tabs.len() > usize::from(area.width);
    let mut x = area.x + 1;
    for (at, tab) in tabs.iter().enumerate() {
        let blank = if at + 1 == tabs.len() { "" } else { " " };
        let name = if is_short { tab.short } else { tab.name };
        let room = area.right().saturating_sub(x);
        let from = x;
        if tab.is_open {
            let text = format!(" {} {name} ", tab.key);
            x = pen::text(buffer, (x, area.y), room, &text, skin.badge(Role::Info));
        } else {
            let line = Line::from(vec![
                Span::styled(format!(" {} ", tab.key), skin.style(Role::Dim)),
                Span::styled(format!("{name}{blank}"), skin.style(Role::Text)),
            ]);
            x = pen::line(
                buffer,
                Rect { x, width: room, height: 1, ..area },
                &line,
                Side::Left,
                skin,
            );
        }
        places.push(Rect { x: from, width: x.saturating_sub(from), height: 1, ..area });
        if !is_close {
            x = x.saturating_add(1);
        }
    }
    places
}

/// What a key does, in the footer.
pub(crate) struct Hint {
    pub(crate) key: String,
    pub(crate) label: String,
}

impl Hint {
    fn width(&self) -> u16 {
        pen::width(&self.key) + 1 + pen::width(&self.label)
    }
}

/// Hints from the left while there is room; `kept` stay at the end whatever else has to go. Returns
/// where those are that were drawn, by their number, `kept` counted on.
pub(crate) fn footer(
    buffer: &mut Buffer,
    area: Rect,
    hints: &[Hint],
    kept: &[Hint],
    skin: &Skin,
) -> Vec<(usize, Rect)> {
    const GAP: u16 = 2;
    fill(buffer, area, skin);
    let reserved: u16 = kept.iter().map(|hint| hint.width() + GAP).sum();
    let mut x = area.x + 2;
    let end = area.right().saturating_sub(1);
    let mut draw = |hint: &Hint, end: u16| {
        if x + hint.width() > end {
            return None;
        }
        let after = pen::text(buffer, (x, area.y), end - x, &hint.key, skin.strong(Role::Bright));
        pen::text(buffer, (after + 1, area.y), end - x, &hint.label, skin.style(Role::Dim));
        let place = Rect { x, width: hint.width(), height: 1, ..area };
        x += hint.width() + GAP;
        Some(place)
    };
    let reserved_end = end.saturating_sub(reserved);
    let mut drawn: Vec<(usize, Rect)> = Vec::new();
    for (at, hint) in hints.iter().enumerate() {
        let Some(place) = draw(hint, reserved_end) else { break };
        drawn.push((at, place));
    }
    for (at, hint) in kept.iter().enumerate() {
        drawn.extend(draw(hint, end).map(|place| (hints.len() + at, place)));
    }
    drawn
}
