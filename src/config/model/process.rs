//! What the configuration says a program's process is started with, beside its command.
//!
//! Plain data. A change of any of it means another process, so all of it is compared as one value.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) naming: Naming,
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
        self.process_name.as_ref().is_none_or(|name| name.contains("${INSTANCE}"))
    }
}
