//! `upstream` blocks, and those that `proxy_pass` names without one.

use std::net::{IpAddr, SocketAddr};

use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::values::{self, NO_GROUPS, Names};
use crate::config;
use crate::import::Place;
use crate::import::page::{self, Page};

pub(super) struct Upstreams {
    /// Variables that the file makes.
    own: Vec<String>,
    list: Vec<Upstream>,
}

struct Upstream {
    /// As the file writes it, and as ours is called.
    written: String,
    name: String,
    place: Place,
    lines: Lines,
    backends: Vec<Lines>,
    /// What the first route that leads there says of tries.
    retries: Lines,
    /// How it is spoken to, where that is not HTTP/1.1 in plain.
    speech: Option<Lines>,
}

impl Upstreams {
    /// Those of a block, `http` or `stream`.
    pub(super) fn read(block: &[Directive], own: &[String], remarks: &mut Remarks) -> Self {
        let mut upstreams = Self { own: own.to_vec(), list: Vec::new() };
        upstreams.add(block, remarks);
        upstreams
    }

    /// Those of one more block, which may have names that are taken already.
    pub(super) fn add(&mut self, block: &[Directive], remarks: &mut Remarks) {
        for directive in block.iter().filter(|directive| directive.name == "upstream") {
            let Some(written) = directive.argument(0) else {
                remarks.mistake(&directive.place, "`upstream` wants a name");
                continue;
            };
            let name = self.free_name(written);
            // The latest of a name is found first: it is of the block that is being read.
            let read = upstream(written, name, (directive, &self.own), remarks);
            self.list.insert(0, read);
        }
    }

    fn free_name(&self, written: &str) -> String {
        let base = valid_name(written);
        let is_taken = |name: &str| self.list.iter().any(|upstream| upstream.name == name);
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| !is_taken(name)).expect("there is always another number")
    }

    /// What a `host` or `host:port` of `proxy_pass` is called here.
    pub(super) fn lead_to(&mut self, host: &str, usual_port: u16, place: &Place) -> Option<String> {
        if let Some(known) = self.list.iter_mut().find(|upstream| upstream.written == host) {
            return Some(known.name.clone());
        }
        let address = address(host, usual_port)?;
        let name = self.free_name(host);
        let mut backend = Lines::default();
        backend.text("address", &address, place);
        Some(self.add_single(host, name, backend, place))
    }

    /// One of a single backend; its name.
    fn add_single(&mut self, written: &str, name: String, backend: Lines, place: &Place) -> String {
        self.list.push(Upstream {
            written: written.to_owned(),
            name: name.clone(),
            place: place.clone(),
            lines: Lines::default(),
            backends: vec![backend],
            retries: Lines::default(),
            speech: None,
        });
        name
    }

    /// One that takes nobody.
    pub(super) fn nowhere(&mut self, place: &Place) -> String {
        let name = self.free_name("nowhere");
        let mut backend = Lines::default();
        backend.text("address", "127.0.0.1:1", place);
        backend.add("down", "true", place);
        self.add_single("", name, backend, place)
    }

    /// The same in another way of speaking, which is a part of `written`: an upstream speaks in one
    /// way, so one that does in two becomes two.
    pub(super) fn lead_by(
        &mut self,
        written: &str,
        (host, usual_port): (&str, u16),
        speech: Lines,
        place: &Place,
    ) -> Option<String> {
        if let Some(known) = self.list.iter().find(|upstream| upstream.written == written) {
            return Some(known.name.clone());
        }
        let known = self.list.iter().find(|upstream| upstream.written == host);
        let parts = known.map(|known| (known.lines.clone(), known.backends.clone()));
        let (lines, backends) = if let Some(parts) = parts {
            parts
        } else {
            let mut backend = Lines::default();
            backend.text("address", &address(host, usual_port)?, place);
            (Lines::default(), vec![backend])
        };
        let name = self.free_name(host);
        self.list.push(Upstream {
            written: written.to_owned(),
            name: name.clone(),
            place: place.clone(),
            lines,
            backends,
            retries: Lines::default(),
            speech: Some(speech),
        });
        Some(name)
    }

    /// Where connections to a host come from, as `proxy_bind` says. Nothing is bound to reach a socket
    /// in the file system.
    pub(super) fn bind<'a>(
        &self,
        (scope, family): (&Scope<'a>, &str),
        host: &str,
        remarks: &mut Remarks,
    ) -> Option<(String, &'a Place)> {
        let rule = scope.one(&format!("{family}_bind"))?;
        if rule.argument(0) == Some("off") || host.starts_with("unix:") {
            return None;
        }
        let [word] = rule.arguments.as_slice() else {
            return unbound(rule, "only a fixed address has an equal here", remarks);
        };
        let bare = word.strip_suffix(":0").unwrap_or(word);
        let bare = bare.trim_start_matches('[').trim_end_matches(']');
        let Ok(own) = word.parse::<IpAddr>().or_else(|_| bare.parse()) else {
            return unbound(rule, "only a fixed address has an equal here", remarks);
        };
        let is_other = |address: &str| {
            let fixed = address.trim_matches('"').parse::<SocketAddr>();
            fixed.is_ok_and(|address| address.is_ipv4() != own.is_ipv4())
        };
        let known = self.list.iter().find(|upstream| upstream.written == host);
        let is_unfit = match known {
            Some(known) => known.backends.iter().filter_map(|it| it.value("address")).any(is_other),
            None => address(host, 1).is_some_and(|address| is_other(&address)),
        };
        if is_unfit {
            return unbound(rule, "a server is of the other family", remarks);
        }
        Some((own.to_string(), &rule.place))
    }

    /// The same as `lead_to`, by connections that come from there.
    pub(super) fn lead_from(
        &mut self,
        bind: Option<(String, &Place)>,
        (host, usual_port): (&str, u16),
        place: &Place,
    ) -> Option<String> {
        let Some((own, rule)) = bind else { return self.lead_to(host, usual_port, place) };
        let mut speech = Lines::default();
        speech.text("bind", &own, rule);
        self.lead_by(&format!("{host} from {own}"), (host, usual_port), speech, place)
    }

    /// The rules of `proxy_next_upstream`: there they belong to a route, here to an upstream.
    pub(super) fn set_retries(
        &mut self,
        name: &str,
        (scope, family): (&Scope<'_>, &str),
        remarks: &mut Remarks,
    ) {
        let Some(upstream) = self.list.iter_mut().find(|upstream| upstream.name == name) else {
            return;
        };
        if upstream.retries.is_empty() {
            let others = upstream.backends.len().saturating_sub(1);
            upstream.retries = retries((scope, family), others, &upstream.place, remarks);
        }
    }

    pub(super) fn write(&self, page: &mut Page, remarks: &mut Remarks) {
        for upstream in &self.list {
            let header = page::bare_or_quoted(&upstream.name);
            if upstream.backends.is_empty() {
                remarks.mistake(&upstream.place, format!("upstream `{header}` has no server"));
            }
            page.table(&format!("[upstream.{header}]"), &upstream.place);
            upstream.lines.write(page);
            upstream.retries.write(page);
            upstream.speech.iter().for_each(|speech| speech.write(page));
            for backend in &upstream.backends {
                page.table(&format!("[[upstream.{header}.backend]]"), &upstream.place);
                backend.write(page);
            }
        }
    }
}

fn unbound<T>(rule: &Directive, why: &str, remarks: &mut Remarks) -> Option<T> {
    let text = format!("the kernel chooses where connections come from: of `{}`, {why}", rule.name);
    remarks.warn(&rule.place, text);
    None
}

fn upstream(
    written: &str,
    name: String,
    (directive, own): (&Directive, &[String]),
    remarks: &mut Remarks,
) -> Upstream {
    let scope = Scope::new(directive.inner());
    let mut lines = Lines::default();
    strategy(&scope, own, &mut lines, remarks);
    if let Some((number, place)) = scope.number("keepalive", remarks) {
        lines.add("keepalive", number.to_string(), place);
    }
    if let Some((number, place)) = scope.number("keepalive_requests", remarks) {
        lines.add("keepalive_requests", number.to_string(), place);
    }
    for name in ["keepalive_timeout", "keepalive_time"] {
        if let Some((time, place)) = scope.time(name, remarks) {
            lines.text(name, &time, place);
        }
    }
    let backends = backends(&scope, remarks);
    Upstream {
        written: written.to_owned(),
        name,
        place: directive.place.clone(),
        lines,
        backends,
        retries: Lines::default(),
        speech: None,
    }
}

fn strategy(scope: &Scope<'_>, own: &[String], lines: &mut Lines, remarks: &mut Remarks) {
    for (name, ours) in [("least_conn", "least_conn"), ("ip_hash", "ip_hash")] {
        if let Some(directive) = scope.one(name) {
            lines.text("strategy", ours, &directive.place);
        }
    }
    if let Some(random) = scope.one("random") {
        match random.arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => lines.text("strategy", "random", &random.place),
            ["two"] | ["two", "least_conn"] => {
                lines.text("strategy", "random_two", &random.place);
            }
            _ => {
                lines.text("strategy", "random_two", &random.place);
                remarks.warn(&random.place, "of two drawn, the one with fewer requests is taken");
            }
        }
    }
    if let Some(hash) = scope.one("hash") {
        let is_consistent = hash.argument(1) == Some("consistent");
        let key = hash.argument(0).unwrap_or_default();
        match values::template(key, Names { own, groups: &NO_GROUPS }) {
            Ok(key) => {
                let strategy = if is_consistent { "hash_consistent" } else { "hash" };
                lines.text("strategy", strategy, &hash.place);
                lines.text("hash_key", &key, &hash.place);
            }
            Err(name) => {
                remarks.warn(&hash.place, format!("no variable `${name}` here: round robin"));
            }
        }
    }
    if let Some(least) = scope.one("least_time") {
        let is_last = least.argument(0) == Some("last_byte");
        lines.text("strategy", "least_time", &least.place);
        lines.text("least_time", if is_last { "last_byte" } else { "header" }, &least.place);
    }
}

/// An address is one backend here, however often it is written: then its weights are one.
fn backends(scope: &Scope<'_>, remarks: &mut Remarks) -> Vec<Lines> {
    let mut known: Vec<(String, u32, &Directive)> = Vec::new();
    for server in scope.own("server") {
        let written = server.argument(0).unwrap_or_default();
        let Some(address) = address(written, 80) else {
            let text = format!("`{written}` is no address of a server");
            remarks.mistake(&server.place, text);
            continue;
        };
        let mut weights = server.arguments.iter().filter_map(|word| word.strip_prefix("weight="));
        let weight = weights.next_back().and_then(|weight| weight.parse().ok()).unwrap_or(1);
        match known.iter_mut().find(|(other, _, _)| *other == address) {
            None => known.push((address, weight, server)),
            Some((_, sum, _)) => {
                *sum = sum.saturating_add(weight);
                let text = format!("{address} is a server already: its weight is added there");
                remarks.warn(&server.place, text);
            }
        }
    }
    known.into_iter().map(|it| backend(it, remarks)).collect()
}

fn backend((address, weight, server): (String, u32, &Directive), remarks: &mut Remarks) -> Lines {
    let place = &server.place;
    let mut lines = Lines::default();
    lines.text("address", &address, place);
    if weight != 1 {
        lines.add("weight", weight.to_string(), place);
    }
    for parameter in server.arguments.iter().skip(1) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name, value) {
            ("weight", number) if number.parse::<u32>().is_ok() => {}
            ("max_fails" | "max_conns", number) if number.parse::<u32>().is_ok() => {
                let number: u32 = number.parse().expect("looked at just now");
                lines.add(name, number.to_string(), place);
            }
            ("fail_timeout", time) if values::time_ms(time).is_some() => {
                let ms = values::time_ms(time).expect("looked at just now");
                lines.text(name, &values::duration(ms), place);
            }
            ("backup" | "down", "") => lines.add(name, "true", place),
            // Names are looked up again anyway.
            ("resolve", "") => {}
            _ => remarks.warn(place, format!("`{parameter}` of a server has no equal here")),
        }
    }
    lines
}

/// As ours writes it: always with a port.
fn address(written: &str, usual_port: u16) -> Option<String> {
    if let Some(path) = written.strip_prefix("unix:") {
        return path.starts_with('/').then(|| written.to_owned());
    }
    let is_bracketed = written.starts_with('[');
    let has_port = if is_bracketed { written.contains("]:") } else { written.contains(':') };
    let full = if has_port { written.to_owned() } else { format!("{written}:{usual_port}") };
    config::backend_location(&full).ok().map(|_| full)
}

fn retries(
    (scope, family): (&Scope<'_>, &str),
    others: usize,
    place: &Place,
    remarks: &mut Remarks,
) -> Lines {
    let mut lines = Lines::default();
    let name = format!("{family}_next_upstream");
    let tries = scope.number(&format!("{name}_tries"), remarks);
    match tries {
        Some((tries @ 1.., place)) => {
            lines.add("retries", (tries - 1).min(64).to_string(), place);
        }
        // Without a number, every other one is tried.
        _ if others != 1 => lines.add("retries", others.min(64).to_string(), place),
        _ => {}
    }
    if let Some((time, place)) = scope.time(&format!("{name}_timeout"), remarks) {
        lines.text("retry_timeout", &time, place);
    }
    if let Some(rules) = scope.one(&name) {
        if rules.argument(0) == Some("off") {
            lines.text("retry_on", "off", &rules.place);
        } else {
            lines.add("retry_on", page::strings(&rules.arguments), &rules.place);
        }
    }
    lines
}

/// The nearest name that ours can be.
pub(super) fn valid_name(written: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut name: String = written.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        name.insert(0, 'u');
    }
    name.truncate(config::limits::NAME_BYTES_MAX - 4);
    name
}
