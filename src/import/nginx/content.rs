//! What a route does: nginx's content handlers and the rewrite module's `return`, as one action.

use super::guards::{self, Zones};
use super::leads::{self, Leads};
use super::lines::Lines;
use super::replies::Passed;
use super::scope::{Remarks, Scope};
use super::steps::{self, Steps, Unsaid};
use super::tree::Directive;
use super::upstreams::Upstreams;
use super::values::{Groups, Names};
use super::{Paths, media, mirrors, passing, paths, values};
use crate::import::{Place, files, page};

/// A location, as it is matched.
#[derive(Clone, Debug)]
pub(super) struct Matched<'a> {
    /// Of a prefix or an exact path, the path; of an expression, nothing.
    pub(super) path: Option<&'a str>,
    pub(super) is_exact: bool,
    /// Of an expression.
    pub(super) groups: Groups,
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
    /// Variables that the file makes.
    pub(super) own: &'b [String],
    /// All of the file.
    pub(super) http: &'b [Directive],
    pub(super) paths: &'b Paths,
    /// What of backends' answers is another text for clients, as it is found.
    pub(super) replaced: Vec<String>,
    /// A variable that may name no server, and those that it names.
    pub(super) refused: Option<(String, Vec<String>)>,
    pub(super) remarks: &'b mut Remarks,
}

/// Handlers of other protocols.
pub(super) const OTHERS: [&str; 7] = [
    "fastcgi_pass",
    "uwsgi_pass",
    "scgi_pass",
    "memcached_pass",
    "empty_gif",
    "perl",
    "js_content",
];

/// nginx's page, in its own words.
const STUB_STATUS: &str = "Active connections: ${connections_active} \nserver accepts handled requests\n \
     ${connections_accepted} ${connections_accepted} ${requests_total} \nReading: ${connections_reading} \
     Writing: ${connections_writing} Waiting: ${connections_waiting} \n";

/// What shuts people out: without an equal, the route stays shut.
pub(super) const GUARDS: [&str; 4] = ["auth_jwt", "secure_link", "auth_delay", "limit_except"];

/// The methods that a `limit_except` lets pass, if it does no more than to shut out all others.
fn let_by(rule: &Directive) -> Option<(Vec<&str>, &Directive)> {
    let is_all = |inner: &Directive| inner.name == "deny" && inner.arguments == ["all"];
    let is_meant = rule.name == "limit_except" && !rule.arguments.is_empty();
    let is_plain = is_meant && matches!(rule.inner(), [inner] if is_all(inner));
    is_plain.then(|| (rule.arguments.iter().map(String::as_str).collect(), rule))
}

impl<'b> Writing<'_, 'b> {
    pub(super) fn action(&mut self) -> (Lines, Steps) {
        let (mut lines, steps) = self.handler();
        if let Some(internal) = self.scope.one("internal") {
            // Before anything else, as nginx asks it of whatever is found.
            lines.add("internal", "true", &internal.place);
        }
        self.of_files_alone(&lines);
        if ["upstream", "root", "alias"].iter().any(|key| lines.has(key)) {
            mirrors::write(self.scope, self.leads, &mut lines, self.remarks);
        }
        (lines, steps)
    }

    /// What is said of other answers, too.
    fn of_files_alone(&mut self, lines: &Lines) {
        if lines.has("root") || lines.has("alias") {
            return;
        }
        let answers = lines.has("upstream") || self.scope.own("return").next().is_some();
        let expires = self.scope.one("expires").filter(|it| it.argument(0) != Some("off"));
        if let (true, Some(rule)) = (answers, expires) {
            let text = "`expires` is of files alone here: other answers go without";
            self.remarks.warn(&rule.place, text);
        }
        let passes = passing::pass(self.scope).is_some() && lines.has("upstream");
        if let (true, Some(rule)) = (passes, self.scope.own("try_files").next()) {
            let text = "`try_files` is of files alone here: requests are passed on without a look";
            self.remarks.warn(&rule.place, text);
        }
    }

    fn handler(&mut self) -> (Lines, Steps) {
        let mut lines = Lines::default();
        let mut steps = self.steps();
        if let Some(rule) = steps.shut_by.take() {
            let text = "shut (403), as what this `if` asks for has no equal here";
            self.remarks.warn(&rule.place, text);
            lines.add("respond", "403", &rule.place);
            return (lines, Steps::default());
        }
        if let Some(answer) = self.scope.own("return").next() {
            // Comes before all of nginx's guards.
            self.answer(answer, &mut lines);
        } else if let Err(guard) = self.guards(&mut lines) {
            lines = Lines::default();
            let text = format!("shut (403), as such an `{}` has no equal here", guard.name);
            self.remarks.warn(&guard.place, text);
            lines.add("respond", "403", &guard.place);
        } else {
            self.whatever_is_passed(&mut lines, &mut steps);
        }
        // For other methods nginx takes another location's word, before all that this one does.
        if let Some((methods, rule)) = self.scope.own("limit_except").find_map(let_by) {
            steps.refuse_other_methods(&methods, &rule.place);
        }
        (lines, steps)
    }

    /// What is done with whom no guard stops.
    fn whatever_is_passed(&mut self, lines: &mut Lines, steps: &mut Steps) {
        if let Some(pass) = passing::pass(self.scope) {
            self.proxy(pass, lines);
            if let Some((variable, servers)) = self.refused.take() {
                let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
                steps.refuse_others(&variable, &servers, &pass.place);
            }
        } else if let Some(rule) = self.scope.own("stub_status").next() {
            let pairs = [("body", STUB_STATUS), ("content_type", "text/plain")];
            let pairs = pairs.map(|(key, text)| (key.to_owned(), page::string(text)));
            lines.add("respond", page::inline(&pairs), &rule.place);
        } else if let Some(other) = OTHERS.iter().find_map(|name| self.scope.own(name).next()) {
            let text = format!("answered with 501, as `{}` has no equal here", other.name);
            self.remarks.warn(&other.place, text);
            lines.add("respond", "501", &other.place);
        } else {
            self.files(lines);
        }
    }

    pub(super) fn names(&self) -> Names<'b> {
        Names { own: self.own, groups: &self.matched.groups }
    }

    /// Those of its own: a server's are done before any route is looked for.
    fn steps(&mut self) -> Steps {
        if self.scope.is(self.leads.server) {
            return Steps::default();
        }
        let kind = self.scope.word("default_type").map_or("text/plain", |(kind, _)| kind);
        let names = self.names();
        let placed = paths::of(self.scope, self.matched.is_exact, &self.paths.prefix);
        steps::read(self.scope.innermost(), (kind, &placed), names, self.remarks)
    }

    /// Who is let in, how often and how fast. An error is what would have kept somebody out and has no
    /// equal.
    fn guards(&mut self, lines: &mut Lines) -> Result<(), Directive> {
        let is_off = |directive: &Directive| directive.argument(0) == Some("off");
        let is_shut = |it: &&Directive| !is_off(it) && let_by(it).is_none();
        let other = GUARDS.iter().find_map(|name| self.scope.one(name).filter(is_shut));
        if let Some(other) = other {
            return Err(other.clone());
        }
        let place = (self.zones, self.paths.folder.as_str());
        guards::write(self.scope, place, lines, self.remarks).map_err(Directive::clone)?;
        let remarks = &mut *self.remarks;
        guards::ask(self.scope, self.located, (self.own, self.upstreams, remarks), lines)
    }

    fn answer(&mut self, answer: &Directive, lines: &mut Lines) {
        let place = &answer.place;
        let kind = self.scope.word("default_type").map_or("text/plain", |(kind, _)| kind);
        match steps::answer(answer, kind, self.names()) {
            Ok((key, value)) => lines.add(&key, value, place),
            Err(Unsaid::Variable(variable)) => {
                let remark = format!("answered with 501: there is no `${variable}` here");
                self.remarks.warn(place, remark);
                lines.add("respond", "501", place);
            }
            Err(Unsaid::Nothing) => {
                self.remarks.mistake(place, "`return` wants a status, a text or an address");
            }
        }
    }

    fn files(&mut self, lines: &mut Lines) {
        let place = self.matched.place;
        let alias = self.scope.own("alias").next();
        let mut below = String::new();
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
                let Some((fixed, rest)) = self.varying(root) else {
                    let text = "answered with 501, as such variables in `root` have no equal";
                    self.remarks.warn(place, text);
                    lines.add("respond", "501", place);
                    return;
                };
                let text = "a folder asked for without its slash is served at once";
                self.remarks.warn(place, text);
                lines.text("root", &fixed, place);
                below = rest;
            }
            (None, Some((root, place))) => lines.text("root", &self.absolute(root), place),
            (None, None) => {
                let folder = self.absolute("html");
                if !files::is_folder(folder.as_ref()) {
                    return self.without_files(&folder, lines);
                }
                lines.text("root", &folder, place);
            }
        }
        self.index(lines);
        self.try_files(&below, lines);
        if let Some(("on", place)) = self.scope.word("autoindex") {
            let format = self.scope.word("autoindex_format");
            let value = match format {
                Some(("json", _)) => page::string("json"),
                Some(("html", _)) | None => "true".to_owned(),
                Some((other, place)) => {
                    let text = format!("listings are HTML, as `{other}` has no equal here");
                    self.remarks.warn(place, text);
                    "true".to_owned()
                }
            };
            lines.add("autoindex", value, place);
        }
        media::write(self.scope, place, lines);
        if let Some((word @ ("on" | "always"), place)) = self.scope.word("gzip_static") {
            lines.add("precompressed", page::strings(["gz"]), place);
            if word == "always" {
                let text = "who does not say that he takes it gets the file as it is";
                self.remarks.warn(place, text);
            }
        }
        // nginx serves names that begin with a dot.
        lines.add("dot_files", "true", place);
        self.expires(lines);
    }

    /// There is no `root`, nor the folder that stands for one: nginx finds no file, whatever is asked
    /// for.
    fn without_files(&mut self, folder: &str, lines: &mut Lines) {
        let place = self.matched.place;
        let tried = self.scope.one("try_files");
        let last = tried.and_then(|rule| Some((rule.arguments.last()?.as_str(), &rule.place)));
        let upstream = last.filter(|(last, _)| last.starts_with('@'));
        let upstream = upstream.and_then(|(name, at)| Some((self.passed_on(name, lines)?, at)));
        if let Some((upstream, at)) = upstream {
            let text = format!("no file is looked for: there is no `root`, and no {folder}");
            self.remarks.warn(place, text);
            return lines.text("upstream", &upstream, at);
        }
        let status = last.and_then(|(last, _)| last.strip_prefix('=')?.parse::<u16>().ok());
        let status = status.filter(|status| (200..=599).contains(status)).unwrap_or(404);
        if tried.is_none() {
            // Others are refused before a file is looked for.
            lines.add("methods", page::strings(["GET", "POST"]), place);
        }
        let text = format!("answered with {status}: there is no `root`, and no {folder}");
        self.remarks.warn(place, text);
        lines.add("respond", status.to_string(), place);
    }

    /// A root whose end is another one for each request: what is fixed of it, and what of every path is
    /// before its own.
    fn varying(&self, root: &str) -> Option<(String, String)> {
        let variable = root.find('$')?;
        let slash = root[..variable].rfind('/')?;
        let rest = values::template(root[slash..].trim_end_matches('/'), self.names()).ok()?;
        let fixed = if slash == 0 { "/".to_owned() } else { self.absolute(&root[..slash]) };
        Some((fixed, rest))
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

    /// `below`: what is before every path.
    fn try_files(&mut self, below: &str, lines: &mut Lines) {
        let Some(rule) = self.scope.one("try_files") else {
            if !below.is_empty() {
                let paths = [format!("{below}${{uri}}"), format!("{below}${{uri}}/")];
                lines.add("try_files", page::strings(paths), self.matched.place);
            }
            return;
        };
        let place = &rule.place;
        let Some((last, tried)) = rule.arguments.split_last().filter(|(_, it)| !it.is_empty())
        else {
            self.remarks.mistake(place, "`try_files` wants files and what stands for them");
            return;
        };
        let mut paths = Vec::new();
        for path in tried {
            match values::template(path, self.names()) {
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
            self.last_path(last, place, &mut paths, lines);
        }
        let paths = paths.iter().map(|path| format!("{below}{path}"));
        lines.add("try_files", page::strings(paths), place);
    }

    /// A new search for a location, by another path.
    fn last_path(&mut self, last: &str, place: &Place, paths: &mut Vec<String>, lines: &mut Lines) {
        // The same search finds the same location.
        if matches!(last, "$uri" | "${uri}") {
            return paths.push("${uri}".to_owned());
        }
        // Its arguments take the place of the request's, also if it has none.
        let to = format!("{last}?");
        match values::template(&to, self.names()) {
            Ok(to) if to.starts_with(['/', '$']) => lines.text("fallback", &to, place),
            Ok(_) => self.remarks.mistake(place, format!("`{last}` is no path")),
            Err(variable) => {
                let text = format!("404 in place of `{last}`: there is no `${variable}` here");
                self.remarks.warn(place, text);
                lines.add("fallback", "404", place);
            }
        }
    }

    /// Where a named location leads, if it only passes requests on; how is written already.
    fn passed_on(&mut self, name: &str, lines: &mut Lines) -> Option<String> {
        let (_, scope) = self.named.iter().find(|(known, _)| *known == name)?;
        let is_shut = scope.own("return").next().is_some();
        if is_shut || leads::guarded_otherwise(scope, self.scope).is_some() {
            return None;
        }
        let pass = scope.own("proxy_pass").next()?;
        let host = pass.argument(0)?.strip_prefix("http://")?;
        if host.contains(['/', '$']) {
            return None;
        }
        let bind = self.upstreams.bind((scope, "proxy"), host, self.remarks);
        let upstream = self.upstreams.lead_from(bind, (host, 80), &pass.place)?;
        self.upstreams.set_retries(&upstream, (scope, "proxy"), self.remarks);
        let passed = Passed { url: pass.argument(0), here: "/", host };
        self.passing((scope, "proxy"), passed, &pass.place, lines);
        Some(upstream)
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.paths.prefix)
        }
    }
}
