//! `mirror` as copies that a route is looked for by the same path.

use super::leads::Leads;
use super::lines::Lines;
use super::scope::{Remarks, Scope};
use super::values;
use crate::config::limits::mirror::WAYS_MAX;
use crate::import::page;

/// Limits, of which nginx would ask copies, too.
const LIMITS: [&str; 2] = ["limit_req", "limit_conn"];

/// Writes where copies of a place's requests go.
pub(super) fn write(
    scope: &Scope<'_>,
    leads: &Leads<'_, '_>,
    lines: &mut Lines,
    remarks: &mut Remarks,
) {
    let rules = scope.all("mirror");
    let Some(first) = rules.first().filter(|rule| rule.argument(0) != Some("off")) else { return };
    let mut paths = Vec::new();
    let mut are_bare = true;
    for rule in &rules {
        let uri = rule.argument(0).unwrap_or_default();
        if !uri.starts_with('/') || uri.contains('?') || paths.len() == WAYS_MAX {
            let text = format!("no copies go to `{uri}`, which has no equal here");
            remarks.warn(&rule.place, text);
            continue;
        }
        let target = leads.find(uri);
        for name in LIMITS {
            if let Some(limit) = target.one(name) {
                let text = format!("`{name}` does not hold for copies of requests");
                remarks.warn(&limit.place, text);
            }
        }
        are_bare &= has_no_body(target);
        paths.push(values::literal(uri));
    }
    if paths.is_empty() {
        return;
    }
    lines.add("mirror", page::strings(&paths), &first.place);
    if let Some(("off", place)) = scope.word("mirror_request_body") {
        lines.add("mirror_body", "false", place);
    } else if are_bare {
        lines.add("mirror_body", "false", &first.place);
    }
}

/// Whether requests that are passed on from there are without their bodies.
fn has_no_body(scope: &Scope<'_>) -> bool {
    scope.word("proxy_pass_request_body").is_some_and(|(word, _)| word == "off")
}
