//! A server's routes, compiled: which of them a path belongs to, in nginx's order.
//!
//! An exact path is found first; then the longest prefix, unless it lets expressions go first and
//! one matches. What is asked per request is two searches and the expressions there are.

use std::cell::RefCell;

use regex::bytes::{CaptureLocations, Regex};

use crate::config::model::route::PathMatch;
use crate::config::pattern;
use crate::config::template::GROUPS_MAX;
use crate::http::head::Span;

/// What the groups of an expression matched; the first is the whole match.
pub(crate) type Spans = [Span; GROUPS_MAX + 1];

/// Finds by path; what it finds are the places of routes in the list it was compiled from.
pub(crate) struct Routes {
    /// Sorted.
    exact: Vec<(String, usize)>,
    /// Sorted, so that each stands after all that it begins with.
    prefixes: Vec<Prefix>,
    /// In the order of the file.
    patterns: Vec<(Pattern, usize)>,
}

struct Prefix {
    text: String,
    /// The longest other one that it begins with.
    shorter: Option<usize>,
    firmness: Firmness,
    route: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Firmness {
    /// Expressions are asked first.
    Open,
    Firm,
}

/// An expression with the room for its groups, which is allocated once.
pub(crate) struct Pattern {
    regex: Regex,
    locations: RefCell<CaptureLocations>,
}

impl Pattern {
    pub(crate) fn new(regex: Regex) -> Self {
        let locations = RefCell::new(regex.capture_locations());
        Self { regex, locations }
    }

    /// Fills in what the groups matched; `None`, and nothing changed, without a match.
    pub(crate) fn matches(&self, text: &[u8], spans: &mut Spans) -> Option<()> {
        let mut locations = self.locations.borrow_mut();
        self.regex.captures_read(&mut locations, text)?;
        for (group, span) in spans.iter_mut().enumerate() {
            let (start, end) = locations.get(group).unwrap_or_default();
            *span = Span { start: start as u32, end: end as u32 };
        }
        Some(())
    }
}

impl Routes {
    pub(crate) fn compile<'c>(paths: impl Iterator<Item = &'c PathMatch>) -> Self {
        let (mut exact, mut prefixes, mut patterns) = (Vec::new(), Vec::new(), Vec::new());
        let prefix = |text: &String, firmness, route| Prefix {
            text: text.clone(),
            shorter: None,
            firmness,
            route,
        };
        for (route, path) in paths.enumerate() {
            match path {
                PathMatch::Exact(text) => exact.push((text.clone(), route)),
                PathMatch::Prefix(text) => prefixes.push(prefix(text, Firmness::Open, route)),
                PathMatch::FirmPrefix(text) => prefixes.push(prefix(text, Firmness::Firm, route)),
                PathMatch::Regex { pattern, case } => {
                    let regex = pattern::compile(pattern, *case);
                    let regex = regex.expect("the configuration's check compiles every expression");
                    patterns.push((Pattern::new(regex), route));
                }
            }
        }
        exact.sort();
        prefixes.sort_by(|left, right| left.text.cmp(&right.text));
        for at in 1..prefixes.len() {
            let begins_with = |other: &usize| prefixes[at].text.starts_with(&prefixes[*other].text);
            prefixes[at].shorter =
                std::iter::successors(Some(at - 1), |before| prefixes[*before].shorter)
                    .find(begins_with);
        }
        Self { exact, prefixes, patterns }
    }

    /// The route of a path in normal form. `spans` is filled in when an expression decided.
    pub(crate) fn find(&self, path: &[u8], spans: &mut Spans) -> Option<usize> {
        let exact = self.exact.binary_search_by(|(text, _)| text.as_bytes().cmp(path));
        if let Ok(at) = exact {
            return Some(self.exact[at].1);
        }
        let longest = self.longest_prefix(path);
        if longest.is_none_or(|prefix| prefix.firmness == Firmness::Open) {
            let mut patterns = self.patterns.iter();
            if let Some((_, route)) =
                patterns.find(|(pattern, _)| pattern.matches(path, spans).is_some())
            {
                return Some(*route);
            }
        }
        longest.map(|prefix| prefix.route)
    }

    /// What a path begins with stands before it in the order of texts, and so does whatever comes
    /// between them begin with it: from the nearest one on, only the shorter ones need a look.
    fn longest_prefix(&self, path: &[u8]) -> Option<&Prefix> {
        let behind = self.prefixes.partition_point(|prefix| prefix.text.as_bytes() <= path);
        let mut candidate = behind.checked_sub(1);
        while let Some(prefix) = candidate.map(|at| &self.prefixes[at]) {
            if path.starts_with(prefix.text.as_bytes()) {
                return Some(prefix);
            }
            candidate = prefix.shorter;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::model::route::Case;

    fn path(text: &str) -> PathMatch {
        let regex = |pattern: &str, case| PathMatch::Regex { pattern: pattern.to_owned(), case };
        match text.split_once(' ') {
            Some(("=", text)) => PathMatch::Exact(text.to_owned()),
            Some(("^~", text)) => PathMatch::FirmPrefix(text.to_owned()),
            Some(("~", pattern)) => regex(pattern, Case::Sensitive),
            Some(("~*", pattern)) => regex(pattern, Case::Insensitive),
            _ => PathMatch::Prefix(text.to_owned()),
        }
    }

    #[test]
    fn a_path_belongs_to_one_route() {
        let routes = [
            "/",
            "/api/",
            "= /api/",
            "^~ /static/",
            "~ \\.php$",
            "~* \\.(gif|jpe?g)$",
            "~ ^/api/(?<user>[^/]+)/",
            "/api/v1/",
        ];
        let paths: Vec<_> = routes.iter().map(|text| path(text)).collect();
        let compiled = Routes::compile(paths.iter());
        for (path, expected) in [
            ("/", "/"),
            ("/x", "/"),
            ("/api", "/"),
            ("/api/", "= /api/"),
            ("/api/x", "/api/"),
            ("/api/v1/", "~ ^/api/(?<user>[^/]+)/"),
            ("/api/x.php", "~ \\.php$"),
            ("/x.PHP", "/"),
            ("/x.JPEG", "~* \\.(gif|jpe?g)$"),
            ("/static/x.php", "^~ /static/"),
            ("/static", "/"),
        ] {
            let found = compiled.find(path.as_bytes(), &mut Spans::default());
            assert_eq!(found.map(|at| routes[at]), Some(expected), "{path}");
        }
        assert_eq!(Routes::compile([].iter()).find(b"/", &mut Spans::default()), None);
    }

    #[test]
    fn groups_are_ranges_of_the_path() {
        let paths = [path("~ ^/(\\w+)(/x)?/(\\d+)$")];
        let mut spans = Spans::default();
        assert_eq!(Routes::compile(paths.iter()).find(b"/ab/12", &mut spans), Some(0));
        let group = |at: usize| spans[at].in_bytes(b"/ab/12");
        assert_eq!([group(0), group(1), group(2), group(3)], [&b"/ab/12"[..], b"ab", b"", b"12"]);
    }

    proptest! {
        /// The search agrees with trying all of them.
        #[test]
        fn the_longest_prefix_is_found(
            prefixes in prop::collection::btree_set("/[ab/]{0,5}", 0..12),
            asked in "/[abc/]{0,7}",
        ) {
            let paths: Vec<_> = prefixes.iter().map(|text| path(text)).collect();
            let found = Routes::compile(paths.iter()).find(asked.as_bytes(), &mut Spans::default());
            let expected = prefixes
                .iter()
                .enumerate()
                .filter(|(_, prefix)| asked.starts_with(*prefix))
                .max_by_key(|(_, prefix)| prefix.len())
                .map(|(at, _)| at);
            prop_assert_eq!(found, expected);
        }
    }
}
