//! What tasks report about programs, and who an instance is.

use serde::{Deserialize, Serialize};

use super::errand::Outcome;
use crate::supervise::policy::Hook;

/// One instance of a program: `name:instance`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct InstanceId {
    pub(crate) program: String,
    pub(crate) instance: u32,
}

impl std::fmt::Display for InstanceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.program, self.instance)
    }
}

/// `life` tells a process from its predecessor; what is reported about an earlier one is dropped.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: InstanceId,
    pub(crate) life: u32,
    pub(crate) report: Report,
}

#[derive(Debug)]
pub(crate) enum Report {
    /// A start that took its time is over.
    Launched,
    /// The main process has ended; its status is still to be collected.
    Ended { pid: u32 },
    /// Nobody could tell the status of an adopted process in time.
    StatusLost { pid: u32 },
    /// A side command that the instance waits for has ended.
    HookDone { hook: Hook, outcome: Outcome },
    /// A side command that nothing waits for has ended.
    AsideDone { label: &'static str, outcome: Outcome },
    /// What it is asked or should say says that it is ready.
    Ready,
    /// Listeners are to hear of what it wrote.
    Announced,
    /// What a listener wrote.
    Answered(Vec<u8>),
    /// It is time to look again for the main process of a program that has forked itself away.
    Elect,
    /// The main process that was found has lived as long as a start takes.
    Settled { pid: u32 },
    /// It was ready and does not answer well any more.
    Unready,
    /// It answers that it is alive, for the first time.
    Healthy,
    /// It does not answer that it is alive.
    Unfit,
    /// It has printed a line that others wait for.
    Line(String),
    /// What it waits for answers.
    NeedsChanged,
}
