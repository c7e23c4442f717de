//! A server of the configuration: where it listens, and what it was asked.

use serde::{Deserialize, Serialize};

use super::wire::Responses;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerRow {
    /// Its first name, or its address.
    pub(crate) name: String,
    /// All of its names; none: what no other name matches goes to it.
    pub(crate) hosts: Vec<String>,
    pub(crate) listens: Vec<ServerListen>,
    pub(crate) routes: u32,
    /// Whole days that its certificate is good for, negative once it has expired; absent without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_days_left: Option<i64>,
    /// What became of its requests; absent where there are more servers than are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) served: Option<Served>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerListen {
    /// As the file says.
    pub(crate) address: String,
    pub(crate) tls: bool,
    pub(crate) http2: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Served {
    pub(crate) requests: u64,
    pub(crate) responses: Responses,
    /// From clients and to clients.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}
