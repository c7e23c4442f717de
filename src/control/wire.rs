//! The shapes of the control API. `Status` is the promise of the design document, field for field;
//! `Snapshot` is what a console is sent: the same rows, each with the details a screen needs. Times
//! are milliseconds, latencies microseconds, shares fractions of one.

use serde::{Deserialize, Serialize};

use super::access_log::WorkerLog;
use super::capacity::{Admission, Capacity};
use super::certificate::Certificate;
use super::check::Check;
use super::delta::Delta;
use super::drain::Drain;
use super::explain::Fit;
use super::figure;
use super::firewall::Firewall;
use super::limit::{Limit, Refused};
use super::listener::{Kind, Listener};
use super::name::Name;
use super::sample::Sample;
use super::server_row::ServerRow;
use super::tape::Tape;

/// The verb of the event by which the first master of another binary says what came of an upgrade.
pub(crate) const UPGRADED: &str = "upgraded";

/// `GET /v1/status`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Status {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) generation: u32,
    pub(crate) uptime_ms: u64,
    pub(crate) config: String,
    pub(crate) listeners: Vec<Listener>,
    #[serde(default)]
    pub(crate) servers: Vec<ServerRow>,
    /// What clients are shown where TLS is spoken.
    #[serde(default)]
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) programs: Vec<Program>,
    #[serde(default)]
    pub(crate) limits: Vec<Limit>,
    /// By guard.
    #[serde(default)]
    pub(crate) refused: Vec<Refused>,
    #[serde(default)]
    pub(crate) orphans_reaped: u64,
    /// Absent while none has looked at a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) firewall: Option<Firewall>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Worker {
    pub(crate) slot: u16,
    pub(crate) pid: u32,
    pub(crate) generation: u32,
    /// `starting`, `running` or `stopping`.
    pub(crate) state: String,
    pub(crate) uptime_ms: u64,
    #[serde(serialize_with = "figure::percent")]
    pub(crate) cpu_percent: f32,
    pub(crate) rss_bytes: u64,
    pub(crate) connections: Connections,
    pub(crate) requests: u64,
    pub(crate) restarts: u32,
    /// Whose rights it has.
    #[serde(default)]
    pub(crate) user: String,
    pub(crate) lag_us: u32,
    /// Of its access logs; absent where it writes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<WorkerLog>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Connections {
    /// With a request under way.
    pub(crate) active: u32,
    pub(crate) idle: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Upstream {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    pub(crate) strategy: String,
    pub(crate) requests: u64,
    pub(crate) backends: Vec<Backend>,
    #[serde(default)]
    pub(crate) names: Vec<Name>,
    /// `refuse` or `use_all`: what becomes of requests while every backend is failed.
    #[serde(default)]
    pub(crate) all_down: String,
    /// Requests that failed backends were asked for, since all were.
    #[serde(default)]
    pub(crate) desperate: u64,
    /// What the operator made otherwise than the file says, one sentence each.
    #[serde(default)]
    pub(crate) differs: Vec<String>,
    #[serde(flatten)]
    pub(crate) admission: Admission,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: BackendState,
    pub(crate) weight: u32,
    pub(crate) active: u32,
    pub(crate) requests: u64,
    #[serde(serialize_with = "figure::share")]
    pub(crate) expected_share: f64,
    #[serde(serialize_with = "figure::share")]
    pub(crate) actual_share: f64,
    pub(crate) responses: Responses,
    pub(crate) failures: u64,
    pub(crate) latency_us: Latency,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// `name:instance` of the supervised program behind it.
    pub(crate) program: Option<String>,
    /// The name of the file under which it was found.
    pub(crate) host: Option<String>,
    /// `None` where its upstream has none.
    #[serde(default)]
    pub(crate) check: Option<Check>,
    /// As a row's, for `Status`; empty in a `Snapshot`, whose rows have it.
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) drain: Option<Drain>,
    /// Requests that the time limits of drains have ended.
    #[serde(default)]
    pub(crate) cuts: u64,
    #[serde(flatten)]
    pub(crate) capacity: Capacity,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum BackendState {
    #[default]
    Up,
    /// Slow start, or a program's instance that is not ready yet.
    Starting,
    Draining,
    Drained,
    /// By the operator.
    Down,
    /// By checks or failures.
    Failed,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Responses {
    #[serde(rename = "1xx")]
    pub(crate) informational: u64,
    #[serde(rename = "2xx")]
    pub(crate) success: u64,
    #[serde(rename = "3xx")]
    pub(crate) redirection: u64,
    #[serde(rename = "4xx")]
    pub(crate) client_error: u64,
    #[serde(rename = "5xx")]
    pub(crate) server_error: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) instance: u32,
    pub(crate) state: ProgramState,
    pub(crate) pid: Option<u32>,
    pub(crate) uptime_ms: u64,
    pub(crate) restarts: u32,
    pub(crate) exit_code: Option<i32>,
    pub(crate) exit_signal: Option<i32>,
    pub(crate) reason: String,
    #[serde(serialize_with = "figure::percent")]
    pub(crate) cpu_percent: f32,
    pub(crate) rss_bytes: u64,
    /// `upstream/address` of the backend it serves as.
    pub(crate) backend: Option<String>,
    /// What of the program is not as the file says; empty when nothing.
    #[serde(default)]
    pub(crate) differs: String,
    /// How the processes it starts are kept hold of: `cgroup`, `session` or `group`; empty without any.
    #[serde(default)]
    pub(crate) tracking: String,
    /// Why what it prints can not be written; empty when it can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) log_degraded: String,
    /// What of its output was lost to its files so far.
    #[serde(default)]
    pub(crate) log_lost_bytes: u64,
}

/// Supervisor's public state names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProgramState {
    #[default]
    Stopped,
    Starting,
    Running,
    Backoff,
    Stopping,
    Exited,
    Fatal,
    Unknown,
}

/// Everything a console shows at one instant; rows carry the details `Status` leaves out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Snapshot {
    pub(crate) head: Head,
    pub(crate) workers: Vec<Worker>,
    pub(crate) upstreams: Vec<UpstreamRow>,
    pub(crate) backends: Vec<BackendRow>,
    pub(crate) programs: Vec<ProgramRow>,
    /// As of the last second; as in `Status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) firewall: Option<Firewall>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) generation: u32,
    pub(crate) uptime_ms: u64,
    pub(crate) wall_ms: u64,
    pub(crate) config: String,
    pub(crate) listeners: Vec<Listener>,
    #[serde(default)]
    pub(crate) servers: Vec<ServerRow>,
    #[serde(default)]
    pub(crate) certificates: Vec<Certificate>,
    #[serde(default)]
    pub(crate) limits: Vec<Limit>,
    #[serde(default)]
    pub(crate) refused: Vec<Refused>,
    pub(crate) master_pid: u32,
    pub(crate) keeper_pid: u32,
    pub(crate) is_embedded: bool,
    /// Why the last reload was refused; empty when the running configuration is the file's.
    pub(crate) config_error: String,
    /// Ended processes that had lost their parents and were reaped by this engine's master.
    #[serde(default)]
    pub(crate) orphans_reaped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct UpstreamRow {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    pub(crate) strategy: String,
    /// What the file says, where the operator changed it.
    pub(crate) file_strategy: String,
    pub(crate) requests: u64,
    pub(crate) retries: u64,
    /// Retries that the budget did not grant.
    pub(crate) retries_withheld: u64,
    /// No backend was eligible: 502s answered here.
    pub(crate) refused: u64,
    /// `connections_max` was reached: 503s answered here.
    pub(crate) overflows: u64,
    /// Start of the window of the fit figures below: the last change of state, weight or generation.
    pub(crate) window_since_ms: u64,
    /// Share of the busiest client network in the window, for hash strategies.
    #[serde(serialize_with = "figure::share")]
    pub(crate) top_client_share: f64,
    #[serde(default)]
    pub(crate) fit: Fit,
    #[serde(default)]
    pub(crate) names: Vec<Name>,
    /// As in `Upstream`.
    #[serde(default)]
    pub(crate) all_down: String,
    #[serde(default)]
    pub(crate) desperate: u64,
    #[serde(default)]
    pub(crate) differs: Vec<String>,
    #[serde(flatten)]
    pub(crate) admission: Admission,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BackendRow {
    pub(crate) upstream: String,
    pub(crate) backend: Backend,
    /// Identity for samples and actions: incarnation in the high half, slot in the low.
    pub(crate) key: u32,
    pub(crate) file_weight: u32,
    /// Since when it is in this state, wall clock.
    pub(crate) since_ms: u64,
    /// Why it is in this state, for people; empty when up.
    pub(crate) reason: String,
    /// Picks since the upstream's window began, and smooth weights at both ends (times one).
    pub(crate) window_picks: u64,
    pub(crate) window_weight_start: i64,
    pub(crate) current_weight: i64,
    /// In flight per worker slot, in slot order.
    pub(crate) active_by_worker: Vec<u32>,
    /// Last result of the active check, for people; empty without one.
    pub(crate) check: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ProgramRow {
    pub(crate) program: Program,
    /// Which life of this instance: rises at every spawn.
    pub(crate) incarnation: u32,
    /// Since when it is in this state, wall clock.
    pub(crate) since_ms: u64,
    /// When the next start is due, wall clock; 0 without one.
    pub(crate) retry_at_ms: u64,
    /// When it runs next by its schedule, wall clock; 0 without one.
    #[serde(default)]
    pub(crate) next_run_ms: u64,
    /// Failed starts in a row, and how many are allowed; none: for ever.
    pub(crate) start_failures: u32,
    pub(crate) start_retries: Option<u32>,
    pub(crate) command: String,
    /// Whom it runs as; empty: the engine's own user.
    #[serde(default)]
    pub(crate) user: String,
    pub(crate) last_line: String,
    pub(crate) is_drain_first: bool,
    /// How many instances of the program there should be.
    #[serde(default)]
    pub(crate) instances: u32,
    #[serde(default)]
    pub(crate) standing: super::standing::Standing,
}

/// One line of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EventRecord {
    pub(crate) seq: u64,
    pub(crate) wall_ms: u64,
    /// `engine`, or the caller: a user's name with the uid.
    pub(crate) who: String,
    pub(crate) verb: String,
    pub(crate) target: String,
    pub(crate) result: String,
    pub(crate) severity: Severity,
    /// The command line that does the same; empty for what only the engine does.
    pub(crate) cli: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    #[default]
    Info,
    Good,
    Warn,
    Bad,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    #[default]
    Read,
    Operate,
}

/// `GET /v1/watch` sends one frame a line: the snapshot first, then what changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "frame", rename_all = "lowercase", try_from = "super::frame::Fields")]
pub(crate) enum Frame {
    Snapshot {
        role: Role,
        snapshot: Box<Snapshot>,
        history: Vec<Sample>,
        events: Vec<EventRecord>,
        #[serde(default)]
        tape: Tape,
    },
    Delta {
        delta: Box<Delta>,
    },
    Sample {
        sample: Box<Sample>,
    },
    Event {
        event: Box<EventRecord>,
    },
}

/// What an action answers; the HTTP status says the same in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// What was done, or why not: for people.
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// The state asked for holds, through this call.
    Changed,
    /// The state asked for held already.
    Unchanged,
    /// No such upstream, backend, program or instance.
    Unknown,
    /// Not done: a stale row, a value out of range, or it was tried and failed.
    Refused,
}

/// One line of a program's output, or of the engine's own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LogLine {
    pub(crate) wall_ms: u64,
    pub(crate) stream: Stream,
    pub(crate) text: String,
    /// `name:instance` of who said it, where the lines of several are merged; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) program: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stream {
    #[default]
    Stdout,
    Stderr,
    /// The supervisor's own remark between lines: started, exited, gave up.
    Mark,
}
