//! What a route does with its requests: `upstream` and how the path goes there, `respond`,
//! `redirect`; and `error_pages`, which are answers, too.

use toml::de::DeValue;

use super::headers;
use super::limits;
use super::model::route::{
    Body, Case, ErrorPage, Query, Redirect, Respond, Retarget, Rewrite, Substitute,
};
use super::pattern;
use super::report::{Located, Span};
use super::section::{Section, Value, integer_of};
use super::template::{self, Groups, Part, Scope, Stage, Template};

const REDIRECT_STATUS: u16 = 302;
const REDIRECT_STATUSES: [u32; 5] = [301, 302, 303, 307, 308];
const PAGE_TYPE: &str = "text/html";
const BODY_TYPE: &str = "text/plain";

/// `respond = 403`, or a table.
pub(super) fn respond(section: &mut Section<'_>, scope: Scope<'_>) -> Option<Respond> {
    let value = section.value("respond")?;
    if let DeValue::Integer(_) = value.get_ref() {
        return Some(Respond { status: status_of(section, value, 200..=599)?, body: None });
    }
    let mut table = section.section("respond")?;
    let status = table.value("status");
    let status = status.map_or(Some(200), |value| status_of(&table, value, 200..=599));
    let body = body(&mut table, scope, BODY_TYPE);
    table.finish(&[("code", "status"), ("text", "body"), ("type", "content_type")]);
    Some(Respond { status: status?, body })
}

/// `redirect = "/there"`, or a table.
pub(super) fn redirect(section: &mut Section<'_>, scope: Scope<'_>) -> Option<Redirect> {
    let value = section.value("redirect")?;
    if let DeValue::String(_) = value.get_ref() {
        let to = section.raw_text("redirect")?;
        return Some(Redirect { status: REDIRECT_STATUS, to: location(section, &to, scope) });
    }
    let mut table = section.section("redirect")?;
    let to = table.raw_text("to");
    if table.key_span("to").is_none() {
        table.missing("to", "such as `to = \"https://$host$request_uri\"`");
    }
    let status = redirect_status(&mut table);
    let to = to.map(|to| location(&table, &to, scope));
    table.finish(&[("code", "status"), ("location", "to"), ("url", "to")]);
    Some(Redirect { status: status?, to: to? })
}

fn redirect_status(table: &mut Section<'_>) -> Option<u16> {
    let Some(value) = table.value("status") else { return Some(REDIRECT_STATUS) };
    let status = integer_of(value).and_then(|number| u32::try_from(number).ok());
    match status.filter(|status| REDIRECT_STATUSES.contains(status)) {
        Some(status) => Some(status as u16),
        None => table.unexpected(value, "301, 302, 303, 307 or 308"),
    }
}

fn location(section: &Section<'_>, to: &Located<String>, scope: Scope<'_>) -> Template {
    if to.value.is_empty() {
        section.report.error(&to.span, "a redirect to nowhere", "such as \"/there\"");
    }
    headers::line(section.report, to, scope)
}

fn status_of(
    section: &Section<'_>,
    value: &Value<'_>,
    range: std::ops::RangeInclusive<u16>,
) -> Option<u16> {
    let number = integer_of(value).and_then(|number| u16::try_from(number).ok());
    let within = number.filter(|number| range.contains(number));
    if within.is_none() {
        let (least, most) = range.into_inner();
        return section.unexpected(value, &format!("a status from {least} to {most}"));
    }
    within
}

/// `body`, or `file`, with `content_type`.
fn body(table: &mut Section<'_>, scope: Scope<'_>, default_type: &str) -> Option<Body> {
    let report = table.report;
    let written = table.raw_text("body").map(|text| template::parse(report, &text, scope));
    let file = table.page("file").map(|text| Template { parts: vec![Part::Text(text)] });
    if let (Some(_), Some(span)) = (&written, table.key_span("file")) {
        report.error(&span, "both `body` and `file`", "one of them is the answer");
    }
    let is_file = table.key_span("file").is_some();
    let content_type = table.text("content_type");
    if let Some(given) = &content_type
        && (given.value.is_empty() || given.value.contains(|c: char| c.is_control()))
    {
        let message = format!("`{}` is no content type", given.value.escape_debug());
        report.error(&given.span, message, "such as \"text/plain\"");
    }
    if let (None, None, Some(span)) = (&written, &file, table.key_span("content_type"))
        && !is_file
        && table.key_span("body").is_none()
    {
        report.error(&span, "`content_type` without `body` or `file`", "");
    }
    let default_type = if is_file { PAGE_TYPE } else { default_type };
    let content_type = content_type.map_or_else(|| default_type.to_owned(), |text| text.value);
    let text = written.or(file)?;
    Some(Body { text, content_type })
}

/// How the path is changed on its way to an upstream.
pub(super) fn retarget(
    section: &mut Section<'_>,
    path: &Groups,
    reaches: Option<&str>,
) -> Option<Retarget> {
    let strip = section.text("strip_prefix").filter(|text| is_path(section, text));
    if let (Some(strip), Some(reaches)) = (&strip, reaches)
        && !reaches.starts_with(strip.value.trim_end_matches('/'))
    {
        let message = format!("no path of this route begins with `{}`", strip.value);
        section.report.error(&strip.span, message, format!("they begin with `{reaches}`"));
    }
    let prefix = section.text("prefix").filter(|text| is_path(section, text));
    let rewrite = section.section("rewrite").and_then(|table| rewrite(table, path));
    let text = |text: Option<Located<String>>| text.map(|text| text.value);
    let target = section.raw_text("target").map(|text| target(section, &text, path));
    for key in ["strip_prefix", "rewrite", "prefix"] {
        if let (Some(_), Some(span)) = (&target, section.key_span(key)) {
            let message = format!("`{key}` beside `target`");
            section.report.error(&span, message, "`target` is all that a backend is asked for");
        }
    }
    let retarget = Retarget { strip: text(strip), rewrite, prefix: text(prefix), target };
    (retarget != Retarget::default()).then_some(retarget)
}

/// What a backend is asked for, path and arguments.
fn target(section: &Section<'_>, text: &Located<String>, path: &Groups) -> Template {
    if !text.value.starts_with(['/', '$']) {
        section.report.error(
            &text.span,
            "a path starts with a slash",
            "such as \"/new$request_uri\"",
        );
    }
    headers::line(section.report, text, Scope { stage: Stage::Request, groups: Some(path) })
}

fn is_path(section: &Section<'_>, text: &Located<String>) -> bool {
    let is_path = text.value.starts_with('/') && !text.value.contains(['?', '#']);
    if !is_path {
        let message = format!("`{}` is no path", text.value.escape_debug());
        section.report.error(&text.span, message, "it starts with a slash and has no query");
    }
    is_path
}

pub(super) fn rewrite(mut table: Section<'_>, path: &Groups) -> Option<Rewrite> {
    let pattern = table.raw_text("match");
    let own = match &pattern {
        Some(pattern) => Some(pattern::check(table.report, pattern, Case::Sensitive)?),
        None => None,
    };
    let to = table.raw_text("to");
    if table.key_span("to").is_none() {
        table.missing("to", "such as `to = \"/new/$1\"`");
    }
    let groups = own.as_ref().unwrap_or(path);
    let scope = Scope { stage: Stage::Request, groups: Some(groups) };
    let to = to.map(|to| {
        if !to.value.starts_with(['/', '$']) {
            table.report.error(&to.span, "a path starts with a slash", "such as \"/new/$1\"");
        }
        headers::line(table.report, &to, scope)
    });
    table.finish(&[("from", "match"), ("regex", "match"), ("pattern", "match")]);
    let pattern = pattern.map(|pattern| pattern.value);
    Some(Rewrite { pattern, ..onward(to?) })
}

/// A path and arguments in place of whatever they are.
pub(super) fn onward(to: Template) -> Rewrite {
    let (path, query) = split(to);
    Rewrite { pattern: None, path, query }
}

/// The parts before and after the first `?` that is written; one at the end means that the received
/// arguments are dropped (nginx `rewrite`).
fn split(whole: Template) -> (Template, Query) {
    let (mut path, mut query) = (Template::default(), None::<Template>);
    for part in whole.parts {
        match (&mut query, part) {
            (Some(query), part) => query.push(part),
            (None, Part::Variable(variable)) => path.parts.push(Part::Variable(variable)),
            (None, Part::Text(text)) => match text.split_once('?') {
                Some((before, after)) => {
                    path.push(Part::Text(before.to_owned()));
                    let mut rest = Template::default();
                    rest.push(Part::Text(after.to_owned()));
                    query = Some(rest);
                }
                None => path.parts.push(Part::Text(text)),
            },
        }
    }
    let Some(mut query) = query else { return (path, Query::Received) };
    let is_whole = match query.parts.last_mut() {
        Some(Part::Text(last)) if last.ends_with('?') => {
            last.pop();
            if last.is_empty() {
                query.parts.pop();
            }
            true
        }
        Some(Part::Text(_) | Part::Variable(_)) | None => query.fixed() == Some(""),
    };
    (path, if is_whole { Query::Replaced(query) } else { Query::Extended(query) })
}

/// `error_pages`: each for some statuses, the first that has the status counts.
pub(super) fn error_pages(section: &mut Section<'_>, groups: Option<&Groups>) -> Vec<ErrorPage> {
    let items = section.items("error_pages");
    items
        .into_iter()
        .filter_map(|item| error_page(section.item("error_pages", item)?, groups))
        .collect()
}

fn error_page(mut table: Section<'_>, groups: Option<&Groups>) -> Option<ErrorPage> {
    let scope = Scope { stage: Stage::Response, groups };
    let items = table.items("status");
    if table.key_span("status").is_none() {
        table.missing("status", "such as `status = [502, 503, 504]`");
    }
    let statuses: Vec<u16> =
        items.into_iter().filter_map(|item| status_of(&table, item, 300..=599)).collect();
    let redirect = redirect(&mut table, scope);
    let body = body(&mut table, scope, PAGE_TYPE);
    let status = table.value("as").map(|value| status_of(&table, value, 200..=599));
    let keys = ["body", "file", "redirect"];
    let given: Vec<(&str, Span)> =
        keys.iter().filter_map(|key| Some((*key, table.key_span(key)?))).collect();
    match given.as_slice() {
        [] => table.missing("body", "or `file` or `redirect`: what is answered instead"),
        [.., (key, span)] if redirect.is_some() && given.len() > 1 => {
            table.report.error(
                span,
                format!("`{key}` beside `redirect`"),
                "one of them is the answer",
            );
        }
        [_, ..] => {}
    }
    table.finish(&[("code", "status"), ("statuses", "status"), ("path", "file")]);
    let answer = match redirect {
        Some(redirect) => Substitute::Redirect(redirect),
        None => Substitute::Page { status: status.flatten(), body: body? },
    };
    Some(ErrorPage { statuses, answer })
}

/// Bytes of all pages that were read from files, or written.
pub(super) fn pages_bytes(pages: &[ErrorPage]) -> usize {
    let bytes_of = |page: &ErrorPage| match &page.answer {
        Substitute::Page { body, .. } => body.text.fixed().map_or(0, str::len),
        Substitute::Redirect(_) => 0,
    };
    pages.iter().map(bytes_of).sum()
}

const _: () = assert!(limits::PAGE_BYTES_MAX <= limits::PAGES_BYTES_MAX as u64);
