//! What people and scripts are told of a worker's access logs.

use serde::{Deserialize, Serialize};

/// What a worker's writing of access logs came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkerLog {
    pub(crate) lines: u64,
    /// Lines that were not written.
    pub(crate) dropped: u64,
    /// Openings and writings that failed.
    pub(crate) errors: u64,
    /// Why the last of them failed; empty without one.
    pub(crate) last_error: String,
    /// Whether lines are being lost at present.
    pub(crate) is_failing: bool,
}
