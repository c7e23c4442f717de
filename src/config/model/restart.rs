//! When a program is started again: what counts as a start, what follows from an end, how long the
//! pauses are, and what follows once it is not started again any more.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restart {
    pub(crate) when: AutoRestart,
    pub(crate) exit_codes: Vec<i32>,
    /// Numbers of signals that are as good an end.
    pub(crate) exit_signals: Vec<i32>,
    /// An end sooner than this after the spawn is a failed start.
    pub(crate) start_ms: u64,
    /// `None`: failed starts are retried for ever.
    pub(crate) retries: Option<u32>,
    /// A start that would fail the same way again is not.
    #[serde(default)]
    pub(crate) gives_up_hopeless: bool,
    pub(crate) backoff: Backoff,
    pub(crate) crash_limit: CrashLimit,
    /// From the end of a running instance to the next spawn.
    pub(crate) delay_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AutoRestart {
    Never,
    OnSuccess,
    Unexpected,
    OnAbnormal,
    OnAbort,
    Always,
}

/// The pauses after failed starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backoff {
    pub(crate) initial_ms: u64,
    pub(crate) max_ms: u64,
    pub(crate) growth: Growth,
    pub(crate) jitter_percent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Growth {
    Linear,
    Exponential { factor_hundredths: u32 },
}

/// How many restarts may happen at once within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CrashLimit {
    /// Zero: no limit.
    pub(crate) restarts: u32,
    pub(crate) within_ms: u64,
    pub(crate) then: Beyond,
}

/// What follows from a program that could not be started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnFatal {
    #[default]
    Ignore,
    StopGroup,
    RestartGroup,
    /// The engine ends, with a status that says so.
    Shutdown,
    Command(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Beyond {
    Pause,
    Fail,
}
