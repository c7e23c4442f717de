//! What a server says of its clients: how long it waits for them, how long their heads may be, and
//! whose word on their address counts.

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::values;
use crate::import::page;

/// Of a request's head and of its target, in bytes, as `header_max` and `uri_max` may be.
const HEAD_MAX: u64 = 32 << 10;
const TARGET_MAX: u64 = 24 << 10;

/// Directives of locations, too, in nginx.
const OF_WHOLE_SERVERS: [&str; 6] = [
    "set_real_ip_from",
    "real_ip_header",
    "real_ip_recursive",
    "keepalive_timeout",
    "keepalive_requests",
    "keepalive_time",
];

pub(super) fn write(scope: &Scope<'_>, lines: &mut Lines, remarks: &mut Remarks) {
    for (name, ours) in [
        ("client_header_timeout", "header_timeout"),
        ("client_body_timeout", "body_timeout"),
        ("send_timeout", "send_timeout"),
        ("keepalive_timeout", "keepalive_timeout"),
    ] {
        if let Some((time, place)) = scope.time(name, remarks) {
            lines.text(ours, &time, place);
        }
    }
    if let Some((number, place)) = scope.number("keepalive_requests", remarks) {
        lines.add("keepalive_requests", number.to_string(), place);
    }
    if let Some(buffers) = scope.one("large_client_header_buffers") {
        let number = buffers.argument(0).and_then(|number| number.parse::<u64>().ok());
        let size = buffers.argument(1).and_then(values::bytes);
        if let (Some(number), Some(size)) = (number, size) {
            let whole = number.saturating_mul(size);
            let (heads, targets) = (whole.clamp(1 << 10, HEAD_MAX), size.min(whole));
            if heads < whole || targets > TARGET_MAX {
                let text = format!("a head of {} is the longest here", values::size(HEAD_MAX));
                remarks.warn(&buffers.place, text);
            }
            lines.text("header_max", &values::size(heads), &buffers.place);
            let targets = targets.clamp(1, TARGET_MAX.min(heads));
            lines.text("uri_max", &values::size(targets), &buffers.place);
        }
    }
    if let Some(rule) = scope.one("keepalive_timeout").filter(|it| it.argument(1).is_some()) {
        remarks.warn(&rule.place, "clients are not told of it by `Keep-Alive`");
    }
    if let Some(rule) = scope.one("keepalive_time") {
        let text = "a client's connection lasts as long as it is used";
        remarks.warn(&rule.place, text);
    }
    real_ip(scope, lines, remarks);
}

/// What a location can not have of its own here.
pub(super) fn of_whole_servers(location: &Directive, remarks: &mut Remarks) {
    for directive in location.inner() {
        if OF_WHOLE_SERVERS.contains(&directive.name.as_str()) {
            let text = format!("`{}` is of a whole server here: left out", directive.name);
            remarks.warn(&directive.place, text);
        }
    }
}

fn real_ip(scope: &Scope<'_>, lines: &mut Lines, remarks: &mut Remarks) {
    let mut trusted = scope.all("set_real_ip_from");
    trusted.retain(|rule| {
        let is_network = rule.argument(0).is_some_and(is_network);
        if !is_network {
            remarks.warn(&rule.place, "left out: names are not looked up here");
        }
        is_network
    });
    let from: Vec<&str> = trusted.iter().filter_map(|rule| rule.argument(0)).collect();
    let Some(first) = trusted.first() else { return };
    let header = scope.word("real_ip_header").map_or("X-Real-IP", |(header, _)| header);
    if header == "proxy_protocol" {
        return;
    }
    if !scope.is_on("real_ip_recursive") && header.eq_ignore_ascii_case("x-forwarded-for") {
        let text = "addresses in the header are passed over as long as they are trusted";
        remarks.warn(&first.place, text);
    }
    let pairs = [("from", page::strings(from)), ("header", page::string(header))];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    lines.add("real_ip", page::inline(&pairs), &first.place);
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "0"));
    text == "unix:" || (address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok())
}
