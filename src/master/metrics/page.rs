//! The page: which families there are, what each means, and which figures it is made of.
//!
//! A pure function of `Figures`. Names are a promise to dashboards and alerts: units are seconds and
//! bytes, counters end in `_total`.

use super::figures::Figures;
use super::series::Kind::{Counter, Gauge, Histogram};
use super::series::{Buckets, Labels, Text, Value};
use super::{backends, firewall, limits, programs, workers};
use crate::control::wire;

/// A line is about so long.
const LINE_BYTES: usize = 112;
const LINES_A_BACKEND: usize = 48;
const LINES_A_ROW: usize = 64;

/// Of single backends, of which there may be many: twice as long each.
pub(super) const BACKEND_EDGES_US: [u64; 20] = doubling(128);
/// Of upstreams, for quantiles: two to each doubling.
pub(super) const UPSTREAM_EDGES_US: [u64; 40] = halfway_too(doubling(64));

const fn doubling<const N: usize>(first: u64) -> [u64; N] {
    let (mut edges, mut at) = ([0; N], 0);
    while at < N {
        edges[at] = first << at;
        at += 1;
    }
    edges
}

const fn halfway_too(edges: [u64; 20]) -> [u64; 40] {
    let (mut all, mut at) = ([0; 40], 0);
    while at < 40 {
        all[at] = edges[at / 2] + (at as u64 % 2) * edges[at / 2] / 2;
        at += 1;
    }
    all
}

pub(super) fn write(figures: &Figures) -> Vec<u8> {
    let snapshot = &figures.snapshot;
    let rows = figures.workers.len() + snapshot.upstreams.len() + snapshot.programs.len() + 1;
    let lines = snapshot.backends.len() * LINES_A_BACKEND + rows * LINES_A_ROW;
    let mut text = Text::with_capacity(lines * LINE_BYTES);
    engine(&mut text, figures);
    listeners(&mut text, figures);
    limits::write(&mut text, figures);
    workers::write(&mut text, &figures.workers);
    firewall::write(&mut text, &figures.firewall);
    upstreams(&mut text, figures);
    backends::write(&mut text, figures);
    programs::write(&mut text, &snapshot.programs);
    text.into_bytes()
}

fn engine(text: &mut Text, figures: &Figures) {
    let (head, loads) = (&figures.snapshot.head, figures.loads);
    let none = Labels::none();
    let build = Labels::none().with("version", &head.version).with("engine", &head.name);
    text.family("pilothouse_build_info", Gauge, "The running version and the engine's name.")
        .sample(&build, Value::Count(1));
    text.family("pilothouse_uptime_seconds", Gauge, "Since the engine's start.")
        .sample(&none, Value::Milliseconds(head.uptime_ms));
    text.family(
        "pilothouse_orphans_reaped_total",
        Counter,
        "Ended processes that had lost their parents and were reaped here.",
    )
    .sample(&none, Value::Count(head.orphans_reaped));
    text.family("pilothouse_config_generation", Gauge, "Number of the running configuration.")
        .sample(&none, Value::Count(u64::from(head.generation)));
    text.family(
        "pilothouse_config_last_reload_successful",
        Gauge,
        "Whether the last reload was taken; 0 while the running configuration is not the file's.",
    )
    .sample(&none, Value::from(head.config_error.is_empty()));
    text.family(
        "pilothouse_config_last_reload_success_timestamp_seconds",
        Gauge,
        "When the running configuration was loaded.",
    )
    .sample(&none, Value::Milliseconds(loads.last_taken_ms));
    text.family("pilothouse_config_reloads_total", Counter, "Reloads, by what became of them.")
        .each(
            &none,
            "result",
            [("success", Value::Count(loads.taken)), ("failure", Value::Count(loads.refused))],
        );
}

fn listeners(text: &mut Text, figures: &Figures) {
    let mut family = text.family("pilothouse_listener_info", Gauge, "An address listened on.");
    for listener in &figures.snapshot.head.listeners {
        let labels = Labels::none().with("address", &listener.address);
        family.sample(&labels.with("kind", listener.kind.name()), Value::Count(1));
    }
    let mut family = text.family(
        "pilothouse_certificate_expiry_timestamp_seconds",
        Gauge,
        "Until when the certificate of a server is good.",
    );
    for certificate in &figures.snapshot.head.certificates {
        let labels = Labels::none().with("server", &certificate.server);
        let until_ms = u64::try_from(certificate.not_after_ms).unwrap_or(0);
        family.sample(&labels.with("file", &certificate.file), Value::Milliseconds(until_ms));
    }
    let mut family = text.family(
        "pilothouse_certificate_stuck",
        Gauge,
        "Whether the files of a server's certificate say something that can not be taken.",
    );
    for certificate in &figures.snapshot.head.certificates {
        let labels = Labels::none().with("server", &certificate.server);
        let is_stuck = Value::from(!certificate.trouble.is_empty());
        family.sample(&labels.with("file", &certificate.file), is_stuck);
    }
    let mut family = text.family(
        "pilothouse_tcp_route_info",
        Gauge,
        "A TCP route: the address it listens on and the upstream it leads to.",
    );
    for route in &figures.tcp_routes {
        let labels = Labels::none().with("address", &route.address);
        family.sample(&labels.with("upstream", &route.upstream), Value::Count(1));
    }
}

type Count = fn(&wire::UpstreamRow) -> u64;

fn upstreams(text: &mut Text, figures: &Figures) {
    let rows = &figures.snapshot.upstreams;
    let labels: Vec<Labels> =
        rows.iter().map(|row| Labels::none().with("upstream", &row.name)).collect();
    let mut family = text.family(
        "pilothouse_upstream_info",
        Gauge,
        "What leads to the upstream (http, tcp or both) and how it chooses.",
    );
    for (row, labels) in rows.iter().zip(&labels) {
        let labels = labels.clone().with("kind", row.kind.name());
        family.sample(&labels.with("strategy", &row.strategy), Value::Count(1));
    }
    let counters: [(&'static str, &str, Count); 5] = [
        (
            "pilothouse_upstream_requests_total",
            "Requests answered by a backend; of a TCP route, sessions that ended.",
            |row| row.requests,
        ),
        ("pilothouse_upstream_retries_total", "Requests offered to a further backend.", |row| {
            row.retries
        }),
        (
            "pilothouse_upstream_retries_withheld_total",
            "Retries that the upstream's budget did not grant.",
            |row| row.retries_withheld,
        ),
        (
            "pilothouse_upstream_no_backend_total",
            "Requests that no backend could take: 502s answered here.",
            |row| row.refused,
        ),
        (
            "pilothouse_upstream_overflows_total",
            "Requests beyond connections_max: 503s answered here.",
            |row| row.overflows,
        ),
    ];
    for (name, help, count) in counters {
        let mut family = text.family(name, Counter, help);
        for (row, labels) in rows.iter().zip(&labels) {
            family.sample(labels, Value::Count(count(row)));
        }
    }
    let buckets = Buckets::new(&UPSTREAM_EDGES_US);
    let mut family = text.family("pilothouse_upstream_latency_seconds", Histogram, LATENCY);
    for (latency, labels) in figures.upstreams.iter().zip(&labels) {
        family.histogram(labels, latency, &buckets);
    }
}

pub(super) const LATENCY: &str = "From the arrival of a request's head to the last byte of its \
     response; of a TCP route, until it was connected.";
