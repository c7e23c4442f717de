//! Horizontal bars of half a row's height, so that bars of neighbouring rows stay apart: one value,
//! shares of a whole, a deviation from zero.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen;
use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// A value from 0 to 1, the rest faint.
pub(crate) fn level(buffer: &mut Buffer, area: Rect, value: f64, role: Role, skin: &Skin) {
    let value = if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let least = u16::from(value > 0.0);
    let filled = ((value * f64::from(area.width)).round() as u16).max(least);
    for at in 0..area.width {
        let is_filled = at < filled;
        let style = skin.style(if is_filled { role } else { Role::Faint });
        let symbol = if skin.is_mono() && !is_filled { skin.glyphs.point } else { skin.glyphs.bar };
        pen::text(buffer, (area.x + at, area.y), 1, symbol, style);
    }
}

/// The shares of a whole side by side, in the colours of their series.
pub(crate) fn shares(buffer: &mut Buffer, area: Rect, shares: &[f64], skin: &Skin) {
    let cells = divide(area.width, shares);
    let mut x = area.x;
    for (series, count) in cells.iter().enumerate() {
        let style = skin.style(Role::series(series));
        let symbol = if skin.is_mono() {
            skin.glyphs.fills[series % skin.glyphs.fills.len()]
        } else {
            skin.glyphs.bar
        };
        for _ in 0..*count {
            x = pen::text(buffer, (x, area.y), area.right().saturating_sub(x), symbol, style);
        }
    }
    while x < area.right().min(buffer.area.right()) {
        let style = skin.style(Role::Faint);
        let next = pen::text(buffer, (x, area.y), 1, skin.glyphs.bar, style);
        if next == x {
            break;
        }
        x = next;
    }
}

/// `width` cells divided in proportion, whole cells, largest remainders first; all or none is given.
pub(crate) fn divide(width: u16, shares: &[f64]) -> Vec<u16> {
    let positive = |share: f64| if share.is_finite() { share.max(0.0) } else { 0.0 };
    let total: f64 = shares.iter().map(|share| positive(*share)).sum();
    if total <= 0.0 {
        return vec![0; shares.len()];
    }
    let exact: Vec<f64> =
        shares.iter().map(|share| positive(*share) / total * f64::from(width)).collect();
    let mut cells: Vec<u16> = exact.iter().map(|value| value.floor() as u16).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()).then(a.cmp(b)));
    let given: u16 = cells.iter().sum();
    for at in order.into_iter().take(usize::from(width.saturating_sub(given))) {
        cells[at] += 1;
    }
    cells
}

/// A stroke from the middle: left when `value` is negative, right when positive; `scale` reaches
/// the end. Resolves half cells.
pub(crate) fn deviation(buffer: &mut Buffer, area: Rect, value: f64, scale: f64, skin: &Skin) {
    if area.is_empty() {
        return;
    }
    let half = (area.width - 1) / 2;
    let middle = area.x + half;
    pen::text(buffer, (middle, area.y), 1, skin.glyphs.axis, skin.style(Role::Faint));
    if !value.is_finite() || scale <= 0.0 {
        return;
    }
    let reach = f64::from(half) * 2.0;
    let length = (value.abs() / scale * reach).round().min(reach) as u16;
    let role = if value.abs() >= scale { Role::Warn } else { Role::Info };
    let style = skin.style(role);
    let [whole, right_half, left_half] = skin.glyphs.stroke;
    // From the axis outwards, two steps a cell; the odd step is the half that touches the axis.
    for step in 0..length.div_ceil(2) {
        let is_half = step == length / 2;
        let (x, symbol) = if value < 0.0 {
            (middle - 1 - step, if is_half { right_half } else { whole })
        } else {
            (middle + 1 + step, if is_half { left_half } else { whole })
        };
        pen::text(buffer, (x, area.y), 1, symbol, style);
    }
}
