//! One backend or upstream in full: a drain's progress, its last minutes, its numbers.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::check::Check;
use crate::control::explain::words;
use crate::control::listener::Kind;
use crate::control::name::Name;
use crate::control::sample::BackendSample;
use crate::control::text;
use crate::control::wire::{BackendRow, UpstreamRow};

use super::canvas::{Canvas, content, row, take};
use super::verdict;
use crate::tui::model::{drain, traffic};
use crate::tui::theme::Role;
use crate::tui::widget::spark::{self, Spark};
use crate::tui::widget::{bar, number};

/// Cells of the progress bar of a drain.
const PROGRESS: u16 = 30;
const LABEL: u16 = 11;
const FACT: u16 = 14;
/// Names of an upstream's backends shown with it; those in trouble are in the attention list too.
const NAMES_MAX: usize = 3;
/// The command line lists them all.
const DIFFERS_MAX: usize = 3;

/// How far, how fast, until when; and what happens then.
pub(super) fn drain(canvas: &mut Canvas, mut area: Rect, backend: &BackendRow) {
    let Some(progress) = drain::progress(canvas.model, backend) else { return };
    let rule = take(&mut area, 1);
    let name = format!("Drain {}/{}", backend.upstream, backend.backend.name);
    let started = backend.backend.drain.as_ref().map_or_else(String::new, |drain| {
        format!("since {}Z by {}", number::clock(drain.since_ms), text::plain(&drain.by))
    });
    canvas.rule(rule, &name, started);
    let area = content(area);
    let first = row(area, 0);
    let width = PROGRESS.min(first.width);
    let progress_bar = Rect { width, ..first };
    bar::level(canvas.buffer, progress_bar, progress.done, Role::Warn, canvas.skin);
    let arrow = canvas.skin.glyphs.arrow;
    let mut line = vec![
        canvas.strong(format!("{:>4.0}%", progress.done * 100.0), Role::Bright),
        canvas.span(format!("   {:>4} {arrow} ", progress.of), Role::Dim),
        canvas.strong(format!("{:<4}", progress.left), Role::Bright),
        canvas.span("in flight", Role::Dim),
    ];
    if progress.upgraded > 0 {
        line.push(canvas.strong(format!("  + {}", progress.upgraded), Role::Bright));
        line.push(canvas.span(" upgraded", Role::Dim));
    }
    let beside = Rect { x: first.x + width, width: first.width.saturating_sub(width), ..first };
    canvas.line(beside, &Line::from(line));
    let line = pace(canvas, &progress);
    canvas.line(row(area, 1), &line);
    let end = match progress.end {
        drain::End::Stays => "no new request since; when empty it stays drained until ",
        drain::End::Leaves => "no new request since; when empty it leaves, but for ",
    };
    let mut line = vec![canvas.span(end, Role::Dim), canvas.strong("e", Role::Accent)];
    for (key, what) in [("u", " takes it back"), ("D", " cuts it now")] {
        line.extend([canvas.span("   ", Role::Dim), canvas.strong(key, Role::Accent)]);
        line.push(canvas.span(what, Role::Dim));
    }
    if area.height > 2 {
        canvas.line(row(area, 2), &Line::from(line));
    }
}

/// How old the oldest, how fast, until when.
fn pace<'a>(canvas: &Canvas<'a>, progress: &drain::Progress) -> Line<'a> {
    let oldest = progress.oldest_ms.map_or_else(
        || format!("{:>6}", canvas.skin.glyphs.dash),
        |oldest_ms| format!("{:>5.1}s", oldest_ms as f64 / 1000.0),
    );
    let (estimate, eta) = match progress.eta_ms {
        Some(eta_ms) => ("   empty in about ", format!("{:<6}", number::remaining(eta_ms))),
        None if progress.upgraded > 0 => ("   no estimate: some are upgraded", String::new()),
        None => ("   no estimate: none has left lately", String::new()),
    };
    Line::from(vec![
        canvas.span("oldest ", Role::Dim),
        canvas.span(oldest, Role::Text),
        canvas.span("   leaving ", Role::Dim),
        canvas.span(format!("{:>5.1}/s", progress.leaving_per_s), Role::Text),
        canvas.span(estimate, Role::Dim),
        canvas.strong(eta, Role::Bright),
        canvas.span("   cut off in ", Role::Dim),
        canvas.strong(format!("{:<6}", number::remaining(progress.hard_stop_ms)), Role::Warn),
    ])
}

/// A label, a graph of one number of a backend's samples, the newest value.
struct Measure {
    at: u16,
    label: fn(Kind) -> &'static str,
    role: Role,
    sample: fn(&BackendSample) -> u64,
    text: fn(u64) -> String,
    top_min: u64,
}

const MEASURES: [Measure; 4] = [
    Measure {
        at: 0,
        label: traffic::per_second,
        role: Role::Series1,
        sample: |sample| u64::from(sample.requests),
        text: |value| number::compact(value, 9),
        top_min: 1,
    },
    Measure {
        at: 1,
        label: |_| "p95",
        role: Role::Series2,
        sample: |sample| u64::from(sample.p95_us),
        text: number::latency,
        top_min: 1_000,
    },
    Measure {
        at: 2,
        label: |_| "in flight",
        role: Role::Series3,
        sample: |sample| u64::from(sample.active),
        text: |value| number::compact(value, 9),
        top_min: 4,
    },
    Measure {
        at: 3,
        label: |_| "failures",
        role: Role::Bad,
        sample: |sample| u64::from(sample.failures),
        text: |value| number::compact(value, 9),
        top_min: 4,
    },
];

pub(super) fn backend(canvas: &mut Canvas, mut area: Rect, backend: &BackendRow) {
    if area.height < 2 {
        return;
    }
    let rule = take(&mut area, 1);
    let name = format!("{}/{}", backend.upstream, backend.backend.name);
    let age = number::age(canvas.model.seen_ms().saturating_sub(backend.since_ms));
    canvas.rule(rule, &name, format!("in this state for {age}"));
    let area = content(area);
    let mut upstreams = canvas.model.moment.upstreams.iter();
    let upstream = upstreams.find(|row| row.name == backend.upstream);
    let kind = upstream.map_or_else(Kind::default, |row| row.kind);
    for measure in &MEASURES {
        let label = canvas.cell((measure.label)(kind), Role::Dim);
        draw_measure(canvas, area, backend, (measure, label));
    }
    for (at, line) in (4..).zip(backend_lines(canvas, backend, kind)) {
        canvas.line(row(area, at), &line);
    }
}

fn draw_measure(
    canvas: &mut Canvas,
    area: Rect,
    backend: &BackendRow,
    (measure, label): (&Measure, Line),
) {
    let area = row(area, measure.at);
    if area.height == 0 {
        return;
    }
    canvas.line(Rect { width: LABEL.min(area.width), ..area }, &label);
    let x = area.x + LABEL;
    let width = area.right().saturating_sub(x + FACT);
    let count = spark::samples(width, canvas.skin);
    let samples = traffic::backend_samples(canvas.model, backend.key);
    let mut values: Vec<u64> =
        samples.rev().take(count).map(|sample| (measure.sample)(&sample)).collect();
    values.reverse();
    let newest = values.last().copied().unwrap_or(0);
    let top = values.iter().copied().max().unwrap_or(0).max(measure.top_min);
    let graph = Rect { x, width, ..area };
    Spark { values: &values, top, role: measure.role }.draw(canvas.buffer, graph, canvas.skin);
    let fact = canvas.bold((measure.text)(newest), Role::Bright);
    let fact_x = area.right().saturating_sub(FACT);
    canvas.right(Rect { x: fact_x, width: FACT.min(area.width), ..area }, &fact);
}

/// Totals since the engine started, and who holds what is in flight.
fn backend_lines<'a>(canvas: &Canvas<'a>, row: &'a BackendRow, kind: Kind) -> [Line<'a>; 3] {
    let backend = &row.backend;
    let number_of = |name: &'static str, value: String| {
        [canvas.span(format!("{name} "), Role::Dim), canvas.span(format!("{value}   "), Role::Text)]
    };
    let weight = if backend.weight == row.file_weight {
        backend.weight.to_string()
    } else {
        format!("{} (file {})", backend.weight, row.file_weight)
    };
    let totals = [
        number_of(finished(kind), number::count(backend.requests)),
        number_of("failures", number::count(backend.failures)),
        number_of("5xx", number::count(backend.responses.server_error)),
        number_of("weight", weight),
        number_of("p50", number::latency(backend.latency_us.p50)),
        number_of("p99", number::latency(backend.latency_us.p99)),
        number_of(canvas.skin.glyphs.rising, number::bytes(backend.bytes_out)),
        number_of(canvas.skin.glyphs.falling, number::bytes(backend.bytes_in)),
    ];
    let mut held = vec![canvas.span("in flight per worker ", Role::Dim)];
    for (slot, active) in row.active_by_worker.iter().enumerate() {
        held.push(canvas.span(format!("  w{slot} "), Role::Dim));
        held.push(canvas.span(active.to_string(), Role::Text));
    }
    let words = match (&backend.program, row.reason.is_empty()) {
        (_, false) => text::plain(&row.reason),
        (Some(program), true) => format!("served by program {program}").into(),
        (None, true) => "".into(),
    };
    let mut remarks = vec![Span::styled(words, canvas.skin.style(Role::Dim))];
    if let Some(check) = &backend.check {
        let gap = if remarks[0].content.is_empty() { "" } else { "   " };
        remarks.push(canvas.span(format!("{gap}check "), Role::Dim));
        remarks.push(canvas.span(check_text(canvas, check), Role::Text));
    }
    if let Some(host) = &backend.host {
        let gap = if remarks[0].content.is_empty() { "" } else { "   " };
        remarks.insert(0, canvas.span(format!("{}{gap}", text::plain(host)), Role::Text));
    }
    [Line::from(totals.concat()), Line::from(held), Line::from(remarks)]
}

/// The last result of a check, when it was, and how long results have been like it.
fn check_text(canvas: &Canvas<'_>, check: &Check) -> String {
    let result = text::plain(check.text());
    if check.is_awaited() {
        return result.into_owned();
    }
    let took = number::latency(check.latency_us);
    let age = number::age(canvas.model.seen_ms().saturating_sub(check.at_ms));
    let row = number::count(u64::from(check.passes.max(check.fails)));
    format!("{result} in {}, {} ago, {row} in a row", took.trim(), age.trim())
}

/// What is counted when it is over.
fn finished(kind: Kind) -> &'static str {
    match kind {
        Kind::Http | Kind::Both => "requests",
        Kind::Tcp => "connections",
    }
}

pub(super) fn upstream(canvas: &mut Canvas, mut area: Rect, upstream: &UpstreamRow) {
    if area.height < 2 {
        return;
    }
    let rule = take(&mut area, 1);
    canvas.rule(
        rule,
        &upstream.name,
        verdict::in_tier(canvas, words::rule(upstream.fit.promise).to_owned()),
    );
    let area = content(area);
    let members: Vec<&BackendRow> = canvas.model.backends_of(&upstream.name).collect();
    let mut first = vec![
        canvas.span("strategy ", Role::Dim),
        canvas.strong(verdict::strategy_label(&upstream.strategy, &members), Role::Violet),
    ];
    if upstream.strategy != upstream.file_strategy {
        first.push(canvas.span(format!(" (file {})", upstream.file_strategy), Role::Warn));
    }
    let totals = format!(
        "   {} {}   retries {}   refused {}",
        finished(upstream.kind),
        number::count(upstream.requests),
        number::count(upstream.retries),
        number::count(upstream.refused)
    );
    first.push(canvas.span(totals, Role::Dim));
    let queue = upstream.admission.queue.as_ref();
    for (label, count) in [
        ("withheld", upstream.retries_withheld),
        ("overflows", upstream.overflows),
        ("queued", queue.map_or(0, |queue| u64::from(queue.queued))),
        ("queue full", queue.map_or(0, |queue| queue.overflows)),
        ("queued in vain", queue.map_or(0, |queue| queue.timeouts)),
        ("asked failed ones", upstream.desperate),
    ] {
        if count > 0 {
            first.push(canvas.span(format!("   {label} {}", number::count(count)), Role::Warn));
        }
    }
    canvas.line(row(area, 0), &Line::from(first));
    let strip = row(area, 1);
    let shares: Vec<f64> = members.iter().map(|row| row.backend.actual_share).collect();
    bar::shares(canvas.buffer, strip, &shares, canvas.skin);
    let named = upstream.names.len().min(NAMES_MAX);
    for (at, name) in (2..).zip(upstream.names.iter().take(named)) {
        let line = name_line(canvas, name);
        canvas.line(row(area, at), &line);
    }
    let mut at = 2 + named as u16;
    for what in upstream.differs.iter().take(DIFFERS_MAX) {
        let line = format!("differs from the file: {}", text::plain(what));
        canvas.line(row(area, at), &canvas.cell(line, Role::Warn));
        at += 1;
    }
    for (at, finding) in (at..).zip(&upstream.fit.findings) {
        verdict::finding(canvas, row(area, at), finding);
    }
}

/// What a name leads to, and when it is asked for again.
fn name_line<'a>(canvas: &Canvas<'a>, name: &'a Name) -> Line<'a> {
    let (found, role) = match (name.trouble(), name.addresses.len()) {
        (Some(trouble), 0) => (trouble, Role::Bad),
        (Some(trouble), _) => (trouble, Role::Warn),
        (None, 0) => ("first lookup under way".to_owned(), Role::Dim),
        (None, 1) => ("1 address".to_owned(), Role::Text),
        (None, count) => (format!("{count} addresses"), Role::Text),
    };
    let mut spans = vec![
        canvas.span(format!("{}   ", text::plain(&name.name)), Role::Dim),
        canvas.span(text::plain(&found).into_owned(), role),
    ];
    if name.next_ms > 0 {
        let left_ms = name.next_ms.saturating_sub(canvas.model.seen_ms());
        let next = number::remaining(left_ms);
        spans.push(canvas.span(format!("   asked for again in {}", next.trim()), Role::Dim));
    }
    Line::from(spans)
}
