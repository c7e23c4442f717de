//! What stands before the actions of routes: guards, as the file says them, in final types.
//!
//! What a route leaves out is its server's, whole lists at a time; here that is settled.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Cidr;
use super::firewall::Firewall;
use crate::config::template::Template;

/// All guards of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guards {
    /// The first rule that the client's address meets decides; without one it passes.
    pub(crate) access: Vec<AccessRule>,
    /// Every one must let a request pass.
    pub(crate) limits: Vec<Limit>,
    pub(crate) basic: Option<BasicAuth>,
    pub(crate) ask: Option<AuthRequest>,
    pub(crate) satisfy: Satisfy,
    /// `None`: nothing is looked at.
    pub(crate) firewall: Option<Firewall>,
    pub(crate) cors: Option<Cors>,
}

/// Which pages of other sites may read answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cors {
    pub(crate) origins: Origins,
    pub(crate) methods: Vec<String>,
    /// Empty: whichever a page asks for.
    pub(crate) headers: Vec<String>,
    /// How long a browser may keep an answer to its question.
    pub(crate) max_age_s: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origins {
    Any,
    /// In lower case; `https://*.example.com` is all below it.
    Listed(Vec<String>),
}

/// Whether all of access, login and request must let somebody in, or one is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Satisfy {
    #[default]
    All,
    Any,
}

/// Who may come by name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BasicAuth {
    pub(crate) realm: String,
    /// Of users and their hashed passwords; read where it is used, and again when it changes.
    pub(crate) file: PathBuf,
}

/// Who is asked about each request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthRequest {
    /// Name of an upstream that exists in the same configuration.
    pub(crate) upstream: String,
    pub(crate) path: Template,
    /// Lines of the question, in place of the client's by those names.
    pub(crate) sent: Vec<Taken>,
    /// What of the answer goes to the backend.
    pub(crate) taken: Vec<Taken>,
    /// What of it goes to the client, beside what the response has of those names.
    pub(crate) told: Vec<Taken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Of the header that says it; to a backend, whatever the client sent by that name does not pass.
    pub(crate) name: String,
    pub(crate) value: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessRule {
    pub(crate) word: Word,
    pub(crate) whom: Whom,
}

/// What becomes of those whom a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Whom {
    All,
    /// Clients without an address. Servers listen on TCP only, so there are none yet.
    Unix,
    Network(Cidr),
}

/// A table of keys that all workers count in: `[limit.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Zone {
    pub(crate) name: String,
    /// Requests that it comes out alike for are counted together; empty: not at all.
    pub(crate) key: Template,
    pub(crate) counted: Counted,
    /// Keys that it has room for.
    pub(crate) keys: u32,
}

/// What of a key a zone counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Counted {
    /// How fast requests come, against so many thousandths of one a second.
    Rate(u64),
    /// Requests in progress.
    Connections,
}

/// What a route demands of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    /// Name of a zone that exists in the same configuration, and counts what is bounded.
    pub(crate) zone: String,
    pub(crate) bound: Bound,
    /// Of the answer to those beyond it.
    pub(crate) status: u16,
    /// On trial: what it would do is told, and not done.
    pub(crate) is_dry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bound {
    /// Requests that may come before their time, and wait for it when they are more than `at_once`;
    /// `None`: none waits.
    Burst { burst: u32, at_once: Option<u32> },
    /// Requests in progress.
    Connections(u32),
}

/// How fast each response goes to its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResponseRate {
    /// 0: as fast as it can.
    pub(crate) bytes_per_s: u64,
    /// What goes before that counts.
    pub(crate) bytes_at_once: u64,
}
