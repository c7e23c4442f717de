//! `[[stream]]`: a TCP route, from the addresses it listens on to an upstream.
//!
//! It has no paths, and no hosts but those that TLS clients ask for in plain: an address belongs to
//! one route alone.

use super::model::{Kind, Sni, Stream};
use super::report::{Located, Span};
use super::section::Section;
use super::{limits, server, server_tls, upstream};

/// A route, and where in the file its parts stand: for errors that need the other sections.
pub(super) struct Draft {
    pub(super) stream: Stream,
    pub(super) listen: Vec<Span>,
    /// The upstreams named.
    pub(super) leads_to: Vec<Located<String>>,
    /// The key, if it is there; its value may be one that could not be read.
    pub(super) tls: Option<Span>,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let (listen, spans) =
        server::listens(&mut section).into_iter().map(|listen| (listen.value, listen.span)).unzip();
    let upstream = section.text("upstream");
    if section.key_span("upstream").is_none() {
        section.missing("upstream", "add `upstream = \"NAME\"`");
    }
    let mut leads_to: Vec<Located<String>> = upstream.iter().cloned().collect();
    let tls = section.key_span("tls");
    let stream = Stream {
        listen,
        sni: sni(&mut section, &mut leads_to),
        upstream: upstream.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        connect_timeout_ms: section.positive_duration("connect_timeout"),
        idle_timeout_ms: section
            .positive_duration("idle_timeout")
            .unwrap_or(limits::STREAM_IDLE_TIMEOUT_MS),
        tls: section.section("tls").and_then(server_tls::of_stream),
    };
    section.finish(&[
        ("proxy_pass", "upstream"),
        ("proxy_timeout", "idle_timeout"),
        ("timeout", "idle_timeout"),
        ("ssl", "tls"),
        ("proxy_connect_timeout", "connect_timeout"),
        ("hosts", "sni"),
        ("ssl_preread", "sni"),
    ]);
    Draft { stream, listen: spans, leads_to, tls }
}

/// `sni = [{ hosts = ["a.example.com"], upstream = "a" }]`.
fn sni(section: &mut Section<'_>, leads_to: &mut Vec<Located<String>>) -> Vec<Sni> {
    let report = section.report;
    let items = section.items("sni");
    let mut seen: Vec<String> = Vec::new();
    let mut read = |item| {
        let mut table = section.item("sni", item)?;
        let hosts = server::plain_hosts(&mut table);
        if table.key_span("hosts").is_none() {
            table.missing("hosts", "such as `hosts = [\"a.example.com\"]`");
        }
        for host in &hosts {
            if seen.contains(&host.value) {
                let message = format!("`{}` leads somewhere already", host.value);
                report.error(&host.span, message, "a host leads to one upstream");
            } else if seen.len() == limits::STREAM_HOSTS_MAX {
                let message = format!("more than {} hosts", limits::STREAM_HOSTS_MAX);
                report.error(&host.span, message, "");
            }
            seen.push(host.value.clone());
        }
        let upstream = table.text("upstream");
        if table.key_span("upstream").is_none() {
            table.missing("upstream", "the name of the one that they lead to");
        }
        leads_to.extend(upstream.clone());
        table.finish(&[("host", "hosts"), ("names", "hosts"), ("proxy_pass", "upstream")]);
        let hosts = hosts.into_iter().map(|host| host.value).collect();
        Some(Sni { hosts, upstream: upstream?.value })
    };
    items.into_iter().filter_map(&mut read).collect()
}

/// Tells upstreams what leads to them. Where TCP routes alone do, or where HTTP/2 is spoken, a check
/// that does not say what it asks is for a connection: the requests of checks are in HTTP/1.1.
pub(super) fn settle_kinds(
    upstreams: &mut [upstream::Draft],
    servers: &[server::Draft],
    streams: &[Draft],
) {
    for draft in upstreams {
        let is_here = |name: &Located<String>| name.value == draft.upstream.name;
        let is_served = servers.iter().flat_map(|draft| &draft.leads_to).any(is_here);
        let is_streamed = streams.iter().flat_map(|draft| &draft.leads_to).any(is_here);
        draft.upstream.kind = match (is_served, is_streamed) {
            (_, false) => Kind::Http,
            (false, true) => Kind::Tcp,
            (true, true) => Kind::Both,
        };
        if let Some(check) = &mut draft.upstream.check
            && draft.is_check_open
            && (draft.upstream.kind == Kind::Tcp || draft.upstream.links.http2)
        {
            check.kind = check.kind.clone().without_request();
        }
    }
}
