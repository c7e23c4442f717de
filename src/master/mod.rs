//! The engine: configuration, supervision, membership, control.

pub(crate) mod event;
