//! The request of a check, and which answers are good.

use crate::config::headers::{self, Side};
use crate::config::limits;
use crate::config::model::health::{CheckRequest, Excerpt, Statuses};
use crate::config::model::route::{Case, Change};
use crate::config::pattern;
use crate::config::report::{Located, Report};
use crate::config::section::{Section, Value, integer_of, text_of};

/// What only a request has.
pub(super) const KEYS: [&str; 6] = ["method", "path", "host", "headers", "expect", "body"];

const GOOD: Statuses = Statuses { first: 200, last: 399 };
/// What an answer can end with: those below announce another one.
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

pub(super) fn read(section: &mut Section<'_>) -> CheckRequest {
    let method = section.text("method");
    let path = section.text("path");
    let host = section.text("host");
    if let Some(method) = &method {
        method_fits(section.report, method);
    }
    if let Some(path) = path.as_ref().filter(|path| !is_target(&path.value)) {
        let message = format!("path `{}` is no request's target", path.value.escape_debug());
        section.report.error(&path.span, message, "it starts with a slash: \"/healthz\"");
    }
    if let Some(host) = host.as_ref().filter(|host| !is_host(&host.value)) {
        let message = format!("`{}` is no host", host.value.escape_debug());
        section.report.error(&host.span, message, "such as \"app.internal\"");
    }
    let body = excerpt(section);
    if let (Some(method), Some(span)) = (&method, section.key_span("body"))
        && method.value == "HEAD"
    {
        section.report.error(&span, "an answer to HEAD has no body", "ask with another `method`");
    }
    CheckRequest {
        method: method.map_or_else(|| "GET".to_owned(), |method| method.value),
        path: path.map_or_else(|| "/".to_owned(), |path| path.value),
        host: host.map(|host| host.value),
        headers: lines(section),
        expect: statuses(section),
        body,
    }
}

fn method_fits(report: &Report<'_>, method: &Located<String>) {
    let is_of_name = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
    let text = method.value.as_str();
    if text.is_empty() || !text.bytes().all(is_of_name) {
        let message = format!("`{}` is not a method", text.escape_debug());
        report.error(&method.span, message, "methods are in capitals: \"GET\"");
    } else if text == "CONNECT" {
        let hint = "its answer is a tunnel; a check by \"tcp\" asks for a connection";
        report.error(&method.span, "a check has no use for CONNECT", hint);
    }
}

fn is_target(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

/// Lines beside those that a request has anyway.
fn lines(section: &mut Section<'_>) -> Vec<(String, String)> {
    let (report, mut lines) = (section.report, Vec::new());
    for (name, values) in section.entries("headers") {
        if name.value.eq_ignore_ascii_case("host") {
            report.error(&name.span, "`Host` has a key of its own", "write `host`");
            continue;
        }
        if !headers::is_free(report, &name, Side::Request, &Change::Hide) {
            continue;
        }
        for value in values {
            if value.value.contains(|c: char| c.is_control() && c != '\t') {
                let message = "a header's value holds a control character";
                report.error(&value.span, message, "it is one line");
            } else if let Some(text) = report.expand(&value.value, &value.span) {
                lines.push((name.value.clone(), text));
            }
        }
    }
    if let Some(span) = section.key_span("headers").filter(|_| lines.len() > limits::HEADERS_MAX) {
        let message = format!("more than {} headers", limits::HEADERS_MAX);
        report.error(&span, message, "");
    }
    lines
}

fn statuses(section: &mut Section<'_>) -> Vec<Statuses> {
    let items = section.items("expect");
    let Some(span) = section.key_span("expect") else { return vec![GOOD] };
    if items.is_empty() {
        section.report.error(&span, "`expect` lists no status", "such as [\"200-399\"]");
    }
    items.into_iter().filter_map(|item| status(section, item)).collect()
}

const FORMS: &str = "a status such as 200, or a range such as \"200-399\"";

fn status(section: &Section<'_>, item: &Value<'_>) -> Option<Statuses> {
    let statuses = match integer_of(item) {
        Some(number) => Some((number, number)),
        None if item.get_ref().is_str() => {
            let text = text_of(section.report, item, FORMS)?;
            let parsed = range(&text.value);
            if parsed.is_none() {
                let message = format!("`{}` is no status", text.value.escape_debug());
                section.report.error(&text.span, message, format!("expected {FORMS}"));
            }
            parsed
        }
        None => section.unexpected(item, FORMS),
    };
    let (first, last) = statuses?;
    let bound = |number: i64| u16::try_from(number).ok().filter(|status| STATUSES.contains(status));
    let (Some(first), Some(last)) = (bound(first), bound(last)) else {
        let wrong = if bound(first).is_none() { first } else { last };
        let (least, most) = STATUSES.into_inner();
        let hint = format!("expected {least} to {most}");
        section.report.error(&item.span(), format!("status {wrong} is out of range"), hint);
        return None;
    };
    if first > last {
        let message = format!("no status is from {first} to {last}");
        section.report.error(&item.span(), message, "the lower one comes first");
        return None;
    }
    Some(Statuses { first, last })
}

fn range(text: &str) -> Option<(i64, i64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let text = text.trim();
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    Some((number(first)?, number(last)?))
}

/// A text, or an expression behind `~` or `~*` as in a route's path.
fn excerpt(section: &mut Section<'_>) -> Option<Excerpt> {
    let text = section.text("body")?;
    for (sign, case) in [("~*", Case::Insensitive), ("~", Case::Sensitive)] {
        if let Some(pattern) = text.value.strip_prefix(sign) {
            let pattern = Located { value: pattern.trim().to_owned(), span: text.span };
            pattern::check(section.report, &pattern, case)?;
            return Some(Excerpt::Regex { pattern: pattern.value, case });
        }
    }
    if text.value.is_empty() {
        let hint = "a text, or \"~ expression\"";
        section.report.error(&text.span, "every body holds an empty text", hint);
        return None;
    }
    Some(Excerpt::Text(text.value))
}
