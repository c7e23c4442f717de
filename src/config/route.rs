//! `[[server.route]]`: which requests, what is done with them, and within which bounds.

use super::access_log;
use super::action;
use super::client;
use super::compress;
use super::guard;
use super::headers::{self, Side};
use super::limits::tables::CHOICES_MAX;
use super::mirror;
use super::model::route::{Action, Case, Choice, PathMatch, Route, Shape, Times};
use super::model::step::Condition;
use super::pattern;
use super::report::{Located, Report};
use super::section::Section;
use super::sent;
use super::served;
use super::step;
use super::template::{Groups, Scope, Stage};

/// The action key of the contract that this version does not have.
const LATER_ACTION: &str = "tunnel";
const ACTIONS: [&str; 5] = ["upstream", "respond", "redirect", "root", "alias"];
const SHAPE_OF_PATH: [&str; 5] = ["strip_prefix", "rewrite", "prefix", "target", "choices"];

/// What others call its keys.
const OTHERS: [(&str, &str); 29] = [
    ("proxy_pass", "upstream"),
    ("location", "path"),
    ("return", "respond"),
    ("if", "steps"),
    ("set", "steps"),
    ("client_max_body_size", "body_max"),
    ("proxy_request_buffering", "request_buffering"),
    ("proxy_connect_timeout", "connect_timeout"),
    ("proxy_read_timeout", "read_timeout"),
    ("proxy_intercept_errors", "intercept"),
    ("proxy_set_header", "request_headers"),
    ("add_header", "response_headers"),
    ("error_page", "error_pages"),
    ("method", "methods"),
    ("proxy_method", "send_method"),
    ("proxy_pass_request_body", "send_body"),
    ("proxy_pass_request_headers", "send_headers"),
    ("mirror_request_body", "mirror_body"),
    ("mirrors", "mirror"),
    ("gzip", "compress"),
    ("waf", "firewall"),
    ("modsecurity", "firewall"),
    ("gzip_static", "precompressed"),
    ("disable_symlinks", "symlinks"),
    ("max_ranges", "ranges_max"),
    ("allow", "access"),
    ("deny", "access"),
    ("limit_req", "limits"),
    ("limit_conn", "limits"),
];

/// What a server says of the requests of its routes, as far as they leave it open.
pub(super) struct OfServer {
    pub(super) requests: client::Given,
    pub(super) guards: guard::Given,
}

/// A route, and the upstreams it names, also if it has another error.
pub(super) fn read(
    mut section: Section<'_>,
    server: &OfServer,
    named: &mut guard::Named,
) -> Option<Located<Route>> {
    let path = section.text("path");
    if section.key_span("path").is_none() {
        section.missing("path", "such as `path = \"/\"`");
    }
    let path = path.and_then(|path| {
        let (value, groups) = path_match(section.report, &path)?;
        Some((Located { value, span: path.span }, groups))
    });
    let groups = path.as_ref().map_or_else(Groups::default, |(_, groups)| groups.clone());
    let matched = path.as_ref().map(|(path, _)| &path.value);
    let steps = step::read(&mut section, Some(&groups));
    let action = action(&mut section, &mut named.upstreams, &groups, matched);
    let mirror = mirror::read(&mut section, &mut named.upstreams, &groups);
    let is_internal = section.flag("internal").unwrap_or(false);
    let methods = methods(&mut section);
    let limits = client::requests(&mut section).within(server.requests);
    let mut presets = guard::presets::Presets::default();
    let guards = guard::read(&mut section, named, &mut presets).within(&server.guards);
    let times = times(&mut section);
    let sent = sent::read(&mut section);
    let mut shape = shape(&mut section, Some(&groups));
    presets.extend(&mut shape);
    section.finish(&OTHERS);
    let (Located { value: path, span }, _) = path?;
    let action = action?;
    Some(Located {
        value: Route {
            path,
            steps,
            action,
            is_internal,
            methods,
            guards,
            mirror,
            limits,
            times,
            sent,
            shape,
        },
        span,
    })
}

fn times(section: &mut Section<'_>) -> Times {
    let read_timeout_ms = section.positive_duration("read_timeout");
    Times {
        connect_timeout_ms: section.positive_duration("connect_timeout"),
        first_byte_timeout_ms: section.positive_duration("first_byte_timeout").or(read_timeout_ms),
        between_bytes_timeout_ms: section
            .positive_duration("between_bytes_timeout")
            .or(read_timeout_ms),
    }
}

/// What a server and a route can both say.
pub(super) fn shape(section: &mut Section<'_>, groups: Option<&Groups>) -> Shape {
    let scope = |stage| Scope { stage, groups };
    let request_headers = section.section("request_headers");
    let response_headers = section.section("response_headers");
    let request_id = section.text("request_id");
    let request_id = request_id.filter(|name| headers::is_name(section.report, name));
    let rules = |table: Option<Section<'_>>, side, stage| {
        table.map_or_else(Vec::new, |table| headers::read(table, side, scope(stage)))
    };
    Shape {
        request_headers: rules(request_headers, Side::Request, Stage::Request),
        response_headers: rules(response_headers, Side::Response, Stage::Response),
        error_pages: action::error_pages(section, groups),
        intercept: section.flag("intercept"),
        request_id: request_id.map(|name| name.value),
        access_log: access_log::read(section, groups),
        compress: compress::read(section),
    }
}

fn action(
    section: &mut Section<'_>,
    leads_to: &mut Vec<Located<String>>,
    groups: &Groups,
    path: Option<&PathMatch>,
) -> Option<Action> {
    let scope = Scope { stage: Stage::Request, groups: Some(groups) };
    let upstream = section.text("upstream");
    leads_to.extend(upstream.clone());
    let respond = action::respond(section, scope);
    let redirect = action::redirect(section, scope);
    let retarget = action::retarget(section, groups, path.and_then(reaches));
    let of_files = retarget.clone().filter(|_| upstream.is_none());
    let files = served::read(section, path, scope, leads_to, of_files);
    section.unsupported(LATER_ACTION, "expected `upstream`, `root`, `respond` or `redirect`");
    one_action(section);
    let choices = choices(section, leads_to, groups);
    let proxy =
        upstream.map(|upstream| Action::Proxy { upstream: upstream.value, choices, retarget });
    let own = respond.map(Action::Respond).or(redirect.map(Action::Redirect));
    proxy.or(own).or(files.map(|files| Action::Files(Box::new(files))))
}

/// `choices = [{ when = { source = "$cookie_beta", is = "1" }, upstream = "beta" }]`.
fn choices(
    section: &mut Section<'_>,
    leads_to: &mut Vec<Located<String>>,
    groups: &Groups,
) -> Vec<Choice> {
    let items = section.items("choices");
    if let Some(first) = items.get(CHOICES_MAX) {
        let message = format!("{} choices, more than {CHOICES_MAX}", items.len());
        section.report.error(&first.span(), message, "");
    }
    let mut choice = |item| {
        let mut table = section.item("choices", item)?;
        let (when, _) = step::conditions(&mut table, Some(groups));
        if let (true, Some(span)) =
            (when.iter().any(Condition::looks_at_files), table.key_span("when"))
        {
            let hint = "a step can `set` a variable by it, which the choice goes by";
            table.report.error(&span, "a choice that looks at files", hint);
        }
        if table.key_span("when").is_none() {
            table.missing("when", "such as `when = { source = \"$cookie_beta\", is = \"1\" }`");
        }
        let upstream = table.text("upstream");
        if table.key_span("upstream").is_none() {
            table.missing("upstream", "the name of the one that is asked then");
        }
        leads_to.extend(upstream.clone());
        table.finish(&[("if", "when"), ("to", "upstream"), ("proxy_pass", "upstream")]);
        Some(Choice { when, upstream: upstream?.value })
    };
    items.into_iter().filter_map(&mut choice).collect()
}

/// Reports what does not go together.
fn one_action(section: &Section<'_>) {
    let given: Vec<_> = ACTIONS.into_iter().filter(|key| section.key_span(key).is_some()).collect();
    match given.as_slice() {
        [] if section.key_span(LATER_ACTION).is_none() => section.missing(
            "upstream",
            "a route without an action: add `upstream = \"NAME\"`, `root`, `respond` or `redirect`",
        ),
        // Told where they are read.
        [] | ["upstream"] | ["root", "alias"] => {}
        [first, rest @ ..] => {
            for key in rest {
                let span = section.key_span(key).unwrap_or_default();
                let hint = match *key {
                    "root" | "alias" => {
                        "a route has one action; \
                         `fallback = \"NAME\"` is the upstream for what is no file"
                    }
                    _ => "a route has one action",
                };
                section.report.error(&span, format!("`{key}` beside `{first}`"), hint);
            }
            let leads_on = *first == "upstream" || section.key_span("fallback").is_some();
            for key in SHAPE_OF_PATH.iter().filter(|_| !leads_on) {
                if let Some(span) = section.key_span(key) {
                    let message = format!("`{key}` without `upstream`");
                    section.report.error(&span, message, "the path goes nowhere");
                }
            }
            let sends = leads_on || section.key_span("mirror").is_some();
            for key in sent::KEYS.iter().filter(|_| !sends) {
                if let Some(span) = section.key_span(key) {
                    let message = format!("`{key}` without `upstream`");
                    section.report.error(&span, message, "nothing is sent on");
                }
            }
        }
    }
}

fn methods(section: &mut Section<'_>) -> Vec<String> {
    let report = section.report;
    let methods = section.texts("methods").into_iter();
    methods.filter(|method| sent::is_method(report, method)).map(|method| method.value).collect()
}

/// What every path of a route begins with.
fn reaches(path: &PathMatch) -> Option<&str> {
    match path {
        PathMatch::Prefix(text) | PathMatch::FirmPrefix(text) | PathMatch::Exact(text) => {
            Some(text)
        }
        PathMatch::Regex { .. } => None,
    }
}

const FORMS: &str = "expected a prefix \"/api/\", \"= /exact\", \"^~ /firm/\" or \"~ expression\"";

fn path_match(report: &Report<'_>, path: &Located<String>) -> Option<(PathMatch, Groups)> {
    let text = path.value.as_str();
    for (sign, case) in [("~*", Case::Insensitive), ("~", Case::Sensitive)] {
        if let Some(pattern) = text.strip_prefix(sign) {
            let pattern = Located { value: pattern.trim().to_owned(), span: path.span.clone() };
            let groups = pattern::check(report, &pattern, case)?;
            return Some((PathMatch::Regex { pattern: pattern.value, case }, groups));
        }
    }
    let (target, kind): (&str, fn(String) -> PathMatch) =
        if let Some(target) = text.strip_prefix('=') {
            (target.trim_start(), PathMatch::Exact)
        } else if let Some(target) = text.strip_prefix("^~") {
            (target.trim_start(), PathMatch::FirmPrefix)
        } else {
            (text, PathMatch::Prefix)
        };
    if !target.starts_with('/') {
        report.error(&path.span, format!("path `{text}` does not start with a slash"), FORMS);
        None
    } else if target.contains(['?', '#']) {
        let message = format!("path `{text}` holds a query");
        report.error(&path.span, message, "requests are matched without it");
        None
    } else {
        Some((kind(target.to_owned()), Groups::default()))
    }
}
