//! The figures of a moment of the past, put back into its rows: from the samples up to then, and,
//! for what only counts up, from the present less what came after.

use std::collections::{BTreeMap, VecDeque};

use crate::control::sample::{ProgramSample, Sample};
use crate::control::wire::{
    BackendRow, Connections, Latency, ProgramRow, Responses, Snapshot, UpstreamRow, Worker,
};

use super::past::Past;

/// Seconds that a share covers.
const SHARE_SECONDS: usize = 60;

pub(super) fn filled(mut rows: Snapshot, past: &Past, history: &VecDeque<Sample>) -> Snapshot {
    let since = Sums::of(&past.samples, 0);
    let shares = Sums::of(history, history.len().saturating_sub(SHARE_SECONDS));
    let last = history.back().cloned().unwrap_or_default();
    let head = &past.present.head;
    let started_ms = head.wall_ms.saturating_sub(head.uptime_ms);
    rows.head.wall_ms = past.at_ms;
    rows.head.uptime_ms = past.at_ms.saturating_sub(started_ms);
    for row in &mut rows.workers {
        worker(row, past, &last, &since);
    }
    for row in &mut rows.backends {
        backend(row, past, &last, &since);
        row.window_picks = shares.backends.get(&row.key).map_or(0, |done| done.requests);
    }
    for row in &mut rows.upstreams {
        upstream(row, &mut rows.backends);
        row.window_since_ms = past.at_ms.saturating_sub(SHARE_SECONDS as u64 * 1000);
    }
    for row in &mut rows.programs {
        program(row, &last.programs, past.at_ms);
    }
    rows
}

/// What was done in some seconds.
struct Sums {
    backends: BTreeMap<u32, Done>,
    workers: BTreeMap<u16, u64>,
}

#[derive(Default)]
struct Done {
    requests: u64,
    failures: u64,
    server_errors: u64,
}

impl Sums {
    fn of(samples: &VecDeque<Sample>, from: usize) -> Self {
        let mut sums = Self { backends: BTreeMap::new(), workers: BTreeMap::new() };
        for sample in samples.iter().skip(from) {
            for row in &sample.backends {
                let done = sums.backends.entry(row.key).or_default();
                done.requests += u64::from(row.requests);
                done.failures += u64::from(row.failures);
                done.server_errors += u64::from(row.server_errors);
            }
            for row in &sample.workers {
                *sums.workers.entry(row.slot).or_default() += u64::from(row.requests);
            }
        }
        sums
    }
}

fn backend(row: &mut BackendRow, past: &Past, last: &Sample, since: &Sums) {
    if let Some(sample) = last.backends.iter().find(|sample| sample.key == row.key) {
        row.backend.active = sample.active;
        let p95 = u64::from(sample.p95_us);
        row.backend.latency_us = Latency { p50: 0, p90: p95, p99: p95, max: p95 };
    }
    let Some(now) = past.present.backends.iter().find(|now| now.key == row.key) else { return };
    let none = Done::default();
    let later = since.backends.get(&row.key).unwrap_or(&none);
    row.backend.requests = now.backend.requests.saturating_sub(later.requests);
    row.backend.failures = now.backend.failures.saturating_sub(later.failures);
    row.backend.responses = Responses {
        server_error: now.backend.responses.server_error.saturating_sub(later.server_errors),
        ..now.backend.responses.clone()
    };
}

/// Shares are those of the minute up to then: of requests that ended, where the present counts those
/// that were given out.
fn upstream(row: &mut UpstreamRow, backends: &mut [BackendRow]) {
    let is_member = |backend: &&mut BackendRow| backend.upstream == row.name;
    let total: u64 = backends.iter_mut().filter(is_member).map(|row| row.window_picks).sum();
    for backend in backends.iter_mut().filter(is_member) {
        row.requests += backend.backend.requests;
        if total > 0 {
            backend.backend.actual_share = backend.window_picks as f64 / total as f64;
        }
    }
}

fn worker(row: &mut Worker, past: &Past, last: &Sample, since: &Sums) {
    if let Some(sample) = last.workers.iter().find(|sample| sample.slot == row.slot) {
        row.cpu_percent = sample.cpu_percent;
        row.rss_bytes = sample.rss_bytes;
        row.lag_us = sample.lag_us;
        row.connections = Connections { active: sample.active, idle: sample.idle };
    }
    let head = &past.present.head;
    let is_same = |now: &&Worker| now.slot == row.slot && now.pid == row.pid;
    if let Some(now) = past.present.workers.iter().find(is_same) {
        let later = since.workers.get(&row.slot).copied().unwrap_or(0);
        row.requests = now.requests.saturating_sub(later);
        let started_ms = head.wall_ms.saturating_sub(now.uptime_ms);
        row.uptime_ms = past.at_ms.saturating_sub(started_ms);
    }
}

fn program(row: &mut ProgramRow, used: &[ProgramSample], at_ms: u64) {
    let Some(pid) = row.program.pid else { return };
    row.program.uptime_ms = at_ms.saturating_sub(row.since_ms);
    if let Some(used) = used.iter().find(|used| used.pid == pid) {
        row.program.cpu_percent = used.cpu_percent;
        row.program.rss_bytes = used.rss_bytes;
    }
}
