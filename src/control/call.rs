//! Everything the control socket can be asked, as one closed enum: the same verbs for the console,
//! the command line and the HTTP API.
//!
//! Names are not resolved here: an unknown upstream is the master's answer, not a parse error.

use serde::{Deserialize, Serialize};

use super::requests;
use super::wire::{Role, Stream};

/// An action that changes something; idempotent, written to the events with its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Backend { target: BackendTarget, verb: BackendVerb },
    Upstream { name: String, verb: UpstreamVerb },
    Program { target: ProgramTarget, verb: ProgramVerb },
    Reload,
    Reopen,
    Shutdown,
}

/// `UPSTREAM/BACKEND`, with the row's key when the caller saw one: a stale key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackendTarget {
    pub(crate) upstream: String,
    pub(crate) backend: String,
    pub(crate) key: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BackendVerb {
    /// Without a timeout, the upstream's `drain_timeout`.
    Drain {
        timeout_ms: Option<u64>,
    },
    Enable,
    Down,
    Weight {
        weight: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UpstreamVerb {
    Strategy {
        strategy: String,
    },
    /// Back to what the file says.
    Reset,
}

/// One instance, all instances of a name, or `all` programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProgramTarget {
    pub(crate) name: String,
    pub(crate) instance: Option<u32>,
    pub(crate) incarnation: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProgramVerb {
    Start,
    Stop,
    /// Drains the instance's backend first, when it serves.
    Restart,
    /// Restarts the instances one after another, each ready again before the next.
    Roll,
    /// SIGKILL now, no drain; the restart policy then applies.
    Kill,
    /// A name such as `HUP`, or a number.
    Signal {
        signal: String,
    },
}

/// A question. An unknown program is `server::Reply::Missing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// One `wire::Status`.
    Status,
    /// Lines of `wire::Frame`, without end.
    Watch,
    /// Lines of `wire::EventRecord`: those kept, oldest first; without end when followed.
    Events { follow: bool },
    /// One `explain::Explanation`. An unknown upstream is `server::Reply::Missing`.
    Explain { upstream: String },
    /// One array of `wire::Sample`, oldest first.
    History,
    /// Lines of `wire::RequestLine`: those kept that match, or of them the last `tail`, oldest
    /// first; without end when followed.
    Requests { filter: requests::Filter, tail: Option<u32>, follow: bool },
    /// Lines of `wire::LogLine`: those kept, or of them the last `tail`; without end when followed.
    Log { target: ProgramTarget, stream: Option<Stream>, tail: Option<u32>, follow: bool },
}

/// Who asks, from SO_PEERCRED, and what that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) uid: u32,
    pub(crate) pid: u32,
    pub(crate) role: Role,
}
