//! Where the engine listens, and what passes there.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listener {
    pub(crate) address: String,
    pub(crate) tls: bool,
    #[serde(default)]
    pub(crate) kind: Kind,
}

/// What passes there: requests, or TCP connections as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Http,
    /// Each connection counts as one request when it ends; its latency is the time to connect.
    Tcp,
    #[serde(rename = "http+tcp")]
    Both,
}

impl Kind {
    /// As the API spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Both => "http+tcp",
        }
    }
}
