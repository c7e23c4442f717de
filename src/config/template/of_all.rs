//! The variables that count over all workers, by nginx's names where it has them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OfAll {
    /// Connections of clients, whether or not they ask for anything.
    Active,
    /// Of these, such as wait for the next request.
    Waiting,
    /// Of these, such as a request is served on.
    Writing,
    /// Of these, such as send the head of a request; they are counted as writing here.
    Reading,
    /// Connections that were taken since the engine has started.
    Accepted,
    /// Requests since then, those that are under way among them.
    Requests,
}

pub(super) const NAMED: [(&str, OfAll); 6] = [
    ("connections_active", OfAll::Active),
    ("connections_waiting", OfAll::Waiting),
    ("connections_writing", OfAll::Writing),
    ("connections_reading", OfAll::Reading),
    ("connections_accepted", OfAll::Accepted),
    ("requests_total", OfAll::Requests),
];
