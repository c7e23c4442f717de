//! The terminal side of the console: taking it over and giving it back, frames as single writes,
//! and never outliving it.

pub(crate) mod aside;
pub(crate) mod emit;
pub(crate) mod frames;
pub(crate) mod guard;
pub(crate) mod writer;
