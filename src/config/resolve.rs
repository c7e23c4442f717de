//! `resolver`, `resolve_valid` and `resolve_timeout`: how names of backends are looked up, for the
//! whole engine or for one upstream.

use super::model::Resolve;
use super::section::Section;
use super::{address, limits};

/// What holds without any of the keys.
pub(super) fn defaults() -> Resolve {
    Resolve { servers: Vec::new(), valid_ms: None, timeout_ms: limits::RESOLVE_TIMEOUT_MS }
}

/// What the section says, and for the rest what the wider one said.
pub(super) fn read(section: &mut Section<'_>, wider: &Resolve) -> Resolve {
    let written = section.texts("resolver");
    let mut servers = Vec::with_capacity(written.len());
    for text in &written {
        match address::name_server(&text.value) {
            Ok(server) => servers.push(server),
            Err(hint) => {
                let message = format!("`{}` is not a DNS server's address", text.value);
                section.report.error(&text.span, message, hint);
            }
        }
    }
    if let Some(beyond) = written.get(limits::RESOLVERS_MAX) {
        let message = format!("more than {} DNS servers", limits::RESOLVERS_MAX);
        section.report.error(&beyond.span, message, "");
    }
    Resolve {
        servers: if written.is_empty() { wider.servers.clone() } else { servers },
        valid_ms: section.positive_duration("resolve_valid").or(wider.valid_ms),
        timeout_ms: section.positive_duration("resolve_timeout").unwrap_or(wider.timeout_ms),
    }
}
