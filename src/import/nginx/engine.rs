//! What stands outside of servers: processes, limits, the resolver.

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use crate::config::limits::import::IMPORT_DEPTH_MAX;
use crate::import::Place;
use crate::import::page::{self, Page};

/// `pid_file`: where the engine's number is written, if it is.
pub(super) fn write(
    (main, http): (&[Directive], &[Directive]),
    pid_file: Option<&str>,
    (whole, page): (&Place, &mut Page),
    remarks: &mut Remarks,
) {
    let scope = Scope::new(main);
    let mut lines = Lines::default();
    if let Some((word, place)) = scope.word("worker_processes") {
        match word.parse::<u32>() {
            Ok(number) => lines.add("workers", number.to_string(), place),
            Err(_) if word == "auto" => lines.text("workers", "auto", place),
            Err(_) => remarks.mistake(place, format!("`worker_processes` is `{word}`")),
        }
    }
    if let Some(rule) = scope.one("user") {
        let user = rule.argument(0).unwrap_or_default();
        lines.text("user", user, &rule.place);
        if rule.argument(1).is_some_and(|group| group != user) {
            remarks.warn(&rule.place, "workers are in the groups of that user, whatever is said");
        }
    }
    if let Some((time, place)) = scope.time("worker_shutdown_timeout", remarks) {
        lines.text("shutdown_timeout", &time, place);
    }
    let events = main.iter().find(|directive| directive.name == "events");
    if let Some(events) = events
        && let Some((number, place)) =
            Scope::new(events.inner()).number("worker_connections", remarks)
    {
        lines.add("worker_connections", number.to_string(), place);
    }
    if let Some(level) = scope.one("error_log").and_then(|log| log.argument(1)).and_then(level) {
        let place = scope.one("error_log").map_or(whole, |log| &log.place);
        lines.text("log_level", level, place);
    }
    if let Some(path) = pid_file {
        lines.text("pid_file", path, scope.one("pid").map_or(whole, |pid| &pid.place));
    }
    resolver(&Scope::new(http), &mut lines, remarks);
    if !lines.is_empty() {
        page.table("[engine]", main.first().map_or(whole, |first| &first.place));
        lines.write(page);
    }
}

/// In our words; there are fewer of them.
fn level(word: &str) -> Option<&'static str> {
    match word {
        "debug" | "info" | "notice" => Some("notice"),
        "warn" => Some("warn"),
        "error" => Some("error"),
        "crit" | "alert" | "emerg" => Some("alert"),
        _ => None,
    }
}

/// Those of servers and locations.
fn further_in<'d>(block: &'d [Directive], name: &str, depth: usize) -> Vec<&'d Directive> {
    let places = block.iter().filter(|it| ["server", "location"].contains(&it.name.as_str()));
    let mut found = Vec::new();
    for place in places.filter(|_| depth > 0) {
        found.extend(place.inner().iter().filter(|it| it.name == name));
        found.extend(further_in(place.inner(), name, depth - 1));
    }
    found
}

fn resolver(scope: &Scope<'_>, lines: &mut Lines, remarks: &mut Remarks) {
    let further = further_in(scope.innermost(), "resolver", IMPORT_DEPTH_MAX);
    let Some(resolver) = scope.one("resolver").or(further.first().copied()) else { return };
    let others = further.iter().filter(|other| other.arguments != resolver.arguments);
    for other in others {
        let text = format!("one `resolver` for all: that of {}", resolver.place);
        remarks.warn(&other.place, text);
    }
    let mut servers = Vec::new();
    for word in &resolver.arguments {
        match word.split_once('=') {
            None => servers.push(word.clone()),
            Some(("valid", time)) => match super::values::time_ms(time) {
                Some(ms) => {
                    lines.text("resolve_valid", &super::values::duration(ms), &resolver.place);
                }
                None => remarks.mistake(&resolver.place, format!("`{time}` is no time")),
            },
            Some(("ipv6", "off")) => lines.text("resolve_family", "ipv4", &resolver.place),
            Some(("ipv4", "off")) => lines.text("resolve_family", "ipv6", &resolver.place),
            Some(_) => {
                remarks.warn(&resolver.place, format!("`{word}` of a resolver has no equal here"));
            }
        }
    }
    lines.add("resolver", page::strings(servers), &resolver.place);
    if let Some((time, place)) = scope.time("resolver_timeout", remarks) {
        lines.text("resolve_timeout", &time, place);
    }
}
