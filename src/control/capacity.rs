//! What people and scripts are told of how much a backend takes, who waits for it, and who comes
//! back to it.

use serde::{Deserialize, Serialize};

/// Of one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Capacity {
    /// Requests or sessions in flight there, of all workers; 0: no bound.
    #[serde(default)]
    pub(crate) max_conns: u32,
    /// Those of a higher number serve only while none of a lower one can; backups come last.
    #[serde(default)]
    pub(crate) priority: u8,
    #[serde(default)]
    pub(crate) backup: bool,
}

impl Capacity {
    pub(crate) fn is_full(&self, active: u32) -> bool {
        self.max_conns > 0 && active >= self.max_conns
    }

    /// In flight, and how much may be where there is a bound: `12/40`.
    pub(crate) fn beside(&self, active: String) -> String {
        if self.max_conns > 0 { format!("{active}/{}", self.max_conns) } else { active }
    }
}

/// Of one upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Admission {
    /// Absent without one.
    #[serde(default)]
    pub(crate) queue: Option<Queue>,
    #[serde(default)]
    pub(crate) sticky: Option<Sticky>,
}

/// Where requests wait while every backend that could take them is full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Queue {
    pub(crate) length: u32,
    pub(crate) timeout_ms: u64,
    /// Waiting at this moment, in all workers.
    pub(crate) queued: u32,
    /// Requests that found it full: 503s answered here.
    pub(crate) overflows: u64,
    /// Requests that waited in vain: 503s, too.
    pub(crate) timeouts: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Sticky {
    /// As the file says it: `cookie`, `learn` or `header`.
    pub(crate) by: String,
    pub(crate) name: String,
    /// `move` or `follow`.
    pub(crate) on_drain: String,
}
