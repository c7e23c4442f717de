//! When an instance counts as ready and as alive: `ready`, `start_timeout`, `live`, `startup`,
//! `watchdog`.

use toml::de::DeValue;

use super::super::model::health::Pace;
use super::super::model::route::Case;
use super::super::model::vitals::{Asked, Asking, Ready, Vitals};
use super::super::report::Located;
use super::super::section::Section;
use super::super::{address, check, limits, pattern};
use super::command;

/// As Kubernetes does.
const LIVE_INTERVAL_MS: u64 = 10_000;
/// Readiness is what clients notice.
const READY_INTERVAL_MS: u64 = 2_000;
const TIMEOUT_MS: u64 = 1_000;
const FALL: u32 = 3;
const RISE: u32 = 1;
const COUNT_MAX: u32 = 1_000_000;

/// Of `ready`; exactly one of them is given.
const WAYS: [&str; 6] = ["notify", "descriptor", "log", "listening", "check", "command"];

/// What the texts of a program may refer to.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    pub(super) variables: &'a [&'a str],
    /// It serves, so it is clear where it is asked.
    pub(super) serves: bool,
}

pub(super) fn read(section: &mut Section<'_>, own: Own<'_>) -> Vitals {
    let ready = section.section("ready").and_then(|table| ready(table, own));
    let start_timeout_ms = section.positive_duration("start_timeout");
    let kind = section.value("kind").map(toml::Spanned::get_ref);
    let is_daemon = matches!(kind, Some(DeValue::String(word)) if word == "daemon");
    if ready.is_none()
        && !own.serves
        && !is_daemon
        && section.key_span("ready").is_none()
        && let Some(span) = section.key_span("start_timeout")
    {
        let hint = "say what it waits for: ready = { listening = \"127.0.0.1:9000\" }";
        section.report.error(&span, "`start_timeout` without `ready`", hint);
    }
    let live = section.section("live").and_then(|table| probe(table, own));
    let startup = section.section("startup").and_then(|table| probe(table, own));
    if let (None, Some(span)) = (section.key_span("live"), section.key_span("startup")) {
        let hint = "it is what `live` waits for; add `live`";
        section.report.error(&span, "`startup` without `live`", hint);
    }
    let watchdog_ms = section.positive_duration("watchdog");
    Vitals { ready, start_timeout_ms, live, startup, watchdog_ms }
}

fn ready(mut table: Section<'_>, own: Own<'_>) -> Option<Ready> {
    let given: Vec<&str> = WAYS.into_iter().filter(|key| table.key_span(key).is_some()).collect();
    if let [_, second, ..] = given.as_slice()
        && let Some(span) = table.key_span(second)
    {
        let message = format!("`ready` has `{}` and `{second}`", given[0]);
        table.report.error(&span, message, "keep one of them");
    }
    let ready = match given.first().copied() {
        Some("notify") => notify(&mut table),
        Some("descriptor") => table
            .integer("descriptor", limits::PROGRAM_DESCRIPTOR_MIN..=limits::PROGRAM_DESCRIPTOR_MAX)
            .map(Ready::Descriptor),
        Some("log") => expression(&mut table, "log").map(Ready::Log),
        Some("listening") => place(&mut table, "listening", own).map(Ready::Listening),
        Some(_) => asking(&mut table, own, READY_INTERVAL_MS).map(Ready::Asked),
        None => {
            let hint = "one of notify = true, descriptor = 3, log = \"regex\", \
                        listening = \"127.0.0.1:9000\", check = { ... }, command = \"...\"";
            table.report.error(&table.span, "`ready` does not say what makes it ready", hint);
            None
        }
    };
    // So that they are known, and not also called unknown.
    for key in WAYS {
        let _known = table.value(key);
    }
    table.finish(&OTHERS);
    ready
}

/// The words of others for the same.
const OTHERS: [(&str, &str); 9] = [
    ("http_get", "check"),
    ("httpGet", "check"),
    ("tcpSocket", "check"),
    ("period", "interval"),
    ("periodSeconds", "interval"),
    ("period_seconds", "interval"),
    ("failure_threshold", "fall"),
    ("failureThreshold", "fall"),
    ("success_threshold", "rise"),
];

fn notify(table: &mut Section<'_>) -> Option<Ready> {
    let value = table.value("notify")?;
    match value.get_ref() {
        DeValue::Boolean(true) => Some(Ready::Notify),
        _ => table.unexpected(value, "true"),
    }
}

fn probe(mut table: Section<'_>, own: Own<'_>) -> Option<Asking> {
    let is_given = |key| table.key_span(key).is_some();
    let asking = match (is_given("check"), table.key_span("command")) {
        (false, None) => {
            let hint = "such as `check = { path = \"/healthz\" }`, or a `command`";
            table.missing("check", hint);
            None
        }
        (true, Some(span)) => {
            table.report.error(&span, "`check` and `command`", "keep one of them");
            None
        }
        (true, None) | (false, Some(_)) => asking(&mut table, own, LIVE_INTERVAL_MS),
    };
    for key in ["check", "command", "address", "interval", "timeout", "fall", "rise"] {
        let _known = table.value(key);
    }
    table.finish(&OTHERS);
    asking
}

/// A check, and how often it is made. What stands beside the check wins over what stands in it.
fn asking(table: &mut Section<'_>, own: Own<'_>, interval_ms: u64) -> Option<Asking> {
    if table.key_span("command").is_some() {
        return Some(Asking {
            asked: Asked::Command(command::read(table, own.variables)?),
            interval_ms: table.positive_duration("interval").unwrap_or(interval_ms),
            timeout_ms: table.positive_duration("timeout").unwrap_or(TIMEOUT_MS),
            fall: table.integer("fall", 1..=COUNT_MAX).unwrap_or(FALL),
            rise: table.integer("rise", 1..=COUNT_MAX).unwrap_or(RISE),
        });
    }
    let place = place(table, "address", own);
    let section = table.section("check")?;
    let is_given = |key| section.key_span(key).is_some();
    let [paced, timed, counted, risen] = ["interval", "timeout", "fall", "rise"].map(is_given);
    let roots = section.span.clone();
    let mut check = check::read(section).check;
    if check::certificate_bytes(&check) > 0 {
        let hint = "it is on this machine; leave `ca` out";
        table.report.error(&roots, "a program's own check verifies no certificates", hint);
    }
    if place.is_none() && !own.serves && table.key_span("address").is_none() {
        table.missing("address", "where it is asked, such as \"127.0.0.1:9000\"");
    }
    let of_check =
        |is_given: bool, value: u64, default: u64| if is_given { value } else { default };
    let interval_ms = table
        .positive_duration("interval")
        .unwrap_or_else(|| of_check(paced, check.pace.interval_ms, interval_ms));
    let timeout_ms = table
        .positive_duration("timeout")
        .unwrap_or_else(|| of_check(timed, check.timeout_ms, TIMEOUT_MS));
    let count = |is_given: bool, value: u32, default: u32| if is_given { value } else { default };
    let fall =
        table.integer("fall", 1..=COUNT_MAX).unwrap_or_else(|| count(counted, check.fall, FALL));
    let rise =
        table.integer("rise", 1..=COUNT_MAX).unwrap_or_else(|| count(risen, check.rise, RISE));
    check.timeout_ms = timeout_ms;
    (check.fall, check.rise) = (fall, rise);
    check.pace = Pace { interval_ms, interval_down_ms: interval_ms, jitter_percent: 0 };
    let asked = Asked::Check { check: Box::new(check), address: place };
    Some(Asking { asked, interval_ms, timeout_ms, fall, rise })
}

pub(super) fn expression(table: &mut Section<'_>, key: &'static str) -> Option<String> {
    let value = table.value(key)?;
    let DeValue::String(text) = value.get_ref() else {
        return table.unexpected(value, "a regular expression");
    };
    let text = Located { value: text.to_string(), span: value.span() };
    pattern::check(table.report, &text, Case::Sensitive).map(|_groups| text.value)
}

/// An address that may have variables of the instance; without any it is judged here.
pub(super) fn place(table: &mut Section<'_>, key: &'static str, own: Own<'_>) -> Option<String> {
    let text = table.raw_text(key)?;
    table.report.check_variables(&text.value, &text.span, own.variables);
    if !text.value.contains("${")
        && let Err(expected) = address::fixed(&text.value)
    {
        let message = format!("`{}` is no address", text.value.escape_debug());
        table.report.error(&text.span, message, expected);
        return None;
    }
    Some(text.value)
}
