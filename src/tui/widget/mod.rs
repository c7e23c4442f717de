//! What screens are made of: rules, tables, graphs, bars, strips and boxes of cells.
//!
//! Each widget draws plain values into a buffer and knows nothing of backends or programs. None
//! keeps state, none panics at any size: what has no room is left out.

pub(crate) mod bar;
pub(crate) mod chart;
pub(crate) mod columns;
pub(crate) mod log;
pub(crate) mod number;
pub(crate) mod overlay;
pub(crate) mod pen;
pub(crate) mod rule;
pub(crate) mod spark;
pub(crate) mod strip;

#[cfg(test)]
mod tests;
