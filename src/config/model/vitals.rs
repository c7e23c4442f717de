//! What the configuration says of how an instance counts as ready and as alive, and of what it
//! waits for before it starts.
//!
//! Plain data; texts with `${...}` are expanded for each instance when they are used.

use serde::{Deserialize, Serialize};

use super::health::Check;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vitals {
    /// `None`: a program that serves is asked as its upstream says, any other one counts as running
    /// after its start time.
    pub(crate) ready: Option<Ready>,
    /// Not ready so long after the spawn is a failed start.
    pub(crate) start_timeout_ms: Option<u64>,
    pub(crate) live: Option<Asking>,
    /// `live` does not count before this has succeeded.
    pub(crate) startup: Option<Asking>,
    /// It must say so often that it is alive.
    pub(crate) watchdog_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ready {
    /// The program says `READY=1` (`sd_notify`).
    Notify,
    /// The program writes a line's end to this descriptor (s6).
    Descriptor(u32),
    /// It prints a line that this expression matches.
    Log(String),
    /// Something accepts a connection at this address.
    Listening(String),
    /// It answers well, again and again.
    Asked(Asking),
}

/// A question that is asked again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asking {
    pub(crate) asked: Asked,
    /// From the end of one question to the next.
    pub(crate) interval_ms: u64,
    pub(crate) timeout_ms: u64,
    /// Failures in a row that count.
    pub(crate) fall: u32,
    /// Successes in a row that count.
    pub(crate) rise: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Asked {
    /// `address`: of a program that does not serve, or to ask elsewhere.
    Check { check: Box<Check>, address: Option<String> },
    /// It ends well.
    Command(Vec<String>),
}

impl Vitals {
    /// Whether the program is told where it can say how it is.
    pub(crate) fn is_heard(&self) -> bool {
        self.ready == Some(Ready::Notify) || self.watchdog_ms.is_some()
    }

    /// The descriptor on which it says that it is ready.
    pub(crate) fn descriptor(&self) -> Option<u32> {
        match self.ready {
            Some(Ready::Descriptor(number)) => Some(number),
            Some(Ready::Notify | Ready::Log(_) | Ready::Listening(_) | Ready::Asked(_)) | None => {
                None
            }
        }
    }
}

/// What must be so before an instance is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Need {
    /// All instances of a program have come so far.
    Program { name: String, until: Until },
    /// Each of them has printed, since it was last started, a line that this expression matches.
    Line { program: String, expression: String },
    /// Something accepts a connection at this address.
    Listening(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Until {
    /// There is, or was, a process.
    Started,
    Ready,
    /// Ready, and its `live` has succeeded.
    Healthy,
    /// It has ended and is not started again.
    Completed,
    /// The same, with an expected exit code.
    Succeeded,
}

impl Until {
    pub(crate) const ALL: [Self; 5] =
        [Self::Started, Self::Ready, Self::Healthy, Self::Completed, Self::Succeeded];

    /// The word in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
            Self::Succeeded => "succeeded",
        }
    }
}
