//! What a route serves from a folder: `root` or `alias`, and the keys that go with them.

use toml::de::DeValue;

use super::limits;
use super::model::files::{
    DotFiles, Expires, Fallback, Files, Freshness, Listing, Symlinks, Types,
};
use super::model::route::{PathMatch, Retarget};
use super::report::{Located, Report, Span};
use super::section::{Section, integer_of};
use super::template::{self, Scope, Template};
use super::{action, compress, duration, headers};

/// The keys that mean nothing without a folder.
const OF_FILES: [&str; 12] = [
    "index",
    "try_files",
    "fallback",
    "autoindex",
    "types",
    "default_type",
    "precompressed",
    "symlinks",
    "dot_files",
    "ranges_max",
    "expires",
    "cache_control",
];

const UNKNOWN_TYPE: &str = "application/octet-stream";

/// What a route serves from a folder, if it does. `path` is the route's own; `retarget` is how the
/// path of a request goes on to the upstream that it falls back to.
pub(super) fn read(
    section: &mut Section<'_>,
    path: Option<&PathMatch>,
    scope: Scope<'_>,
    leads_to: &mut Vec<Located<String>>,
    retarget: Option<Retarget>,
) -> Option<Files> {
    let root = section.text("root");
    let alias = section.text("alias");
    let listing = listing(section);
    let fallback = fallback(section, scope, leads_to, retarget);
    let freshness = freshness(section);
    let index = index(section);
    let files = Files {
        root: String::new(),
        mount: String::new(),
        index,
        tries: tries(section, scope),
        fallback: fallback.unwrap_or(Fallback::Status(404)),
        listing,
        types: types(section),
        precompressed: compress::codings(section, "precompressed"),
        symlinks: symlinks(section).unwrap_or(Symlinks::Follow),
        dot_files: match section.flag("dot_files") {
            Some(true) => DotFiles::Served,
            Some(false) | None => DotFiles::Hidden,
        },
        ranges_max: section
            .integer("ranges_max", 0..=limits::FILE_RANGES_MAX)
            .unwrap_or(limits::FILE_RANGES),
        freshness,
    };
    let (place, mount) = match (root, alias) {
        (Some(_), Some(alias)) => {
            let hint = "`root` has the whole path below it, `alias` what follows the route's";
            section.report.error(&alias.span, "`alias` beside `root`", hint);
            return None;
        }
        (Some(root), None) => (root, String::new()),
        (None, Some(alias)) => {
            let mount = mount(section.report, path?, &alias.span)?;
            (alias, mount)
        }
        (None, None) => {
            let is_given = section.key_span("root").or_else(|| section.key_span("alias"));
            if is_given.is_none() {
                alone(section);
            }
            return None;
        }
    };
    Some(Files { root: place_of(section.report, &place)?, mount, ..files })
}

/// Keys that say how files are served, in a route that serves none.
fn alone(section: &Section<'_>) {
    for key in OF_FILES {
        if let Some(span) = section.key_span(key) {
            let message = format!("`{key}` without `root` or `alias`");
            section.report.error(&span, message, "this route serves no files");
        }
    }
}

/// The folder, without a slash at its end.
fn place_of(report: &Report<'_>, text: &Located<String>) -> Option<String> {
    let path = report.absolute(text.value.clone().into());
    if let Err(reason) = (report.surroundings.is_served)(&path) {
        let message = format!("serve {}: {reason}", path.display());
        report.error(&text.span, message, "");
        return None;
    }
    let path = path.into_os_string().into_string().ok()?;
    if text.value.is_empty() || path.contains('\0') {
        report.error(&text.span, "no folder", "such as \"/srv/www\"");
        return None;
    }
    Some(path.trim_end_matches('/').to_owned())
}

/// What of a path an alias stands for.
fn mount(report: &Report<'_>, path: &PathMatch, span: &Span) -> Option<String> {
    match path {
        PathMatch::Prefix(text) | PathMatch::FirmPrefix(text) | PathMatch::Exact(text) => {
            Some(text.trim_end_matches('/').to_owned())
        }
        PathMatch::Regex { .. } => {
            let hint = "an expression has no end that a path could go on after: use `root`";
            report.error(span, "`alias` in a route with an expression", hint);
            None
        }
    }
}

fn index(section: &mut Section<'_>) -> Vec<String> {
    if section.key_span("index").is_none() {
        section.texts("index");
        return vec!["index.html".to_owned()];
    }
    let report = section.report;
    let names = section.texts("index");
    bound(report, &names, "index", limits::FILE_INDEX_MAX);
    let names = names.into_iter().filter_map(|name| {
        let is_name =
            !matches!(name.value.as_str(), "" | "." | "..") && !name.value.contains(['/', '\0']);
        if !is_name {
            let message = format!("`{}` is no file's name", name.value.escape_debug());
            report.error(&name.span, message, "such as \"index.html\"");
        }
        is_name.then_some(name.value)
    });
    names.collect()
}

fn tries(section: &mut Section<'_>, scope: Scope<'_>) -> Vec<Template> {
    let report = section.report;
    let values = section.raw_texts("try_files");
    bound(report, &values, "try_files", limits::FILE_TRIES_MAX);
    let tries: Vec<Template> = values
        .into_iter()
        .map(|text| {
            if !text.value.starts_with(['/', '$']) {
                let hint = "`=404` is `fallback = 404`, `@name` is `fallback = \"UPSTREAM\"`";
                report.error(&text.span, "a path starts with a slash", hint);
            }
            template::parse(report, &text, scope)
        })
        .collect();
    if let (Some(span), true) = (section.key_span("try_files"), tries.is_empty()) {
        report.error(&span, "`try_files` is empty", "such as [\"$uri\", \"/index.html\"]");
    }
    tries
}

fn bound(report: &Report<'_>, values: &[Located<String>], key: &str, most: usize) {
    if let Some(first) = values.get(most) {
        let message = format!("{} values of `{key}`, more than {most}", values.len());
        report.error(&first.span, message, "");
    }
}

/// `fallback = 404`, the name of an upstream, or a path by which a route is looked for again.
fn fallback(
    section: &mut Section<'_>,
    scope: Scope<'_>,
    leads_to: &mut Vec<Located<String>>,
    retarget: Option<Retarget>,
) -> Option<Fallback> {
    let value = section.value("fallback")?;
    if let DeValue::String(_) = value.get_ref() {
        let text = section.raw_text("fallback")?;
        if is_path(&text.value) {
            let to = headers::line(section.report, &text, scope);
            return Some(Fallback::Find(action::onward(to)));
        }
        let name = section.text("fallback")?;
        leads_to.push(name.clone());
        return Some(Fallback::Upstream { upstream: name.value, retarget });
    }
    let status = integer_of(value).and_then(|number| u16::try_from(number).ok());
    match status.filter(|status| (400..=599).contains(status)) {
        Some(status) => Some(Fallback::Status(status)),
        None => {
            section.unexpected(value, "a status from 400 to 599, an upstream's name, or a path")
        }
    }
}

/// Whether a text begins with a slash or a variable; those of the environment are in upper case.
pub(super) fn is_path(text: &str) -> bool {
    let name = text.strip_prefix("${").or_else(|| text.strip_prefix('$'));
    let is_of_request = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with('/') || name.is_some_and(|name| name.starts_with(is_of_request))
}

/// `autoindex = true`, or how.
fn listing(section: &mut Section<'_>) -> Option<Listing> {
    let value = section.value("autoindex")?;
    match value.get_ref() {
        DeValue::Boolean(false) => None,
        DeValue::Boolean(true) => Some(Listing::Html),
        DeValue::String(text) if text == "html" => Some(Listing::Html),
        DeValue::String(text) if text == "json" => Some(Listing::Json),
        _ => section.unexpected(value, "true, false, \"html\" or \"json\""),
    }
}

fn types(section: &mut Section<'_>) -> Types {
    let report = section.report;
    let mut own = Vec::new();
    for (name, value) in section.pairs("types") {
        let extension = name.value.trim_start_matches('.').to_ascii_lowercase();
        let is_end = extension == "*" || !extension.contains(['.', '/', ' ', '*']);
        if extension.is_empty() || !is_end {
            let message = format!("`{}` is no end of a name", name.value.escape_debug());
            report.error(&name.span, message, "types = { md = \"text/markdown\" }");
        } else if is_content_type(report, &value) {
            own.push((extension, value.value));
        }
    }
    own.sort();
    let default = section.text("default_type").filter(|text| is_content_type(report, text));
    Types { own, default: default.map_or_else(|| UNKNOWN_TYPE.to_owned(), |text| text.value) }
}

fn is_content_type(report: &Report<'_>, text: &Located<String>) -> bool {
    let is_type = text.value.contains('/') && !text.value.contains(|c: char| c.is_control());
    if !is_type {
        let message = format!("`{}` is no content type", text.value.escape_debug());
        report.error(&text.span, message, "such as \"text/plain; charset=utf-8\"");
    }
    is_type
}

fn symlinks(section: &mut Section<'_>) -> Option<Symlinks> {
    let text = section.text("symlinks")?;
    match text.value.as_str() {
        "follow" => Some(Symlinks::Follow),
        "owner" => Some(Symlinks::Owner),
        "deny" => Some(Symlinks::Deny),
        other => {
            let message = format!("`symlinks` is `{}`", other.escape_debug());
            section.report.error(&text.span, message, "expected \"follow\", \"owner\" or \"deny\"");
            None
        }
    }
}

fn freshness(section: &mut Section<'_>) -> Freshness {
    let report = section.report;
    let cache_control = section.text("cache_control").filter(|text| {
        let is_line = !text.value.is_empty() && !text.value.contains(|c: char| c.is_control());
        if !is_line {
            report.error(&text.span, "no `Cache-Control`", "such as \"public, max-age=3600\"");
        }
        is_line
    });
    let expires = section.text("expires").and_then(|text| match text.value.as_str() {
        "epoch" => Some(Expires::Epoch),
        "max" => Some(Expires::Max),
        other => {
            let after_ms = duration::parse(other);
            if after_ms.is_none() {
                let message = format!("`expires` is `{}`", other.escape_debug());
                report.error(&text.span, message, "a time such as \"1h\", \"epoch\" or \"max\"");
            }
            after_ms.map(|after_ms| Expires::AfterSeconds(after_ms / 1000))
        }
    });
    Freshness { expires, cache_control: cache_control.map(|text| text.value) }
}
