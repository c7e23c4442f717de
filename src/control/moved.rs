//! The figures of rows that are otherwise as they were: what most of a delta would be.
//!
//! Pure. Of such a row only its place in the table and its figures travel, as an array. How long a
//! program is up does not travel at all while it just goes on: it rises as the engine's own time does.

use serde::{Deserialize, Serialize};

use super::figure;
use super::wire::{BackendRow, Latency, ProgramRow, Responses};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Moved {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backends: Vec<OfBackend>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) programs: Vec<OfProgram>,
}

impl Moved {
    pub(crate) fn is_empty(&self) -> bool {
        self.backends.is_empty() && self.programs.is_empty()
    }
}

/// Place; active, requests, failures, expected and actual share; responses by class; latencies; bytes
/// in and out; picks and both smooth weights of the window; in flight by worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OfBackend(
    u32,
    (u32, u64, u64),
    #[serde(serialize_with = "figure::share")] f64,
    #[serde(serialize_with = "figure::share")] f64,
    [u64; 5],
    [u64; 4],
    [u64; 2],
    (u64, i64, i64),
    Vec<u32>,
);

impl OfBackend {
    fn new(at: u32, row: &BackendRow) -> Self {
        let (backend, of_class, took) =
            (&row.backend, &row.backend.responses, &row.backend.latency_us);
        Self(
            at,
            (backend.active, backend.requests, backend.failures),
            backend.expected_share,
            backend.actual_share,
            [
                of_class.informational,
                of_class.success,
                of_class.redirection,
                of_class.client_error,
                of_class.server_error,
            ],
            [took.p50, took.p90, took.p99, took.max],
            [backend.bytes_in, backend.bytes_out],
            (row.window_picks, row.window_weight_start, row.current_weight),
            row.active_by_worker.clone(),
        )
    }

    fn put(self, row: &mut BackendRow) {
        let Self(_, counts, expected, actual, of_class, took, bytes, window, active_by_worker) =
            self;
        let backend = &mut row.backend;
        (backend.active, backend.requests, backend.failures) = counts;
        (backend.expected_share, backend.actual_share) = (expected, actual);
        let [informational, success, redirection, client_error, server_error] = of_class;
        backend.responses =
            Responses { informational, success, redirection, client_error, server_error };
        let [p50, p90, p99, max] = took;
        backend.latency_us = Latency { p50, p90, p99, max };
        [backend.bytes_in, backend.bytes_out] = bytes;
        (row.window_picks, row.window_weight_start, row.current_weight) = window;
        row.active_by_worker = active_by_worker;
    }
}

/// Place; milliseconds up; percent of a core; bytes resident; bytes of its log that were lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OfProgram(u32, u64, #[serde(serialize_with = "figure::percent")] f32, u64, u64);

impl OfProgram {
    fn new(at: u32, row: &ProgramRow) -> Self {
        let program = &row.program;
        Self(at, program.uptime_ms, program.cpu_percent, program.rss_bytes, program.log_lost_bytes)
    }

    fn put(self, row: &mut ProgramRow) {
        let program = &mut row.program;
        Self(
            _,
            program.uptime_ms,
            program.cpu_percent,
            program.rss_bytes,
            program.log_lost_bytes,
        ) = self;
    }
}

/// Of a row that is another one now: its figures, if nothing else is different.
pub(super) fn of_backend(at: usize, old: &BackendRow, new: &BackendRow) -> Option<OfBackend> {
    let figures = OfBackend::new(at as u32, new);
    let mut reached = old.clone();
    figures.clone().put(&mut reached);
    (reached == *new).then_some(figures)
}

pub(super) fn of_program(at: usize, old: &ProgramRow, new: &ProgramRow) -> Option<OfProgram> {
    let figures = OfProgram::new(at as u32, new);
    let mut reached = old.clone();
    figures.clone().put(&mut reached);
    (reached == *new).then_some(figures)
}

/// A place that is not there belongs to another snapshot, and is left out.
pub(super) fn put(moved: Moved, backends: &mut [BackendRow], programs: &mut [ProgramRow]) {
    for figures in moved.backends {
        if let Some(row) = backends.get_mut(figures.0 as usize) {
            figures.put(row);
        }
    }
    for figures in moved.programs {
        if let Some(row) = programs.get_mut(figures.0 as usize) {
            figures.put(row);
        }
    }
}

/// What a program that just goes on is, that much later.
pub(super) fn later(row: &ProgramRow, elapsed_ms: u64) -> u64 {
    match row.program.uptime_ms {
        0 => 0,
        uptime_ms => uptime_ms.saturating_add(elapsed_ms),
    }
}
