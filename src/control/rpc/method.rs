//! Everything Supervisor's clients can ask of the master, as one closed enum; aliases are one.
//!
//! Names of processes and groups are not resolved here: an unknown one is the master's answer.

use crate::control::wire::Role;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    ApiVersion,
    SupervisorVersion,
    Identification,
    State,
    Pid,
    ReadMainLog(Stretch),
    ClearMainLog,
    Shutdown,
    /// Supervisor's own restart: everything as if freshly started from the file.
    Restart,
    Reread,
    AddGroup(String),
    RemoveGroup(String),
    ProcessInfo(String),
    AllProcessInfo,
    AllConfigInfo,
    Start(Target, Wait),
    Stop(Target, Wait),
    Signal(Target, String),
    SendStdin {
        process: String,
        text: String,
    },
    SendEvent {
        kind: String,
        data: String,
    },
    ReadLog {
        process: String,
        channel: Channel,
        stretch: Stretch,
    },
    TailLog {
        process: String,
        channel: Channel,
        stretch: Stretch,
    },
    ClearLogs(String),
    ClearAllLogs,
}

/// `Process` may also name a whole group, as `group:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Process(String),
    Group(String),
    All,
}

/// Whether the answer comes when it is done, or when it is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

/// A part of a log, as its reader asks for it: a negative offset counts from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) offset: i64,
    pub(crate) length: i64,
}

impl Method {
    /// What whoever asks must be allowed.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::ApiVersion
            | Self::SupervisorVersion
            | Self::Identification
            | Self::State
            | Self::Pid
            | Self::ReadMainLog(_)
            | Self::ProcessInfo(_)
            | Self::AllProcessInfo
            | Self::AllConfigInfo
            | Self::ReadLog { .. }
            | Self::TailLog { .. } => Role::Read,
            Self::ClearMainLog
            | Self::Shutdown
            | Self::Restart
            | Self::Reread
            | Self::AddGroup(_)
            | Self::RemoveGroup(_)
            | Self::Start(..)
            | Self::Stop(..)
            | Self::Signal(..)
            | Self::SendStdin { .. }
            | Self::SendEvent { .. }
            | Self::ClearLogs(_)
            | Self::ClearAllLogs => Role::Operate,
        }
    }
}
