//! `[upstream.NAME]`: the strategy, time limits, the check, and the backends of the file.

use std::net::IpAddr;

use super::model::health::{AllDown, Check};
use super::model::{Address, Backend, Discovery, Kind, Location, Resolve, Upstream};
use super::report::{Located, Span};
use super::section::{Section, unknown_word};
use super::{
    address, backend_tls, capacity, check, limits, links, names, outlier, resolve, retry, sticky,
    strategy,
};

const DRAIN_TIMEOUT_MS: u64 = 30_000;
const COUNT_MAX: u32 = 1_000_000;
pub(super) const WEIGHT: u32 = 1;
pub(crate) const MAX_FAILS: u32 = 1;
pub(crate) const FAIL_TIMEOUT_S: u32 = 10;

/// What others call its keys.
const OTHERS: [(&str, &str); 20] = [
    ("server", "backend"),
    ("servers", "backend"),
    ("backends", "backend"),
    ("health_check", "check"),
    ("outlier_detection", "outlier"),
    ("method", "strategy"),
    ("lb_policy", "strategy"),
    ("hash", "hash_key"),
    ("next_upstream", "retry_on"),
    ("max_connections", "connections_max"),
    ("max_conns", "connections_max"),
    ("proxy_connect_timeout", "connect_timeout"),
    ("proxy_read_timeout", "read_timeout"),
    ("proxy_send_timeout", "send_timeout"),
    ("ssl", "tls"),
    ("proxy_ssl", "tls"),
    ("protocol", "http2"),
    ("grpc", "http2"),
    ("proxy_bind", "bind"),
    ("source", "bind"),
];

/// An upstream, and where in the file its parts stand.
pub(super) struct Draft {
    pub(super) upstream: Upstream,
    pub(super) name: Span,
    /// The text of `hash_key`.
    pub(super) key_span: Option<Span>,
    /// The address, and what says that it is not of the first tier, if anything does.
    pub(super) backends: Vec<(Span, Option<Span>)>,
    /// There are backends, but none could be read: that has been reported.
    pub(super) is_partial: bool,
    /// The check does not say what it asks: that depends on who leads here.
    pub(super) is_check_open: bool,
    /// The key, if it is there.
    pub(super) sticky: Option<Span>,
}

pub(super) fn read(name: Located<String>, mut section: Section<'_>, engines: &Resolve) -> Draft {
    names::check(section.report, "an upstream", &name);
    let strategy = strategy::read(&mut section);
    let tables = section.sections("backend");
    let (backends, spans): (Vec<_>, Vec<_>) = tables.into_iter().filter_map(backend).unzip();
    let is_partial = backends.is_empty() && section.key_span("backend").is_some();
    let queue = section.section("queue").and_then(capacity::queue);
    let sticky_span = section.key_span("sticky");
    let sticky = section.section("sticky").and_then(sticky::read);
    let check = section.section("check").map(check::read);
    let is_check_open = check.as_ref().is_some_and(|draft| draft.is_kind_open);
    if let Some(port) = check.as_ref().and_then(|draft| draft.port.as_ref()) {
        port_fits(&section, port, &backends);
    }
    let read_timeout_ms = section.positive_duration("read_timeout");
    let links = links::read(&mut section);
    let tls = backend_tls::read(&mut section, &backends);
    let check = check.map(|mut draft| {
        if let Some(tls) = &tls {
            backend_tls::lend(tls, &mut draft.check);
        }
        draft.check
    });
    let (bind, proxy_protocol) = (links.bind, links.proxy_protocol);
    if let Some(bind) = bind {
        bind_fits(&section, bind, &backends);
    }
    let upstream = Upstream {
        name: name.value,
        kind: Kind::default(),
        strategy: strategy.strategy,
        hash_key: strategy.hash_key,
        timing: strategy.timing,
        retry: retry::read(&mut section),
        links,
        tls,
        check: check.map(|check| Check { bind, proxy_protocol, ..check }),
        outlier: section.section("outlier").map(outlier::read),
        all_down: all_down(&mut section),
        drain_timeout_ms: section.duration("drain_timeout").unwrap_or(DRAIN_TIMEOUT_MS),
        slow_start_ms: section.duration("slow_start").unwrap_or(0),
        connect_timeout_ms: section
            .positive_duration("connect_timeout")
            .unwrap_or(limits::CONNECT_TIMEOUT_MS),
        send_timeout_ms: section
            .positive_duration("send_timeout")
            .unwrap_or(limits::UPSTREAM_SEND_TIMEOUT_MS),
        first_byte_timeout_ms: section
            .positive_duration("first_byte_timeout")
            .or(read_timeout_ms)
            .unwrap_or(limits::FIRST_BYTE_TIMEOUT_MS),
        between_bytes_timeout_ms: section
            .positive_duration("between_bytes_timeout")
            .or(read_timeout_ms)
            .unwrap_or(limits::BETWEEN_BYTES_TIMEOUT_MS),
        resolve: resolve::read(&mut section, engines),
        queue,
        sticky,
        backends,
    };
    section.finish(&OTHERS);
    let (name, backends, sticky) = (name.span, spans, sticky_span);
    let key_span = strategy.key_span;
    Draft { upstream, name, key_span, backends, is_partial, is_check_open, sticky }
}

/// A check's own port is of no use where a backend has none.
fn port_fits(section: &Section<'_>, port: &Span, backends: &[Backend]) {
    let is_unix = |backend: &&Backend| matches!(backend.address, Location::Fixed(Address::Unix(_)));
    if let Some(backend) = backends.iter().find(is_unix) {
        let message = format!("{} has no port to check instead of", backend.address);
        section.report.error(port, message, "remove `port`");
    }
}

/// A connection begins and ends in one family. Who is on a unix socket is reached without an address.
fn bind_fits(section: &Section<'_>, bind: IpAddr, backends: &[Backend]) {
    let is_other = |backend: &&Backend| match &backend.address {
        Location::Fixed(Address::Tcp(address)) => address.is_ipv4() != bind.is_ipv4(),
        Location::Fixed(Address::Unix(_)) | Location::Discovered(_) => false,
    };
    if let Some(backend) = backends.iter().find(is_other) {
        let message = format!("no connection goes from {bind} to {}", backend.address);
        let span = section.key_span("bind").unwrap_or_default();
        section.report.error(&span, message, "both are IPv4, or both are IPv6");
    }
}

fn all_down(section: &mut Section<'_>) -> AllDown {
    let Some(word) = section.text("all_down") else { return AllDown::default() };
    let known = AllDown::ALL.into_iter().find(|choice| choice.name() == word.value);
    if known.is_none() {
        unknown_word(section.report, "choice", &word, &AllDown::ALL.map(AllDown::name));
    }
    known.unwrap_or_default()
}

fn backend(mut section: Section<'_>) -> Option<(Backend, (Span, Option<Span>))> {
    let address = section.text("address");
    if section.key_span("address").is_none() {
        section.missing("address", "such as `address = \"10.0.3.1:8080\"`");
    }
    let address = address.and_then(|text| located_address(&section, text));
    let weight = section.integer("weight", 1..=limits::WEIGHT_MAX).unwrap_or(WEIGHT);
    let max_fails = max_fails(&mut section);
    let fail_timeout_s = fail_timeout(&mut section);
    let max_conns = capacity::max_conns(&mut section);
    let priority = capacity::priority(&mut section);
    let backup = section.flag("backup").unwrap_or(false);
    let down = section.flag("down").unwrap_or(false);
    let is_found = matches!(&address, Some(it) if matches!(it.value, Location::Discovered(_)));
    let route = sticky::route(&mut section, is_found.then_some("a name or a list"));
    let backup_span = section.key_span("backup").filter(|_| backup);
    let priority_span = section.key_span("priority").filter(|_| priority > 0);
    if let (Some(_), Some(span)) = (&backup_span, &priority_span) {
        let message = "a backup has no `priority`";
        section.report.error(span, message, "backups come after every priority");
    }
    let weight_span = section.key_span("weight");
    let is_service = address.as_ref().is_some_and(|address| {
        matches!(address.value, Location::Discovered(Discovery::Service { .. }))
    });
    if let Some(span) = weight_span.filter(|_| is_service) {
        let message = "backends of SRV records have no weight of the file";
        section.report.error(&span, message, "each record brings its own");
    }
    section.finish(&[
        ("server", "address"),
        ("url", "address"),
        ("host", "address"),
        ("maxconn", "max_conns"),
        ("max_connections", "max_conns"),
    ]);
    let Located { value: address, span } = address?;
    let backend = Backend {
        address,
        weight,
        max_fails,
        fail_timeout_s,
        max_conns,
        priority,
        backup,
        down,
        route,
    };
    Some((backend, (span, backup_span.or(priority_span))))
}

fn located_address(section: &Section<'_>, text: Located<String>) -> Option<Located<Location>> {
    match address::backend(&text.value) {
        Ok(Location::Discovered(Discovery::File { path })) => {
            let path = section.report.absolute(path);
            let value = Location::Discovered(Discovery::File { path });
            Some(Located { value, span: text.span })
        }
        Ok(value) => Some(Located { value, span: text.span }),
        Err(hint) => {
            let message = format!("`{}` is not a backend's address", text.value);
            section.report.error(&text.span, message, hint);
            None
        }
    }
}

/// Whole seconds, since nginx counts failures in them.
pub(super) fn fail_timeout(section: &mut Section<'_>) -> u32 {
    let Some(timeout_ms) = section.duration("fail_timeout") else { return FAIL_TIMEOUT_S };
    if !timeout_ms.is_multiple_of(1_000) {
        let span = section.value("fail_timeout").map_or_else(Span::default, toml::Spanned::span);
        let message = "`fail_timeout` is not in whole seconds";
        section.report.error(&span, message, "expected \"10s\" or the like");
    }
    u32::try_from(timeout_ms / 1_000).unwrap_or(u32::MAX)
}

pub(super) fn max_fails(section: &mut Section<'_>) -> u32 {
    section.integer("max_fails", 0..=COUNT_MAX).unwrap_or(MAX_FAILS)
}
