//! The data path: one process, one thread.
