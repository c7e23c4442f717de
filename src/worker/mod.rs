//! The data path: one process, one thread.

pub(crate) mod pick;
