//! `[[stream]]`: a TCP route, from the addresses it listens on to an upstream.
//!
//! Looks at no byte, so it has no hosts and no paths: an address belongs to one route alone.

use super::model::{Kind, Stream};
use super::report::{Located, Span};
use super::section::Section;
use super::{limits, server, upstream};

/// A route, and where in the file its parts stand: for errors that need the other sections.
pub(super) struct Draft {
    pub(super) stream: Stream,
    pub(super) listen: Vec<Span>,
    pub(super) leads_to: Option<Located<String>>,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let (listen, spans) =
        server::listens(&mut section).into_iter().map(|listen| (listen.value, listen.span)).unzip();
    let upstream = section.text("upstream");
    if section.key_span("upstream").is_none() {
        section.missing("upstream", "add `upstream = \"NAME\"`");
    }
    let stream = Stream {
        listen,
        upstream: upstream.as_ref().map(|name| name.value.clone()).unwrap_or_default(),
        connect_timeout_ms: section.positive_duration("connect_timeout"),
        idle_timeout_ms: section
            .positive_duration("idle_timeout")
            .unwrap_or(limits::STREAM_IDLE_TIMEOUT_MS),
    };
    section.finish(&[
        ("proxy_pass", "upstream"),
        ("proxy_timeout", "idle_timeout"),
        ("timeout", "idle_timeout"),
        ("proxy_connect_timeout", "connect_timeout"),
    ]);
    Draft { stream, listen: spans, leads_to: upstream }
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
        let is_streamed = streams.iter().filter_map(|draft| draft.leads_to.as_ref()).any(is_here);
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
