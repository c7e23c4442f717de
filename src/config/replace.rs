//! `replace` of `request_headers` and `response_headers`: what of a line's value becomes another text
//! (nginx's `proxy_redirect`, `proxy_cookie_domain`, `proxy_cookie_path`, `proxy_cookie_flags`).

use super::limits::REPLACEMENTS_MAX;
use super::model::route::{Case, Replacement};
use super::report::Located;
use super::section::Section;
use super::template::{Scope, Template};
use super::{headers, pattern};

/// Each with the name of its line, in the order of the file.
pub(super) fn read(
    section: &mut Section<'_>,
    scope: Scope<'_>,
) -> Vec<(Located<String>, Vec<Replacement>)> {
    let items = section.items("replace");
    if let Some(first) = items.get(REPLACEMENTS_MAX) {
        let message = format!("{} replacements, more than {REPLACEMENTS_MAX}", items.len());
        section.report.error(&first.span(), message, "");
    }
    items
        .into_iter()
        .filter_map(|item| replacement(section.item("replace", item)?, scope))
        .collect()
}

fn replacement(
    mut table: Section<'_>,
    scope: Scope<'_>,
) -> Option<(Located<String>, Vec<Replacement>)> {
    let name = table.text("name");
    if table.key_span("name").is_none() {
        table.missing("name", "of the header, such as `name = \"Location\"`");
    }
    let items = table.items("rules");
    if items.is_empty() {
        table
            .missing("rules", "such as `rules = [{ match = \"^http://app/(.*)\", to = \"/$1\" }]`");
    }
    if let Some(first) = items.get(REPLACEMENTS_MAX) {
        let message = format!("{} rules, more than {REPLACEMENTS_MAX}", items.len());
        table.report.error(&first.span(), message, "");
    }
    let rules =
        items.into_iter().filter_map(|item| rule(table.item("rules", item)?, scope)).collect();
    table.finish(&[("header", "name"), ("rule", "rules")]);
    Some((name?, rules))
}

fn rule(mut table: Section<'_>, scope: Scope<'_>) -> Option<Replacement> {
    let report = table.report;
    let pattern = table.raw_text("match");
    if table.key_span("match").is_none() {
        table.missing("match", "an expression: what it matches is replaced");
    }
    let to = table.raw_text("to");
    if table.key_span("to").is_none() {
        table.missing("to", "what stands in its place; it may be empty");
    }
    table.finish(&[("from", "match"), ("regex", "match"), ("pattern", "match")]);
    let pattern = pattern?;
    let groups = pattern::check(report, &pattern, Case::Sensitive)?;
    let scope = Scope { groups: Some(&groups), ..scope };
    let to: Template = headers::line(report, &to?, scope);
    Some(Replacement { pattern: pattern.value, to })
}
