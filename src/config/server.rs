//! `[[server]]`: where it listens, for which hosts, and its routes.

use std::net::{IpAddr, Ipv4Addr};

use toml::de::DeValue;

use super::limits::HOST_PATTERNS_MAX;
use super::model::route::{Case, Route};
use super::model::server_name::HostName;
use super::model::{Cidr, Listen, RealIp, Server};
use super::report::{Located, Report, Span};
use super::section::{Section, Value, text_of};
use super::{address, client, guard, headers, pattern, program, route, server_tls, step};

/// Of a socket in the file system, as nginx's: everybody who gets there may connect.
const SOCKET_MODE: u32 = 0o666;
/// What stands for the addresses of such clients, which have none.
const OF_SOCKETS: Cidr = Cidr { network: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix_bits: 32 };

/// A server, and where in the file its parts stand: for errors that need the other sections.
pub(super) struct Draft {
    pub(super) server: Server,
    /// The whole of it.
    pub(super) at: Span,
    pub(super) listen: Vec<Span>,
    pub(super) hosts: Vec<Span>,
    /// The path of each route.
    pub(super) routes: Vec<Span>,
    /// The upstreams named, also by routes that have another error.
    pub(super) leads_to: Vec<Located<String>>,
    /// The same of limits.
    pub(super) limited_by: Vec<Located<guard::zone::Use>>,
    /// The error pages, or the server when only its routes have some.
    pub(super) pages: Span,
    /// The key, if it is there; its value may be one that could not be read.
    pub(super) tls: Option<Span>,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let listen = listens(&mut section);
    let hosts = hosts(&mut section);
    let called = called(&mut section);
    let real_ip = section.section("real_ip").map(real_ip);
    let mut named = guard::Named::default();
    let client = client::connection(&mut section);
    let requests = client::requests(&mut section);
    let mut presets = guard::presets::Presets::default();
    let guards = guard::read(&mut section, &mut named, &mut presets);
    let of_server = route::OfServer { requests, guards };
    let steps = step::read(&mut section, None);
    let routes = routes(&mut section, &of_server, &mut named);
    let mut shape = route::shape(&mut section, None);
    presets.extend(&mut shape);
    let tls_span = section.key_span("tls");
    let tls = section.section("tls").and_then(|table| server_tls::read(table, &mut shape));
    let at = section.span.clone();
    let pages = section.key_span("error_pages").unwrap_or_else(|| at.clone());
    section.finish(&[
        ("server_name", "hosts"),
        ("location", "route"),
        ("routes", "route"),
        ("if", "steps"),
        ("set", "steps"),
        ("return", "steps"),
        ("client_max_body_size", "body_max"),
        ("client_header_timeout", "header_timeout"),
        ("client_body_timeout", "body_timeout"),
        ("max_headers", "header_lines_max"),
        ("proxy_request_buffering", "request_buffering"),
        ("error_page", "error_pages"),
        ("proxy_intercept_errors", "intercept"),
        ("ssl", "tls"),
        ("allow", "access"),
        ("deny", "access"),
        ("limit_req", "limits"),
        ("limit_conn", "limits"),
        ("waf", "firewall"),
        ("modsecurity", "firewall"),
    ]);
    let (listen, listen_spans) = unzip(listen);
    let (hosts, host_spans) = unzip(hosts);
    let (routes, route_spans) = unzip(routes);
    let server = Server { listen, hosts, called, real_ip, steps, routes, shape, client, tls };
    Draft {
        server,
        at,
        listen: listen_spans,
        hosts: host_spans,
        routes: route_spans,
        leads_to: named.upstreams,
        limited_by: named.zones,
        pages,
        tls: tls_span,
    }
}

/// Once one server tells backends who its clients are, no other passes on what a client says of
/// itself: they may lead to the same backends.
pub(super) fn settle_identities(drafts: &mut [Draft]) {
    let asks = |server: &Server| server.tls.as_ref().is_some_and(|tls| tls.client.is_some());
    if drafts.iter().any(|draft| asks(&draft.server)) {
        for draft in drafts.iter_mut().filter(|draft| !asks(&draft.server)) {
            server_tls::hide_identity(&mut draft.server.shape);
        }
    }
}

fn unzip<T>(values: Vec<Located<T>>) -> (Vec<T>, Vec<Span>) {
    values.into_iter().map(|located| (located.value, located.span)).unzip()
}

/// The addresses of a server, or of whatever else listens.
pub(super) fn listens(section: &mut Section<'_>) -> Vec<Located<Listen>> {
    let items = section.items("listen");
    if section.key_span("listen").is_none() {
        section.missing("listen", "such as `listen = [\"127.0.0.1:8080\"]`");
    } else if items.is_empty() {
        let span = section.key_span("listen").unwrap_or_default();
        section.report.error(&span, "`listen` is empty", "such as [\"127.0.0.1:8080\"]");
    }
    items.into_iter().filter_map(|item| listen(section, item)).collect()
}

/// An address, or a table with one that says more.
fn listen<'a>(section: &Section<'a>, item: &'a Value<'a>) -> Option<Located<Listen>> {
    let report = section.report;
    let (text, mode, [proxy_protocol, tls, http2]) = if let DeValue::Table(_) = item.get_ref() {
        let mut table = section.item("listen", item)?;
        let address = table.text("address");
        if address.is_none() && table.key_span("address").is_none() {
            table.missing("address", "such as `address = \"127.0.0.1:8080\"`");
        }
        let tls = table.flag("tls").unwrap_or(false);
        let proxy_protocol = table.flag("proxy_protocol").unwrap_or(false);
        // What every client of TLS can choose costs nobody anything; in plain it has to be known.
        let http2 = table.flag("http2").unwrap_or(tls);
        let mode = program::process::octal(&mut table, "mode");
        let mode_span = table.key_span("mode");
        table.finish(&[("ssl", "tls"), ("h2", "http2"), ("h2c", "http2"), ("path", "address")]);
        let address = address?;
        if let (Some(span), false) = (mode_span, address.value.starts_with("unix:")) {
            report.error(&span, "`mode` is for sockets in the file system", "");
        }
        (address, mode, [proxy_protocol, tls, http2])
    } else {
        let expected = "an address such as \"127.0.0.1:8080\"";
        (text_of(report, item, expected)?, None, [false; 3])
    };
    match address::listener(&text.value) {
        Ok(address) => {
            let mode = mode.unwrap_or(SOCKET_MODE);
            let value = Listen { address, mode, proxy_protocol, tls, http2 };
            Some(Located { value, span: text.span })
        }
        Err(hint) => {
            let message = format!("`{}` is not an address to listen on", text.value);
            section.report.error(&text.span, message, hint);
            None
        }
    }
}

/// Names of hosts, in lower case but for expressions.
fn hosts(section: &mut Section<'_>) -> Vec<Located<String>> {
    let report = section.report;
    let hosts = section.texts("hosts");
    let is_expression = |host: &&Located<String>| host.value.starts_with('~');
    if let Some(first) = hosts.iter().filter(is_expression).nth(HOST_PATTERNS_MAX) {
        let message = format!("more than {HOST_PATTERNS_MAX} expressions in one server");
        report.error(&first.span, message, "an expression may have alternatives");
    }
    hosts.into_iter().filter_map(|host| check_host(report, host)).collect()
}

/// The same where they are names alone, or all that is below one.
pub(super) fn plain_hosts(section: &mut Section<'_>) -> Vec<Located<String>> {
    let report = section.report;
    let hosts = section.texts("hosts").into_iter();
    let is_plain = |host: &Located<String>| {
        let is_plain = matches!(HostName::of(&host.value), HostName::Exact(_) | HostName::Below(_));
        if !is_plain {
            let message = format!("`{}` is not a host that a TCP route goes by", host.value);
            report.error(&host.span, message, "expected \"example.com\" or \"*.example.com\"");
        }
        is_plain
    };
    hosts.filter(is_plain).filter_map(|host| check_host(report, host)).collect()
}

/// One word, since logs and headers have it.
fn called(section: &mut Section<'_>) -> Option<String> {
    let name = section.text("name")?;
    let is_word = !name.value.is_empty() && name.value.chars().all(|c| c.is_ascii_graphic());
    if !is_word {
        let message = format!("`{}` is no name of a server", name.value.escape_debug());
        section.report.error(&name.span, message, "one word, such as \"example.com\"");
    }
    is_word.then_some(name.value)
}

fn check_host(report: &Report<'_>, host: Located<String>) -> Option<Located<String>> {
    if let HostName::Expression(text) = HostName::of(&host.value) {
        let text = Located { value: text.to_owned(), span: host.span.clone() };
        return pattern::check(report, &text, Case::Insensitive).map(|_| host);
    }
    let value = host.value.to_ascii_lowercase();
    let name = match HostName::of(&value) {
        HostName::Any => return Some(Located { value, span: host.span }),
        HostName::Exact(name) | HostName::Expression(name) => name,
        HostName::Below(end) => &end[1..],
        HostName::Begun(beginning) => &beginning[..beginning.len() - 1],
    };
    let is_address = name.starts_with('[') && name.ends_with(']');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.contains(':') && !is_address {
        let hint = "hosts are without a port: it is in `listen`";
        report.error(&host.span, format!("`{value}` is not a host"), hint);
        None
    } else if !is_address && (name.is_empty() || !name.chars().all(is_plain)) {
        let hint =
            "expected \"example.com\", \"*.example.com\", \"www.example.*\" or \"~expression\"";
        report.error(&host.span, format!("`{value}` is not a host"), hint);
        None
    } else {
        Some(Located { value, span: host.span })
    }
}

fn real_ip(mut section: Section<'_>) -> RealIp {
    let report = section.report;
    let from = section.texts("from");
    if from.is_empty() {
        section.missing("from", "the networks whose word is believed");
    }
    let network = |text: &str| match text {
        // Who comes by a socket in the file system.
        "unix:" => Ok(OF_SOCKETS),
        text => address::network(text),
    };
    let from = from.into_iter().filter_map(|text| match network(&text.value) {
        Ok(network) => Some(network),
        Err(hint) => {
            report.error(&text.span, format!("`{}` is not a network", text.value), hint);
            None
        }
    });
    let from = from.collect();
    let header = section.text("header");
    let header = header.filter(|header| headers::is_name(report, header));
    section.finish(&[]);
    let header = header.map_or_else(|| "X-Forwarded-For".to_owned(), |header| header.value);
    RealIp { from, header }
}

fn routes(
    section: &mut Section<'_>,
    server: &route::OfServer,
    named: &mut guard::Named,
) -> Vec<Located<Route>> {
    let routes = section.sections("route");
    if section.key_span("route").is_none() {
        section.missing("route", "add [[server.route]] with `path` and `upstream`");
    }
    routes.into_iter().filter_map(|section| route::read(section, server, named)).collect()
}
