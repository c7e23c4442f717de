//! `server` blocks: where they listen, what they are called, and their locations as routes.

use super::content::{Matched, Writing};
use super::guards::Zones;
use super::leads::{self, Leads};
use super::lines::Lines;
use super::listen::{self, Listening};
use super::names::Names as ServerNames;
use super::scope::{Remarks, Scope};
use super::steps::{self, Steps};
use super::tree::Directive;
use super::upstreams::Upstreams;
use super::values::{Groups, NO_GROUPS, Names};
use super::{Paths, client, headers, logs, passing, paths, tls, values};
use crate::config::limits::import::IMPORT_DEPTH_MAX;
use crate::import::Place;
use crate::import::page::{self, Page};

/// What all servers share.
pub(super) struct Site<'a, 'b> {
    pub(super) http: &'b Scope<'a>,
    pub(super) upstreams: &'b mut Upstreams,
    pub(super) zones: &'b Zones,
    pub(super) names: &'b ServerNames<'a>,
    /// Variables that the file makes.
    pub(super) own: &'b [String],
    /// Addresses where HTTP/2 is spoken.
    pub(super) multiplexed: &'b [String],
    pub(super) paths: &'b Paths,
    pub(super) remarks: &'b mut Remarks,
}

/// A location on its way to a route.
struct Location<'a> {
    /// As ours writes it.
    path: String,
    matched: Matched<'a>,
    scope: Scope<'a>,
}

/// A route of ours on its way to the page.
struct Route {
    path: String,
    place: Place,
    lines: Lines,
    steps: Steps,
}

/// All locations of a server, those with a name apart.
#[derive(Default)]
struct Found<'a> {
    named: Vec<(&'a str, Scope<'a>)>,
    locations: Vec<Location<'a>>,
}

impl<'a> Site<'a, '_> {
    pub(super) fn write(
        &mut self,
        server: &'a Directive,
        defaults: &[(String, &Directive)],
        page: &mut Page,
    ) {
        let scope = self.http.within(server.inner());
        let listened = listen::read(server, self.remarks);
        if listened.is_empty() {
            self.remarks.warn(&server.place, "this server is left out: it listens nowhere here");
            return;
        }
        page.table("[[server]]", &server.place);
        let mut lines = Lines::default();
        listening(&listened, self.multiplexed, &mut lines);
        if listened.iter().any(Listening::has_tls) {
            tls::of_server(&scope, &self.paths.folder, &server.place, &mut lines, self.remarks);
        }
        self.names.write((server, &listened), defaults, &mut lines, self.remarks);
        client::write(&scope, &mut lines, self.remarks);
        self.log(&scope, &mut lines);
        let mut steps = self.steps(&scope);
        self.names.set_groups(server, self.own, &mut steps);
        if steps.answer() {
            self.around_steps(server, &scope, &mut lines);
        }
        lines.write(page);
        steps.write("server", page);
        for route in self.routes(server, &scope) {
            page.table("[[server.route]]", &route.place);
            page.key("path", &page::string(&route.path), &route.place);
            route.lines.write(page);
            route.steps.write("server.route", page);
        }
    }

    /// What answers of the server itself get. All of its routes would get it, too, so none may have another
    /// word on it.
    fn around_steps(&mut self, server: &Directive, scope: &Scope<'a>, lines: &mut Lines) {
        const OF_ANSWERS: [&str; 3] = ["add_header", "error_page", "proxy_hide_header"];
        let other = OF_ANSWERS.iter().find_map(|name| within_locations(server, name));
        match (other, OF_ANSWERS.iter().find_map(|name| scope.one(name))) {
            (None, _) => self.around(scope, (&NO_GROUPS, &[]), &[], lines),
            (Some(_), Some(rule)) => {
                let text =
                    format!("`{}` is not for what the server itself answers here", rule.name);
                self.remarks.warn(&rule.place, text);
            }
            (Some(_), None) => {}
        }
    }

    /// What is done before any location is looked for.
    fn steps(&mut self, scope: &Scope<'a>) -> Steps {
        let kind = scope.word("default_type").map_or("text/plain", |(kind, _)| kind);
        let names = Names { own: self.own, groups: &NO_GROUPS };
        let placed = paths::of(scope, false, &self.paths.prefix);
        let mut steps = steps::read(scope.innermost(), (kind, &placed), names, self.remarks);
        if let Some(rule) = steps.shut_by.take() {
            let text = "the server is shut (403), as what this `if` asks for has no equal here";
            self.remarks.warn(&rule.place, text);
            steps.shut(&rule.place);
        }
        steps
    }

    fn routes(&mut self, server: &'a Directive, scope: &Scope<'a>) -> Vec<Route> {
        let mut found = Found::default();
        self.collect(server, scope, &mut found, IMPORT_DEPTH_MAX);
        let Found { named, locations } = found;
        let mut routes = Vec::new();
        if let Some(answer) = scope.own("return").next() {
            // Before any location is looked for.
            let whole = Matched { place: &answer.place, ..root(&server.place) };
            let (lines, steps) = self.route((scope, &whole), scope, &named, &locations);
            return vec![Route { path: "/".to_owned(), place: answer.place.clone(), lines, steps }];
        }
        let has_root = locations.iter().any(|location| location.path == "/");
        for location in &locations {
            let (lines, steps) =
                self.route((&location.scope, &location.matched), scope, &named, &locations);
            if let Some(mut route) = without_slash(location, &locations, &lines) {
                self.around(&location.scope, (&NO_GROUPS, &[]), &locations, &mut route.lines);
                routes.push(route);
            }
            let place = location.matched.place.clone();
            routes.push(Route { path: location.path.clone(), place, lines, steps });
        }
        if !has_root {
            let (lines, steps) =
                self.route((scope, &root(&server.place)), scope, &named, &locations);
            routes.push(Route { path: "/".to_owned(), place: server.place.clone(), lines, steps });
        }
        routes
    }

    fn collect(
        &mut self,
        block: &'a Directive,
        scope: &Scope<'a>,
        found: &mut Found<'a>,
        depth: usize,
    ) {
        for location in block.inner().iter().filter(|directive| directive.name == "location") {
            let words: Vec<&str> = location.arguments.iter().map(String::as_str).collect();
            let (sign, path) = match words.as_slice() {
                [sign @ ("=" | "~" | "~*" | "^~"), path] => (*sign, *path),
                [word] => ["^~", "~*", "~", "="]
                    .iter()
                    .find_map(|sign| Some((*sign, word.strip_prefix(sign)?)))
                    .unwrap_or(("", word)),
                _ => {
                    self.remarks.mistake(&location.place, "`location` wants a path");
                    continue;
                }
            };
            if sign.is_empty() && path.starts_with('@') {
                found.named.push((path, scope.within(location.inner())));
                continue;
            }
            let scope = scope.within(location.inner());
            client::of_whole_servers(location, self.remarks);
            let one = self.location(sign, path, location, scope.clone());
            found.locations.extend(one);
            if depth > 0 {
                self.collect(location, &scope, found, depth - 1);
            }
        }
    }

    /// What a location has of its own beside what it does.
    fn own(&mut self, scope: &Scope<'_>, server: &Scope<'_>, lines: &mut Lines) {
        let is_own = |name: &str| match (scope.one(name), server.one(name)) {
            (Some(own), Some(of_server)) => !std::ptr::eq(own, of_server),
            (own, _) => own.is_some(),
        };
        for (name, ours) in
            [("client_body_timeout", "body_timeout"), ("send_timeout", "send_timeout")]
        {
            if is_own(name)
                && let Some((time, place)) = scope.time(name, self.remarks)
            {
                lines.text(ours, &time, place);
            }
        }
        if is_own("access_log") {
            self.log(scope, lines);
        }
    }

    fn log(&mut self, scope: &Scope<'_>, lines: &mut Lines) {
        logs::access(scope, (self.http, self.own), &self.paths.prefix, lines, self.remarks);
    }

    fn location(
        &mut self,
        sign: &str,
        path: &'a str,
        location: &'a Directive,
        scope: Scope<'a>,
    ) -> Option<Location<'a>> {
        let place = &location.place;
        if matches!(sign, "~" | "~*") {
            if let Err(why) = values::expression(path) {
                let own = Scope::new(location.inner());
                let shuts = own.own("internal").chain(own.own("return")).next();
                // What it would match is found elsewhere, where nobody is kept out.
                match leads::guards(&own).first().copied().or(shuts) {
                    Some(rule) => self.remarks.mistake(
                        place,
                        format!(
                            "the expression is none of ours ({why}), and without its `{}` what it \
                             matches would be open",
                            rule.name
                        ),
                    ),
                    None => self
                        .remarks
                        .warn(place, format!("left out: the expression is none of ours ({why})")),
                }
                return None;
            }
            let matched = Matched { path: None, is_exact: false, groups: Groups::of(path), place };
            return Some(Location { path: format!("{sign} {path}"), matched, scope });
        }
        if !path.starts_with('/') {
            self.remarks.warn(place, format!("left out: `{path}` is no path"));
            return None;
        }
        let ours = if sign.is_empty() { path.to_owned() } else { format!("{sign} {path}") };
        let is_exact = sign == "=";
        let matched = Matched { path: Some(path), is_exact, groups: Groups::default(), place };
        Some(Location { path: ours, matched, scope })
    }

    fn route(
        &mut self,
        (scope, matched): (&Scope<'a>, &Matched<'a>),
        server: &Scope<'a>,
        named: &[(&'a str, Scope<'a>)],
        locations: &[Location<'a>],
    ) -> (Lines, Steps) {
        let located: Vec<(&str, Scope<'_>)> =
            locations.iter().filter_map(|it| Some((it.matched.path?, it.scope.clone()))).collect();
        let all: Vec<(&str, Scope<'_>)> =
            locations.iter().map(|it| (it.path.as_str(), it.scope.clone())).collect();
        let leads = Leads { server, locations: &all };
        let mut writing = Writing {
            scope,
            matched,
            upstreams: self.upstreams,
            named,
            located: &located,
            leads: &leads,
            zones: self.zones,
            own: self.own,
            paths: self.paths,
            replaced: Vec::new(),
            refused: None,
            http: self.http.innermost(),
            remarks: self.remarks,
        };
        let (mut lines, steps) = writing.action();
        let replaced = writing.replaced;
        self.around(scope, (&matched.groups, &replaced), locations, &mut lines);
        self.bounds(scope, &mut lines);
        self.own(scope, server, &mut lines);
        (lines, steps)
    }

    /// What answers of every kind get.
    fn around(
        &mut self,
        scope: &Scope<'a>,
        (groups, replaced): (&Groups, &[String]),
        locations: &[Location<'a>],
        lines: &mut Lines,
    ) {
        let prefix = &self.paths.prefix;
        let names = Names { own: self.own, groups };
        headers::of_response(scope, (names, replaced), lines, self.remarks);
        let file = |uri: &str| file_at(uri, scope, locations, prefix);
        let names = names.with(&NO_GROUPS);
        headers::error_pages(scope, (file, names), lines, self.remarks);
    }

    /// What nginx bounds and compresses without a word, too.
    fn bounds(&mut self, scope: &Scope<'_>, lines: &mut Lines) {
        if !lines.has("upstream") && !lines.has("root") && !lines.has("alias") {
            return;
        }
        match scope.size("client_max_body_size", self.remarks) {
            Some((0, _)) => {}
            Some((bytes, place)) => lines.text("body_max", &values::size(bytes), place),
            None => {
                if let Some(pass) = passing::pass(scope) {
                    lines.text("body_max", "1MB", &pass.place);
                }
            }
        }
        if let Some(("on", place)) = scope.word("gzip") {
            let mut types = vec!["text/html".to_owned()];
            if let Some(rule) = scope.one("gzip_types") {
                types.extend(rule.arguments.iter().cloned());
            }
            types.sort();
            types.dedup();
            if types.iter().any(|kind| kind == "*") {
                types = vec!["*/*".to_owned()];
            }
            let least = scope.size("gzip_min_length", self.remarks).map_or(20, |(bytes, _)| bytes);
            let pairs = [
                ("codings", page::strings(["gzip"])),
                ("types", page::strings(types)),
                ("min", page::string(&values::size(least))),
            ];
            let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
            lines.add("compress", page::inline(&pairs), place);
        }
    }
}

/// A location that passes on what is below `/path/` sends `/path` there.
fn without_slash(location: &Location<'_>, all: &[Location<'_>], route: &Lines) -> Option<Route> {
    let path = location.matched.path?;
    let bare = path.strip_suffix('/').filter(|bare| !bare.is_empty())?;
    let exact = format!("= {bare}");
    let is_taken = all.iter().any(|other| other.path == exact || other.path == bare);
    if location.matched.is_exact || is_taken || !route.has("upstream") {
        return None;
    }
    let place = location.matched.place.clone();
    let to = format!("${{scheme}}://${{http_host}}{path}${{is_args}}${{args}}");
    let mut lines = Lines::default();
    let redirect = format!("{{ to = {}, status = 301 }}", page::string(&to));
    lines.add("redirect", redirect, &place);
    Some(Route { path: exact, place, lines, steps: Steps::default() })
}

/// A directive of any location of a block.
fn within_locations<'d>(block: &'d Directive, name: &str) -> Option<&'d Directive> {
    let mut locations = block.inner().iter().filter(|directive| directive.name == "location");
    locations.find_map(|location| {
        let own = location.inner().iter().find(|directive| directive.name == name);
        own.or_else(|| within_locations(location, name))
    })
}

fn root(place: &Place) -> Matched<'_> {
    Matched { path: Some("/"), is_exact: false, groups: Groups::default(), place }
}

/// The file that a path leads to, as the location of that very path or the place itself serves it, if
/// it is there.
fn file_at(
    uri: &str,
    scope: &Scope<'_>,
    locations: &[Location<'_>],
    prefix: &str,
) -> Option<String> {
    let exact = format!("= {uri}");
    let own = locations.iter().find(|location| location.path == exact || location.path == uri);
    let scope = own.map_or(scope, |location| &location.scope);
    let root = scope.word("root").map_or("html", |(root, _)| root);
    let root = if root.starts_with('/') { root.to_owned() } else { format!("{prefix}/{root}") };
    let path = format!("{}{uri}", root.trim_end_matches('/'));
    crate::import::files::is_file(path.as_ref()).then_some(path)
}

fn listening(listened: &[Listening], multiplexed: &[String], lines: &mut Lines) {
    let one = |listening: &Listening| {
        let address = page::string(&listening.address);
        let flags =
            [("proxy_protocol", listening.has("proxy_protocol")), ("tls", listening.has_tls())];
        let flags = flags.iter().filter(|(_, is_on)| *is_on);
        let mut flags: Vec<String> = flags.map(|(key, _)| format!(", {key} = true")).collect();
        // Without a word it is what each says of TLS.
        let is_multiplexed = multiplexed.contains(&listening.address);
        if is_multiplexed != listening.has_tls() {
            flags.push(format!(", http2 = {is_multiplexed}"));
        }
        let flags = flags.concat();
        if flags.is_empty() { address } else { format!("{{ address = {address}{flags} }}") }
    };
    let all: Vec<String> = listened.iter().map(one).collect();
    lines.add("listen", format!("[{}]", all.join(", ")), &listened[0].place);
}
