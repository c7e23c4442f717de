//! What people and scripts are told of a name behind which backends are found.

use serde::{Deserialize, Serialize};

/// A name of the file behind which backends are found, and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Name {
    /// As the file writes it: `app.internal:8080`, `srv:_http._tcp.app.internal`.
    pub(crate) name: String,
    /// Those of the last answer, which stay when a later lookup fails.
    pub(crate) addresses: Vec<String>,
    /// How long the last answer is good; 0 before the first one.
    pub(crate) ttl_ms: u64,
    /// Why the last lookup failed; empty when it did not.
    pub(crate) error: String,
    /// Since when lookups succeed or fail, and when the next one is due: wall clock, 0 unknown.
    pub(crate) since_ms: u64,
    pub(crate) next_ms: u64,
}

impl Name {
    /// Why it could not be looked up and what that means, for people.
    pub(crate) fn trouble(&self) -> Option<String> {
        let serves = match self.addresses.len() {
            _ if self.error.is_empty() => return None,
            0 => "no backend by this name".to_owned(),
            1 => "its 1 backend serves on".to_owned(),
            count => format!("its {count} backends serve on"),
        };
        Some(format!("{}; {serves}", self.error))
    }
}
