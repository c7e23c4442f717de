//! Origin servers and bounded load of the embedded default.
