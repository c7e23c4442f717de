//! The keys of an upstream that are about connections to its backends.

use std::net::IpAddr;

use super::limits;
use super::model::{Links, ProxyProtocol};
use super::section::{Section, unknown_word};

const CONNECTIONS_MAX: u32 = 1_000_000;

pub(super) fn read(section: &mut Section<'_>) -> Links {
    Links {
        idle_max: section
            .integer("keepalive", 0..=u32::from(u16::MAX))
            .map_or(limits::UPSTREAM_KEEPALIVE, |count| count as u16),
        idle_timeout_ms: section
            .positive_duration("keepalive_timeout")
            .unwrap_or(limits::UPSTREAM_IDLE_TIMEOUT_MS),
        age_max_ms: section
            .positive_duration("keepalive_time")
            .unwrap_or(limits::UPSTREAM_AGE_MAX_MS),
        requests_max: section
            .integer("keepalive_requests", 1..=u32::MAX)
            .unwrap_or(limits::UPSTREAM_REQUESTS_MAX),
        connections_max: section
            .integer("connections_max", 1..=CONNECTIONS_MAX)
            .unwrap_or(limits::UPSTREAM_CONNECTIONS_MAX),
        tcp_keepalive_ms: section
            .duration("tcp_keepalive")
            .unwrap_or(limits::UPSTREAM_TCP_KEEPALIVE_MS),
        bind: bind(section),
        proxy_protocol: proxy_protocol(section),
        http2: http2(section),
    }
}

/// A connection that carries the requests of many clients can not speak for one of them.
fn http2(section: &mut Section<'_>) -> bool {
    let is_on = section.flag("http2").unwrap_or(false);
    let spoken_for = section.key_span("proxy_protocol");
    if let (true, Some(at)) = (is_on, spoken_for) {
        let hint = "remove one of them: with HTTP/2 a connection serves many clients";
        section.report.error(&at, "`proxy_protocol` beside `http2`", hint);
    }
    is_on
}

fn bind(section: &mut Section<'_>) -> Option<IpAddr> {
    let text = section.text("bind")?;
    let address = text.value.parse().ok();
    if address.is_none() {
        let message = format!("`{}` is no address to connect from", text.value.escape_debug());
        section.report.error(&text.span, message, "one of this machine, such as \"10.0.0.5\"");
    }
    address
}

fn proxy_protocol(section: &mut Section<'_>) -> Option<ProxyProtocol> {
    let word = section.text("proxy_protocol")?;
    match word.value.as_str() {
        "v1" => Some(ProxyProtocol::V1),
        "v2" => Some(ProxyProtocol::V2),
        "off" => None,
        _ => {
            unknown_word(section.report, "PROXY protocol", &word, &["v1", "v2", "off"]);
            None
        }
    }
}
