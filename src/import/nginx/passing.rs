//! What passes requests on: `proxy_pass` and `grpc_pass`, with all that goes along.

use super::content::Writing;
use super::lines::Lines;
use super::replies::{self, Passed};
use super::scope::Scope;
use super::tree::Directive;
use super::{headers, tables, tls, values};
use crate::config;
use crate::import::Place;
use crate::import::page;

/// How backends are spoken to, by the directive that names them.
#[derive(Clone, Copy)]
struct Speech {
    /// What its other directives begin with.
    family: &'static str,
    /// Without and with TLS.
    schemes: [&'static str; 2],
    is_http2: bool,
}

impl Speech {
    fn of(pass: &Directive) -> Self {
        match pass.name.as_str() {
            "grpc_pass" => {
                Self { family: "grpc", schemes: ["grpc://", "grpcs://"], is_http2: true }
            }
            _ => Self { family: "proxy", schemes: ["http://", "https://"], is_http2: false },
        }
    }

    /// Whether it is over TLS, and what follows the scheme.
    fn split(self, target: &str) -> Option<(bool, &str)> {
        let [plain, secure] = self.schemes;
        let rest = target.strip_prefix(plain).map(|rest| (false, rest));
        let rest = rest.or_else(|| Some((true, target.strip_prefix(secure)?)));
        rest.or_else(|| (self.is_http2 && !target.contains("://")).then_some((false, target)))
    }
}

/// What passes requests on from a place.
pub(super) fn pass<'a>(scope: &Scope<'a>) -> Option<&'a Directive> {
    scope.own("proxy_pass").next().or_else(|| scope.own("grpc_pass").next())
}

/// Whether an address ends before it; a variable there is one that begins with a slash.
fn begins_a_path(uri: &str) -> bool {
    let of_paths = ["$request_uri", "${request_uri}", "$uri", "${uri}"];
    uri.is_empty() || uri.starts_with('/') || of_paths.iter().any(|start| uri.starts_with(start))
}

impl Writing<'_, '_> {
    pub(super) fn proxy(&mut self, pass: &Directive, lines: &mut Lines) {
        let place = &pass.place;
        let target = pass.argument(0).unwrap_or_default();
        let speech = Speech::of(pass);
        let Some((is_secure, rest)) = speech.split(target) else {
            self.remarks.warn(place, "answered with 501, as such a target has no equal here");
            lines.add("respond", "501", place);
            return;
        };
        let is_socket = rest.starts_with("unix:");
        let end = if is_socket {
            rest["unix:".len()..].find(':').map_or(rest.len(), |at| at + "unix:".len())
        } else {
            rest.find(['/', '$']).unwrap_or(rest.len())
        };
        let (host, uri) = rest.split_at(end);
        let uri = uri.strip_prefix(':').filter(|_| is_socket).unwrap_or(uri);
        if host.is_empty() && self.by_variable((pass, speech), is_secure, uri, lines).is_some() {
            return;
        }
        if host.is_empty() || host.contains('$') || !begins_a_path(uri) {
            let text = "answered with 501, as such a target of variables has no equal here";
            self.remarks.warn(place, text);
            lines.add("respond", "501", place);
            return;
        }
        let Some(upstream) = self.upstream(speech, is_secure, host, place) else {
            self.remarks.mistake(place, format!("`{host}` is no server"));
            return;
        };
        self.upstreams.set_retries(&upstream, (self.scope, speech.family), self.remarks);
        lines.text("upstream", &upstream, place);
        if uri.contains('$') {
            self.whole_target(uri, place, lines);
        } else if !uri.is_empty() {
            self.retarget(uri, place, lines);
        }
        let host = if is_socket { "localhost" } else { host };
        let passed = Passed {
            url: (!target.contains('$')).then_some(target),
            here: self.matched.path.unwrap_or("/"),
            host,
        };
        self.passing((self.scope, speech.family), passed, place, lines);
    }

    /// A server that a variable names: one of those that it can come to, which are all known.
    fn by_variable(
        &mut self,
        (pass, speech): (&Directive, Speech),
        is_secure: bool,
        target: &str,
        lines: &mut Lines,
    ) -> Option<()> {
        let place = &pass.place;
        let (name, uri) = values::first_name(target)?;
        if !self.own.iter().any(|known| known == name) || !begins_a_path(uri) {
            return None;
        }
        let values = tables::values_of(self.http, name)?;
        let servers: Vec<&str> =
            values.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
        let mut led = Vec::new();
        for server in &servers {
            led.push((*server, self.upstream(speech, is_secure, server, place)?));
        }
        let ((_, usual), others) = led.split_first()?;
        for (_, upstream) in &led {
            self.upstreams.set_retries(upstream, (self.scope, speech.family), self.remarks);
        }
        lines.text("upstream", usual, place);
        let source = format!("${{{name}}}");
        let choice = |(server, upstream): &(&str, String)| {
            let when = [("source", page::string(&source)), ("is", page::string(server))];
            let when = page::inline(&when.map(|(key, value)| (key.to_owned(), value)));
            let pairs = [("when", when), ("upstream", page::string(upstream))];
            page::inline(&pairs.map(|(key, value)| (key.to_owned(), value)))
        };
        let choices: Vec<String> = others.iter().map(choice).collect();
        if !choices.is_empty() {
            lines.add("choices", format!("[{}]", choices.join(", ")), place);
        }
        if servers.len() < values.len() {
            self.refused =
                Some((name.to_owned(), servers.iter().map(|it| (*it).to_owned()).collect()));
        }
        if !uri.is_empty() {
            self.whole_target(uri, place, lines);
        }
        let passed = Passed { url: None, here: "/", host: &source };
        self.passing((self.scope, speech.family), passed, place, lines);
        Some(())
    }

    /// What ours calls the server of a target.
    fn upstream(
        &mut self,
        speech: Speech,
        is_secure: bool,
        host: &str,
        place: &Place,
    ) -> Option<String> {
        let mut own = Lines::default();
        let (paths, family) = (&self.paths.folder, speech.family);
        if is_secure {
            own = tls::of_upstream((self.scope, family), paths, host, place, self.remarks);
        }
        if speech.is_http2 {
            own.add("http2", "true", place);
        }
        let port = if is_secure { 443 } else { 80 };
        let scheme = speech.schemes[usize::from(is_secure)];
        let bind = self.upstreams.bind((self.scope, family), host, self.remarks);
        if own.is_empty() {
            return self.upstreams.lead_from(bind, (host, port), place);
        }
        let mut from = String::new();
        if let Some((address, rule)) = bind {
            from = format!(" from {address}");
            own.text("bind", &address, rule);
        }
        self.upstreams.lead_by(&format!("{scheme}{host}{from}"), (host, port), own, place)
    }

    /// How requests are passed on, as the scope says.
    pub(super) fn passing(
        &mut self,
        (scope, family): (&Scope<'_>, &str),
        passed: Passed<'_>,
        place: &Place,
        lines: &mut Lines,
    ) {
        let names = self.names();
        let headers = headers::of_request((scope, family), names, passed.host, self.remarks);
        let name = format!("{family}_set_header");
        let at = scope.all(&name).first().map_or(place, |rule| &rule.place);
        lines.add("request_headers", headers, at);
        if family == "proxy" {
            self.replaced = replies::read(scope, passed, names, self.remarks);
            self.sent(scope, lines);
        }
        for (name, ours) in
            [("connect_timeout", "connect_timeout"), ("read_timeout", "read_timeout")]
        {
            if let Some((time, place)) = scope.time(&format!("{family}_{name}"), self.remarks) {
                lines.text(ours, &time, place);
            }
        }
        if let Some(("on", place)) = scope.word("proxy_request_buffering") {
            lines.add("request_buffering", "true", place);
        }
    }

    /// What of a request goes on.
    fn sent(&mut self, scope: &Scope<'_>, lines: &mut Lines) {
        for (name, ours) in [
            ("proxy_pass_request_body", "send_body"),
            ("proxy_pass_request_headers", "send_headers"),
        ] {
            if let Some(("off", place)) = scope.word(name) {
                lines.add(ours, "false", place);
            }
        }
        match scope.word("proxy_method") {
            None | Some(("$request_method" | "${request_method}", _)) => {}
            Some((method, place)) if config::can_send_method(method) => {
                lines.text("send_method", method, place);
            }
            Some((method, place)) => {
                let text = format!("backends are asked by the client's method, not by `{method}`");
                self.remarks.warn(place, text);
            }
        }
    }

    /// A target whose path is made of variables: nothing of the request's own goes along.
    fn whole_target(&mut self, uri: &str, place: &Place, lines: &mut Lines) {
        match values::template(uri, self.names()) {
            Ok(target) => lines.text("target", &target, place),
            Err(variable) => {
                let text = format!("passed on as it is: there is no `${variable}` here");
                self.remarks.warn(place, text);
            }
        }
    }

    /// What `proxy_pass` has after the server replaces what the location matched.
    fn retarget(&mut self, uri: &str, place: &Place, lines: &mut Lines) {
        let Some(path) = self.matched.path else {
            self.remarks.mistake(place, "`proxy_pass` with a path within a regular expression");
            return;
        };
        let end = if self.matched.is_exact { "$" } else { "" };
        let pairs = [
            ("match", page::string(&format!("^{}{end}", regex::escape(path)))),
            ("to", page::string(&uri.replace('$', "$$"))),
        ];
        let pairs: [_; 2] = pairs.map(|(key, value)| (key.to_owned(), value));
        let [(key, pattern), (to, target)] = pairs;
        // All that follows the path is kept.
        let (pattern, target) = if self.matched.is_exact {
            (pattern, target)
        } else {
            let open = |quoted: &str, end: &str| {
                format!("{}{end}\"", quoted.strip_suffix('"').unwrap_or(quoted))
            };
            (open(&pattern, "(.*)"), open(&target, "${1}"))
        };
        lines.add("rewrite", page::inline(&[(key, pattern), (to, target)]), place);
    }
}
