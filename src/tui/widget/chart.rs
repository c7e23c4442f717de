//! Shares over time, stacked: each column adds up to one, each series keeps its colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::Role;
use crate::tui::theme::skin::Skin;

/// Shares of one moment, first series at the bottom. Empty or all zero: nothing happened then.
pub(crate) type Moment = Vec<f64>;

/// Draws the newest moments that fit, newest at the right edge.
pub(crate) fn stacked(buffer: &mut Buffer, area: Rect, moments: &[Moment], skin: &Skin) {
    let area = area.intersection(buffer.area);
    let columns = usize::from(area.width);
    let shown = &moments[moments.len().saturating_sub(columns)..];
    let first = columns - shown.len();
    for (at, moment) in shown.iter().enumerate() {
        let edges = edges(moment, u32::from(area.height) * 8);
        for row in 0..area.height {
            let position = (area.x + (first + at) as u16, area.bottom() - 1 - row);
            let Some((level, lower, upper)) = cell(&edges, u32::from(row) * 8) else { continue };
            let target = &mut buffer[position];
            if skin.is_mono() {
                let series = if level >= 4 { lower } else { upper };
                target.set_symbol(skin.glyphs.fills[series % skin.glyphs.fills.len()]);
            } else {
                target.set_symbol(skin.glyphs.levels[level]);
                target.set_fg(skin.color(Role::series(lower)));
                target.set_bg(skin.color(Role::series(upper)));
            }
        }
    }
}

/// The upper edge of each series in eighths of a cell; the last one is the top.
fn edges(moment: &[f64], eighths: u32) -> Vec<u32> {
    let total: f64 = moment.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return Vec::new();
    }
    let mut sum = 0.0;
    let edge = |share: &f64| {
        sum += share / total;
        (sum * f64::from(eighths)).round() as u32
    };
    moment.iter().map(edge).collect()
}

/// How many eighths of the cell from `bottom` up belong to the lower series, then both series.
fn cell(edges: &[u32], bottom: u32) -> Option<(usize, usize, usize)> {
    let lower = edges.iter().position(|edge| *edge > bottom)?;
    let upper = edges.iter().position(|edge| *edge >= bottom + 8).unwrap_or(lower);
    let level = (edges[lower] - bottom).min(8) as usize;
    Some((level, lower, upper))
}
