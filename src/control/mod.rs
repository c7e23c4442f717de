//! The control plane's edge: what travels between the engine and its consoles and scripts.
//!
//! `wire` holds every shape (some in files beside it) and `call` every question; `route` is how HTTP
//! spells them, on the socket (`server`) or over TCP (`tcp`, behind an `entrance`), and `rpc` how Supervisor's
//! clients do; `delta` what changed between two snapshots, `tape` what changed in the last quarter of an hour; `watch` who is told of it. Wire types stay
//! at the edge: the master converts into them, nothing inside is built from them.

#![deny(clippy::wildcard_enum_match_arm)]

pub(crate) mod access_log;
mod answer;
mod body;
pub(crate) mod call;
pub(crate) mod capacity;
pub(crate) mod certificate;
pub(crate) mod check;
pub(crate) mod explain;
mod figure;
pub(crate) mod firewall;
mod frame;
pub(crate) mod limit;
pub(crate) mod listener;
pub(crate) mod name;
pub(crate) mod plan;
pub(crate) mod rate;
pub(crate) mod sample;
pub(crate) mod server_row;
pub(crate) mod standing;
pub(crate) mod wire;

pub(crate) mod delta;
pub(crate) mod drain;
pub(crate) mod line;
pub(crate) mod moved;
mod openapi;
pub(crate) mod percent;
pub(crate) mod requests;
pub(crate) mod route;
pub(crate) mod rpc;
pub(crate) mod tape;
pub(crate) mod text;
pub(crate) mod version;

pub(crate) mod client;
pub(crate) mod server;

pub(crate) mod entrance;
pub(crate) mod sha1;
pub(crate) mod tcp;

pub(crate) mod watch;

#[cfg(test)]
pub(crate) mod tests;
