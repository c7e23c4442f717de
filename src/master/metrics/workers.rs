//! Families of workers, by slot: counters go on from one worker of a slot to the next.

use super::figures::Worker;
use super::series::Kind::{Counter, Gauge};
use super::series::{Labels, Text, Value};
use crate::control::wire;
use crate::http::http2::meter::Flood;
use crate::scoreboard::crew::WorkerFigures;
use crate::scoreboard::layout;
use crate::scoreboard::multiplex::Count;

/// As the API spells them, and `down` for a slot without a worker.
const STATES: [&str; 4] = ["starting", "running", "stopping", DOWN];
const DOWN: &str = "down";
/// In the order of `crew::Handshake`.
const HANDSHAKES: [&str; 3] = ["full", "resumed", "failed"];
/// In the order of `mirror::Count`.
const MIRRORED: [&str; 3] = ["answered", "failed", "dropped"];
const FLOODS: [&str; layout::FLOODS] = Flood::NAMES;
pub(super) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

pub(super) fn write(text: &mut Text, workers: &[Worker]) {
    let rows: Vec<(Labels, &Worker)> = workers
        .iter()
        .map(|worker| (Labels::none().with("worker", &worker.slot.to_string()), worker))
        .collect();
    states(text, &rows);
    counters(text, &rows);
    handshakes(text, &rows);
    mirrored(text, &rows);
    http2(text, &rows);
    usage(text, &rows);
    logs(text, &rows);
}

fn states(text: &mut Text, rows: &[(Labels, &Worker)]) {
    let mut family =
        text.family("pilothouse_worker_state", Gauge, "1 for the state a worker slot is in.");
    for (labels, worker) in rows {
        let state = worker.living.as_ref().map_or(DOWN, |living| living.state.as_str());
        let states = STATES.iter().map(|name| (*name, Value::from(*name == state)));
        family.each(labels, "state", states);
    }
    let mut family = text.family(
        "pilothouse_worker_connections",
        Gauge,
        "Clients' connections, with a request under way (active) and without (idle).",
    );
    for (labels, worker) in rows {
        let figures = &worker.figures;
        let active = Value::Count(u64::from(figures.connections_active));
        let idle = Value::Count(u64::from(figures.connections_idle));
        family.each(labels, "state", [("active", active), ("idle", idle)]);
    }
    let mut family = text.family(
        "pilothouse_worker_restarts_total",
        Counter,
        "Workers that took the place of one that died.",
    );
    for (labels, worker) in rows {
        family.sample(labels, Value::Count(u64::from(worker.restarts)));
    }
}

fn counters(text: &mut Text, rows: &[(Labels, &Worker)]) {
    type Count = fn(&WorkerFigures) -> u64;
    let counters: [(&'static str, &str, Count); 4] = [
        (
            "pilothouse_worker_accepted_connections_total",
            "Clients' connections accepted.",
            |figures| figures.accepted,
        ),
        (
            "pilothouse_worker_requests_total",
            "Requests answered, by backends or here; TCP sessions count when they end.",
            |figures| figures.requests,
        ),
        (
            "pilothouse_worker_received_bytes_total",
            "Bytes of request bodies from clients, and of TCP routes.",
            |figures| figures.bytes_in,
        ),
        (
            "pilothouse_worker_sent_bytes_total",
            "Bytes of responses to clients, heads included, and of TCP routes.",
            |figures| figures.bytes_out,
        ),
    ];
    for (name, help, count) in counters {
        let mut family = text.family(name, Counter, help);
        for (labels, worker) in rows {
            family.sample(labels, Value::Count(count(&worker.figures)));
        }
    }
    let mut family = text.family(
        "pilothouse_worker_responses_total",
        Counter,
        "Responses to clients by class of status, whoever answered.",
    );
    for (labels, worker) in rows {
        let counts = worker.figures.responses.map(Value::Count);
        family.each(labels, "code", CLASSES.into_iter().zip(counts));
    }
}

fn handshakes(text: &mut Text, rows: &[(Labels, &Worker)]) {
    let mut family = text.family(
        "pilothouse_worker_tls_handshakes_total",
        Counter,
        "Handshakes of TLS with clients, by how they went; resumed: an earlier session goes on.",
    );
    for (labels, worker) in rows {
        let counts = worker.figures.handshakes.map(Value::Count);
        family.each(labels, "result", HANDSHAKES.into_iter().zip(counts));
    }
}

fn mirrored(text: &mut Text, rows: &[(Labels, &Worker)]) {
    let mut family = text.family(
        "pilothouse_worker_mirrored_requests_total",
        Counter,
        "Copies of requests by how they ended; dropped: a bound was reached, none was made.",
    );
    for (labels, worker) in rows {
        let counts = worker.mirrored.map(Value::Count);
        family.each(labels, "result", MIRRORED.into_iter().zip(counts));
    }
}

fn http2(text: &mut Text, rows: &[(Labels, &Worker)]) {
    let counters: [(&'static str, &str, Count); 5] = [
        (
            "pilothouse_worker_http2_connections_total",
            "Clients' connections that speak HTTP/2.",
            Count::Connections,
        ),
        ("pilothouse_worker_http2_streams_total", "Their streams: requests.", Count::Streams),
        (
            "pilothouse_worker_http2_refused_streams_total",
            "Streams refused for want of room; the client may ask again.",
            Count::Refused,
        ),
        (
            "pilothouse_worker_http2_backend_connections_total",
            "Connections to backends that speak HTTP/2.",
            Count::BackendConnections,
        ),
        (
            "pilothouse_worker_http2_backend_streams_total",
            "Requests to backends on such connections.",
            Count::BackendStreams,
        ),
    ];
    for (name, help, count) in counters {
        let mut family = text.family(name, Counter, help);
        for (labels, worker) in rows {
            family.sample(labels, Value::Count(worker.http2.of(count)));
        }
    }
    let mut family = text.family(
        "pilothouse_worker_http2_floods_total",
        Counter,
        "Connections of HTTP/2 that were cut, by what there was too much of.",
    );
    for (labels, worker) in rows {
        let counts = worker.http2.floods.map(Value::Count);
        family.each(labels, "kind", FLOODS.into_iter().zip(counts));
    }
}

fn usage(text: &mut Text, rows: &[(Labels, &Worker)]) {
    type Reading = fn(&wire::Worker) -> Value;
    let gauges: [(&'static str, &str, Reading); 4] = [
        ("pilothouse_worker_uptime_seconds", "Since the worker's start.", |row| {
            Value::Milliseconds(row.uptime_ms)
        }),
        (
            "pilothouse_worker_loop_lag_seconds",
            "How late the worker's own clock rings: what its clients wait for it.",
            |row| Value::Microseconds(u64::from(row.lag_us)),
        ),
        (
            "pilothouse_worker_cpu_usage_ratio",
            "Processor time in the last second; 1 is one core.",
            |row| Value::percent(row.cpu_percent),
        ),
        ("pilothouse_worker_resident_memory_bytes", "Memory in use.", |row| {
            Value::Count(row.rss_bytes)
        }),
    ];
    for (name, help, reading) in gauges {
        let mut family = text.family(name, Gauge, help);
        for (labels, worker) in rows {
            if let Some(living) = &worker.living {
                family.sample(labels, reading(living));
            }
        }
    }
}

fn logs(text: &mut Text, rows: &[(Labels, &Worker)]) {
    type Count = fn(&Worker) -> u64;
    let counters: [(&'static str, &str, Count); 3] = [
        ("pilothouse_worker_access_log_lines_total", "Lines of access logs written.", |worker| {
            worker.log.lines
        }),
        (
            "pilothouse_worker_access_log_dropped_lines_total",
            "Lines of access logs that were not written.",
            |worker| worker.log.dropped,
        ),
        (
            "pilothouse_worker_access_log_errors_total",
            "Openings and writings of access logs that failed.",
            |worker| worker.log.errors,
        ),
    ];
    for (name, help, count) in counters {
        let mut family = text.family(name, Counter, help);
        for (labels, worker) in rows {
            family.sample(labels, Value::Count(count(worker)));
        }
    }
    let mut family = text.family(
        "pilothouse_worker_access_log_failing",
        Gauge,
        "Whether lines of access logs are being lost at present.",
    );
    for (labels, worker) in rows {
        family.sample(labels, Value::from(worker.log.failing != 0));
    }
}
