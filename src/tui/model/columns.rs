//! What the columns of lists are called when they are filtered or sorted by, and what each holds of
//! a row.

use crate::control::requests::RequestRecord;
use crate::control::text;
use crate::control::wire::{BackendRow, ProgramRow, Severity, UpstreamRow, Worker};

use super::panel::{Content, Panel};
use super::rows::{self, Row, state_word};
use super::{Model, traffic};

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
}

/// How a column's numbers are written, and in what they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Word,
    Count,
    /// Microseconds; a number alone is milliseconds.
    Time,
    /// Percent.
    Share,
    Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Number(f64),
    Text(String),
}

pub(crate) const fn column(name: &'static str, unit: Unit) -> Column {
    Column { name, unit }
}

/// Every name, in the order in which they are offered.
static COLUMNS: [Column; 33] = [
    column("state", Unit::Word),
    column("status", Unit::Count),
    column("req/s", Unit::Count),
    column("share", Unit::Share),
    column("active", Unit::Count),
    column("p95", Unit::Time),
    column("p99", Unit::Time),
    column("5xx", Unit::Share),
    column("cpu", Unit::Share),
    column("mem", Unit::Bytes),
    column("took", Unit::Time),
    column("sent", Unit::Bytes),
    column("age", Unit::Time),
    column("lag", Unit::Time),
    column("conn", Unit::Count),
    column("weight", Unit::Count),
    column("fails", Unit::Count),
    column("restarts", Unit::Count),
    column("exit", Unit::Count),
    column("pid", Unit::Count),
    column("tries", Unit::Count),
    column("severity", Unit::Word),
    column("who", Unit::Word),
    column("verb", Unit::Word),
    column("method", Unit::Word),
    column("protocol", Unit::Word),
    column("path", Unit::Word),
    column("client", Unit::Word),
    column("upstream", Unit::Word),
    column("backend", Unit::Word),
    column("strategy", Unit::Word),
    column("name", Unit::Word),
    column("node", Unit::Word),
];

/// The common ones, then those that a panel's rows have beside them.
fn known() -> impl Iterator<Item = &'static Column> {
    let own = Panel::ALL.into_iter().flat_map(|panel| panel.facts().columns);
    COLUMNS.iter().chain(own)
}

pub(crate) fn named(name: &str) -> Option<&'static Column> {
    known().find(|column| column.name == name)
}

/// The names that say something of this row.
pub(crate) fn of_row(model: &Model, row: &Row<'_>) -> Vec<&'static str> {
    let names = known().map(|column| column.name);
    names.filter(|name| cell(model, row, name).is_some()).collect()
}

/// The names that say something of a panel's rows.
pub(crate) fn of_panel(model: &Model, panel: Panel) -> Vec<&'static str> {
    // A heading is not sorted.
    let is_tree = matches!(panel.facts().content, Content::Tree(_));
    let is_sorted = |row: &Row<'_>| !is_tree || !matches!(row, Row::Upstream(_));
    let rows: Vec<Row<'_>> = rows::unfiltered(model, panel).into_iter().filter(is_sorted).collect();
    let names = COLUMNS.iter().chain(panel.facts().columns).map(|column| column.name);
    names.filter(|name| rows.iter().any(|row| cell(model, row, name).is_some())).collect()
}

/// The name of a column as a table's heading calls it.
pub(crate) fn titled(title: &str) -> &str {
    match title {
        "in flight" => "active",
        "since" => "age",
        "rss" => "mem",
        "clients" => "conn",
        "last exit" => "exit",
        "days left" => "days",
        "on trial" => "trial",
        other => other,
    }
}

/// What a column holds of a row; none: the row has no such column.
pub(crate) fn cell(model: &Model, row: &Row<'_>, name: &str) -> Option<Cell> {
    if name == "node" {
        return words(&model.nodes.all[model.nodes.of(&row.key())?].name);
    }
    match row {
        Row::Backend(row) => of_backend(model, row, name),
        Row::Upstream(row) => of_upstream(model, row, name),
        Row::Program(row) => of_program(model, row, name),
        Row::Worker(row) => of_worker(model, row, name),
        Row::Request(row) => of_request(model, row, name),
        Row::Event(row) => match name {
            "age" => age(model, row.wall_ms),
            "severity" => words(severity_word(row.severity)),
            "who" => words(&row.who),
            "verb" => words(&row.verb),
            "name" => words(&row.target),
            _ => None,
        },
        Row::Plan(_) => None,
        Row::Record(row) => row.cell(name).cloned(),
        Row::Alarm(row) => match name {
            "age" => age(model, row.last_ms),
            "verb" => words(row.verdict.name()),
            "name" => words(&row.rule),
            "client" => words(&row.client),
            "path" => words(&row.path),
            _ => None,
        },
        Row::Attention(row) => match name {
            "state" => words(row.word),
            "age" => age(model, row.since_ms),
            "severity" => words(severity_word(row.severity)),
            "name" => words(&row.name),
            _ => None,
        },
    }
}

fn of_backend(model: &Model, row: &BackendRow, name: &str) -> Option<Cell> {
    let backend = &row.backend;
    match name {
        "state" => words(state_word(backend.state)),
        "req/s" => number(traffic::backend_rate(model, row.key)),
        "share" => number(backend.actual_share * 100.0),
        "active" => count(u64::from(backend.active)),
        "p95" => count(u64::from(traffic::backend_p95_us(model, row.key))),
        "p99" => count(backend.latency_us.p99),
        "5xx" => number(server_errors(backend.responses.server_error, backend.requests)),
        "age" => age(model, row.since_ms),
        "weight" => count(u64::from(backend.weight)),
        "fails" => count(backend.failures),
        "upstream" => words(&row.upstream),
        "backend" | "name" => words(&backend.name),
        _ => None,
    }
}

fn of_upstream(model: &Model, row: &UpstreamRow, name: &str) -> Option<Cell> {
    match name {
        "req/s" => number(traffic::upstream_rate(model, &row.name)),
        "p95" => count(u64::from(traffic::upstream_p95_us(model, &row.name))),
        "strategy" => words(&row.strategy),
        "upstream" | "name" => words(&row.name),
        _ => None,
    }
}

fn of_program(model: &Model, row: &ProgramRow, name: &str) -> Option<Cell> {
    match name {
        "state" => words(text::program_state(row.program.state)),
        "cpu" => number(f64::from(row.program.cpu_percent)),
        "mem" => count(row.program.rss_bytes),
        "age" => age(model, row.since_ms),
        "restarts" => count(u64::from(row.program.restarts)),
        "exit" => number(f64::from(row.program.exit_code?)),
        "pid" => count(u64::from(row.program.pid?)),
        "name" => words(&row.program.name),
        _ => None,
    }
}

fn of_worker(model: &Model, row: &Worker, name: &str) -> Option<Cell> {
    match name {
        "state" => words(&row.state),
        "req/s" => number(traffic::worker_rate(model, row.slot)),
        "cpu" => number(f64::from(row.cpu_percent)),
        "mem" => count(row.rss_bytes),
        "age" => count(row.uptime_ms * 1000),
        "lag" => count(u64::from(row.lag_us)),
        "conn" => count(u64::from(row.connections.active + row.connections.idle)),
        "active" => count(u64::from(row.connections.active)),
        "restarts" => count(u64::from(row.restarts)),
        "pid" => count(u64::from(row.pid)),
        _ => None,
    }
}

fn of_request(model: &Model, row: &RequestRecord, name: &str) -> Option<Cell> {
    match name {
        "status" => count(u64::from(row.status)),
        "took" => count(u64::from(row.service_us)),
        "sent" => count(row.bytes),
        "age" => age(model, row.wall_ms),
        "tries" => count(u64::from(row.tries)),
        "method" => words(&row.method),
        "protocol" => words(&row.protocol),
        "path" => words(&row.path),
        "client" => words(&row.client),
        "upstream" => words(row.upstream.as_deref()?),
        "backend" => words(row.backend.as_deref()?),
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of a row's columns is one of these")]
fn count(value: u64) -> Option<Cell> {
    Some(Cell::Number(value as f64))
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of a row's columns is one of these")]
fn number(value: f64) -> Option<Cell> {
    Some(Cell::Number(value))
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of a row's columns is one of these")]
fn words(value: &str) -> Option<Cell> {
    Some(Cell::Text(value.to_owned()))
}

/// Since then; none: it is not known.
fn age(model: &Model, since_ms: u64) -> Option<Cell> {
    let age_ms = model.seen_ms().saturating_sub(since_ms);
    (since_ms > 0).then_some(Cell::Number(age_ms as f64 * 1000.0))
}

fn server_errors(errors: u64, requests: u64) -> f64 {
    if requests == 0 { 0.0 } else { errors as f64 * 100.0 / requests as f64 }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Good => "good",
        Severity::Warn => "warn",
        Severity::Bad => "bad",
    }
}

impl Unit {
    /// A number as an operator writes it, with or without its unit, in lower case.
    pub(crate) fn parse(self, text: &str) -> Option<f64> {
        let end = text.find(|char: char| !char.is_ascii_digit() && char != '.');
        let (digits, suffix) = text.split_at(end.unwrap_or(text.len()));
        let value: f64 = digits.parse().ok()?;
        let scale = match (self, suffix) {
            (Self::Time, "" | "ms") | (Self::Count, "k") => 1e3,
            (Self::Time, "s") | (Self::Count, "m") => 1e6,
            (Self::Time, "m") => 60e6,
            (Self::Time, "h") => 3_600e6,
            (Self::Time, "d") => 86_400e6,
            (Self::Time, "us")
            | (Self::Count, "")
            | (Self::Share, "" | "%")
            | (Self::Bytes, "" | "b") => 1.0,
            (Self::Bytes, "k" | "kb") => 1024.0,
            (Self::Bytes, "m" | "mb") => 1024.0 * 1024.0,
            (Self::Bytes, "g" | "gb") => 1024.0 * 1024.0 * 1024.0,
            (Self::Word | Self::Count | Self::Time | Self::Share | Self::Bytes, _) => return None,
        };
        Some(value * scale)
    }
}
