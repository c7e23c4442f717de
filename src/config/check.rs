//! `check = { ... }` of an upstream: what backends are asked, and how often.
//!
//! A check that does not say what it asks fits what the upstream serves: an HTTP request, or for
//! TCP routes alone a connection.

use super::model::{Check, CheckKind};
use super::report::Located;
use super::section::{Section, unknown_word};

const INTERVAL_MS: u64 = 2_000;
const TIMEOUT_MS: u64 = 1_000;
const FALL: u32 = 3;
const RISE: u32 = 2;
const COUNT_MAX: u32 = 1_000_000;

const KINDS: [&str; 2] = ["http", "tcp"];

/// A check, and whether the file leaves its kind to what the upstream serves.
pub(super) struct Draft {
    pub(super) check: Check,
    pub(super) is_kind_open: bool,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let kind = section.text("kind");
    if let Some(kind) = kind.as_ref().filter(|kind| !KINDS.contains(&kind.value.as_str())) {
        unknown_word(section.report, "kind of check", kind, &KINDS);
    }
    let is_tcp = kind.as_ref().is_some_and(|kind| kind.value == "tcp");
    let path = section.text("path");
    if let Some(path) = &path {
        path_fits(&section, path, is_tcp);
    }
    let is_kind_open = kind.is_none() && path.is_none();
    let kind = if is_tcp {
        CheckKind::Tcp
    } else {
        CheckKind::Http { path: path.map_or_else(|| "/".to_owned(), |path| path.value) }
    };
    let check = Check {
        proxy_protocol: None,
        kind,
        interval_ms: section.positive_duration("interval").unwrap_or(INTERVAL_MS),
        timeout_ms: section.positive_duration("timeout").unwrap_or(TIMEOUT_MS),
        fall: section.integer("fall", 1..=COUNT_MAX).unwrap_or(FALL),
        rise: section.integer("rise", 1..=COUNT_MAX).unwrap_or(RISE),
    };
    section.finish(&[("fails", "fall"), ("passes", "rise"), ("uri", "path"), ("type", "kind")]);
    Draft { check, is_kind_open }
}

fn path_fits(section: &Section<'_>, path: &Located<String>, is_tcp: bool) {
    let text = path.value.as_str();
    if is_tcp {
        let hint = "a connection is all that is asked for; remove `path`, or check by \"http\"";
        section.report.error(&path.span, "a check by \"tcp\" has no path", hint);
    } else if !text.starts_with('/') || text.contains([' ', '\r', '\n']) {
        let message = format!("path `{}` is no request's target", text.escape_debug());
        section.report.error(&path.span, message, "it starts with a slash: \"/healthz\"");
    }
}
