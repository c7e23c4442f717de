//! `GET /v1/openapi.json`: the API described for tools, as OpenAPI 3.1.
//!
//! The document lies beside this file. A test makes it from the wire types and the table of operations,
//! and compares; with `PILOTHOUSE_WRITE_OPENAPI` set, it writes it anew.

pub(super) const PATH: &str = "/v1/openapi.json";

pub(super) const DOCUMENT: &[u8] = include_bytes!("openapi.json");
