//! `request_headers` and `response_headers`: what is set, added, hidden and renamed.
//!
//! Lines that frame a message or belong to one hop are the proxy's own; a rule about them is an
//! error.

use super::model::route::{Change, HeaderRule};
use super::replace;
use super::report::{Located, Report};
use super::section::Section;
use super::template::{self, Scope, Template};

/// Whose lines are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// Lower case. What they say holds between two neighbours only, or decides where a message ends.
const OF_THE_PROXY: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn read(mut section: Section<'_>, side: Side, scope: Scope<'_>) -> Vec<HeaderRule> {
    let report = section.report;
    let mut rules: Vec<HeaderRule> = Vec::new();
    let mut seen: Vec<(String, &str)> = Vec::new();
    let mut rule = |name: Located<String>, key: &'static str, change: Change| {
        let is_free = is_free(report, &name, side, &change);
        let lower = name.value.to_ascii_lowercase();
        let is_second = |(other, by): &&(String, &str)| {
            let is_further = match key {
                "add" => !matches!(*by, "hide" | "rename" | "replace"),
                "replace" => *by == "replace",
                _ => false,
            };
            *other == lower && !is_further
        };
        if let Some((_, first)) = seen.iter().find(is_second) {
            let message = format!("`{}` is in `{first}` already", name.value);
            report.error(&name.span, message, "one rule is enough");
        } else if is_free {
            seen.push((lower, key));
            rules.push(HeaderRule { name: name.value, change });
        }
    };
    for name in section.texts("hide") {
        rule(name, "hide", Change::Hide);
    }
    for (name, others) in section.entries("rename") {
        for other in others {
            if is_free(report, &other, side, &Change::Hide) {
                rule(name.clone(), "rename", Change::Rename(other.value));
            }
        }
    }
    for (key, change) in [("set", Change::Set as fn(Template) -> Change), ("add", Change::Add)] {
        for (name, values) in section.entries(key) {
            for value in values {
                let template = line(report, &value, scope);
                rule(name.clone(), key, change(template));
            }
        }
    }
    for (name, rules) in replace::read(&mut section, scope) {
        rule(name, "replace", Change::Replace(rules));
    }
    section.finish(&[("remove", "hide"), ("delete", "hide"), ("append", "add")]);
    rules
}

/// A template for one line: what it says of itself must not end the line. (What a variable says is
/// the renderer's care.)
pub(super) fn line(report: &Report<'_>, text: &Located<String>, scope: Scope<'_>) -> Template {
    if text.value.contains(|c: char| c.is_control() && c != '\t') {
        report.error(&text.span, "a header's value holds a control character", "it is one line");
    }
    template::parse(report, text, scope)
}

/// Whether a rule may be about that header; reports it otherwise.
pub(super) fn is_free(
    report: &Report<'_>,
    name: &Located<String>,
    side: Side,
    change: &Change,
) -> bool {
    if !is_name(report, name) {
        return false;
    }
    let lower = name.value.to_ascii_lowercase();
    let is_own = OF_THE_PROXY.contains(&lower.as_str())
        || match side {
            Side::Request => lower == "host" && !matches!(change, Change::Set(_)),
            Side::Response => lower == "date",
        };
    if is_own {
        let hint = if lower == "host" { "it can only be `set`" } else { "" };
        report.error(&name.span, format!("`{}` is the proxy's own", name.value), hint);
    }
    !is_own
}

/// Whether a text is a header's name; reports it otherwise.
pub(super) fn is_name(report: &Report<'_>, name: &Located<String>) -> bool {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_name = !name.value.is_empty() && name.value.chars().all(is_token);
    if !is_name {
        let message = format!("`{}` is not the name of a header", name.value.escape_debug());
        report.error(&name.span, message, "such as \"X-Forwarded-For\"");
    }
    is_name
}
