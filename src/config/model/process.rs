//! What the configuration says a program's process is started with, beside its command.
//!
//! Plain data. A change of any of it means another process, so all of it is compared as one value.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Address;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) env_files: Vec<EnvFile>,
    /// `${...}` of the instance not yet expanded.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) naming: Naming,
    pub(crate) stdin: Stdin,
    pub(crate) sockets: Vec<Socket>,
    pub(crate) umask: Option<u32>,
    pub(crate) nice: Option<i32>,
    pub(crate) oom_score_adj: Option<i32>,
    pub(crate) no_new_privileges: bool,
    /// A bit for each; names are resolved at load.
    pub(crate) capabilities: Option<u64>,
    pub(crate) limits: Vec<Rlimit>,
}

/// A file of variables that is read again at every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EnvFile {
    /// `${...}` of the instance not yet expanded.
    pub(crate) path: PathBuf,
    /// Need not be there.
    pub(crate) is_optional: bool,
}

/// What is on descriptor 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stdin {
    /// Its end at once.
    #[default]
    Null,
    /// A pipe that operators write to; it does not end while the engine runs.
    Open,
    /// The first of the sockets, as FastCGI has it.
    Socket,
}

/// An address that the engine listens on for all instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Socket {
    pub(crate) address: Address,
    /// In `LISTEN_FDNAMES`; the program's name without.
    pub(crate) name: Option<String>,
    pub(crate) backlog: u32,
    /// Of a socket in the file system.
    pub(crate) mode: u32,
    pub(crate) owner: Option<Owner>,
}

/// Whose a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) user: String,
    /// The user's own without.
    pub(crate) group: Option<String>,
}

/// One of the kernel's limits. `u64::MAX` is none; what is not given stays as the engine's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rlimit {
    /// The kernel's number; names are resolved at load.
    pub(crate) resource: u32,
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

/// What an instance is called and counted as in Supervisor's protocol and by its own process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Naming {
    /// With `${PROGRAM}` and `${INSTANCE}` not yet expanded, and no other variable.
    pub(crate) process_name: Option<String>,
    /// What the first instance is told to be; our own rows count from zero all the same.
    pub(crate) first_instance: u32,
}

impl Naming {
    pub(crate) fn tells_instances_apart(&self) -> bool {
        self.process_name.as_ref().is_none_or(|name| name.contains("${INSTANCE"))
    }
}
