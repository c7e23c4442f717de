//! Where nginx looks for a location anew: an `index` is served by whichever location its path leads to,
//! with the guards of that one.
//!
//! Ours serves a file from where it was found, so a name that another location would guard, or not
//! serve as a file, is left out.

use super::content::{GUARDS, OTHERS};
use super::scope::Scope;
use super::tree::Directive;
use super::values;

/// Each is inherited by itself, `allow` and `deny` together.
const GUARDING: [&[&str]; 6] = [
    &["allow", "deny"],
    &["auth_basic"],
    &["auth_request"],
    &["satisfy"],
    &["limit_req"],
    &["limit_conn"],
];

/// The locations of a server as ours writes their paths, and the server itself.
pub(super) struct Leads<'a, 'b> {
    pub(super) server: &'b Scope<'a>,
    pub(super) locations: &'b [(&'b str, Scope<'a>)],
}

/// What keeps people out of a place by its own lines or those around it; that it is off is no guard.
pub(super) fn guards<'a>(scope: &Scope<'a>) -> Vec<&'a Directive> {
    let other = GUARDS.each_ref().map(std::slice::from_ref);
    let names = GUARDING.iter().copied().chain(other);
    let is_on = |rule: &&Directive| rule.argument(0) != Some("off");
    let mut found: Vec<_> = names.flat_map(|names| scope.all_of(names)).filter(is_on).collect();
    if found.iter().any(|rule| rule.name == "auth_basic") {
        found.extend(scope.one("auth_basic_user_file"));
    }
    found
}

/// A guard of `target` that whoever came by `source` has not passed.
pub(super) fn guarded_otherwise<'a>(
    target: &Scope<'a>,
    source: &Scope<'_>,
) -> Option<&'a Directive> {
    let passed = guards(source);
    let guards = guards(target);
    let is_passed = |rule: &&&Directive| passed.iter().any(|other| std::ptr::eq(*other, **rule));
    let other = guards.iter().find(|rule| !is_passed(rule)).copied();
    // The same rules in part, or one of them enough where all are wanted, are other guards, too.
    let has_more = || {
        let is_own = |rule: &&Directive| guards.iter().any(|other| std::ptr::eq(*other, *rule));
        passed.into_iter().find(|rule| rule.name == "satisfy" && !is_own(rule)).is_some()
    };
    other.or_else(|| guards.first().copied().filter(|_| has_more()))
}

/// What makes of a place another one than of files.
fn handler<'a>(scope: &Scope<'a>) -> Option<&'a Directive> {
    let handlers = ["return", "proxy_pass", "grpc_pass", "rewrite", "if"].into_iter().chain(OTHERS);
    handlers.into_iter().find_map(|name| scope.own(name).next())
}

/// Where the files of a place are.
fn served_from<'a>(scope: &Scope<'a>) -> Option<&'a Directive> {
    scope.own("alias").next().or_else(|| scope.one("root"))
}

/// What makes a path of `target` another file than in `source`.
fn otherwise_served<'a>(target: &Scope<'a>, source: &Scope<'a>) -> Option<&'a Directive> {
    let (there, here) = (served_from(target), served_from(source));
    let is_same = match (there, here) {
        (Some(there), Some(here)) => {
            there.name == "root" && there.arguments == here.arguments && here.name == "root"
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    there.or(here).filter(|_| !is_same)
}

impl<'a> Leads<'a, '_> {
    /// The location of a path (`ngx_http_core_find_location`).
    pub(super) fn find(&self, uri: &str) -> &Scope<'a> {
        let mut best: Option<(&str, bool, &Scope<'a>)> = None;
        for (path, scope) in self.locations {
            if path.strip_prefix("= ").is_some_and(|exact| exact == uri) {
                return scope;
            }
            let bare = path.strip_prefix("^~ ");
            let prefix = bare.unwrap_or(path);
            let is_longer = best.is_none_or(|(known, _, _)| known.len() < prefix.len());
            if prefix.starts_with('/') && uri.starts_with(prefix) && is_longer {
                best = Some((prefix, bare.is_some(), scope));
            }
        }
        if let Some((_, true, scope)) = best {
            return scope;
        }
        let matches = |path: &str| {
            let (sign, pattern) = path.split_once(' ').unwrap_or_default();
            let pattern = match sign {
                "~" => pattern.to_owned(),
                "~*" => format!("(?i){pattern}"),
                _ => return false,
            };
            values::expression(&pattern).is_ok_and(|pattern| pattern.is_match(uri.as_bytes()))
        };
        let by_expression = self.locations.iter().find(|(path, _)| matches(path));
        let by_expression = by_expression.map(|(_, scope)| scope);
        by_expression.or(best.map(|(_, _, scope)| scope)).unwrap_or(self.server)
    }

    /// Why a path is not served by `source` as a file of its own.
    pub(super) fn objection(&self, uri: &str, source: &Scope<'a>) -> Option<&'a Directive> {
        let target = self.find(uri);
        if target.is(source) {
            return None;
        }
        guarded_otherwise(target, source)
            .or_else(|| handler(target))
            .or_else(|| otherwise_served(target, source))
    }

    /// The same of an index's name, in all folders that `source` is asked for. `path`: where it is,
    /// unless it is an expression.
    pub(super) fn objection_to_index(
        &self,
        name: &str,
        path: Option<&str>,
        source: &Scope<'a>,
    ) -> Option<&'a Directive> {
        if name.starts_with('/') {
            return self.objection(name, source);
        }
        let own = path.unwrap_or("/").trim_end_matches('/');
        let mut folders = vec![format!("{own}/"), format!("{own}/folder/")];
        for (path, _) in self.locations {
            let path = path.trim_start_matches(['=', '^', '~', ' ']);
            if let (true, Some(end)) = (path.starts_with('/'), path.rfind('/')) {
                folders.push(path[..=end].to_owned());
            }
        }
        // Of an expression it is not known which folders it is asked for.
        let is_asked = |folder: &&String| path.is_none() || self.find(folder).is(source);
        let mut asked = folders.iter().filter(is_asked);
        asked.find_map(|folder| self.objection(&format!("{folder}{name}"), source))
    }
}
