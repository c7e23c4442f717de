//! What the configuration says of all that an instance starts: which process is the main one, what
//! becomes of the others, and how much they may use together.
//!
//! Plain data; the path is expanded for each instance when it is used.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) main: Main,
    pub(crate) left_overs: LeftOvers,
    pub(crate) bounds: Bounds,
}

/// Which process the instance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Main {
    Started,
    /// One that the started one leaves behind: the one named in the file, or the only one.
    Forked {
        pidfile: Option<PathBuf>,
    },
}

/// What becomes of those that outlive the main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LeftOvers {
    Ended,
    /// They are none of our business.
    Kept,
}

/// What all processes of an instance may use together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes: Option<u64>,
    /// Of one core.
    pub(crate) cpu_percent: Option<u32>,
    pub(crate) tasks: Option<u32>,
    /// Looks, one a second, that must find too much before it counts; where the kernel does not
    /// hold the bound itself.
    pub(crate) checks: u32,
}

impl Bounds {
    pub(crate) fn has_any(&self) -> bool {
        self.memory_bytes.is_some() || self.cpu_percent.is_some() || self.tasks.is_some()
    }
}
