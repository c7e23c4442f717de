//! Where what a program prints goes, and in which form.
//!
//! Plain data; none of it is what a process is started with.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) stdout: LogTarget,
    pub(crate) stderr: LogTarget,
    /// Both go the way of stdout, in the order they were written.
    pub(crate) redirect_stderr: bool,
}

/// A rotating file, or only the in-memory ring that the console reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogTarget {
    /// `${...}` not yet expanded, so that instances can have a file each.
    pub(crate) file: Option<PathBuf>,
    pub(crate) max_bytes: u64,
    pub(crate) backups: u32,
    pub(crate) rotate: Rotate,
    pub(crate) compress: Compress,
    pub(crate) overflow: Overflow,
    pub(crate) format: Format,
    pub(crate) strip_ansi: bool,
    /// To the engine's own stdout or stderr, too.
    pub(crate) engine: bool,
    /// To the machine's system log, too.
    pub(crate) syslog: bool,
    pub(crate) told: Told,
}

/// What event listeners hear of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Of a message between Supervisor's marks, which is no part of the log; 0: there are none.
    pub(crate) capture_bytes: u64,
    /// Everything that is written.
    pub(crate) events: bool,
}

/// When a new file begins, beside when one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rotate {
    #[default]
    Size,
    Hourly,
    /// At local midnight.
    Daily,
    /// At local midnight before Monday.
    Weekly,
}

/// What is made of files that have been rotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Compress {
    #[default]
    No,
    Gzip,
    Zstd,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    /// The program's bytes as they are.
    #[default]
    Plain,
    /// With time, name and stream before it.
    Prefix,
    /// One object a line.
    Json,
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
