//! What stands outside of servers: processes, limits, the resolver.

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
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
    if let Some((user, place)) = scope.word("user") {
        lines.text("user", user, place);
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

fn resolver(scope: &Scope<'_>, lines: &mut Lines, remarks: &mut Remarks) {
    let Some(resolver) = scope.one("resolver") else { return };
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
