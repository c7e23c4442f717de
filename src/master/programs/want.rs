//! What programs ask of the rest of the master. They never touch membership, the keeper, the audit
//! trail or the state file themselves; the loop carries these out in order.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use crate::control::wire::Severity;

#[derive(Debug)]
pub(crate) enum Want {
    Join(Join),
    /// No new request for as long as it is not ready; what is in flight goes on, and may be drained.
    Shut {
        upstream: String,
        address: SocketAddr,
    },
    /// Also for a backend that has left already.
    Leave {
        upstream: String,
        address: SocketAddr,
    },
    /// No new request; answer with `Programs::on_drained`.
    Drain {
        upstream: String,
        address: SocketAddr,
        timeout_ms: u64,
    },
    Audit(Note),
    /// Descriptors the keeper should hold while a master may die.
    Hold {
        key: String,
        descriptors: Vec<OwnedFd>,
    },
    Release {
        key: String,
    },
    /// `Programs::surges` has changed for it: as many instances as that makes. Answer with
    /// `Programs::refuse_surge` where they can not be had.
    Resize {
        program: String,
    },
    /// The engine is to end as one that has failed.
    Stop {
        /// After "stop".
        why: String,
    },
    /// `Programs::handoff` or `Programs::intent` has changed.
    StateChanged,
}

/// An instance is ready for requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) upstream: String,
    pub(crate) address: SocketAddr,
    pub(crate) weight: u32,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    pub(crate) max_conns: u32,
    pub(crate) priority: u8,
    /// `name:instance`.
    pub(crate) program: String,
}

/// A line for the audit trail, still without its number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// `engine`, or who asked.
    pub(crate) who: String,
    pub(crate) verb: &'static str,
    pub(crate) target: String,
    pub(crate) result: String,
    pub(crate) severity: Severity,
    /// The command line that does the same; empty for what only the engine does.
    pub(crate) cli: String,
}
