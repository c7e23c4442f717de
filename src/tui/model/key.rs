//! Who a row is, independent of where it stands: cursor, marks and actions name rows by this.

use crate::control::wire::{BackendRow, ProgramRow};

use super::nodes::tag;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Upstream {
        name: String,
    },
    /// `key` tells lives apart: a backend that left and came back is another row.
    Backend {
        upstream: String,
        name: String,
        key: u32,
    },
    Program {
        name: String,
        instance: u32,
    },
    Worker {
        slot: u16,
    },
    Event {
        seq: u64,
    },
    /// The worker's slot, and the request's number there.
    Request {
        worker: u16,
        seq: u64,
    },
    /// A difference between the file and what runs, by what it is called there.
    Plan {
        identity: String,
    },
    /// A kind of attacks.
    Alarm {
        identity: String,
    },
    /// A row of a table of its own.
    Record {
        identity: String,
    },
    /// The configuration as a whole, when a reload was refused.
    Config,
    /// One of several engines as a whole.
    Node {
        name: String,
    },
}

/// What sort of thing a row is; decides which actions apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Upstream,
    Backend,
    Program,
    Worker,
    Event,
    Request,
    Plan,
    Alarm,
    Record,
    Config,
    Node,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Upstream,
        Self::Backend,
        Self::Program,
        Self::Worker,
        Self::Event,
        Self::Request,
        Self::Plan,
        Self::Alarm,
        Self::Record,
        Self::Config,
    ];
}

impl Key {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Upstream { .. } => Kind::Upstream,
            Self::Backend { .. } => Kind::Backend,
            Self::Program { .. } => Kind::Program,
            Self::Worker { .. } => Kind::Worker,
            Self::Event { .. } => Kind::Event,
            Self::Request { .. } => Kind::Request,
            Self::Plan { .. } => Kind::Plan,
            Self::Alarm { .. } => Kind::Alarm,
            Self::Record { .. } => Kind::Record,
            Self::Config => Kind::Config,
            Self::Node { .. } => Kind::Node,
        }
    }

    pub(crate) fn of_backend(row: &BackendRow) -> Self {
        Self::Backend {
            upstream: row.upstream.clone(),
            name: row.backend.name.clone(),
            key: row.key,
        }
    }

    pub(crate) fn of_program(row: &ProgramRow) -> Self {
        Self::Program { name: row.program.name.clone(), instance: row.program.instance }
    }

    /// As the command line names it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Upstream { name } | Self::Node { name } => name.clone(),
            Self::Backend { upstream, name, .. } => format!("{upstream}/{name}"),
            Self::Program { name, instance } => format!("{name}:{instance}"),
            Self::Worker { slot } => format!("worker {}", tag::of_slot(*slot).1),
            Self::Event { seq } => format!("event {}", tag::of_seq(*seq).1),
            Self::Request { worker, seq } => {
                format!("request {}/{seq}", tag::of_slot(*worker).1)
            }
            Self::Plan { identity } | Self::Alarm { identity } | Self::Record { identity } => {
                identity.clone()
            }
            Self::Config => "configuration".to_owned(),
        }
    }
}
