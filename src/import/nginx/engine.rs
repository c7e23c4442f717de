//! What stands outside of servers: processes, limits, the resolver; and TCP servers.

use super::known::TRANSLATED;
use super::lines::Lines;
use super::listen;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::upstreams::Upstreams;
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

/// What of `stream` and its servers is translated.
const OF_STREAMS: [&str; 6] =
    ["server", "upstream", "listen", "proxy_pass", "proxy_connect_timeout", "proxy_timeout"];

/// Says which directives have an equal for requests, and none for connections.
fn without_equal(block: &[Directive], remarks: &mut Remarks) {
    for directive in block {
        let name = directive.name.as_str();
        if TRANSLATED.contains(&name) && !OF_STREAMS.contains(&name) {
            remarks.warn(&directive.place, format!("`{name}` has no equal here for TCP servers"));
        }
    }
}

/// `stream`: each server is a route for connections.
pub(super) fn write_streams(
    streams: &[Directive],
    upstreams: &mut Upstreams,
    page: &mut Page,
    remarks: &mut Remarks,
) {
    let outer = Scope::new(streams);
    without_equal(streams, remarks);
    for server in streams.iter().filter(|directive| directive.name == "server") {
        let scope = outer.within(server.inner());
        without_equal(server.inner(), remarks);
        if let Some(rule) = scope.all_of(&["allow", "deny"]).first() {
            let text = format!("left out: without its `{}` it would be open to all", rule.name);
            remarks.warn(&server.place, text);
            continue;
        }
        let Some((target, place)) = scope.word("proxy_pass") else {
            remarks.warn(&server.place, "left out: it passes nothing on");
            continue;
        };
        let mut addresses = Vec::new();
        for rule in scope.own("listen") {
            let parameters: Vec<&str> = rule.arguments.iter().skip(1).map(String::as_str).collect();
            let is_other = parameters.iter().any(|it| matches!(*it, "udp" | "ssl"));
            let address = rule.argument(0).and_then(listen::address);
            match address {
                Some(address) if !is_other => addresses.push(address),
                _ => remarks.warn(&rule.place, "left out: not a plain TCP address"),
            }
        }
        if addresses.is_empty() {
            continue;
        }
        let Some(upstream) = upstreams.lead_to(target, 0, place) else {
            remarks.warn(place, format!("left out: `{target}` is no server here"));
            continue;
        };
        let mut lines = Lines::default();
        lines.add("listen", page::strings(addresses), &server.place);
        lines.text("upstream", &upstream, place);
        for (name, ours) in
            [("proxy_connect_timeout", "connect_timeout"), ("proxy_timeout", "idle_timeout")]
        {
            if let Some((time, place)) = scope.time(name, remarks) {
                lines.text(ours, &time, place);
            }
        }
        page.table("[[stream]]", &server.place);
        lines.write(page);
    }
}
