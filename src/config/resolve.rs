//! `resolver`, `resolve_valid`, `resolve_timeout` and `resolve_family`: how names of backends are looked up, for the
//! whole engine or for one upstream.

use std::net::SocketAddr;

use super::model::{Family, Resolve};
use super::report::Located;
use super::section::{Section, text_of, unknown_word};
use super::{address, limits};

/// What holds without any of the keys.
pub(super) fn defaults() -> Resolve {
    Resolve {
        servers: Vec::new(),
        valid_ms: None,
        timeout_ms: limits::RESOLVE_TIMEOUT_MS,
        family: Family::Any,
    }
}

/// What the section says, and for the rest what the wider one said.
pub(super) fn read(section: &mut Section<'_>, wider: &Resolve) -> Resolve {
    Resolve {
        servers: match section.key_span("resolver") {
            Some(_) => servers(section),
            None => wider.servers.clone(),
        },
        valid_ms: section.positive_duration("resolve_valid").or(wider.valid_ms),
        timeout_ms: section.positive_duration("resolve_timeout").unwrap_or(wider.timeout_ms),
        family: family(section).unwrap_or(wider.family),
    }
}

fn family(section: &mut Section<'_>) -> Option<Family> {
    let word = section.text("resolve_family")?;
    let family = Family::ALL.into_iter().find(|family| family.name() == word.value);
    if family.is_none() {
        let known = Family::ALL.map(Family::name);
        unknown_word(section.report, "address family", &word, &known);
    }
    family
}

fn servers(section: &mut Section<'_>) -> Vec<SocketAddr> {
    let items = section.items("resolver");
    let report = section.report;
    if let (true, Some(key)) = (items.is_empty(), section.key_span("resolver")) {
        let hint = "without the key, /etc/resolv.conf says whom to ask";
        report.error(&key, "`resolver` lists no DNS server", hint);
    }
    if let Some(beyond) = items.get(limits::RESOLVERS_MAX) {
        let message = format!("more than {} DNS servers", limits::RESOLVERS_MAX);
        report.error(&beyond.span(), message, "");
    }
    let texts = items.into_iter().filter_map(|item| text_of(report, item, "a string"));
    let server = |text: Located<String>| match address::name_server(&text.value) {
        Ok(server) => Some(server),
        Err(hint) => {
            let message = format!("`{}` is not a DNS server's address", text.value);
            report.error(&text.span, message, hint);
            None
        }
    };
    texts.filter_map(server).collect()
}
