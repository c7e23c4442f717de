//! `[[server]]`: where it listens, for which hosts, and its routes.

use toml::de::DeValue;

use super::model::{Action, Listen, PathMatch, RealIp, Route, Server};
use super::report::{Located, Report, Span};
use super::section::{Section, Value, text_of};
use super::{address, client};

/// The action keys of the contract that this version does not have.
const LATER_ACTIONS: [&str; 4] = ["root", "respond", "redirect", "tunnel"];

/// A server, and where in the file its parts stand: for errors that need the other sections.
pub(super) struct Draft {
    pub(super) server: Server,
    pub(super) listen: Vec<Span>,
    pub(super) hosts: Vec<Span>,
    /// The path of each route.
    pub(super) routes: Vec<Span>,
    /// The upstreams named, also by routes that have another error.
    pub(super) leads_to: Vec<Located<String>>,
}

pub(super) fn read(mut section: Section<'_>) -> Draft {
    let listen = listens(&mut section);
    let hosts = hosts(&mut section);
    section.unsupported("tls", "");
    let real_ip = section.section("real_ip").map(real_ip);
    let mut leads_to = Vec::new();
    let client = client::connection(&mut section);
    let requests = client::requests(&mut section);
    let routes = routes(&mut section, requests, &mut leads_to);
    section.finish(&[
        ("server_name", "hosts"),
        ("location", "route"),
        ("routes", "route"),
        ("client_max_body_size", "body_max"),
        ("client_header_timeout", "header_timeout"),
        ("client_body_timeout", "body_timeout"),
        ("max_headers", "header_lines_max"),
        ("proxy_request_buffering", "request_buffering"),
    ]);
    let (listen, listen_spans) = unzip(listen);
    let (hosts, host_spans) = unzip(hosts);
    let (routes, route_spans) = unzip(routes);
    let server = Server { listen, hosts, real_ip, routes, client };
    Draft { server, listen: listen_spans, hosts: host_spans, routes: route_spans, leads_to }
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

/// An address, or a table with one: the form that will carry TLS.
fn listen<'a>(section: &Section<'a>, item: &'a Value<'a>) -> Option<Located<Listen>> {
    let (text, proxy_protocol) = match item.get_ref() {
        DeValue::Table(_) => {
            let mut table = section.item("listen", item)?;
            let address = table.text("address");
            if address.is_none() && table.key_span("address").is_none() {
                table.missing("address", "such as `address = \"127.0.0.1:8080\"`");
            }
            if table.flag("tls") == Some(true) {
                table.unsupported("tls", "");
            }
            let proxy_protocol = table.flag("proxy_protocol").unwrap_or(false);
            table.finish(&[]);
            (address?, proxy_protocol)
        }
        _ => (text_of(section.report, item, "an address such as \"127.0.0.1:8080\"")?, false),
    };
    match address::listen(&text.value) {
        Ok(address) => Some(Located { value: Listen { address, proxy_protocol }, span: text.span }),
        Err(hint) => {
            let message = format!("`{}` is not an address to listen on", text.value);
            section.report.error(&text.span, message, hint);
            None
        }
    }
}

fn hosts(section: &mut Section<'_>) -> Vec<Located<String>> {
    let report = section.report;
    section.texts("hosts").into_iter().filter_map(|host| check_host(report, host)).collect()
}

fn check_host(report: &Report<'_>, host: Located<String>) -> Option<Located<String>> {
    let value = host.value.to_ascii_lowercase();
    let name = value.strip_prefix("*.").unwrap_or(&value);
    let is_address = name.starts_with('[') && name.ends_with(']');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.contains(':') && !is_address {
        let hint = "hosts are without a port: it is in `listen`";
        report.error(&host.span, format!("`{value}` is not a host"), hint);
        None
    } else if !is_address && (name.is_empty() || !name.chars().all(is_plain)) {
        let hint = "expected \"example.com\" or \"*.example.com\"";
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
    let from = from.into_iter().filter_map(|text| match address::network(&text.value) {
        Ok(network) => Some(network),
        Err(hint) => {
            report.error(&text.span, format!("`{}` is not a network", text.value), hint);
            None
        }
    });
    let from = from.collect();
    let header = section.text("header");
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if let Some(header) = &header
        && (header.value.is_empty() || !header.value.chars().all(is_token))
    {
        let message = format!("`{}` is not the name of a header", header.value);
        report.error(&header.span, message, "such as \"X-Forwarded-For\"");
    }
    section.finish(&[]);
    let header = header.map_or_else(|| "X-Forwarded-For".to_owned(), |header| header.value);
    RealIp { from, header }
}

fn routes(
    section: &mut Section<'_>,
    server: client::Given,
    leads_to: &mut Vec<Located<String>>,
) -> Vec<Located<Route>> {
    let routes = section.sections("route");
    if section.key_span("route").is_none() {
        section.missing("route", "add [[server.route]] with `path` and `upstream`");
    }
    routes.into_iter().filter_map(|section| route(section, server, leads_to)).collect()
}

fn route(
    mut section: Section<'_>,
    server: client::Given,
    leads_to: &mut Vec<Located<String>>,
) -> Option<Located<Route>> {
    let path = section.text("path");
    if section.key_span("path").is_none() {
        section.missing("path", "such as `path = \"/\"`");
    }
    let upstream = section.text("upstream");
    leads_to.extend(upstream.clone());
    for key in LATER_ACTIONS {
        section.unsupported(key, "expected `upstream`");
    }
    let has_action = ["upstream"].iter().chain(&LATER_ACTIONS);
    if has_action.map(|key| section.key_span(key)).all(|span| span.is_none()) {
        section.missing("upstream", "a route without an action: add `upstream = \"NAME\"`");
    }
    let path = path.and_then(|path| {
        let value = path_match(section.report, &path)?;
        Some(Located { value, span: path.span })
    });
    let limits = client::requests(&mut section).within(server);
    section.finish(&[
        ("proxy_pass", "upstream"),
        ("location", "path"),
        ("client_max_body_size", "body_max"),
        ("proxy_request_buffering", "request_buffering"),
    ]);
    let Located { value: path, span } = path?;
    let action = Action::Proxy { upstream: upstream?.value };
    Some(Located { value: Route { path, action, limits }, span })
}

fn path_match(report: &Report<'_>, path: &Located<String>) -> Option<PathMatch> {
    let text = path.value.as_str();
    let (is_exact, target) = match text.strip_prefix('=') {
        Some(target) => (true, target.trim_start()),
        None => (false, text),
    };
    if text.starts_with('~') {
        let message = "paths by regular expression are not supported by this version";
        report.error(&path.span, message, "expected a prefix \"/api/\" or \"= /exact\"");
        None
    } else if !target.starts_with('/') {
        let message = format!("path `{text}` does not start with a slash");
        report.error(&path.span, message, "expected a prefix \"/api/\" or \"= /exact\"");
        None
    } else if target.contains(['?', '#']) {
        let message = format!("path `{text}` holds a query");
        report.error(&path.span, message, "requests are matched without it");
        None
    } else if is_exact {
        Some(PathMatch::Exact(target.to_owned()))
    } else {
        Some(PathMatch::Prefix(target.to_owned()))
    }
}
