//! The figures of one second, as history, graphs and replay have them. What rows are beside their
//! figures is on the `tape`.

use serde::{Deserialize, Serialize};

/// One second of the engine, for graphs and replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Sample {
    pub(crate) wall_ms: u64,
    /// Requests finished in this second, and of them by class.
    pub(crate) requests: u32,
    pub(crate) client_errors: u32,
    pub(crate) server_errors: u32,
    pub(crate) retries: u32,
    pub(crate) p50_us: u32,
    pub(crate) p95_us: u32,
    pub(crate) p99_us: u32,
    pub(crate) active: u32,
    pub(crate) connections: u32,
    /// Towards clients and from clients.
    pub(crate) bytes_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) backends: Vec<BackendSample>,
    pub(crate) workers: Vec<WorkerSample>,
    /// Of seconds in which somebody watched: reading them costs more than all the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) programs: Vec<ProgramSample>,
}

/// As an array on the wire, since there are hundreds of thousands: key, requests, active,
/// failures, p95, responses of class 5xx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "(u32, u32, u32, u32, u32, u32)", into = "(u32, u32, u32, u32, u32, u32)")]
pub(crate) struct BackendSample {
    pub(crate) key: u32,
    pub(crate) requests: u32,
    pub(crate) active: u32,
    pub(crate) failures: u32,
    pub(crate) p95_us: u32,
    pub(crate) server_errors: u32,
}

impl From<(u32, u32, u32, u32, u32, u32)> for BackendSample {
    fn from(array: (u32, u32, u32, u32, u32, u32)) -> Self {
        let (key, requests, active, failures, p95_us, server_errors) = array;
        Self { key, requests, active, failures, p95_us, server_errors }
    }
}

impl From<BackendSample> for (u32, u32, u32, u32, u32, u32) {
    fn from(sample: BackendSample) -> Self {
        let BackendSample { key, requests, active, failures, p95_us, server_errors } = sample;
        (key, requests, active, failures, p95_us, server_errors)
    }
}

/// As an array on the wire: main pid, percent of a core, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "(u32, f32, u64)", into = "(u32, f32, u64)")]
pub(crate) struct ProgramSample {
    pub(crate) pid: u32,
    pub(crate) cpu_percent: f32,
    pub(crate) rss_bytes: u64,
}

impl From<(u32, f32, u64)> for ProgramSample {
    fn from((pid, cpu_percent, rss_bytes): (u32, f32, u64)) -> Self {
        Self { pid, cpu_percent, rss_bytes }
    }
}

impl From<ProgramSample> for (u32, f32, u64) {
    fn from(sample: ProgramSample) -> Self {
        (sample.pid, sample.cpu_percent, sample.rss_bytes)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkerSample {
    pub(crate) slot: u16,
    pub(crate) requests: u32,
    pub(crate) cpu_percent: f32,
    /// At the end of the second.
    #[serde(default)]
    pub(crate) active: u32,
    #[serde(default)]
    pub(crate) idle: u32,
    #[serde(default)]
    pub(crate) rss_bytes: u64,
    #[serde(default)]
    pub(crate) lag_us: u32,
}
