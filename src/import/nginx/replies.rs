//! What of backends' answers is another text for clients: `proxy_redirect`, `proxy_cookie_domain`,
//! `proxy_cookie_path` and `proxy_cookie_flags`.

use super::scope::{Remarks, Scope};
use super::steps::HERE;
use super::tree::Directive;
use super::values::{self, Names};
use crate::import::page;

/// Where a location passes its requests on to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed<'a> {
    /// As `proxy_pass` has it; without one that is known beforehand there is no default.
    pub(super) url: Option<&'a str>,
    /// What stands in its place: the location's path where the address has one of its own.
    pub(super) here: &'a str,
    /// `$proxy_host`.
    pub(super) host: &'a str,
}

/// One rule: what is matched, and what stands in its place.
struct Rule {
    pattern: String,
    to: String,
}

/// `replace` of `response_headers`, empty without any.
pub(super) fn read(
    scope: &Scope<'_>,
    passed: Passed<'_>,
    names: Names<'_>,
    remarks: &mut Remarks,
) -> Vec<String> {
    let hidden = scope.all("proxy_hide_header");
    let is_hidden = |name: &str| {
        hidden.iter().filter_map(|it| it.argument(0)).any(|it| it.eq_ignore_ascii_case(name))
    };
    let mut lists = Vec::new();
    let (location, refresh) = redirects(scope, passed, names, remarks);
    if !is_hidden("location") {
        lists.extend(list("Location", &location));
    }
    if !is_hidden("refresh") {
        lists.extend(list("Refresh", &refresh));
    }
    if !is_hidden("set-cookie") {
        lists.extend(list("Set-Cookie", &attributes(scope, "domain", names, remarks)));
        lists.extend(list("Set-Cookie", &attributes(scope, "path", names, remarks)));
        lists.extend(flags(scope, remarks).iter().filter_map(|rules| list("Set-Cookie", rules)));
    }
    lists
}

fn list(name: &str, rules: &[Rule]) -> Option<String> {
    let rule = |rule: &Rule| {
        let pairs = [("match", page::string(&rule.pattern)), ("to", page::string(&rule.to))];
        page::inline(&pairs.map(|(key, value)| (key.to_owned(), value)))
    };
    let tables: Vec<String> = rules.iter().map(rule).collect();
    let rules = ("rules".to_owned(), format!("[{}]", tables.join(", ")));
    let name = ("name".to_owned(), page::string(name));
    (!tables.is_empty()).then(|| page::inline(&[name, rules]))
}

/// The rules for `Location`, and for `Refresh`.
fn redirects(
    scope: &Scope<'_>,
    passed: Passed<'_>,
    names: Names<'_>,
    remarks: &mut Remarks,
) -> (Vec<Rule>, Vec<Rule>) {
    let given = scope.all("proxy_redirect");
    let (mut location, mut refresh) = (Vec::new(), Vec::new());
    let mut plain = |from: &str, to: &str| {
        let from = regex::escape(from);
        // Only `Location` becomes a whole address again.
        let whole = if to.starts_with('/') { format!("{HERE}{to}") } else { to.to_owned() };
        location.push(Rule { pattern: format!("^{from}"), to: whole });
        let to = format!("${{1}}{to}");
        refresh.push(Rule { pattern: format!("^(.*?(?i:url)=){from}"), to });
    };
    let usual = || {
        let url = passed.url?;
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let from = if has_path { url.to_owned() } else { format!("{url}/") };
        let here = if has_path { passed.here } else { "/" };
        Some((from, values::literal(here)))
    };
    if given.is_empty()
        && let Some((from, to)) = usual()
    {
        plain(&from, &to);
    }
    let mut expressions = Vec::new();
    for rule in &given {
        match rule.arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["off"] => {}
            ["default"] => {
                if let Some((from, to)) = usual() {
                    plain(&from, &to);
                }
            }
            [from, to] => {
                let from = from.replace("$proxy_host", passed.host);
                match redirect(&from, to, names) {
                    Ok((from, to, false)) => plain(&from, &to),
                    Ok((pattern, to, true)) => expressions.push((rule, Rule { pattern, to })),
                    Err(why) => {
                        remarks
                            .warn(&rule.place, format!("this `proxy_redirect` is left out: {why}"));
                    }
                }
            }
            _ => {
                remarks
                    .mistake(&rule.place, "`proxy_redirect` wants what is replaced, and by what");
            }
        }
    }
    for (rule, expression) in expressions {
        remarks
            .warn(&rule.place, "`Location` alone is looked at by this expression, not `Refresh`");
        location.push(expression);
    }
    (location, refresh)
}

/// What is replaced and by what; whether it is an expression.
fn redirect(from: &str, to: &str, names: Names<'_>) -> Result<(String, String, bool), String> {
    let unknown = |variable| format!("there is no `${variable}` here");
    let expression = match (from.strip_prefix("~*"), from.strip_prefix('~')) {
        (Some(pattern), _) => Some(format!("(?i){pattern}")),
        (None, Some(pattern)) => Some(pattern.to_owned()),
        (None, None) => None,
    };
    let Some(pattern) = expression else {
        if from.contains('$') {
            return Err("it replaces what is not known beforehand".to_owned());
        }
        let to = values::template(to, names).map_err(unknown)?;
        return Ok((from.to_owned(), to, false));
    };
    if values::expression(&pattern).is_err() {
        return Err(format!("the expression `{pattern}` is none of ours"));
    }
    let groups = values::Groups::of(&pattern);
    let to = values::template(to, names.with(&groups)).map_err(unknown)?;
    let to = if to.starts_with('/') { format!("{HERE}{to}") } else { to };
    // All of the value is replaced by what an expression makes of it.
    Ok((format!("^.*?(?:{pattern}).*$"), to, true))
}

/// `proxy_cookie_domain` and `proxy_cookie_path`.
fn attributes(
    scope: &Scope<'_>,
    attribute: &str,
    names: Names<'_>,
    remarks: &mut Remarks,
) -> Vec<Rule> {
    let name = format!("proxy_cookie_{attribute}");
    let mut rules = Vec::new();
    for rule in scope.all(&name) {
        match attribute_rule(rule, attribute, names) {
            Ok(found) => rules.extend(found),
            Err(why) => remarks.warn(&rule.place, format!("this `{name}` is left out: {why}")),
        }
    }
    rules
}

fn attribute_rule(
    rule: &Directive,
    attribute: &str,
    names: Names<'_>,
) -> Result<Option<Rule>, String> {
    let (from, to) = match rule.arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
    {
        ["off"] => return Ok(None),
        [from, to] => (*from, *to),
        _ => return Err("it wants what is replaced, and by what".to_owned()),
    };
    if from.starts_with('~') {
        return Err("an expression of an attribute has no equal here".to_owned());
    }
    if from.contains('$') {
        return Err("it replaces what is not known beforehand".to_owned());
    }
    let to = values::template(to, names);
    let to = to.map_err(|variable| format!("there is no `${variable}` here"))?;
    let from = regex::escape(from);
    let (pattern, to) = if attribute == "domain" {
        let from = from.trim_start_matches("\\.");
        (
            format!(r"^(?i)([^;]*;(?:.*;)?\s*domain=\.?){from}(\s*(?:;.*)?)$"),
            format!("${{1}}{to}${{2}}"),
        )
    } else {
        (format!(r"^([^;]*;(?:.*;)?\s*(?i:path)=){from}"), format!("${{1}}{to}"))
    };
    Ok(Some(Rule { pattern, to }))
}

/// `proxy_cookie_flags`: a list of rules for each flag.
fn flags(scope: &Scope<'_>, remarks: &mut Remarks) -> Vec<Vec<Rule>> {
    let mut lists = Vec::new();
    for rule in scope.all("proxy_cookie_flags") {
        let Some((cookie, flags)) = rule.arguments.split_first() else { continue };
        if cookie == "off" {
            continue;
        }
        let cookie = match cookie.as_str() {
            "~" => "[^=;]*".to_owned(),
            other if other.starts_with('~') || other.contains('$') => {
                let text =
                    "such a cookie of `proxy_cookie_flags` has no equal here: it is left out";
                remarks.warn(&rule.place, text);
                continue;
            }
            name => regex::escape(name),
        };
        for flag in flags {
            match flag_rules(&cookie, flag) {
                Some(rules) => lists.push(rules),
                None => remarks.mistake(&rule.place, format!("`{flag}` is no flag of a cookie")),
            }
        }
    }
    lists
}

fn flag_rules(cookie: &str, flag: &str) -> Option<Vec<Rule>> {
    let start = format!(r"^(?i)({cookie}=[^;]*(?:;.*?)?)");
    let rule = |pattern: String, to: &str| Rule { pattern, to: to.to_owned() };
    let without =
        |name: &str| vec![rule(format!(r"{start};\s*{name}\s*(?:=[^;]*)?((?:;.*)?)$"), "${1}${2}")];
    let with = |name: &str, text: &str| {
        let present =
            rule(format!(r"{start};\s*{name}\s*((?:;.*)?)$"), &format!("${{1}}; {text}${{2}}"));
        vec![present, rule(format!(r"^(?i)({cookie}=.*)$"), &format!("${{1}}; {text}"))]
    };
    let lower = flag.to_ascii_lowercase();
    Some(match lower.as_str() {
        "secure" => with("secure", "Secure"),
        "httponly" => with("httponly", "HttpOnly"),
        "samesite=strict" => with(r"samesite\s*=[^;]*", "SameSite=Strict"),
        "samesite=lax" => with(r"samesite\s*=[^;]*", "SameSite=Lax"),
        "samesite=none" => with(r"samesite\s*=[^;]*", "SameSite=None"),
        "nosecure" => without("secure"),
        "nohttponly" => without("httponly"),
        "nosamesite" => without("samesite"),
        _ => return None,
    })
}
