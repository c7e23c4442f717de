//! Where what a program prints goes, and in which form.
//!
//! Plain data; none of it is what a process is started with.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) stdout: LogTarget,
    pub(crate) stderr: LogTarget,
}

/// A rotating file, or only the in-memory ring that the console reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogTarget {
    /// `${...}` not yet expanded, so that instances can have a file each.
    pub(crate) file: Option<PathBuf>,
    pub(crate) max_bytes: u64,
    pub(crate) backups: u32,
    pub(crate) overflow: Overflow,
}

/// What becomes of bytes while the file can not be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Overflow {
    /// They stay in the pipe, so that the program waits once that is full.
    Block,
    /// They are kept up to a bound; beyond it they are lost, and counted.
    #[default]
    Drop,
}
