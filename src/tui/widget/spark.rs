//! Sparklines: one sample a column (braille: two), newest at the right.
//!
//! A sample of zero is a faint base line; where nothing was sampled there is nothing, so that quiet
//! and unknown look different.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Values with their newest last, and the value that fills the height.
pub(crate) struct Spark<'a> {
    pub(crate) values: &'a [u64],
    pub(crate) top: u64,
    pub(crate) role: Role,
}

/// How many samples a graph of `width` cells shows.
pub(crate) fn samples(width: u16, skin: &Skin) -> usize {
    usize::from(width) * if skin.is_braille() { 2 } else { 1 }
}

impl Spark<'_> {
    pub(crate) fn draw(&self, buffer: &mut Buffer, area: Rect, skin: &Skin) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        if skin.is_braille() {
            self.draw_braille(buffer, area, skin);
        } else {
            self.draw_blocks(buffer, area, skin);
        }
    }

    /// The value shown in the `column`-th of `columns` slots, oldest first.
    fn at(&self, column: usize, columns: usize) -> Option<u64> {
        (column + self.values.len()).checked_sub(columns).map(|at| self.values[at])
    }

    /// Steps of the whole height. The top one stays empty, so that graphs of neighbouring rows do
    /// not run into each other.
    fn steps(area: Rect, per_row: u64) -> u64 {
        u64::from(area.height) * per_row - 1
    }

    /// Height in steps of 1 of `steps`; what is not zero shows at least one.
    fn height(&self, value: u64, steps: u64) -> u64 {
        if value == 0 {
            return 0;
        }
        let top = u128::from(self.top.max(1));
        let scaled = (u128::from(value) * u128::from(steps)).div_ceil(top);
        (scaled as u64).min(steps)
    }

    fn draw_blocks(&self, buffer: &mut Buffer, area: Rect, skin: &Skin) {
        let columns = usize::from(area.width);
        let steps = Self::steps(area, 8);
        for column in 0..columns {
            let Some(value) = self.at(column, columns) else { continue };
            let height = self.height(value, steps);
            for row in 0..area.height {
                let above = height.saturating_sub(u64::from(row) * 8).min(8) as usize;
                let (level, role) =
                    if height == 0 && row == 0 { (1, Role::Faint) } else { (above, self.role) };
                let position = (area.x + column as u16, area.bottom() - 1 - row);
                let style: Style = skin.style(role);
                buffer[position].set_symbol(skin.glyphs.levels[level]).set_style(style);
            }
        }
    }

    fn draw_braille(&self, buffer: &mut Buffer, area: Rect, skin: &Skin) {
        const LEFT: [u32; 5] = [0x00, 0x40, 0x44, 0x46, 0x47];
        const RIGHT: [u32; 5] = [0x00, 0x80, 0xa0, 0xb0, 0xb8];
        let columns = usize::from(area.width) * 2;
        let steps = u64::from(area.height) * 4;
        for column in 0..area.width {
            let pair = [0, 1].map(|half| self.at(usize::from(column) * 2 + half, columns));
            if pair == [None, None] {
                continue;
            }
            let heights = pair.map(|value| self.height(value.unwrap_or(0), steps));
            for row in 0..area.height {
                let dots = |height: u64| {
                    let above = height.saturating_sub(u64::from(row) * 4).min(4) as usize;
                    if row == 0 { above.max(1) } else { above }
                };
                let bits = LEFT[dots(heights[0])] | RIGHT[dots(heights[1])];
                let symbol = char::from_u32(0x2800 + bits).expect("braille is 256 characters long");
                let role = if heights == [0, 0] { Role::Faint } else { self.role };
                let position = (area.x + column, area.bottom() - 1 - row);
                buffer[position].set_char(symbol).set_style(skin.style(role));
            }
        }
    }
}
