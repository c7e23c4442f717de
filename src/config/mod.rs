//! The configuration: from TOML text to a checked value that every role can trust.
//!
//! Nothing is validated again elsewhere. Every error is reported, each with file, line, column, the
//! line, a caret and what was expected. Only `load` reads files.

pub(crate) mod limits;
pub(crate) mod model;
