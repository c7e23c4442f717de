//! What happens when backends are full, and which backend a client comes back to.

use serde::{Deserialize, Serialize};

/// Where requests wait while every backend that could take them is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// Of all workers together.
    pub(crate) length: u32,
    pub(crate) timeout_ms: u64,
    pub(crate) when: WaitWhen,
}

/// What is worth waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WaitWhen {
    /// Room at a backend that could be asked otherwise.
    Full,
    /// A backend, too, while there is none: the only instance of a program that is restarted.
    Unavailable,
}

impl WaitWhen {
    pub(crate) const ALL: [Self; 2] = [Self::Full, Self::Unavailable];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unavailable => "unavailable",
        }
    }
}

/// How a client's further requests find the backend of its first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sticky {
    pub(crate) by: Token,
    pub(crate) on_drain: OnDrain,
}

/// What a client is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Token {
    /// A cookie of ours, which names its backend.
    Cookie(Cookie),
    /// A session of the backends' own, which is learned from their responses.
    Session(Session),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) place: Place,
    /// Of the header, or the cookie.
    pub(crate) name: String,
    /// How long it is remembered after it was last seen.
    pub(crate) timeout_ms: u64,
}

/// Where a session's id stands, in responses as in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    Header,
    Cookie,
}

/// The cookie that a client is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    /// As they stand behind the value: `; path=/`.
    pub(crate) attributes: String,
    pub(crate) renewal: Renewal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Renewal {
    /// It lasts as long as the client's session does: once is enough.
    Once,
    /// It has an age, which counts from the last response.
    Always,
}

/// What becomes of clients that belong to a backend which the operator drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnDrain {
    /// They go elsewhere with their next request.
    Move,
    /// They stay until the drain's time is over.
    Follow,
}
