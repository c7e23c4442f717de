//! What came of limits and other guards, of all workers.

use serde::{Deserialize, Serialize};

/// A zone: `[limit.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Limit {
    pub(crate) name: String,
    /// `rate` or `connections`.
    pub(crate) kind: String,
    pub(crate) passed: u64,
    pub(crate) delayed: u64,
    pub(crate) refused: u64,
    #[serde(default)]
    pub(crate) refused_last_minute: u64,
    /// What it would have done to requests, where it is on trial.
    pub(crate) delayed_dry_run: u64,
    pub(crate) refused_dry_run: u64,
    /// Keys that gave way to others before their time: the table is too small for the traffic.
    pub(crate) evicted: u64,
    /// Requests that passed because they could not be counted.
    pub(crate) uncounted: u64,
    /// Requests in progress, where these are counted.
    pub(crate) in_progress: u64,
    /// What in the file would let more pass, or refuse nobody for a trial.
    #[serde(default)]
    pub(crate) relief: String,
    /// Those refused most often, first; a few.
    pub(crate) offenders: Vec<Offender>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Offender {
    /// The beginning of it.
    pub(crate) key: String,
    pub(crate) refused: u64,
}

/// Requests that guards of one kind let go no further.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Refused {
    /// As `$refused_by` says it.
    pub(crate) guard: String,
    pub(crate) requests: u64,
}
