//! The words of a `[map.NAME]`: texts as they are, names of hosts, and expressions.

use std::collections::HashSet;

use super::super::limits::tables::TABLE_PATTERNS_MAX;
use super::super::model::route::Case;
use super::super::model::table::{Pattern, Words};
use super::super::pattern;
use super::super::report::{Located, Report};
use super::super::section::Section;
use super::super::template::{self, Scope};
use super::SCOPE;

pub(super) fn read(section: &mut Section<'_>) -> Words {
    let report = section.report;
    let are_hosts = section.flag("hosts").unwrap_or(false);
    let mut reading =
        Reading { report, seen: HashSet::new(), words: Words { are_hosts, ..Words::default() } };
    for (word, value) in section.pairs("values") {
        reading.word(&word, &value);
    }
    if section.key_span("values").is_none() {
        section.missing("values", "such as `values = { \"a.example.com\" = \"a\" }`");
    }
    reading.words
}

struct Reading<'a> {
    report: &'a Report<'a>,
    /// In lower case, as they are written.
    seen: HashSet<String>,
    words: Words,
}

impl Reading<'_> {
    fn word(&mut self, word: &Located<String>, value: &Located<String>) {
        let text = word.value.as_str();
        for (sign, case) in [("~*", Case::Insensitive), ("~", Case::Sensitive)] {
            if let Some(pattern) = text.strip_prefix(sign) {
                let pattern = Located { value: pattern.to_owned(), span: word.span.clone() };
                return self.pattern(&pattern, case, value);
            }
        }
        // What stands behind a backslash is a word, whatever it begins with.
        let text = text.strip_prefix('\\').unwrap_or(text).to_ascii_lowercase();
        let template = template::parse(self.report, value, SCOPE);
        let words = &mut self.words;
        let mut forms: Vec<String> = Vec::new();
        match (text.strip_prefix("*."), text.strip_prefix('.'), text.strip_suffix(".*")) {
            (Some(name), _, _) if words.are_hosts => {
                words.below.push((format!(".{name}"), template));
                forms.push(format!("*.{name}"));
            }
            (_, Some(name), _) if words.are_hosts => {
                words.below.push((format!(".{name}"), template.clone()));
                words.exact.push((name.to_owned(), template));
                forms.extend([format!("*.{name}"), name.to_owned()]);
            }
            (_, _, Some(name)) if words.are_hosts => {
                words.begun.push((format!("{name}."), template));
                forms.push(format!("{name}.*"));
            }
            _ => {
                words.exact.push((text.clone(), template));
                forms.push(text);
            }
        }
        for form in forms {
            if let Some(form) = self.seen.replace(form) {
                let message = format!("`{}` is in the table already", form.escape_debug());
                self.report.error(&word.span, message, "upper and lower case are the same");
            }
        }
    }

    fn pattern(&mut self, pattern: &Located<String>, case: Case, value: &Located<String>) {
        if self.words.patterns.len() == TABLE_PATTERNS_MAX {
            let message = format!("more than {TABLE_PATTERNS_MAX} expressions in one table");
            return self.report.error(&pattern.span, message, "");
        }
        let Some(groups) = pattern::check(self.report, pattern, case) else { return };
        let scope = Scope { groups: Some(&groups), ..SCOPE };
        let value = template::parse(self.report, value, scope);
        self.words.patterns.push(Pattern { pattern: pattern.value.clone(), case, value });
    }
}
