//! Messages between our own processes: keeper, master and workers.
