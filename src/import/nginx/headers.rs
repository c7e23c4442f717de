//! Headers on both sides, and what stands in place of errors.

use super::guards;
use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::tree::Directive;
use super::values::{self, Names};
use crate::import::page;

/// What ours minds by itself, whatever is set: the connection belongs to each side alone.
const OF_THE_HOP: [&str; 3] = ["connection", "upgrade", "proxy-connection"];

/// What ours writes by its own rules alone, and no rule of a file hides.
const OF_THE_PROXY: [&str; 7] =
    ["host", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding"];

/// What of a backend's answer is for nginx alone, and not for clients. (Of the others that it hides,
/// `Date`, `Server` and `X-Pad`, ours passes on what a backend says.)
const OF_NGINX: [&str; 5] = [
    "X-Accel-Buffering",
    "X-Accel-Charset",
    "X-Accel-Expires",
    "X-Accel-Limit-Rate",
    "X-Accel-Redirect",
];

/// Whether a rule can be about a header of that name, in lower case.
pub(super) fn can_be_set(name: &str) -> bool {
    name == "host" || !(OF_THE_HOP.contains(&name) || OF_THE_PROXY.contains(&name))
}

/// Whether `auth_request` can make a line of that name, in lower case.
pub(super) fn can_be_vouched(name: &str) -> bool {
    can_be_set(name) && !matches!(name, "host" | "date")
}

/// `proxy_set_header` as a table; `host` is what a backend is asked for without a word, in our
/// words.
pub(super) fn of_request(
    (scope, family): (&Scope<'_>, &str),
    names: Names<'_>,
    host: &str,
    remarks: &mut Remarks,
) -> String {
    let mut set: Vec<(String, String)> = Vec::new();
    let mut hidden: Vec<&str> = Vec::new();
    let vouched = guards::vouched(scope, names.own);
    let directive = format!("{family}_set_header");
    let rules = scope.all(&directive);
    for rule in &rules {
        let [name, value] = rule.arguments.as_slice() else {
            remarks.mistake(&rule.place, format!("`{directive}` wants a name and a value"));
            continue;
        };
        let lower = name.to_lowercase();
        if OF_THE_HOP.contains(&lower.as_str()) {
            continue;
        }
        if !can_be_set(&lower) || (lower == "host" && value.is_empty()) {
            // What frames a request is written as it is framed.
            if !value.is_empty() || lower == "host" {
                remarks.warn(&rule.place, format!("`{name}` is written by our own rules"));
            }
            continue;
        }
        let value = value.replace(&format!("${family}_host"), host);
        let is_vouched = values::mentions(&value, &vouched) && can_be_vouched(&name.to_lowercase());
        match values::template_with(&value, names, if is_vouched { &vouched[..] } else { &[] }) {
            // Among what `auth_request` takes from its answer. Where nobody is asked, it is nobody's.
            Ok(_) if is_vouched => hidden.push(name),
            Ok(value) if value.is_empty() => hidden.push(name),
            Ok(value) => {
                set.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                set.push((name.clone(), value));
            }
            Err(variable) => {
                let text = format!("`{name}` is not set: there is no `${variable}` here");
                remarks.warn(&rule.place, text);
                // Nor does what a client says by that name stand in its place.
                if !OF_THE_PROXY.contains(&name.to_lowercase().as_str()) {
                    hidden.push(name);
                }
            }
        }
    }
    hidden.retain(|name| !set.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)));
    hidden.sort_unstable_by_key(|name| name.to_lowercase());
    hidden.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    if !set.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        set.insert(0, ("Host".to_owned(), host.to_owned()));
    }
    let mut tables = vec![("set".to_owned(), table(&set))];
    if !hidden.is_empty() {
        tables.push(("hide".to_owned(), page::strings(hidden)));
    }
    page::inline(&tables)
}

/// `add_header`, `proxy_hide_header` and `proxy_pass_header`.
pub(super) fn of_response(
    scope: &Scope<'_>,
    (names, replaced): (Names<'_>, &[String]),
    lines: &mut Lines,
    remarks: &mut Remarks,
) {
    let mut added: Vec<(String, String)> = Vec::new();
    let vouched = guards::vouched(scope, names.own);
    let rules = scope.all("add_header");
    let mut seen: Vec<&str> = Vec::new();
    for rule in &rules {
        let (Some(name), Some(value)) = (rule.argument(0), rule.argument(1)) else {
            remarks.mistake(&rule.place, "`add_header` wants a name and a value");
            continue;
        };
        if rule.argument(2) != Some("always") {
            remarks.warn(&rule.place, format!("`{name}` is added to errors, too, as by `always`"));
        }
        if seen.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            remarks.warn(&rule.place, format!("a second `{name}` is not added"));
            continue;
        }
        seen.push(name);
        let is_vouched = values::mentions(value, &vouched) && can_be_vouched(&name.to_lowercase());
        match values::template_with(value, names, if is_vouched { &vouched[..] } else { &[] }) {
            // As above.
            Ok(_) if is_vouched => {}
            Ok(value) if !value.is_empty() => added.push((name.to_owned(), value)),
            Ok(_) => {}
            Err(variable) => {
                let text = format!("`{name}` is not added: there is no `${variable}` here");
                remarks.warn(&rule.place, text);
            }
        }
    }
    let (hidden, first_hidden) = hidden(scope, lines, remarks);
    let (set, added): (Vec<_>, Vec<_>) =
        added.into_iter().partition(|(name, _)| has(&hidden, name));
    // What a backend says by that name gives way to it.
    let hidden: Vec<&str> =
        hidden.into_iter().filter(|name| !set.iter().any(|it| is_same(&it.0, name))).collect();
    let mut tables = Vec::new();
    for (key, pairs) in [("set", set), ("add", added)] {
        if !pairs.is_empty() {
            tables.push((key.to_owned(), table(&pairs)));
        }
    }
    if !hidden.is_empty() {
        tables.push(("hide".to_owned(), page::strings(hidden)));
    }
    if !replaced.is_empty() {
        tables.push(("replace".to_owned(), format!("[{}]", replaced.join(", "))));
    }
    let passed = ["proxy_redirect", "proxy_pass", "grpc_pass", "try_files"];
    let passed = passed.into_iter().find_map(|name| scope.one(name));
    let first = rules.first().copied().or(first_hidden).or(passed);
    if let (Some(first), false) = (first, tables.is_empty()) {
        lines.add("response_headers", page::inline(&tables), &first.place);
    }
}

/// What of backends' answers no client gets, and the first rule that says so.
fn hidden<'a>(
    scope: &Scope<'a>,
    lines: &Lines,
    remarks: &mut Remarks,
) -> (Vec<&'a str>, Option<&'a Directive>) {
    let is_grpc = scope.own("grpc_pass").next().is_some();
    let family = if is_grpc { "grpc" } else { "proxy" };
    let all = |what: &str| scope.all(&format!("{family}_{what}_header"));
    let rules = all("hide");
    let passed = all("pass");
    let passed: Vec<&str> = passed.iter().filter_map(|rule| rule.argument(0)).collect();
    let mut names: Vec<&str> = Vec::new();
    for rule in &rules {
        let Some(name) = rule.argument(0) else { continue };
        match name.to_lowercase().as_str() {
            // Ours is always there, a backend's or our own.
            "date" => {}
            lower if can_be_set(lower) => names.push(name),
            _ => remarks.warn(&rule.place, format!("`{name}` is written by our own rules")),
        }
    }
    if lines.has("upstream") || lines.has("fallback") {
        names.extend(OF_NGINX);
    }
    let mut hidden: Vec<&str> = Vec::new();
    for name in names {
        if !has(&passed, name) && !has(&hidden, name) {
            hidden.push(name);
        }
    }
    (hidden, rules.first().copied())
}

fn has(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| is_same(known, name))
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn table(headers: &[(String, String)]) -> String {
    let quoted =
        |(name, value): &(String, String)| (page::bare_or_quoted(name), page::string(value));
    page::inline(&headers.iter().map(quoted).collect::<Vec<_>>())
}

/// `error_page`; `file` finds what would be served at a path.
pub(super) fn error_pages(
    scope: &Scope<'_>,
    (file, names): (impl Fn(&str) -> Option<String>, Names<'_>),
    lines: &mut Lines,
    remarks: &mut Remarks,
) {
    let rules = scope.all("error_page");
    let mut pages = Vec::new();
    for rule in &rules {
        let Some((target, words)) = rule.arguments.split_last() else { continue };
        let (answers, statuses): (Vec<&String>, Vec<&String>) =
            words.iter().partition(|word| word.starts_with('='));
        let statuses: Result<Vec<u16>, _> = statuses.into_iter().map(|it| it.parse()).collect();
        let Some(statuses) = statuses.ok().filter(|statuses| !statuses.is_empty()) else {
            remarks.mistake(&rule.place, "`error_page` wants statuses and what stands for them");
            continue;
        };
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let mut pairs = vec![("status".to_owned(), format!("[{}]", statuses.join(", ")))];
        if target.starts_with("http://") || target.starts_with("https://") {
            match values::template(target, names) {
                Ok(target) => pairs.push(("redirect".to_owned(), page::string(&target))),
                Err(variable) => {
                    remarks.warn(&rule.place, format!("there is no `${variable}` here"));
                    continue;
                }
            }
        } else if let Some(file) = file(target) {
            pairs.push(("file".to_owned(), page::string(&file)));
        } else {
            remarks.warn(&rule.place, format!("`{target}` is no file that can be read now"));
            continue;
        }
        let answer = answers.first().map(|answer| answer[1..].parse::<u16>());
        match answer {
            None => {}
            Some(Ok(answer)) => pairs.push(("as".to_owned(), answer.to_string())),
            Some(Err(_)) => {
                remarks.warn(&rule.place, "the page's own status does not stand for the error's");
            }
        }
        pages.push(page::inline(&pairs));
    }
    if let (Some(first), false) = (rules.first(), pages.is_empty()) {
        lines.add("error_pages", format!("[{}]", pages.join(", ")), &first.place);
    }
    let is_grpc = scope.own("grpc_pass").next().is_some();
    let name = if is_grpc { "grpc_intercept_errors" } else { "proxy_intercept_errors" };
    if let Some(("on", place)) = scope.word(name) {
        lines.add("intercept", "true", place);
    }
}
