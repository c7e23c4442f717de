//! The Overview's upstreams: who is up, how much flows, how it is distributed, whether that fits.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::wire::{BackendRow, UpstreamRow};

use crate::tui::model::panel::Panel;
use crate::tui::model::rows::Row;
use crate::tui::model::{attention, traffic};
use crate::tui::theme::Role;
use crate::tui::view::canvas::Canvas;
use crate::tui::view::listing::Listing;
use crate::tui::view::section::{self, Heading};
use crate::tui::view::verdict;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{bar, number, pen};

/// Which column holds the share strip.
const DISTRIBUTION: usize = 6;

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::Upstreams);
    let names = listing.rows.iter().map(|row| match row {
        Row::Upstream(row) => pen::width(&row.name) + pen::width(verdict::kind_tag(row.kind)),
        _ => 0,
    });
    let widest = names.max().unwrap_or(0);
    let columns = [
        Column::name("", widest, (10, 24)),
        Column::left("strategy", 11).priority(2),
        Column::right("up", 5),
        Column::right(traffic::unit(canvas.model), 7),
        Column::right("p95", 5).priority(2),
        Column::right("in flight", 9).priority(4),
        Column::left("shares", 10).priority(3).grow(40),
        Column::left("fit", 16).grow(20),
    ];
    let rows_height = area.height.saturating_sub(1);
    let count = listing.count(rows_height);
    let heading = Heading {
        title: "Upstreams",
        columns: &columns,
        facts: Some(canvas.cell(count, Role::Dim)),
    };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Upstream(row) = row else { return };
        let cells = upstream_cells(canvas, row);
        canvas.row(placed, y, &cells);
        if let Some(cell) = placed.cell(DISTRIBUTION, y) {
            let members = canvas.model.backends_of(&row.name);
            let shares: Vec<f64> = members.map(|row| row.backend.actual_share).collect();
            bar::shares(canvas.buffer, cell, &shares, canvas.skin);
        }
    });
}

fn upstream_cells<'a>(canvas: &Canvas<'a>, row: &'a UpstreamRow) -> Vec<Line<'a>> {
    let members: Vec<&BackendRow> = canvas.model.backends_of(&row.name).collect();
    let up = members.iter().filter(|row| attention::takes_requests(row.backend.state)).count();
    let role = match up {
        0 => Role::Bad,
        _ if up < members.len() => Role::Warn,
        _ => Role::Ok,
    };
    let rate = traffic::upstream_rate(canvas.model, &row.name).round() as u64;
    let active: u64 = members.iter().map(|row| u64::from(row.backend.active)).sum();
    let p95_us = u64::from(traffic::upstream_p95_us(canvas.model, &row.name));
    vec![
        Line::from(vec![
            canvas.strong(row.name.as_str(), Role::Bright),
            canvas.span(verdict::kind_tag(row.kind), Role::Dim),
        ]),
        canvas.cell(verdict::strategy_label(&row.strategy, &members), Role::Violet),
        canvas.bold(format!("{up}/{}", members.len()), role),
        canvas.bold(number::compact(rate, 7), Role::Bright),
        canvas.latency(p95_us),
        canvas.amount(active, number::count(active)),
        Line::default(),
        verdict::line(canvas, row),
    ]
}
