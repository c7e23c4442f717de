//! The traffic section: requests, latency, errors, connections, with a minute of each.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::sample::Sample;

use crate::tui::model::traffic::{self, Traffic};
use crate::tui::theme::Role;
use crate::tui::view::canvas::{Canvas, content, row, take};
use crate::tui::widget::number;
use crate::tui::widget::spark::{self, Spark};

/// Cells of the label, of the value right after it, and of the value's side remark.
const LABEL: u16 = 11;
const VALUE: u16 = 12;
const SIDE: u16 = 10;
const FACT: u16 = 13;
/// Percent; less is noise.
const TREND_MIN: f64 = 3.0;
/// From nothing to anything is no percentage.
const TREND_MAX: f64 = 999.0;
/// Graphs are dropped before numbers.
const GRAPH_WIDTH_MIN: u16 = 12;

pub(super) fn draw(canvas: &mut Canvas, mut area: Rect) {
    let now = traffic::traffic(canvas.model);
    if area.height <= 1 {
        let line = summary(canvas, &now);
        canvas.line(content(area), &line);
        return;
    }
    let rule = take(&mut area, 1);
    let rows = Rows::new(content(area));
    let facts = facts(canvas, &rows);
    canvas.rule(rule, "Traffic", facts);
    requests(canvas, &rows, &now);
    latency(canvas, &rows, &now);
    if area.height >= 4 {
        errors(canvas, &rows, &now);
    }
    let last = row(rows.area, area.height.min(4) - 1);
    let line = if area.height >= 4 { totals(canvas, &now) } else { short_totals(canvas, &now) };
    canvas.line(last, &line);
}

/// Where this can be reached, and how far back the graphs go.
fn facts(canvas: &Canvas, rows: &Rows) -> String {
    let separator = canvas.skin.glyphs.separator;
    let listeners = &canvas.model.moment.head.listeners;
    let mut facts = match listeners.as_slice() {
        [] => String::new(),
        [only] => format!("on {}", only.address),
        [first, others @ ..] => format!("on {} and {} more", first.address, others.len()),
    };
    let seconds = spark::samples(rows.graph.width, canvas.skin);
    if rows.has_graph() {
        if !facts.is_empty() {
            facts.push_str(separator);
        }
        facts = format!("{facts}last {seconds} s");
    }
    facts
}

/// The places that the rows share.
struct Rows {
    area: Rect,
    graph: Rect,
}

impl Rows {
    fn new(area: Rect) -> Self {
        let x = area.x + LABEL + VALUE + 1 + SIDE + 1;
        let width = area.right().saturating_sub(x + FACT + 2);
        Self { area, graph: Rect { x, width, height: 1, ..area } }
    }

    fn has_graph(&self) -> bool {
        self.graph.width >= GRAPH_WIDTH_MIN
    }
}

/// One row with a graph.
struct Measure<'a> {
    at: u16,
    label: &'static str,
    value: Line<'a>,
    side: Line<'a>,
    fact: Line<'a>,
    role: Role,
    sample: fn(&Sample) -> u64,
    /// What the graph's height stands for at least, so that noise does not fill it.
    top_min: u64,
}

fn measure(canvas: &mut Canvas, rows: &Rows, measure: &Measure) {
    let area = row(rows.area, measure.at);
    let label = canvas.cell(measure.label, Role::Dim);
    canvas.line(Rect { width: LABEL.min(area.width), ..area }, &label);
    let value_x = area.x + LABEL;
    let cell =
        |x: u16, width: u16| Rect { x, width: width.min(area.right().saturating_sub(x)), ..area };
    canvas.right(cell(value_x, VALUE), &measure.value);
    canvas.line(cell(value_x + VALUE + 1, SIDE), &measure.side);
    if area.width < LABEL + VALUE + SIDE + FACT + 4 {
        return;
    }
    canvas.right(cell(area.right().saturating_sub(FACT), FACT), &measure.fact);
    if !rows.has_graph() || area.height == 0 {
        return;
    }
    let count = spark::samples(rows.graph.width, canvas.skin);
    let history = &canvas.model.history;
    let values: Vec<u64> =
        history.iter().skip(history.len().saturating_sub(count)).map(measure.sample).collect();
    let top = values.iter().copied().max().unwrap_or(0).max(measure.top_min);
    let graph = Rect { y: area.y, ..rows.graph };
    Spark { values: &values, top, role: measure.role }.draw(canvas.buffer, graph, canvas.skin);
}

fn requests(canvas: &mut Canvas, rows: &Rows, now: &Traffic) {
    let glyphs = canvas.skin.glyphs;
    let side = match now.trend_percent {
        Some(percent) if percent >= TREND_MIN => {
            let percent = percent.min(TREND_MAX);
            canvas.cell(format!("{} {percent:.0}%", glyphs.rising), Role::Ok)
        }
        Some(percent) if percent <= -TREND_MIN => {
            canvas.cell(format!("{} {:.0}%", glyphs.falling, -percent), Role::Warn)
        }
        Some(_) | None => Line::default(),
    };
    let value = number::compact(now.requests_per_s.round() as u64, 9);
    let peak = number::compact(u64::from(now.requests_peak), 7);
    let row = Measure {
        at: 0,
        label: traffic::unit(canvas.model),
        value: canvas.bold(value, Role::Bright),
        side,
        fact: canvas.cell(format!("peak {peak:>7}"), Role::Dim),
        role: Role::Series1,
        sample: |sample| u64::from(sample.requests),
        top_min: 1,
    };
    measure(canvas, rows, &row);
}

fn latency(canvas: &mut Canvas, rows: &Rows, now: &Traffic) {
    let shown = |value_us: u32| match value_us {
        0 => canvas.skin.glyphs.dash.to_owned(),
        _ => number::latency(u64::from(value_us)),
    };
    let row = Measure {
        at: 1,
        label: "p95 latency",
        value: canvas.bold(shown(now.p95_us), Role::Bright),
        side: canvas.cell(format!("p50 {}", shown(now.p50_us)), Role::Dim),
        fact: canvas.cell(format!("p99 {:>6}", shown(now.p99_us)), Role::Dim),
        role: Role::Series2,
        sample: |sample| u64::from(sample.p95_us),
        top_min: 1_000,
    };
    measure(canvas, rows, &row);
}

fn errors(canvas: &mut Canvas, rows: &Rows, now: &Traffic) {
    let role = if now.server_errors > 0.0 { Role::Bad } else { Role::Bright };
    let row = Measure {
        at: 2,
        label: "errors 5xx",
        value: canvas.bold(number::fine_percent(now.server_errors), role),
        side: Line::default(),
        fact: canvas.cell(format!("4xx {:>6}", number::fine_percent(now.client_errors)), Role::Dim),
        role: Role::Bad,
        sample: |sample| u64::from(sample.server_errors),
        top_min: 4,
    };
    measure(canvas, rows, &row);
}

/// `in flight 212   clients 3,120   retries 3/s   ▲ 4.1 MB/s   ▼ 22.7 MB/s`, each in its place.
fn totals<'a>(canvas: &Canvas<'a>, now: &Traffic) -> Line<'a> {
    let glyphs = canvas.skin.glyphs;
    let (out, out_unit) = number::bytes_per_second(now.bytes_out_per_s);
    let (into, into_unit) = number::bytes_per_second(now.bytes_in_per_s);
    Line::from(vec![
        canvas.span("in flight  ", Role::Dim),
        canvas.strong(format!("{:>12}", number::compact(u64::from(now.active), 9)), Role::Bright),
        canvas.span("   clients ", Role::Dim),
        canvas
            .strong(format!("{:>7}", number::compact(u64::from(now.connections), 7)), Role::Bright),
        canvas.span("   retries ", Role::Dim),
        canvas.strong(format!("{:>4.0}", now.retries_per_s), Role::Bright),
        canvas.span("/s", Role::Dim),
        canvas.span(format!("   {} ", glyphs.rising), Role::Dim),
        canvas.span(format!("{out:>5} "), Role::Text),
        canvas.span(format!("{out_unit:<4}"), Role::Dim),
        canvas.span(format!("  {} ", glyphs.falling), Role::Dim),
        canvas.span(format!("{into:>5} "), Role::Text),
        canvas.span(format!("{into_unit:<4}"), Role::Dim),
    ])
}

fn short_totals<'a>(canvas: &Canvas<'a>, now: &Traffic) -> Line<'a> {
    let role = if now.server_errors > 0.0 { Role::Bad } else { Role::Bright };
    Line::from(vec![
        canvas.span("errors 5xx ", Role::Dim),
        canvas.strong(format!("{:>12}", number::fine_percent(now.server_errors)), role),
        canvas.span("  4xx ", Role::Dim),
        canvas.span(format!("{:>6}", number::fine_percent(now.client_errors)), Role::Text),
        canvas.span("   in flight ", Role::Dim),
        canvas.strong(format!("{:>5}", number::compact(u64::from(now.active), 5)), Role::Bright),
        canvas.span("   clients ", Role::Dim),
        canvas
            .strong(format!("{:>6}", number::compact(u64::from(now.connections), 6)), Role::Bright),
    ])
}

fn summary<'a>(canvas: &Canvas<'a>, now: &Traffic) -> Line<'a> {
    let role = if now.server_errors > 0.0 { Role::Bad } else { Role::Text };
    Line::from(vec![
        canvas.strong(
            format!("{:>7}", number::compact(now.requests_per_s.round() as u64, 7)),
            Role::Bright,
        ),
        canvas.span(format!(" {}  p99 ", traffic::unit(canvas.model)), Role::Dim),
        canvas.span(format!("{:>5}", number::latency(u64::from(now.p99_us))), Role::Text),
        canvas.span("  5xx ", Role::Dim),
        canvas.span(format!("{:>6}", number::fine_percent(now.server_errors)), role),
        canvas.span("  in flight ", Role::Dim),
        canvas.span(format!("{:>5}", number::compact(u64::from(now.active), 5)), Role::Text),
    ])
}
