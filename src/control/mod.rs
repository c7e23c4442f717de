//! The control plane's edge: what travels between the engine and its consoles and scripts.
//!
//! `wire` holds every shape (a name's and a capacity's beside it) and `call` every question; `route` is how HTTP spells them; `delta` what
//! changed between two snapshots; `watch` who is told of it. Wire types stay at the edge: the master
//! converts into them, nothing inside is built from them.

#![deny(clippy::wildcard_enum_match_arm)]

pub(crate) mod call;
pub(crate) mod capacity;
pub(crate) mod name;
pub(crate) mod wire;

pub(crate) mod delta;
pub(crate) mod line;
pub(crate) mod percent;
pub(crate) mod requests;
pub(crate) mod route;
pub(crate) mod text;

pub(crate) mod client;
pub(crate) mod server;
pub(crate) mod watch;

#[cfg(test)]
mod tests;
