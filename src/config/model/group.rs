//! What the configuration says of a group: which programs are operated as one, in which order they
//! start and stop, and what one's restart means for the others.
//!
//! Plain data; a program that no group names is a group of its own, as in Supervisor.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Whether they were named here or name the group themselves; in the file's order.
    pub(crate) programs: Vec<String>,
    /// Among groups: lower starts earlier and stops later.
    pub(crate) priority: i32,
    pub(crate) strategy: GroupStrategy,
}

/// Who is restarted with a member that is restarted after it ended by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupStrategy {
    #[default]
    OneForOne,
    OneForAll,
    /// Those that start after it.
    RestForOne,
}
