//! The processes of the data path: in a line or two on the Overview, in full in their own view.

use std::collections::BTreeSet;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::text;
use crate::control::wire::Worker;

use super::canvas::{Canvas, content, row, take};
use super::certificates;
use super::limits;
use super::listing::Listing;
use super::over_time;
use super::section::{self, Heading};
use super::{servers, state};
use crate::tui::model::key::Key;
use crate::tui::model::nodes::tag;
use crate::tui::model::panel::{Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::{self, Row};
use crate::tui::model::traffic;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::spark::{self, Spark};
use crate::tui::widget::{bar, number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "workers",
    title: "Workers",
    short_title: "Work",
    help: "the processes of the data path, the servers they answer for, limits, certificates",
    panels: &[
        PanelFacts::rows("workers", rows::workers).when_empty(|_| NO_WORKERS),
        servers::PANEL,
        limits::PANEL,
    ],
};

pub(super) const NO_WORKERS: Empty = Empty::Says("no worker is running yet");

/// Cells of one worker on the Overview: two beside each other at 100 columns, and without the
/// process id at 80.
const BRIEF_WIDTH: u16 = 47;
const NARROW_WIDTH: u16 = 37;
const WIDE: u16 = 100;
const BRIEF_GAP: u16 = 2;
const BRIEF_BAR: u16 = 8;
const NAME: u16 = 4;
const PID: u16 = 10;
/// Which column of the view holds the graph, and which the processor bar.
const GRAPH: usize = 12;
const CPU_BAR: usize = 4;
const CHART_HEIGHT_MAX: u16 = 14;
/// A respawned worker says so for this long.
const RESPAWN_SHOWN_MS: u64 = 60_000;

/// How many rows the Overview needs for so many workers.
pub(super) fn brief_rows(workers: usize, width: u16) -> usize {
    workers.div_ceil(per_row(width))
}

fn brief_width(width: u16) -> u16 {
    if width >= WIDE { BRIEF_WIDTH } else { NARROW_WIDTH }
}

fn per_row(width: u16) -> usize {
    let room = width.saturating_sub(4) + BRIEF_GAP;
    usize::from(room / (brief_width(width) + BRIEF_GAP)).max(1)
}

pub(super) fn brief(canvas: &mut Canvas, mut area: Rect) {
    let listing = Listing::of(canvas, Panel::Workers);
    let rule_row = take(&mut area, 1);
    let head = &canvas.model.moment.head;
    let running = canvas.model.moment.workers.iter().filter(|row| row.state == "running").count();
    let separator = canvas.skin.glyphs.separator;
    // Those of several engines are many.
    let parents = match (head.master_pid, head.keeper_pid) {
        (0, _) => String::new(),
        (master, keeper) => format!("{separator}master {master}{separator}keeper {keeper}"),
    };
    let workers = &canvas.model.moment.workers;
    let users: Vec<_> = users(workers).into_iter().map(text::plain).collect();
    let rights = if users.is_empty() { String::new() } else { format!(" as {}", users.join(", ")) };
    let facts = format!("{running} of {} running{rights}{parents}", workers.len());
    canvas.rule(rule_row, "Workers", facts);
    if listing.rows.is_empty() {
        listing.draw(canvas, area, |_, _, _| {});
        return;
    }
    let columns = per_row(area.width);
    let width = brief_width(area.width);
    let room = usize::from(area.height) * columns;
    let first = listing.first(canvas, room.min(usize::from(u16::MAX)) as u16);
    let first = first - first % columns;
    let inner = content(area);
    for (at, worker) in listing.rows.iter().skip(first).take(room).enumerate() {
        let Row::Worker(worker) = worker else { continue };
        let line = row(inner, (at / columns) as u16);
        let x = inner.x + (at % columns) as u16 * (width + BRIEF_GAP);
        let place = Rect { x, width: width.min(line.right().saturating_sub(x)), ..line };
        brief_worker(canvas, place, worker);
        if listing.is_cursor(canvas, first + at) {
            let place = Rect { x: place.x - 2, width: place.width + 2, ..place };
            pen::select(canvas.buffer, place, canvas.skin);
        }
    }
}

fn brief_worker(canvas: &mut Canvas, area: Rect, worker: &Worker) {
    let look = state::worker(&worker.state, canvas.skin);
    let mut name =
        vec![canvas.strong(format!("w{:<3}", tag::of_slot(worker.slot).1), Role::Bright)];
    let mut bar_x = area.x + NAME;
    if area.width > NARROW_WIDTH {
        name.push(canvas.span(worker.pid.to_string(), Role::Dim));
        bar_x += PID;
    }
    canvas.line(area, &Line::from(name));
    let bar_area =
        Rect { x: bar_x, width: BRIEF_BAR.min(area.right().saturating_sub(bar_x)), ..area };
    let load = f64::from(worker.cpu_percent) / 100.0;
    bar::level(canvas.buffer, bar_area, load, load_role(worker), canvas.skin);
    let rate = traffic::worker_rate(canvas.model, worker.slot).round() as u64;
    let connections = worker.connections.active + worker.connections.idle;
    let last = if worker.state != "running" {
        Span::styled(format!("{} {}", look.glyph, worker.state), canvas.skin.style(look.role))
    } else if is_fresh(worker) {
        let age = number::age(worker.uptime_ms);
        canvas.span(format!("{} {age} ago", canvas.skin.glyphs.restarted), Role::Warn)
    } else {
        canvas.span(format!("{connections:>4} conn"), Role::Dim)
    };
    let line = Line::from(vec![
        canvas.span(format!("{:>4.0}% ", worker.cpu_percent), Role::Text),
        canvas.span(format!("{:>6}/s", number::compact(rate, 6)), Role::Text),
        Span::raw("  "),
        last,
    ]);
    let x = bar_x + BRIEF_BAR;
    canvas.line(Rect { x, width: area.right().saturating_sub(x), ..area }, &line);
}

fn is_fresh(worker: &Worker) -> bool {
    worker.restarts > 0 && worker.uptime_ms < RESPAWN_SHOWN_MS
}

fn load_role(worker: &Worker) -> Role {
    if is_fresh(worker) || worker.cpu_percent >= 90.0 { Role::Warn } else { Role::Series1 }
}

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    match canvas.shown()[..] {
        [Panel::ServerTable] => return servers::draw(canvas, body),
        [Panel::LimitTable] => return limits::draw(canvas, body),
        _ => {}
    }
    let listing = Listing::of(canvas, Panel::WorkerTable);
    let below = below(canvas, body.height);
    let below_height: u16 = below.iter().map(|(_, height)| height).sum();
    let rows = listing.rows.len().clamp(1, 64) as u16 + 1;
    let is_airy = body.height > rows + below_height;
    let mut rest = body;
    let height = if is_airy && !canvas.model.is_zoomed { rows + 1 } else { body.height };
    let area = take(&mut rest, height.min(body.height - below_height));
    table(canvas, area, &listing);
    for (panel, height) in below {
        let area = take(&mut rest, height);
        match panel {
            Panel::ServerTable => servers::draw(canvas, area),
            _ => limits::draw(canvas, area),
        }
    }
    let certificates = certificates::height(canvas.model.moment.head.certificates.len());
    if certificates > 0 && rest.height >= certificates + over_time::HEIGHT_MIN {
        let place = take(&mut rest, certificates);
        certificates::draw(canvas, place);
    }
    if rest.height >= over_time::HEIGHT_MIN && rows > 2 && !canvas.model.is_zoomed {
        let height = rest.height.min(CHART_HEIGHT_MAX);
        let chart_area = take(&mut rest, height);
        requests(canvas, chart_area);
    }
}

/// The panels below the workers, each with what its rows need, up to its share of the view; an empty
/// row behind each where there is room.
fn below(canvas: &Canvas, body_height: u16) -> Vec<(Panel, u16)> {
    let shown = canvas.shown();
    let panels = [Panel::ServerTable, Panel::LimitTable].into_iter();
    let height = |panel| {
        let rows = rows::unfiltered(canvas.model, panel).len().min(100) as u16 + 2;
        (panel, rows.min(body_height / 4))
    };
    panels.filter(|panel| shown.contains(panel)).map(height).collect()
}

/// The kernel spreads connections over the workers; here is how evenly requests follow.
fn requests(canvas: &mut Canvas, area: Rect) {
    let slots: Vec<u16> = canvas.model.moment.workers.iter().map(|worker| worker.slot).collect();
    over_time::draw(canvas, area, "Requests by worker", |sample| {
        let requests = |slot: &u16| {
            let worker = sample.workers.iter().find(|worker| worker.slot == *slot);
            worker.map_or(0.0, |worker| f64::from(worker.requests))
        };
        slots.iter().map(requests).collect()
    });
}

fn table<'a>(canvas: &mut Canvas<'a>, area: Rect, listing: &Listing<'a>) {
    let has_log = canvas.model.moment.workers.iter().any(|worker| worker.log.is_some());
    let columns = [
        Column::left("", 5),
        Column::left("state", 10),
        Column::right("pid", 7).priority(3),
        Column::right("up", 6),
        Column::left("cpu", 10).priority(5).grow(16),
        Column::right("", 4).priority(2),
        Column::right("rss", 5).priority(3),
        Column::right("req/s", 7),
        Column::right("clients", 7).priority(2),
        Column::right("lag", 6).priority(3),
        Column::right("restarts", 8).priority(4),
        Column::right("log lines", if has_log { 10 } else { 0 }).priority(5),
        Column::left("last minute", 12).priority(6).grow(60),
    ];
    let count = listing.count(area.height.saturating_sub(1));
    let head = &canvas.model.moment.head;
    let separator = canvas.skin.glyphs.separator;
    let mut facts = match head.generation {
        0 => count,
        generation => format!("{count}{separator}gen {generation}"),
    };
    for user in users(&canvas.model.moment.workers) {
        facts.push_str(separator);
        facts.push_str("as ");
        facts.push_str(&text::plain(user));
    }
    let facts = Some(canvas.cell(facts, Role::Dim));
    let heading = Heading { title: "Workers", columns: &columns, facts };
    section::table(canvas, area, listing, &heading, |canvas, row, placed, y| {
        let Row::Worker(worker) = row else { return };
        let cells = cells(canvas, worker);
        canvas.row(placed, y, &cells);
        if let Some(cell) = placed.cell(CPU_BAR, y) {
            let load = f64::from(worker.cpu_percent) / 100.0;
            bar::level(canvas.buffer, cell, load, load_role(worker), canvas.skin);
        }
        if let Some(cell) = placed.cell(GRAPH, y) {
            graph(canvas, cell, worker);
        }
    });
}

/// Whose rights the workers have, each once.
fn users(workers: &[Worker]) -> BTreeSet<&str> {
    let users = workers.iter().map(|worker| worker.user.as_str());
    users.filter(|user| !user.is_empty()).collect()
}

fn cells<'a>(canvas: &Canvas<'a>, worker: &'a Worker) -> Vec<Line<'a>> {
    let look = state::worker(&worker.state, canvas.skin);
    let rate = traffic::worker_rate(canvas.model, worker.slot).round() as u64;
    let clients = u64::from(worker.connections.active + worker.connections.idle);
    let workers = &canvas.model.moment.workers;
    let series =
        workers.iter().position(|row| row.slot == worker.slot).map_or(Role::Dim, Role::series);
    let restarts_role = if worker.restarts == 0 { Role::Dim } else { Role::Warn };
    vec![
        Line::from(vec![
            canvas.span(format!("{} ", canvas.skin.glyphs.swatch), series),
            canvas.strong(format!("w{}", tag::of_slot(worker.slot).1), Role::Bright),
        ]),
        canvas.state(&Key::Worker { slot: worker.slot }, look, &worker.state.to_uppercase()),
        canvas.cell(worker.pid.to_string(), Role::Dim),
        canvas.cell(number::age(worker.uptime_ms), Role::Text),
        Line::default(),
        canvas.cell(format!("{:.0}%", worker.cpu_percent), Role::Text),
        canvas.cell(number::bytes(worker.rss_bytes), Role::Text),
        canvas.bold(number::compact(rate, 7), Role::Bright),
        canvas.amount(clients, number::compact(clients, 7)),
        canvas.cell(number::latency(u64::from(worker.lag_us)), Role::Dim),
        canvas.cell(worker.restarts.to_string(), restarts_role),
        log(canvas, worker),
    ]
}

/// Lines of access logs: written, or lost where any are.
fn log(canvas: &Canvas, worker: &Worker) -> Line<'static> {
    match &worker.log {
        None => canvas.none(),
        Some(log) if log.dropped > 0 => {
            let role = if log.is_failing { Role::Bad } else { Role::Warn };
            canvas.cell(format!("{} lost", number::compact(log.dropped, 5)), role)
        }
        Some(log) => canvas.cell(number::compact(log.lines, 10), Role::Text),
    }
}

fn graph(canvas: &mut Canvas, area: Rect, worker: &Worker) {
    let count = spark::samples(area.width, canvas.skin);
    let history = &canvas.model.history;
    let values: Vec<u64> = history
        .iter()
        .skip(history.len().saturating_sub(count))
        .map(|sample| {
            let of_worker = sample.workers.iter().find(|row| row.slot == worker.slot);
            of_worker.map_or(0, |row| u64::from(row.requests))
        })
        .collect();
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    Spark { values: &values, top, role: Role::Series2 }.draw(canvas.buffer, area, canvas.skin);
}
