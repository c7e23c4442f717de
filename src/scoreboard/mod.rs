//! Shared memory between master and workers.
