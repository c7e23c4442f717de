//! Everything the control socket can be asked, as one closed enum: the same verbs for the console,
//! the command line and the HTTP API.
//!
//! Names are not resolved here: an unknown upstream is the master's answer, not a parse error.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use super::requests;
use super::wire::{Role, Stream};

/// An action that changes something; idempotent, written to the events with its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Backend {
        target: BackendTarget,
        verb: BackendVerb,
    },
    Add(Addition),
    Upstream {
        name: String,
        verb: UpstreamVerb,
    },
    Program {
        target: ProgramTarget,
        verb: ProgramVerb,
    },
    /// So many instances; `None`: as many as the file says.
    Scale {
        program: String,
        instances: Option<u32>,
    },
    Reload,
    /// The generation before the last reload, as a new one.
    Revert,
    Reopen,
    /// The binary that lies at the engine's path takes over.
    Upgrade,
    Shutdown,
}

/// `UPSTREAM/BACKEND`, with the row's key when the caller saw one: a stale key is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackendTarget {
    pub(crate) upstream: String,
    pub(crate) backend: String,
    pub(crate) key: Option<u32>,
}

/// A backend that the file does not name; back in, if the file does and it was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addition {
    pub(crate) upstream: String,
    pub(crate) address: String,
    /// Without one, 1, or what the file says.
    pub(crate) weight: Option<u32>,
    pub(crate) rank: Rank,
}

/// Whether a backend is asked first, or when none of those can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rank {
    Primary,
    Backup,
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
    /// In flight at most; 0: no bound.
    MaxConns {
        max_conns: u32,
    },
    Remove(Removal),
}

/// How a backend leaves its upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Removal {
    /// When its last request is through, or its time is over; without a timeout, the upstream's
    /// `drain_timeout`.
    Drained { timeout_ms: Option<u64> },
    /// Off the list with this call; what it works on may finish.
    AtOnce,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UpstreamVerb {
    Strategy {
        strategy: String,
    },
    /// Back to what the file says.
    Reset,
}

/// The name of a target that means every program.
pub(crate) const ALL: &str = "all";

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
    /// Restarts the instances a few at a time, each ready again before the next.
    Roll(Pace),
    /// What the program's `reload` says: a signal or a command.
    Reload,
    /// SIGKILL now, no drain; the restart policy then applies.
    Kill,
    /// Removes the files that its output goes to (not those that were rotated) and what is kept.
    Clear,
    /// A name such as `HUP`, or a number.
    Signal {
        signal: String,
    },
    /// To its standard input.
    Input {
        bytes: Vec<u8>,
    },
}

/// How a roll goes; what is not given is as the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) max_unavailable: Option<u32>,
    pub(crate) max_surge: Option<u32>,
    pub(crate) min_ready_ms: Option<u64>,
    pub(crate) stop_on_failure: Option<bool>,
}

/// A question. An unknown program is `server::Reply::Missing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// One `wire::Status`.
    Status,
    /// Lines of `wire::Frame`, without end.
    Watch { rate: Rate },
    /// Lines of `wire::EventRecord`: those kept, oldest first; without end when followed.
    Events { follow: bool },
    /// One `explain::Explanation`. An unknown upstream is `server::Reply::Missing`.
    Explain { upstream: String },
    /// One array of `sample::Sample`, oldest first.
    History,
    /// One `plan::Plan`: what a reload would do.
    Plan,
    /// The text format of Prometheus.
    Metrics,
    /// Lines of `requests::RequestLine`: those kept that match, or of them the last `tail`, oldest
    /// first; without end when followed.
    Requests { filter: requests::Filter, tail: Option<u32>, follow: bool },
    /// Lines of `wire::LogLine`: those kept, or of them the last `tail`; without end when followed.
    /// Those of several instances are merged by time, and each line names who said it.
    Log { target: ProgramTarget, stream: Option<Stream>, tail: Option<u32>, follow: bool },
    /// The same of what the engine's own processes log.
    EngineLog { tail: Option<u32>, follow: bool },
}

/// Who asks, and what that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) peer: Peer,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// On the control socket: SO_PEERCRED says who.
    Process { uid: u32, pid: u32 },
    /// Over TCP: nobody says more than where from.
    Network(SocketAddr),
    /// Over TCP, by Supervisor's protocol.
    Supervisor(SocketAddr),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { uid, .. } => write!(f, "uid {uid}"),
            Self::Network(address) | Self::Supervisor(address) => write!(f, "{}", address.ip()),
        }
    }
}
