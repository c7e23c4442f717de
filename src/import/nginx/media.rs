//! `types` and `default_type`: what files are called by the ends of their names.
//!
//! A list like the one that comes with nginx differs from ours in little, and that is written; any
//! other one, such as none at all for what is to be downloaded, stands in place of ours.

use std::collections::BTreeMap;

use super::lines::Lines;
use super::scope::Scope;
use crate::http::mime;
use crate::import::Place;
use crate::import::page;

/// nginx's word for what it does not know.
const UNKNOWN: &str = "text/plain";
/// Ends of names that no usual list lacks.
const USUAL: [&str; 4] = ["html", "css", "js", "png"];

pub(super) fn write(scope: &Scope<'_>, place: &Place, lines: &mut Lines) {
    let default = scope.word("default_type");
    let (kind, default_place) = default.unwrap_or((UNKNOWN, place));
    let lists = scope.all("types");
    if let Some(first) = lists.first() {
        let mut known: BTreeMap<String, &str> = BTreeMap::new();
        for rule in lists.iter().flat_map(|list| list.inner()) {
            for end in &rule.arguments {
                known.insert(end.to_lowercase(), &rule.name);
            }
        }
        let is_usual = USUAL.iter().all(|end| known.contains_key(*end));
        if is_usual {
            known.retain(|end, kind| mime::known(end.as_bytes()) != Some(*kind));
        } else {
            known.insert(mime::OTHERS.to_owned(), kind);
        }
        let is_end = |end: &str| end == mime::OTHERS || !end.contains(['.', '/', ' ', '*']);
        let pairs: Vec<(String, String)> = known
            .iter()
            .filter(|(end, kind)| is_end(end) && kind.contains('/'))
            .map(|(end, kind)| (page::bare_or_quoted(end), page::string(kind)))
            .collect();
        if !pairs.is_empty() {
            lines.add("types", page::inline(&pairs), &first.place);
        }
    }
    lines.text("default_type", kind, default_place);
}
