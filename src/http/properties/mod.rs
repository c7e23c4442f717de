//! What must hold of any bytes: the promises that the rest of the product builds on, as functions
//! that panic when one is broken.
//!
//! Run by the fuzzers in `fuzz/`, over the corpus in `tests/corpus`, and by the property tests beside
//! this folder; part of no release.

pub(crate) mod chunks;
pub(crate) mod fields;
pub(crate) mod files;
pub(crate) mod frames;
mod grammar;
pub(crate) mod heads;
pub(crate) mod hellos;
pub(crate) mod introductions;
mod likeness;
pub(crate) mod paths;
mod repeats;
pub(crate) mod second_reader;
