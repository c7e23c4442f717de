//! What a route does: nginx's content handlers and the rewrite module's `return`, as one action.

use super::guards::{self, Zones};
use super::leads::{self, Leads};
use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::upstreams::Upstreams;
use super::{Paths, headers, tls, values};
use crate::import::Place;
use crate::import::page;

/// A location, as it is matched.
#[derive(Clone, Debug)]
pub(super) struct Matched<'a> {
    /// Of a prefix or an exact path, the path; of an expression, nothing.
    pub(super) path: Option<&'a str>,
    pub(super) is_exact: bool,
    /// Names of an expression's groups.
    pub(super) groups: Vec<String>,
    pub(super) place: &'a Place,
}

/// What is written for a route beside its path.
pub(super) struct Writing<'a, 'b> {
    pub(super) scope: &'b Scope<'a>,
    pub(super) matched: &'b Matched<'a>,
    pub(super) upstreams: &'b mut Upstreams,
    /// `@name` locations of the server.
    pub(super) named: &'b [(&'a str, Scope<'a>)],
    /// Its other locations, by their paths.
    pub(super) located: &'b [(&'b str, Scope<'a>)],
    pub(super) leads: &'b Leads<'a, 'b>,
    pub(super) zones: &'b Zones,
    pub(super) paths: &'b Paths,
    pub(super) remarks: &'b mut Remarks,
}

/// Handlers of other protocols.
pub(super) const OTHERS: [&str; 9] = [
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "grpc_pass",
    "memcached_pass",
    "stub_status",
    "empty_gif",
    "perl",
    "js_content",
];

/// What shuts people out: without an equal, the route stays shut.
pub(super) const GUARDS: [&str; 4] = ["auth_jwt", "secure_link", "auth_delay", "limit_except"];

impl Writing<'_, '_> {
    pub(super) fn action(&mut self) -> Lines {
        let mut lines = Lines::default();
        if let Some(answer) = self.scope.own("return").next() {
            // Comes before all of nginx's guards.
            self.answer(answer, &mut lines);
        } else if let Err(guard) = self.guards(&mut lines) {
            lines = Lines::default();
            let text = format!("shut (403), as such an `{}` has no equal here", guard.name);
            self.remarks.warn(&guard.place, text);
            lines.add("respond", "403", &guard.place);
        } else if let Some(internal) = self.scope.own("internal").next() {
            lines.add("respond", "404", &internal.place);
        } else if let Some(pass) = self.scope.own("proxy_pass").next() {
            self.proxy(pass, &mut lines);
        } else if let Some(other) = OTHERS.iter().find_map(|name| self.scope.own(name).next()) {
            let text = format!("answered with 501, as `{}` has no equal here", other.name);
            self.remarks.warn(&other.place, text);
            lines.add("respond", "501", &other.place);
        } else {
            self.files(&mut lines);
        }
        self.rewrites(&mut lines);
        lines
    }

    /// Who is let in, how often and how fast. An error is what would have kept somebody out and has no
    /// equal.
    fn guards(&mut self, lines: &mut Lines) -> Result<(), Directive> {
        let is_off = |directive: &Directive| directive.argument(0) == Some("off");
        let other = GUARDS.iter().find_map(|name| self.scope.one(name).filter(|it| !is_off(it)));
        if let Some(other) = other {
            return Err(other.clone());
        }
        let place = (self.zones, self.paths.folder.as_str());
        guards::write(self.scope, place, lines, self.remarks).map_err(Directive::clone)?;
        guards::ask(self.scope, self.located, self.upstreams, lines)
    }

    /// `return CODE`, `return CODE TEXT`, `return URL`.
    fn answer(&mut self, answer: &Directive, lines: &mut Lines) {
        let place = &answer.place;
        let (status, text) = match answer.arguments.as_slice() {
            [one] => match one.parse::<u16>() {
                Ok(status) => (status, None),
                Err(_) => (302, Some(one)),
            },
            [status, text] => (status.parse().unwrap_or(0), Some(text)),
            _ => (0, None),
        };
        let text = match text.map(|text| values::template(text, &self.matched.groups)) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(variable)) => {
                let remark = format!("answered with 501: there is no `${variable}` here");
                self.remarks.warn(place, remark);
                lines.add("respond", "501", place);
                return;
            }
        };
        match (status, text) {
            (301..=303 | 307 | 308, Some(to)) => {
                let to = if to.starts_with('/') {
                    format!("${{scheme}}://${{http_host}}{to}")
                } else {
                    to
                };
                let pairs = [("to", page::string(&to)), ("status", status.to_string())];
                let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
                lines.add("redirect", page::inline(&pairs), place);
            }
            (100..=999, None) => lines.add("respond", status.to_string(), place),
            (100..=999, Some(body)) => {
                let mut pairs = vec![("status".to_owned(), status.to_string())];
                pairs.push(("body".to_owned(), page::string(&body)));
                let kind = self.scope.word("default_type").map_or("text/plain", |(kind, _)| kind);
                pairs.push(("content_type".to_owned(), page::string(kind)));
                lines.add("respond", page::inline(&pairs), place);
            }
            _ => {
                self.remarks.mistake(place, "`return` wants a status, a text or an address");
            }
        }
    }

    fn proxy(&mut self, pass: &Directive, lines: &mut Lines) {
        let place = &pass.place;
        let target = pass.argument(0).unwrap_or_default();
        let (rest, scheme) = match (target.strip_prefix("http://"), target.strip_prefix("https://"))
        {
            (Some(rest), _) => (rest, "http"),
            (_, Some(rest)) => (rest, "https"),
            _ => (target, ""),
        };
        if scheme.is_empty() || target.contains('$') {
            let why = if target.contains('$') { "a target of variables" } else { "such a target" };
            self.remarks.warn(place, format!("answered with 501, as {why} has no equal here"));
            lines.add("respond", "501", place);
            return;
        }
        let is_socket = rest.starts_with("unix:");
        let end = if is_socket {
            rest["unix:".len()..].find(':').map_or(rest.len(), |at| at + "unix:".len())
        } else {
            rest.find('/').unwrap_or(rest.len())
        };
        let (host, uri) = rest.split_at(end);
        let uri = uri.strip_prefix(':').filter(|_| is_socket).unwrap_or(uri);
        let upstream = if scheme == "https" {
            let tls = tls::of_upstream(self.scope, &self.paths.folder, host, place, self.remarks);
            self.upstreams.lead_by_tls(host, tls, place)
        } else {
            self.upstreams.lead_to(host, 80, place)
        };
        let Some(upstream) = upstream else {
            self.remarks.mistake(place, format!("`{host}` is no server"));
            return;
        };
        self.upstreams.set_retries(&upstream, self.scope, self.remarks);
        lines.text("upstream", &upstream, place);
        if !uri.is_empty() {
            self.retarget(uri, place, lines);
        }
        let host = if is_socket { "localhost" } else { host };
        let scope = self.scope;
        self.passing(scope, host, place, lines);
    }

    /// How requests are passed on, as the scope says.
    fn passing(&mut self, scope: &Scope<'_>, host: &str, place: &Place, lines: &mut Lines) {
        let headers = headers::of_request(scope, &self.matched.groups, host, self.remarks);
        let at = scope.all("proxy_set_header").first().map_or(place, |rule| &rule.place);
        lines.add("request_headers", headers, at);
        for (name, ours) in
            [("proxy_connect_timeout", "connect_timeout"), ("proxy_read_timeout", "read_timeout")]
        {
            if let Some((time, place)) = scope.time(name, self.remarks) {
                lines.text(ours, &time, place);
            }
        }
        if let Some(("on", place)) = scope.word("proxy_request_buffering") {
            lines.add("request_buffering", "true", place);
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

    fn files(&mut self, lines: &mut Lines) {
        let place = self.matched.place;
        let alias = self.scope.own("alias").next();
        match (alias, self.scope.word("root")) {
            (Some(alias), _) => {
                let folder = self.absolute(alias.argument(0).unwrap_or_default());
                if self.matched.path.is_none() || folder.contains('$') {
                    let text = "answered with 501, as such an `alias` has no equal here";
                    self.remarks.warn(&alias.place, text);
                    lines.add("respond", "501", &alias.place);
                    return;
                }
                lines.text("alias", &folder, &alias.place);
            }
            (None, Some((root, place))) if root.contains('$') => {
                self.remarks.warn(place, "answered with 501, as variables in `root` have no equal");
                lines.add("respond", "501", place);
                return;
            }
            (None, Some((root, place))) => lines.text("root", &self.absolute(root), place),
            (None, None) => lines.text("root", &self.absolute("html"), place),
        }
        self.index(lines);
        self.try_files(lines);
        if let Some(("on", place)) = self.scope.word("autoindex") {
            let is_json = self.scope.word("autoindex_format").is_some_and(|(it, _)| it == "json");
            let value = if is_json { page::string("json") } else { "true".to_owned() };
            lines.add("autoindex", value, place);
        }
        if let Some((kind, place)) = self.scope.word("default_type") {
            lines.text("default_type", kind, place);
        }
        if let Some(("on" | "always", place)) = self.scope.word("gzip_static") {
            lines.add("precompressed", page::strings(["gz"]), place);
        }
        // nginx serves names that begin with a dot.
        lines.add("dot_files", "true", place);
        self.expires(lines);
    }

    fn expires(&mut self, lines: &mut Lines) {
        let Some(expires) = self.scope.one("expires") else { return };
        match expires.arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["off"] => {}
            [word @ ("epoch" | "max")] => lines.text("expires", word, &expires.place),
            [time] if values::time_ms(time).is_some() => {
                let ms = values::time_ms(time).expect("looked at just now");
                lines.text("expires", &values::duration(ms), &expires.place);
            }
            _ => self.remarks.warn(&expires.place, "such an `expires` has no equal here"),
        }
    }

    fn index(&mut self, lines: &mut Lines) {
        let index = self.scope.one("index");
        let place = index.map_or(self.matched.place, |index| &index.place);
        let usual = ["index.html".to_owned()];
        let mut names = index.map_or(&usual[..], |index| &index.arguments).to_vec();
        let mut is_whole = true;
        names.retain(|name| {
            let objection = self.leads.objection_to_index(name, self.matched.path, self.scope);
            let Some(rule) = objection else { return true };
            let text = format!("`{name}` is left out: `{}` of its location", rule.name);
            self.remarks.warn(place, text);
            is_whole = false;
            false
        });
        if index.is_some() || !is_whole {
            lines.add("index", page::strings(names), place);
        }
    }

    fn try_files(&mut self, lines: &mut Lines) {
        let Some(rule) = self.scope.one("try_files") else { return };
        let place = &rule.place;
        let Some((last, tried)) = rule.arguments.split_last().filter(|(_, it)| !it.is_empty())
        else {
            self.remarks.mistake(place, "`try_files` wants files and what stands for them");
            return;
        };
        let mut paths = Vec::new();
        for path in tried {
            match values::template(path, &self.matched.groups) {
                Ok(path) => paths.push(path),
                Err(variable) => {
                    let text = format!("`{path}` is not tried: there is no `${variable}` here");
                    self.remarks.warn(place, text);
                }
            }
        }
        if let Some(status) = last.strip_prefix('=') {
            match status.parse::<u16>() {
                Ok(status) => lines.add("fallback", status.to_string(), place),
                Err(_) => self.remarks.mistake(place, format!("`{last}` is no status")),
            }
        } else if last.starts_with('@') {
            if let Some(upstream) = self.passed_on(last, lines) {
                lines.text("fallback", &upstream, place);
            } else {
                let text =
                    format!("404 in place of `{last}`, which leads to no upstream that is open");
                self.remarks.warn(place, text);
                lines.add("fallback", "404", place);
            }
        } else {
            self.last_file(last.split('?').next().unwrap_or(last), place, &mut paths, lines);
        }
        lines.add("try_files", page::strings(paths), place);
    }

    /// There a new search for a location, here a last file.
    fn last_file(&mut self, last: &str, place: &Place, paths: &mut Vec<String>, lines: &mut Lines) {
        let objection = match last {
            // The same search finds the same location.
            "$uri" | "${uri}" => None,
            last if last.contains('$') => self.leads.objection_to_any(self.scope),
            last => self.leads.objection(last, self.scope),
        };
        if let Some(rule) = objection {
            let text = format!("404 in place of `{last}`: `{}` of its location", rule.name);
            self.remarks.warn(place, text);
            lines.add("fallback", "404", place);
            return;
        }
        match values::template(last, &self.matched.groups) {
            Ok(path) => paths.push(path),
            Err(variable) => self.remarks.warn(place, format!("there is no `${variable}` here")),
        }
    }

    /// Where a named location leads, if it only passes requests on; how is written already.
    fn passed_on(&mut self, name: &str, lines: &mut Lines) -> Option<String> {
        let (_, scope) = self.named.iter().find(|(known, _)| *known == name)?;
        let is_shut = ["return", "internal"].iter().any(|name| scope.own(name).next().is_some());
        if is_shut || leads::guarded_otherwise(scope, self.scope).is_some() {
            return None;
        }
        let pass = scope.own("proxy_pass").next()?;
        let host = pass.argument(0)?.strip_prefix("http://")?;
        if host.contains(['/', '$']) {
            return None;
        }
        let upstream = self.upstreams.lead_to(host, 80, &pass.place)?;
        self.upstreams.set_retries(&upstream, scope, self.remarks);
        self.passing(scope, host, &pass.place, lines);
        Some(upstream)
    }

    /// One that stays within the location changes the path; the others look for a new location.
    fn rewrites(&mut self, lines: &mut Lines) {
        let mut rules = self.scope.own("rewrite");
        let Some(rule) = rules.next() else { return };
        let is_only = rules.next().is_none();
        let (Some(pattern), Some(to)) = (rule.argument(0), rule.argument(1)) else {
            self.remarks.mistake(&rule.place, "`rewrite` wants an expression and a path");
            return;
        };
        let is_within = rule.argument(2) == Some("break") && lines.has("upstream");
        let to = values::template(to, &groups_of(pattern));
        match (is_only && is_within && !lines.has("rewrite"), to) {
            (true, Ok(to)) if regex::Regex::new(pattern).is_ok() => {
                let pairs = [("match", page::string(pattern)), ("to", page::string(&to))];
                let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
                lines.add("rewrite", page::inline(&pairs), &rule.place);
            }
            _ => {
                self.remarks
                    .warn(&rule.place, "such a `rewrite` has no equal here: it is left out");
            }
        }
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.paths.prefix)
        }
    }
}

/// The names in an expression; none of one that ours does not know.
pub(super) fn groups_of(pattern: &str) -> Vec<String> {
    let Ok(pattern) = regex::Regex::new(pattern) else { return Vec::new() };
    pattern.capture_names().flatten().map(str::to_owned).collect()
}
