//! Shares over time as a section: rule, axis, stacked chart, and a row below for what happened.

use ratatui::layout::Rect;

use crate::control::sample::Sample;
use crate::tui::widget::chart::{self, Moment};

use super::canvas::{Canvas, content, row, take};

/// The least height worth drawing: rule, two rows of chart, the row below.
pub(super) const HEIGHT_MIN: u16 = 6;
/// What one column can stand for: the most seconds that the samples fill the chart with.
const COLUMN_SECONDS: [u64; 4] = [10, 5, 2, 1];
/// Shares of less than this are noise at a few requests a second.
const MEAN_SECONDS: u64 = 5;
/// Cells of the axis.
const AXIS: u16 = 6;

/// Where time stands in a drawn chart.
pub(super) struct TimeAxis {
    /// The row under the chart.
    pub(super) below: Rect,
    /// The column of the newest sample, in columns since the epoch.
    last: u64,
    column_seconds: u64,
}

impl TimeAxis {
    /// The cell under the column that a moment belongs to; none when it is not in the chart.
    pub(super) fn column_of(&self, wall_ms: u64) -> Option<u16> {
        let back = self.last.checked_sub(wall_ms / 1000 / self.column_seconds)?;
        let x = self.below.right().checked_sub(1)?.checked_sub(u16::try_from(back).ok()?)?;
        (x >= self.below.x).then_some(x)
    }
}

/// Draws `parts` of each sample stacked to a whole, newest at the right.
pub(super) fn draw(
    canvas: &mut Canvas,
    mut area: Rect,
    title: &str,
    parts: impl Fn(&Sample) -> Vec<f64>,
) -> TimeAxis {
    let rule_row = take(&mut area, 1);
    let area = content(area);
    let graph = Rect {
        x: area.x + AXIS.min(area.width),
        width: area.width.saturating_sub(AXIS),
        height: area.height.saturating_sub(1),
        ..area
    };
    let column_seconds = column_seconds(canvas, graph.width);
    let mean_seconds = window(column_seconds) as u64 * column_seconds;
    let facts = if column_seconds < mean_seconds {
        format!("one column = {column_seconds} s, mean of {mean_seconds} s")
    } else {
        format!("one column = {column_seconds} s")
    };
    canvas.rule(rule_row, title, facts);
    for (at, label) in
        [(0, "100%"), (graph.height / 2, " 50%"), (graph.height.saturating_sub(1), "  0%")]
    {
        let label = canvas.cell(label, crate::tui::theme::Role::Dim);
        canvas.line(Rect { width: AXIS.min(area.width), ..row(area, at) }, &label);
    }
    let newest = canvas.model.history.back().map_or(0, |sample| sample.wall_ms / 1000);
    let axis = TimeAxis {
        below: Rect { y: graph.bottom(), height: 1, ..graph },
        last: newest / column_seconds,
        column_seconds,
    };
    let moments = moments(canvas, &axis, parts);
    chart::stacked(canvas.buffer, graph, &moments, canvas.skin);
    axis
}

fn column_seconds(canvas: &Canvas, columns: u16) -> u64 {
    let samples = canvas.model.history.len() as u64;
    let is_filled = |seconds: &u64| samples >= seconds * u64::from(columns);
    COLUMN_SECONDS.into_iter().find(is_filled).unwrap_or(1)
}

/// The sums of each column of time, oldest first. Columns end at multiples of their length, so that
/// a column keeps what it shows while time goes on.
fn moments(canvas: &Canvas, axis: &TimeAxis, parts: impl Fn(&Sample) -> Vec<f64>) -> Vec<Moment> {
    let columns = u64::from(axis.below.width);
    let first = (axis.last + 1).saturating_sub(columns);
    let mut moments = vec![Moment::new(); (axis.last + 1 - first) as usize];
    for sample in &canvas.model.history {
        let column = sample.wall_ms / 1000 / axis.column_seconds;
        if column < first || column > axis.last {
            continue;
        }
        let moment = &mut moments[(column - first) as usize];
        let parts = parts(sample);
        moment.resize(parts.len(), 0.0);
        for (sum, part) in moment.iter_mut().zip(parts) {
            *sum += part;
        }
    }
    steadied(&moments, window(axis.column_seconds))
}

/// Columns that are summed up into each one shown.
fn window(column_seconds: u64) -> usize {
    (MEAN_SECONDS / column_seconds).max(1) as usize
}

/// Sums over the last `window` columns, so that shorter columns show no more noise than longer ones.
/// A column that no sample fell into shows what the one before did.
fn steadied(moments: &[Moment], window: usize) -> Vec<Moment> {
    let mut steady: Vec<Moment> = Vec::with_capacity(moments.len());
    for at in 0..moments.len() {
        if let (true, Some(before)) = (moments[at].is_empty(), steady.last()) {
            steady.push(before.clone());
            continue;
        }
        let mut sums = vec![0.0; moments[at].len()];
        for moment in &moments[(at + 1).saturating_sub(window)..=at] {
            for (sum, part) in sums.iter_mut().zip(moment) {
                *sum += part;
            }
        }
        steady.push(sums);
    }
    steady
}
