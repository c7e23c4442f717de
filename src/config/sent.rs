//! What of a route's requests goes on to backends: `send_method`, `send_body`, `send_headers`.

use super::limits::METHOD_BYTES_MAX;
use super::model::route::{Passing, Sent};
use super::report::{Located, Report};
use super::section::Section;

pub(super) const KEYS: [&str; 3] = ["send_method", "send_body", "send_headers"];

pub(super) fn read(section: &mut Section<'_>) -> Sent {
    let report = section.report;
    let method = section.text("send_method").filter(|method| can_be_sent(report, method));
    let passing = |is_sent: Option<bool>| match is_sent {
        Some(false) => Passing::LeftOut,
        Some(true) | None => Passing::Passed,
    };
    Sent {
        method: method.map(|method| method.value),
        body: passing(section.flag("send_body")),
        lines: passing(section.flag("send_headers")),
    }
}

/// Whether a text is a method; reports it otherwise.
pub(super) fn is_method(report: &Report<'_>, method: &Located<String>) -> bool {
    let is_method = can_be_method(&method.value);
    if !is_method {
        let message = format!("`{}` is not a method", method.value.escape_debug());
        report.error(&method.span, message, "methods are in capitals: \"GET\"");
    }
    is_method
}

pub(super) fn is_sendable(method: &str) -> bool {
    can_be_method(method) && objection(method).is_none()
}

fn can_be_method(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
    (1..=METHOD_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_of_name)
}

/// Why it can not stand in place of any other.
fn objection(method: &str) -> Option<&'static str> {
    match method {
        "HEAD" => Some("its answers have no body, and other clients wait for one"),
        "CONNECT" => Some("it asks for a tunnel, which no route is"),
        "TRACE" => Some("its answer shows what the proxy has added"),
        _ => None,
    }
}

fn can_be_sent(report: &Report<'_>, method: &Located<String>) -> bool {
    let Some(why) = objection(&method.value) else { return is_method(report, method) };
    let message = format!("backends can not be asked by `{}`", method.value);
    report.error(&method.span, message, why);
    false
}
