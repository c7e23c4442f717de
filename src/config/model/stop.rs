//! What the configuration says of the end of a program's process, and of the side commands that
//! belong to its life.

use serde::{Deserialize, Serialize};

/// How the process is ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stop {
    /// The signals before SIGKILL, in their order; none: SIGKILL at once.
    pub(crate) rungs: Vec<Rung>,
    /// From a signal without a time of its own to the next.
    pub(crate) wait_ms: u64,
    /// Whom the signals of the ladder reach.
    pub(crate) signalled: Reach,
    /// Whom SIGKILL reaches.
    pub(crate) killed: Reach,
    /// In place of the first signal.
    pub(crate) command: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rung {
    /// A number; names are resolved at load.
    pub(crate) signal: i32,
    pub(crate) wait_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reach {
    Main,
    /// Everybody of its process group.
    Group,
}

/// What the process is told to read its own configuration again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reload {
    Signal(i32),
    Command(Vec<String>),
}

/// Side commands of a life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hooks {
    pub(crate) pre_start: Option<Vec<String>>,
    pub(crate) post_start: Option<Vec<String>>,
    pub(crate) pre_stop: Option<Vec<String>>,
    pub(crate) post_stop: Option<Vec<String>>,
    /// For each of them that has no time of its own, and for the stop and reload commands.
    pub(crate) timeout_ms: u64,
    #[serde(default)]
    pub(crate) own: OwnTimes,
}

/// How long some side commands may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnTimes {
    pub(crate) pre_start_ms: Option<u64>,
    pub(crate) post_start_ms: Option<u64>,
    pub(crate) pre_stop_ms: Option<u64>,
    pub(crate) post_stop_ms: Option<u64>,
}
