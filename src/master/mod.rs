//! The engine: configuration, supervision, membership, control.
