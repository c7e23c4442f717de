//! `check = { ... }` of an upstream: what backends are asked, and how often.
//!
//! A check that does not say what it asks fits what the upstream serves: an HTTP request, or for
//! TCP routes alone a connection.

mod request;
mod tls;

use super::model::health::{Check, CheckKind, Pace};
use super::percent;
use super::report::Span;
use super::section::{Section, unknown_word};

const INTERVAL_MS: u64 = 2_000;
const JITTER_PERCENT: u32 = 10;
const TIMEOUT_MS: u64 = 1_000;
const FALL: u32 = 3;
const RISE: u32 = 2;
const COUNT_MAX: u32 = 1_000_000;

const KINDS: [&str; 3] = ["http", "tcp", "tls"];

/// A check, and what the rest of the file has a say in.
pub(super) struct Draft {
    pub(super) check: Check,
    /// What is asked depends on what the upstream serves.
    pub(super) is_kind_open: bool,
    /// Where a port of its own stands.
    pub(super) port: Option<Span>,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let kind = section.text("kind");
    if let Some(kind) = kind.as_ref().filter(|kind| !KINDS.contains(&kind.value.as_str())) {
        unknown_word(section.report, "kind of check", kind, &KINDS);
    }
    let is_http = kind.as_ref().is_none_or(|kind| !["tcp", "tls"].contains(&kind.value.as_str()));
    let is_request_given = request::KEYS.iter().any(|key| section.key_span(key).is_some());
    let request = request::read(&mut section);
    let tls = tls::read(&mut section);
    if let Some(kind) = kind.as_ref().filter(|_| !is_http) {
        no_more_than(&mut section, &kind.value);
    }
    let is_kind_open = kind.is_none() && !is_request_given;
    let whole = CheckKind::Http { request, tls };
    let kind = match kind.as_ref().map(|kind| kind.value.as_str()) {
        Some("tcp") => CheckKind::Tcp,
        Some("tls") => CheckKind::Tls(match whole {
            CheckKind::Http { tls: Some(tls), .. } => tls,
            CheckKind::Http { tls: None, .. } | CheckKind::Tls(_) | CheckKind::Tcp => tls::plain(),
        }),
        Some(_) | None => whole,
    };
    let port = section.integer("port", 1..=u32::from(u16::MAX)).map(|port| port as u16);
    let interval_ms = section.positive_duration("interval").unwrap_or(INTERVAL_MS);
    let pace = Pace {
        interval_ms,
        interval_down_ms: section.positive_duration("interval_down").unwrap_or(interval_ms),
        jitter_percent: percent::read(&mut section, ("jitter", "the interval"), 0..=100)
            .unwrap_or(JITTER_PERCENT),
    };
    let check = Check {
        bind: None,
        proxy_protocol: None,
        kind,
        port,
        pace,
        timeout_ms: section.positive_duration("timeout").unwrap_or(TIMEOUT_MS),
        fall: section.integer("fall", 1..=COUNT_MAX).unwrap_or(FALL),
        rise: section.integer("rise", 1..=COUNT_MAX).unwrap_or(RISE),
    };
    let port = section.key_span("port").filter(|_| port.is_some());
    section.finish(&[
        ("fails", "fall"),
        ("passes", "rise"),
        ("uri", "path"),
        ("type", "kind"),
        ("by", "kind"),
        ("status", "expect"),
        ("match", "body"),
        ("sni", "tls"),
        ("fastinter", "interval_down"),
        ("downinter", "interval_down"),
    ]);
    Draft { check, is_kind_open, port }
}

/// A check that makes no request has none of its keys, and one without a handshake no `tls`.
fn no_more_than(section: &mut Section<'_>, kind: &str) {
    let all = if kind == "tcp" { "a connection" } else { "a handshake" };
    for key in request::KEYS {
        if let Some(value) = section.value(key) {
            let message = format!("a check by \"{kind}\" has no {key}");
            let hint =
                format!("{all} is all that is asked for; remove `{key}`, or check by \"http\"");
            section.report.error(&value.span(), message, hint);
        }
    }
    if let Some(value) = section.value("tls").filter(|_| kind == "tcp") {
        let message = "a check by \"tcp\" has no tls";
        section.report.error(&value.span(), message, "remove `tls`, or check by \"tls\"");
    }
}

/// Of its `ca`.
pub(super) fn certificate_bytes(check: &Check) -> usize {
    check.kind.tls().and_then(|tls| tls.roots.as_ref()).map_or(0, |pem| pem.len())
}
