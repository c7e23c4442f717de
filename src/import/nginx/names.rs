//! `server_name`: what clients ask for, and the variables that its expressions make.
//!
//! nginx finds a server by all names of its address at once, the default server's among them, so names
//! are read of all servers before any is written.

use super::lines::Lines;
use super::listen::{self, Listening};
use super::scope::Remarks;
use super::steps::Steps;
use super::tables;
use super::tree::Directive;
use super::values;
use crate::config::model::server_name::HostName;
use crate::import::Place;
use crate::import::page;

/// What a server is for that can be asked for by no name at all.
const UNNAMED: &str = "unnamed.invalid";

/// The names of all servers, as ours writes them.
pub(super) struct Names<'a>(Vec<Named<'a>>);

struct Named<'a> {
    server: &'a Directive,
    hosts: Vec<(String, &'a Place)>,
}

impl<'a> Names<'a> {
    pub(super) fn read(servers: &[&'a Directive], remarks: &mut Remarks) -> Self {
        let mut taken: Vec<(String, String, &Directive)> = Vec::new();
        let named = servers.iter().map(|server| {
            let mut hosts: Vec<(String, &Place)> = Vec::new();
            let addresses = listen::read(server, &mut Remarks::default());
            for (host, place) in written(server, remarks) {
                let is_it = |(address, known, _): &&(String, String, &Directive)| {
                    *known == host && addresses.iter().any(|own| own.address == *address)
                };
                match taken.iter().find(is_it) {
                    // Once is enough.
                    Some((_, _, owner)) if std::ptr::eq(*owner, *server) => continue,
                    Some(_) => {
                        let text = format!("`{host}` leads to an earlier server of its address");
                        remarks.warn(place, text);
                        continue;
                    }
                    None => {}
                }
                let own = addresses.iter().map(|it| (it.address.clone(), host.clone(), *server));
                taken.extend(own);
                hosts.push((host, place));
            }
            Named { server, hosts }
        });
        Self(named.collect())
    }

    fn of(&self, server: &Directive) -> &[(String, &'a Place)] {
        let named = self.0.iter().find(|named| std::ptr::eq(named.server, server));
        named.map_or(&[], |named| &named.hosts)
    }

    /// Whether another server may be found by what is this one's name.
    fn are_disputed(&self, server: &Directive) -> bool {
        let others = self.0.iter().filter(|named| !std::ptr::eq(named.server, server));
        let is_open =
            |(host, _): &(String, &Place)| !matches!(HostName::of(host), HostName::Exact(_));
        others.flat_map(|named| &named.hosts).any(is_open)
    }

    /// Who asks for no name of any server gets the default one of the address: with us, one without
    /// names, or with `*` beside them.
    pub(super) fn write(
        &self,
        (server, listened): (&Directive, &[Listening]),
        defaults: &[(String, &Directive)],
        lines: &mut Lines,
        remarks: &mut Remarks,
    ) {
        called(server, lines);
        let is_default = |listening: &&Listening| {
            let of = defaults.iter().find(|(address, _)| *address == listening.address);
            of.is_some_and(|(_, default)| std::ptr::eq(*default, server))
        };
        let places = listened.iter().filter(is_default).count();
        let names = self.of(server);
        let mut hosts: Vec<&str> = names.iter().map(|(host, _)| host.as_str()).collect();
        if places == listened.len() {
            if hosts.is_empty() || !self.are_disputed(server) {
                return;
            }
            hosts.push("*");
        } else if places > 0 {
            let text = "the default of only some of its addresses: here it is none";
            remarks.warn(&server.place, text);
        }
        if hosts.is_empty() {
            hosts.push(UNNAMED);
        }
        let place = names.first().map_or(&server.place, |(_, place)| place);
        lines.add("hosts", page::strings(hosts), place);
    }

    /// Steps that set what groups of the expression are called by which the server was found.
    pub(super) fn set_groups(&self, server: &Directive, own: &[String], steps: &mut Steps) {
        let names = self.of(server);
        let plain: Vec<String> = names.iter().filter_map(|(host, _)| pattern_of(host)).collect();
        // Whoever came by one of these, or by an earlier expression, was not found by this one.
        let mut before = Vec::new();
        if !plain.is_empty() {
            before.push(format!("^(?:{})$", plain.join("|")));
        }
        let mut made = Vec::new();
        for (host, place) in names {
            let HostName::Expression(text) = HostName::of(host) else { continue };
            let pattern = format!("(?i){text}");
            let pairs: Vec<(String, String)> = groups(text)
                .filter(|name| own.contains(name))
                .map(|name| (name.clone(), page::string(&format!("${{{name}}}"))))
                .collect();
            let condition = |key: &str, pattern: &str| {
                let pairs = [("source", "${host}"), (key, pattern)];
                page::inline(&pairs.map(|(key, text)| (key.to_owned(), page::string(text))))
            };
            if !pairs.is_empty() {
                let mut when: Vec<String> =
                    before.iter().map(|pattern| condition("matches_not", pattern)).collect();
                when.push(condition("matches", &pattern));
                let when = ("when".to_owned(), format!("[{}]", when.join(", ")));
                let set = ("set".to_owned(), page::inline(&pairs));
                made.push((vec![when, set], *place));
            }
            before.push(pattern);
        }
        for (pairs, place) in made.into_iter().rev() {
            steps.lead(pairs, place);
        }
    }
}

/// The variables that expressions of these servers make.
pub(super) fn variables(http: &[Directive]) -> Vec<String> {
    let servers = http.iter().filter(|directive| directive.name == "server");
    let rules = servers.flat_map(Directive::inner).filter(|rule| rule.name == "server_name");
    let words = rules.flat_map(|rule| &rule.arguments);
    let expressions = words.filter_map(|word| word.strip_prefix('~'));
    let mut names: Vec<String> =
        expressions.flat_map(groups).filter(|name| tables::can_be_set(name)).collect();
    names.sort();
    names.dedup();
    names
}

/// What groups of an expression are called.
fn groups(expression: &str) -> impl Iterator<Item = String> {
    let pattern = values::expression(expression).ok();
    let names = pattern.iter().flat_map(|pattern| pattern.capture_names().flatten());
    names.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The names that a server is found by.
fn written<'a>(server: &'a Directive, remarks: &mut Remarks) -> Vec<(String, &'a Place)> {
    let mut hosts = Vec::new();
    for rule in server.inner().iter().filter(|directive| directive.name == "server_name") {
        for name in &rule.arguments {
            let place = &rule.place;
            let mut left_out = |why: &str| {
                remarks.warn(place, format!("server `{name}` is not found by this name: {why}"));
            };
            if let Some(expression) = name.strip_prefix('~') {
                match values::expression(expression) {
                    Err(why) => left_out(&format!("the expression is none of ours ({why})")),
                    Ok(_) if expression.contains("${") => left_out("`${` is a variable here"),
                    Ok(_) => hosts.push((name.clone(), place)),
                }
                continue;
            }
            match name.strip_prefix('.') {
                _ if matches!(name.as_str(), "" | "_" | "*") => {}
                _ if name.starts_with('$') => left_out("it has no equal here"),
                Some(bare) if bare.contains('*') => left_out("nor is it by nginx"),
                Some(bare) => {
                    let bare = bare.to_ascii_lowercase();
                    hosts.extend([(bare.clone(), place), (format!("*.{bare}"), place)]);
                }
                None => hosts.push((name.to_ascii_lowercase(), place)),
            }
        }
    }
    hosts
}

/// An expression of the names that are one of these; `None`: it is an expression itself.
fn pattern_of(host: &str) -> Option<String> {
    match HostName::of(host) {
        HostName::Any | HostName::Expression(_) => None,
        HostName::Exact(name) => Some(regex::escape(name)),
        HostName::Below(end) => Some(format!(".+{}", regex::escape(end))),
        HostName::Begun(beginning) => Some(format!("{}.+", regex::escape(beginning))),
    }
}

/// What `$server_name` is: the first one as it is written, whoever asks for it by which name.
fn called(server: &Directive, lines: &mut Lines) {
    let Some(rule) = server.inner().iter().find(|it| it.name == "server_name") else { return };
    let Some(name) = rule.argument(0).map(|name| name.strip_prefix('.').unwrap_or(name)) else {
        return;
    };
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic()) {
        lines.text("name", name, &rule.place);
    }
}
