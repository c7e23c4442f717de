//! Families of backends, by upstream and name: there from the moment one joins until it has left.

use super::figures::{Backend, Figures};
use super::page::{BACKEND_EDGES_US, LATENCY};
use super::series::Kind::{self, Counter, Gauge, Histogram};
use super::series::{Buckets, Labels, Text, Value};
use super::workers::CLASSES;
use crate::control::wire::{self, BackendState};

struct Row<'f> {
    labels: Labels,
    row: &'f wire::BackendRow,
    more: &'f Backend,
}

pub(super) fn write(text: &mut Text, figures: &Figures) {
    let rows: Vec<Row<'_>> = figures
        .snapshot
        .backends
        .iter()
        .zip(&figures.backends)
        .map(|(row, more)| {
            let labels = Labels::none().with("upstream", &row.upstream);
            Row { labels: labels.with("backend", &row.backend.name), row, more }
        })
        .collect();
    states(text, &rows);
    numbers(text, &rows);
    let mut family = text.family(
        "pilothouse_backend_responses_total",
        Counter,
        "Responses of the backend by class of status.",
    );
    for Row { labels, row, .. } in &rows {
        let counts = &row.backend.responses;
        let counts = [
            counts.informational,
            counts.success,
            counts.redirection,
            counts.client_error,
            counts.server_error,
        ];
        family.each(labels, "code", CLASSES.into_iter().zip(counts.map(Value::Count)));
    }
    let buckets = Buckets::new(&BACKEND_EDGES_US);
    let mut family = text.family("pilothouse_backend_latency_seconds", Histogram, LATENCY);
    for Row { labels, more, .. } in &rows {
        family.histogram(labels, &more.latency, &buckets);
    }
}

const STATES: [BackendState; 6] = [
    BackendState::Up,
    BackendState::Starting,
    BackendState::Draining,
    BackendState::Drained,
    BackendState::Down,
    BackendState::Failed,
];

/// As the API spells it. A new state belongs into the list above, too.
fn word(state: BackendState) -> &'static str {
    match state {
        BackendState::Up => "up",
        BackendState::Starting => "starting",
        BackendState::Draining => "draining",
        BackendState::Drained => "drained",
        BackendState::Down => "down",
        BackendState::Failed => "failed",
    }
}

fn states(text: &mut Text, rows: &[Row<'_>]) {
    let mut family =
        text.family("pilothouse_backend_state", Gauge, "1 for the state the backend is in.");
    for Row { labels, row, .. } in rows {
        let of = |state: BackendState| (word(state), Value::from(state == row.backend.state));
        family.each(labels, "state", STATES.map(of));
    }
    let mut family = text.family(
        "pilothouse_backend_check_passing",
        Gauge,
        "What active checks last concluded; absent where nothing is checked.",
    );
    for Row { labels, more, .. } in rows {
        if let Some(is_passing) = more.is_passing {
            family.sample(labels, Value::from(is_passing));
        }
    }
}

fn numbers(text: &mut Text, rows: &[Row<'_>]) {
    type Reading = fn(&wire::BackendRow) -> Value;
    let families: [(&'static str, Kind, &str, Reading); 7] = [
        ("pilothouse_backend_weight", Gauge, "Weight among the upstream's backends.", |row| {
            Value::Count(u64::from(row.backend.weight))
        }),
        (
            "pilothouse_backend_expected_share_ratio",
            Gauge,
            "Share of the upstream's requests that the strategy should give it.",
            |row| Value::Ratio(row.backend.expected_share),
        ),
        ("pilothouse_backend_in_flight_requests", Gauge, "Requests under way.", |row| {
            Value::Count(u64::from(row.backend.active))
        }),
        (
            "pilothouse_backend_requests_total",
            Counter,
            "Requests answered by it; of a TCP route, sessions that ended.",
            |row| Value::Count(row.backend.requests),
        ),
        (
            "pilothouse_backend_failures_total",
            Counter,
            "Attempts that failed: no connection, no or no valid response, or an unfit status.",
            |row| Value::Count(row.backend.failures),
        ),
        (
            "pilothouse_backend_sent_bytes_total",
            Counter,
            "Bytes of request bodies to the backend, and of TCP routes.",
            |row| Value::Count(row.backend.bytes_in),
        ),
        (
            "pilothouse_backend_received_bytes_total",
            Counter,
            "Bytes of its responses that went to clients, and of TCP routes.",
            |row| Value::Count(row.backend.bytes_out),
        ),
    ];
    for (name, kind, help, reading) in families {
        let mut family = text.family(name, kind, help);
        for Row { labels, row, .. } in rows {
            family.sample(labels, reading(row));
        }
    }
}
