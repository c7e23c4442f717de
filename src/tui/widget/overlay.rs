//! The box that lies over a screen: help, palette, questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::pen::{self, Side};
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Frame and padding on each side.
const MARGIN: u16 = 2;

/// Clears and frames a box of at most `size` (content, without frame) in the middle of `area`;
/// returns the room inside.
pub(crate) fn open(
    buffer: &mut Buffer,
    area: Rect,
    size: (u16, u16),
    title: &Line,
    skin: &Skin,
) -> Rect {
    let area = area.intersection(buffer.area);
    let width = size.0.saturating_add(2 * MARGIN).min(area.width);
    let height = size.1.saturating_add(2).min(area.height);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 3;
    let frame = Rect { x, y, width, height };
    for position in frame.positions() {
        let cell = &mut buffer[position];
        cell.reset();
        cell.set_style(skin.panel());
    }
    if width < 2 || height < 2 {
        return Rect { width: 0, height: 0, ..frame };
    }
    border(buffer, frame, skin);
    let title_room = Rect { x: x + 2, width: width.saturating_sub(4), height: 1, ..frame };
    pen::line(buffer, title_room, title, Side::Left, skin);
    Rect {
        x: x + MARGIN.min(width),
        y: y + 1,
        width: width.saturating_sub(2 * MARGIN),
        height: height - 2,
    }
}

fn border(buffer: &mut Buffer, frame: Rect, skin: &Skin) {
    let style = skin.style(Role::Dim);
    let [top_left, top_right, bottom_left, bottom_right, across, down] = skin.glyphs.frame;
    let (left, right) = (frame.x, frame.right() - 1);
    let (top, bottom) = (frame.y, frame.bottom() - 1);
    for x in left + 1..right {
        pen::text(buffer, (x, top), 1, across, style);
        pen::text(buffer, (x, bottom), 1, across, style);
    }
    for y in top + 1..bottom {
        pen::text(buffer, (left, y), 1, down, style);
        pen::text(buffer, (right, y), 1, down, style);
    }
    let corners = [
        ((left, top), top_left),
        ((right, top), top_right),
        ((left, bottom), bottom_left),
        ((right, bottom), bottom_right),
    ];
    for (at, symbol) in corners {
        pen::text(buffer, at, 1, symbol, style);
    }
}
