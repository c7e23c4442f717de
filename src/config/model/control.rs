//! Where the API and Supervisor's clients come in, beside the control socket that is always there.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// Optional TCP address of the API; loopback and read-only without a token.
    pub(crate) http: Option<SocketAddr>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) supervisor: Option<SupervisorAddress>,
}

/// Where Supervisor's clients come in over TCP; loopback and read-only without a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SupervisorAddress {
    pub(crate) listen: SocketAddr,
    pub(crate) login: Option<Login>,
}

/// The password itself is no part of a configuration, which travels to workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password_file: PathBuf,
}
