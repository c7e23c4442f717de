//! Limits: what became of requests, and whom each refused most; below the workers, which keep them
//! together.

use ratatui::layout::Rect;

use crate::control::limit::Limit;
use crate::control::text;

use super::canvas::{Canvas, content, row, take};
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column};
use crate::tui::widget::number;
use crate::tui::widget::rule::Rule;

const ROWS_MAX: usize = 8;
const OFFENDERS_MAX: usize = 3;
const NUMBER_WIDTH: usize = 7;

/// How many rows they need; none without limits.
pub(super) fn height(limits: usize) -> u16 {
    if limits == 0 { 0 } else { limits.min(ROWS_MAX) as u16 + 2 }
}

pub(super) fn draw(canvas: &mut Canvas, mut area: Rect) {
    let rule_row = take(&mut area, 1);
    let columns = [
        Column::left("", 16),
        Column::right("passed", NUMBER_WIDTH as u16),
        Column::right("delayed", NUMBER_WIDTH as u16).priority(3),
        Column::right("refused", NUMBER_WIDTH as u16),
        Column::right("on trial", 8).priority(4),
        Column::right("now", 6).priority(3),
        Column::left("refused most", 20).priority(2).grow(60),
    ];
    let placed = columns::place(&columns, content(area));
    let head = &canvas.model.moment.head;
    // Who refuses most is looked for first.
    let mut shown: Vec<&Limit> = head.limits.iter().collect();
    shown.sort_by_key(|limit| std::cmp::Reverse(limit.refused));
    let refused = |limit: &&Limit| limit.refused;
    let sum: u64 = shown.iter().map(refused).sum();
    let facts = format!("{} refused", number::compact(sum, NUMBER_WIDTH));
    Rule::new("Limits", canvas.skin).says(facts, canvas.skin).columns(&placed).draw(
        canvas.buffer,
        rule_row,
        canvas.skin,
    );
    for (at, limit) in shown.iter().take(usize::from(area.height).min(ROWS_MAX)).enumerate() {
        let count = |count: u64| match count {
            0 => "-".to_owned(),
            count => number::compact(count, NUMBER_WIDTH),
        };
        let loud = |count: u64, role| if count > 0 { role } else { Role::Dim };
        // Whoever could not be counted was not limited either.
        let name = if limit.uncounted > 0 || limit.evicted > 0 { Role::Warn } else { Role::Bright };
        let now = if limit.kind == "connections" {
            limit.in_progress.to_string()
        } else {
            "-".to_owned()
        };
        let cells = [
            canvas.bold(text::plain(&limit.name).into_owned(), name),
            canvas.cell(count(limit.passed), Role::Text),
            canvas.cell(count(limit.delayed), loud(limit.delayed, Role::Text)),
            canvas.cell(count(limit.refused), loud(limit.refused, Role::Warn)),
            canvas.cell(count(limit.refused_dry_run), loud(limit.refused_dry_run, Role::Text)),
            canvas.cell(now, Role::Dim),
            canvas.cell(offenders(limit), Role::Dim),
        ];
        canvas.row(&placed, row(area, at as u16).y, &cells);
    }
}

fn offenders(limit: &Limit) -> String {
    let one = |it: &crate::control::limit::Offender| {
        let key = text::plain(&it.key);
        format!("{key} {}", number::compact(it.refused, NUMBER_WIDTH))
    };
    let shown: Vec<String> = limit.offenders.iter().take(OFFENDERS_MAX).map(one).collect();
    shown.join("  ")
}
