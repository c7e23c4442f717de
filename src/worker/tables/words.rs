//! Words, names of hosts and expressions: nginx's `map` (ngx_http_map_find, ngx_hash_find_combined).
//!
//! A word as it is goes before names below it, the longest first; then names that it begins, the
//! longest first; then expressions in the order of the file. Upper and lower case of words are the
//! same. An empty text is looked for among words only.

use crate::config::model::table;
use crate::config::pattern;
use crate::config::template::Template;
use crate::worker::routes::{Pattern, Spans};

pub(super) struct Words {
    are_hosts: bool,
    exact: Sorted,
    below: Sorted,
    begun: Sorted,
    patterns: Vec<(Pattern, Template)>,
}

/// By the word, which is in lower case.
struct Sorted(Vec<(String, Template)>);

impl Sorted {
    fn new(words: &[(String, Template)]) -> Self {
        let mut words = words.to_vec();
        words.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self(words)
    }

    fn find(&self, text: &[u8]) -> Option<&Template> {
        let compare = |(word, _): &(String, Template)| {
            word.bytes().cmp(text.iter().map(u8::to_ascii_lowercase))
        };
        let at = self.0.binary_search_by(compare).ok()?;
        Some(&self.0[at].1)
    }
}

impl Words {
    pub(super) fn compile(words: &table::Words) -> Self {
        let compiled = |pattern: &table::Pattern| {
            let regex = pattern::compile(&pattern.pattern, pattern.case);
            let regex = regex.expect("the configuration's check compiles every expression");
            (Pattern::new(regex), pattern.value.clone())
        };
        Self {
            are_hosts: words.are_hosts,
            exact: Sorted::new(&words.exact),
            below: Sorted::new(&words.below),
            begun: Sorted::new(&words.begun),
            patterns: words.patterns.iter().map(compiled).collect(),
        }
    }

    /// The value of a text; `spans` is filled in when an expression decided.
    pub(super) fn find(&self, text: &[u8], spans: &mut Spans) -> Option<&Template> {
        let text = match text.strip_suffix(b".") {
            Some(host) if self.are_hosts => host,
            Some(_) | None => text,
        };
        let by_word = self.exact.find(text).or_else(|| self.host(text));
        by_word.or_else(|| {
            let mut patterns = self.patterns.iter().filter(|_| !text.is_empty());
            let (_, value) = patterns.find(|(it, _)| it.matches(text, spans).is_some())?;
            Some(value)
        })
    }

    fn host(&self, text: &[u8]) -> Option<&Template> {
        if !self.are_hosts {
            return None;
        }
        let dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        // The leftmost dot begins the longest end, the rightmost one ends the longest beginning.
        let mut ends = dots.clone().filter(|at| *at > 0);
        let mut begins = dots.rev().filter(|at| at + 1 < text.len());
        let below = ends.find_map(|at| self.below.find(&text[at..]));
        below.or_else(|| begins.find_map(|at| self.begun.find(&text[..=at])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::route::Case;
    use crate::config::template::Part;

    fn text(text: &str) -> Template {
        Template { parts: vec![Part::Text(text.to_owned())] }
    }

    fn list(words: &[&str]) -> Vec<(String, Template)> {
        words.iter().map(|word| ((*word).to_owned(), text(word))).collect()
    }

    #[test]
    fn the_nearest_word_decides() {
        let pattern = |pattern: &str, case| table::Pattern {
            pattern: pattern.to_owned(),
            case,
            value: text(pattern),
        };
        let words = table::Words {
            are_hosts: true,
            exact: list(&["", "example.com", "a.example.com"]),
            below: list(&[".example.com", ".b.example.com"]),
            begun: list(&["www.", "www.example."]),
            patterns: vec![
                pattern("^x(.*)y$", Case::Sensitive),
                pattern("X", Case::Insensitive),
                pattern("", Case::Sensitive),
            ],
        };
        let words = Words::compile(&words);
        for (asked, expected) in [
            ("", ""),
            ("EXAMPLE.com", "example.com"),
            ("example.com.", "example.com"),
            ("a.example.com", "a.example.com"),
            ("c.example.com", ".example.com"),
            ("c.b.Example.com", ".b.example.com"),
            ("b.example.com", ".example.com"),
            ("www.example.org", "www.example."),
            ("www.other.org", "www."),
            ("xay", "^x(.*)y$"),
            ("Xay", "X"),
            ("none", ""),
        ] {
            let found = words.find(asked.as_bytes(), &mut Spans::default());
            let found = found.and_then(Template::fixed);
            assert_eq!(found, Some(expected), "{asked}");
        }
    }

    #[test]
    fn an_empty_text_is_no_expressions() {
        let pattern =
            table::Pattern { pattern: ".*".to_owned(), case: Case::Sensitive, value: text("any") };
        let words = table::Words { patterns: vec![pattern], ..table::Words::default() };
        let words = Words::compile(&words);
        assert!(words.find(b"", &mut Spans::default()).is_none());
        assert!(words.find(b"a", &mut Spans::default()).is_some());
    }
}
