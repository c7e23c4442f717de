//! What the configuration says of an event listener beyond what it says of any program, and which
//! events there are: Supervisor's names.
//!
//! Plain data. What an event says in its payload is the master's matter.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listener {
    pub(crate) events: Subjects,
    /// Events that may wait for one of the pool to be ready.
    pub(crate) buffer: u32,
    /// For the answer to one event.
    pub(crate) timeout_ms: u64,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Subject {
    ProcessStateStarting,
    ProcessStateRunning,
    ProcessStateBackoff,
    ProcessStateStopping,
    ProcessStateExited,
    ProcessStateStopped,
    ProcessStateFatal,
    ProcessStateUnknown,
    ProcessCommunicationStdout,
    ProcessCommunicationStderr,
    ProcessLogStdout,
    ProcessLogStderr,
    RemoteCommunication,
    SupervisorStateChangeRunning,
    SupervisorStateChangeStopping,
    Tick5,
    Tick60,
    Tick3600,
    ProcessGroupAdded,
    ProcessGroupRemoved,
}

/// Names that mean every event whose name begins with theirs.
const FAMILIES: [&str; 6] = [
    "PROCESS_STATE",
    "PROCESS_COMMUNICATION",
    "PROCESS_LOG",
    "SUPERVISOR_STATE_CHANGE",
    "TICK",
    "PROCESS_GROUP",
];

const EVERYTHING: &str = "EVENT";

impl Subject {
    pub(crate) const ALL: [Self; 20] = [
        Self::ProcessStateStarting,
        Self::ProcessStateRunning,
        Self::ProcessStateBackoff,
        Self::ProcessStateStopping,
        Self::ProcessStateExited,
        Self::ProcessStateStopped,
        Self::ProcessStateFatal,
        Self::ProcessStateUnknown,
        Self::ProcessCommunicationStdout,
        Self::ProcessCommunicationStderr,
        Self::ProcessLogStdout,
        Self::ProcessLogStderr,
        Self::RemoteCommunication,
        Self::SupervisorStateChangeRunning,
        Self::SupervisorStateChangeStopping,
        Self::Tick5,
        Self::Tick60,
        Self::Tick3600,
        Self::ProcessGroupAdded,
        Self::ProcessGroupRemoved,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ProcessStateStarting => "PROCESS_STATE_STARTING",
            Self::ProcessStateRunning => "PROCESS_STATE_RUNNING",
            Self::ProcessStateBackoff => "PROCESS_STATE_BACKOFF",
            Self::ProcessStateStopping => "PROCESS_STATE_STOPPING",
            Self::ProcessStateExited => "PROCESS_STATE_EXITED",
            Self::ProcessStateStopped => "PROCESS_STATE_STOPPED",
            Self::ProcessStateFatal => "PROCESS_STATE_FATAL",
            Self::ProcessStateUnknown => "PROCESS_STATE_UNKNOWN",
            Self::ProcessCommunicationStdout => "PROCESS_COMMUNICATION_STDOUT",
            Self::ProcessCommunicationStderr => "PROCESS_COMMUNICATION_STDERR",
            Self::ProcessLogStdout => "PROCESS_LOG_STDOUT",
            Self::ProcessLogStderr => "PROCESS_LOG_STDERR",
            Self::RemoteCommunication => "REMOTE_COMMUNICATION",
            Self::SupervisorStateChangeRunning => "SUPERVISOR_STATE_CHANGE_RUNNING",
            Self::SupervisorStateChangeStopping => "SUPERVISOR_STATE_CHANGE_STOPPING",
            Self::Tick5 => "TICK_5",
            Self::Tick60 => "TICK_60",
            Self::Tick3600 => "TICK_3600",
            Self::ProcessGroupAdded => "PROCESS_GROUP_ADDED",
            Self::ProcessGroupRemoved => "PROCESS_GROUP_REMOVED",
        }
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subjects(u32);

impl Subjects {
    /// What a name in the configuration stands for; nothing for no such name.
    pub(crate) fn named(name: &str) -> Self {
        let is_family = FAMILIES.contains(&name);
        let is_meant = |subject: &&Subject| {
            let rest = subject.name().strip_prefix(name);
            name == EVERYTHING
                || rest.is_some_and(|rest| rest.is_empty() || is_family && rest.starts_with('_'))
        };
        Self(Subject::ALL.iter().filter(is_meant).fold(0, |set, subject| set | bit(*subject)))
    }

    /// Every name that stands for something.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        [EVERYTHING].into_iter().chain(FAMILIES).chain(Subject::ALL.map(Subject::name))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, subject: Subject) -> bool {
        self.0 & bit(subject) != 0
    }

    pub(crate) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

fn bit(subject: Subject) -> u32 {
    1 << subject as u32
}
