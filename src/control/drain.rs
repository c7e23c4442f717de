//! A drain under way, as the API tells it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Drain {
    pub(crate) since_ms: u64,
    /// What is left then is cut.
    pub(crate) deadline_ms: u64,
    pub(crate) by: String,
    pub(crate) active_at_start: u32,
    /// Requests; connections that were upgraded, and those of TCP routes, are counted beside them.
    #[serde(default)]
    pub(crate) in_flight: u32,
    #[serde(default)]
    pub(crate) upgraded: u32,
    /// Age of the oldest request.
    #[serde(default)]
    pub(crate) oldest_ms: Option<u64>,
    #[serde(default)]
    pub(crate) leaving_per_s: f64,
    /// None when nothing has left lately, and where upgraded connections end as they please.
    #[serde(default)]
    pub(crate) eta_ms: Option<u64>,
    /// Requests sent there since, which should be none.
    #[serde(default)]
    pub(crate) picks: u64,
    /// Whether it ends with its leaving the upstream.
    #[serde(default)]
    pub(crate) is_removal: bool,
}
