//! The control plane's edge: what travels between the engine and its consoles and scripts.
//!
//! `wire` holds every shape; `delta` what changed between two snapshots. Wire types stay at the
//! edge: the master converts into them, nothing inside is built from them.

pub(crate) mod call;
pub(crate) mod wire;
