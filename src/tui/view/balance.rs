//! Expected against actual: each backend's share, whether it fits the strategy, and how shares
//! went over time.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::explain::{Fit, words};
use crate::control::wire::{BackendRow, EventRecord, UpstreamRow};

use super::canvas::{Canvas, content, row, take};
use super::listing::Listing;
use super::over_time::{self, TimeAxis};
use super::{backends, state, verdict, what_if};
use crate::tui::model::explained::Lower;
use crate::tui::model::key::Key;
use crate::tui::model::panel::{Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::Row;
use crate::tui::model::{Model, attention, traffic};
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column};
use crate::tui::widget::rule::Rule;
use crate::tui::widget::{bar, number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "balance",
    title: "Balance",
    short_title: "Bal",
    help: "expected against actual shares, and whether they fit",
    panels: &[PanelFacts::rows("backends", of_upstream).when_empty(|_| backends::NO_UPSTREAMS)],
};

fn of_upstream(model: &Model) -> Vec<Row<'_>> {
    let upstream = model.balance_upstream().into_iter();
    upstream.flat_map(|upstream| model.backends_of(&upstream.name)).map(Row::Backend).collect()
}

/// Which column holds the deviation bar, and its cells.
const DEVIATION: usize = 5;
const DEVIATION_WIDTH: u16 = 19;
/// What a bar's end can stand for, in points of a percent.
const SCALES: [f64; 4] = [5.0, 10.0, 25.0, 100.0];
/// Rows of the fit section at least, and of the tallest chart.
const FIT_HEIGHT: u16 = 5;
const CHART_HEIGHT_MAX: u16 = 14;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let listing = Listing::of(canvas, Panel::BalanceTable);
    let Some(upstream) = canvas.model.balance_upstream() else {
        canvas.rule(body, "Balance", String::new());
        listing.draw(canvas, Rect { y: body.y + 1, height: body.height - 1, ..body }, |_, _, _| {});
        return;
    };
    let fit = canvas.model.explained.fit(upstream);
    let mut rest = body;
    let is_alone = canvas.model.is_zoomed || body.height < 12;
    let fit_height = if is_alone { 0 } else { fit_height(fit) };
    let table_height = if is_alone {
        body.height
    } else {
        (listing.rows.len().clamp(3, 64) as u16 + 2).min(body.height - fit_height)
    };
    let table_area = take(&mut rest, table_height);
    table(canvas, table_area, &listing, upstream);
    let is_airy = rest.height > fit_height + what_if::height(canvas, upstream) + 1;
    if is_airy {
        take(&mut rest, 1);
    }
    let fit_area = take(&mut rest, fit_height);
    findings(canvas, fit_area, fit);
    lower(canvas, rest, upstream);
}

/// A row a finding, one for the cause, and an empty one where the verdict needs no more.
fn fit_height(fit: &Fit) -> u16 {
    let rows = fit.findings.len().min(8) as u16 + u16::from(fit.cause.is_some());
    rows.max(FIT_HEIGHT - 2) + 2
}

/// What was and what would be: both where they fit, else what was chosen.
fn lower(canvas: &mut Canvas, mut rest: Rect, upstream: &UpstreamRow) {
    let model_height = what_if::height(canvas, upstream);
    let has_both = rest.height > model_height + over_time::HEIGHT_MIN;
    match canvas.model.lower {
        Lower::Both if has_both => {
            let height = (rest.height - model_height - 1).min(CHART_HEIGHT_MAX);
            let chart_area = take(&mut rest, height);
            shares(canvas, chart_area, upstream);
            take(&mut rest, 1);
            what_if::short(canvas, rest, upstream);
        }
        Lower::Both if rest.height >= what_if::HEIGHT_MIN => {
            what_if::short(canvas, rest, upstream);
        }
        Lower::WhatIf if rest.height >= what_if::HEIGHT_MIN => {
            what_if::whole(canvas, rest, upstream);
        }
        Lower::Shares if rest.height >= over_time::HEIGHT_MIN => {
            let chart_area = take(&mut rest, CHART_HEIGHT_MAX);
            shares(canvas, chart_area, upstream);
        }
        Lower::Both | Lower::WhatIf | Lower::Shares => {}
    }
}

fn table<'a>(
    canvas: &mut Canvas<'a>,
    mut area: Rect,
    listing: &Listing<'a>,
    upstream: &'a UpstreamRow,
) {
    let rule_row = take(&mut area, 1);
    title(canvas, rule_row, upstream);
    let widest = listing
        .rows
        .iter()
        .map(|row| match row {
            Row::Backend(row) => pen::width(&row.backend.name) + 2,
            _ => 0,
        })
        .max()
        .unwrap_or(0);
    let columns = [
        Column::name("backend", widest, (16, 30)),
        Column::left("state", 10).priority(2),
        Column::right("weight", 6).priority(4),
        Column::right("expected", 8),
        Column::right("actual", 6),
        Column::left("", DEVIATION_WIDTH).priority(3),
        Column::right("in flight", 9).priority(5),
        Column::right("p95", 6).priority(5),
        Column::right("requests", 10).priority(6),
    ];
    let placed = columns::place(&columns, content(area));
    let titles = take(&mut area, 1);
    placed.titles(canvas.buffer, titles.y, titles.x, canvas.skin);
    let scale = scale(listing);
    if let Some(cell) = placed.cell(DEVIATION, titles.y) {
        scale_titles(canvas, cell, scale);
    }
    listing.draw(canvas, area, |canvas, row, place| {
        let Row::Backend(row) = row else { return };
        let cells = cells(canvas, row);
        canvas.row(&placed, place.y, &cells);
        if let Some(cell) = placed.cell(DEVIATION, place.y) {
            let points = deviation(row).unwrap_or(f64::NAN);
            bar::deviation(canvas.buffer, cell, points, scale, canvas.skin);
        }
    });
}

/// The upstream in view, the others beside it, and what its numbers are about.
fn title(canvas: &mut Canvas, area: Rect, upstream: &UpstreamRow) {
    let model = canvas.model;
    let members: Vec<&BackendRow> = model.backends_of(&upstream.name).collect();
    let picks = members.iter().map(|row| row.window_picks).sum();
    let separator = canvas.skin.glyphs.separator;
    let window = number::age(model.seen_ms().saturating_sub(upstream.window_since_ms));
    let mut facts = vec![
        canvas.span(verdict::strategy_label(&upstream.strategy, &members), Role::Violet),
        canvas.span(format!("{separator}{window}{separator}n = "), Role::Dim),
        canvas.span(number::count(picks), Role::Text),
    ];
    if area.width >= 100 {
        let workers = model.moment.workers.len();
        facts.push(canvas.span(format!("{separator}{workers} workers"), Role::Dim));
    }
    let facts = Line::from(facts);
    let room = usize::from(area.width).saturating_sub(facts.width() + upstream.name.len() + 10);
    let mut rule = Rule::new(&upstream.name, canvas.skin).facts(facts);
    let others: Vec<&str> = model
        .moment
        .upstreams
        .iter()
        .map(|row| row.name.as_str())
        .filter(|name| *name != upstream.name)
        .collect();
    let others = format!("  Tab: {}", others.join(" "));
    if model.moment.upstreams.len() > 1 && usize::from(pen::width(&others)) < room {
        rule = rule.and(canvas.span(others, Role::Dim));
    }
    rule.draw(canvas.buffer, area, canvas.skin);
}

/// Points of a percent away from what was expected; none where nothing is expected.
fn deviation(row: &BackendRow) -> Option<f64> {
    let backend = &row.backend;
    let is_counted = attention::takes_requests(backend.state) || backend.actual_share > 0.0;
    is_counted.then_some((backend.actual_share - backend.expected_share) * 100.0)
}

/// The smallest scale that holds every deviation.
fn scale(listing: &Listing) -> f64 {
    let largest = listing
        .rows
        .iter()
        .filter_map(|row| match row {
            Row::Backend(row) => deviation(row),
            _ => None,
        })
        .map(f64::abs)
        .fold(0.0, f64::max);
    SCALES.into_iter().find(|scale| largest <= *scale).unwrap_or(SCALES[SCALES.len() - 1])
}

fn scale_titles(canvas: &mut Canvas, cell: Rect, scale: f64) {
    let left = canvas.cell(format!("-{scale:.0}%"), Role::Dim);
    canvas.line(cell, &left);
    let right = canvas.cell(format!("+{scale:.0}%"), Role::Dim);
    canvas.right(cell, &right);
    let middle = canvas.cell("0", Role::Dim);
    canvas.line(Rect { x: cell.x + cell.width / 2, width: 1, ..cell }, &middle);
}

fn cells<'a>(canvas: &Canvas<'a>, row: &'a BackendRow) -> Vec<Line<'a>> {
    let (model, backend) = (canvas.model, &row.backend);
    let series = model
        .backends_of(&row.upstream)
        .position(|other| other.key == row.key)
        .map_or(Role::Dim, Role::series);
    let look = state::backend(backend.state, canvas.skin);
    let p95_us = u64::from(traffic::backend_p95_us(model, row.key));
    let is_expected = backend.expected_share > 0.0;
    vec![
        Line::from(vec![
            canvas.span(format!("{} ", canvas.skin.glyphs.swatch), series),
            canvas.strong(backend.name.as_str(), Role::Bright),
        ]),
        canvas.state(&Key::of_backend(row), look, state::backend_word(backend.state)),
        canvas.cell(backend.weight.to_string(), Role::Text),
        if is_expected {
            canvas.cell(number::percent(backend.expected_share), Role::Dim)
        } else {
            canvas.none()
        },
        if deviation(row).is_some() {
            canvas.bold(number::percent(backend.actual_share), Role::Bright)
        } else {
            canvas.none()
        },
        Line::default(),
        canvas.amount(u64::from(backend.active), number::count(u64::from(backend.active))),
        canvas.latency(p95_us),
        canvas.cell(number::compact(row.window_picks, 10), Role::Dim),
    ]
}

fn findings(canvas: &mut Canvas, mut area: Rect, fit: &Fit) {
    if area.height == 0 {
        return;
    }
    let rule_row = take(&mut area, 1);
    if canvas.model.past.is_some() {
        canvas.rule(rule_row, "Fit", "judged in the present only".to_owned());
        return;
    }
    let (glyph, role) = verdict::look(canvas, fit.verdict);
    let short = verdict::in_tier(canvas, words::short(fit));
    let separator = canvas.skin.glyphs.separator;
    let facts = Line::from(vec![
        canvas.span(format!("{glyph} {short}"), role),
        canvas.span(format!("{separator}{}", words::rule(fit.promise)), Role::Dim),
    ]);
    Rule::new("Fit", canvas.skin).facts(facts).draw(canvas.buffer, rule_row, canvas.skin);
    for (at, finding) in (0..).zip(&fit.findings) {
        verdict::finding(canvas, row(content(area), at), finding);
    }
    if let Some(cause) = &fit.cause {
        let place = row(content(area), fit.findings.len().min(8) as u16);
        verdict::cause(canvas, place, cause);
    }
}

/// Shares stacked over the last minutes, with what happened to the upstream below.
fn shares(canvas: &mut Canvas, area: Rect, upstream: &UpstreamRow) {
    let keys: Vec<u32> = canvas.model.backends_of(&upstream.name).map(|row| row.key).collect();
    let below = over_time::draw(canvas, area, "Share over time", |sample| {
        let requests = |key: &u32| {
            let backend = sample.backends.iter().find(|backend| backend.key == *key);
            backend.map_or(0.0, |backend| f64::from(backend.requests))
        };
        keys.iter().map(requests).collect()
    });
    happenings(canvas, &below, upstream);
}

/// Marks what was done to this upstream under the column it happened in, newest first, as far as
/// the labels fit beside each other.
fn happenings(canvas: &mut Canvas, axis: &TimeAxis, upstream: &UpstreamRow) {
    let area = axis.below;
    let mut free_until = area.right();
    let events = canvas.model.events.iter().rev();
    for event in events.filter(|event| is_about(event, upstream)) {
        let Some(x) = axis.column_of(event.wall_ms) else { break };
        let sign = canvas.skin.glyphs.rising;
        let words = happening(event);
        let width = pen::width(&words) + 2;
        if x >= free_until {
            continue;
        }
        // The sign stays under its moment; near the right edge the words stand left of it.
        let (start, text) = if x + width <= free_until {
            (x, format!("{sign} {words}"))
        } else {
            ((x + 1).saturating_sub(width), format!("{words} {sign}"))
        };
        if start < area.x {
            continue;
        }
        let role = state::severity_role(event.severity);
        let line = Line::from(Span::styled(text, canvas.skin.style(role)));
        canvas.line(Rect { x: start, width, ..area }, &line);
        free_until = start.saturating_sub(2);
    }
}

/// `drain 10.0.3.5:8080`, `10.0.3.5:8080 failed`.
fn happening(event: &EventRecord) -> String {
    let name = event.target.rsplit('/').next().unwrap_or_default();
    let became = event.result.split(':').next().unwrap_or_default().rsplit(' ').next();
    match became {
        Some(state) if event.verb == "turned" => format!("{name} {state}"),
        Some(_) | None => format!("{} {name}", event.verb),
    }
}

fn is_about(event: &EventRecord, upstream: &UpstreamRow) -> bool {
    event.target == upstream.name
        || event
            .target
            .strip_prefix(upstream.name.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
}
