//! What people and scripts are told of a backend's active check.

use serde::{Deserialize, Serialize};

/// The last result, and how many in a row were like it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Check {
    /// `ok` and the status, or what was wrong; empty before the first result.
    pub(crate) result: String,
    pub(crate) is_good: bool,
    /// When it came, wall clock; 0 before the first one.
    pub(crate) at_ms: u64,
    /// How long the answer took, or its failing.
    pub(crate) latency_us: u64,
    /// Good results in a row, and bad ones: one of the two is 0.
    pub(crate) passes: u32,
    pub(crate) fails: u32,
}

impl Check {
    pub(crate) fn is_awaited(&self) -> bool {
        self.at_ms == 0
    }

    /// The result for people, without when it was.
    pub(crate) fn text(&self) -> &str {
        if self.is_awaited() { "not checked yet" } else { &self.result }
    }
}
