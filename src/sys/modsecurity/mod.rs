//! ModSecurity's engine, for rules that are written in its language: a foreign library that a build
//! with the feature `crs` is linked to.
//!
//! Only what a request's head and body need: answers, audit logs and collections are left out. Rules
//! are read by it and matched by it; which rule means what is its callers' to know.

#[cfg(not(feature = "crs"))]
mod absent;
#[cfg(feature = "crs")]
mod library;
#[cfg(feature = "crs")]
mod linked;

#[cfg(not(feature = "crs"))]
pub(crate) use absent::Rules;
#[cfg(feature = "crs")]
pub(crate) use linked::Rules;

use std::net::IpAddr;

/// Whether this build has the engine.
pub(crate) const IS_LINKED: bool = cfg!(feature = "crs");

/// Lines that are kept of one request: as many as rules of a whole set would match at most.
#[cfg(feature = "crs")]
const LINES_MAX: usize = 256;

/// A request that rules are held against.
#[derive(Debug, Default)]
#[cfg_attr(not(feature = "crs"), expect(dead_code, reason = "this build has no engine to read it"))]
pub(crate) struct Asked {
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: Vec<u8>,
    /// Path and query.
    pub(crate) target: Vec<u8>,
    /// `1.1`
    pub(crate) version: &'static str,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Without its framing and codings; as much of it as is known.
    pub(crate) body: Vec<u8>,
}

/// A rule's word, as the engine would log it: without the end of the line, where the client's own
/// words could be mistaken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: Vec<u8>,
    /// The rule would have refused the request, whatever others say.
    pub(crate) is_refusal: bool,
}
