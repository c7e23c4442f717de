//! Values of header lines of which something becomes another text.
//!
//! Of each list the first rule that matches counts, once; what it makes goes through the next list.

use std::cell::RefCell;

use super::routes::{Pattern, Spans};
use super::shape;
use super::variables::{self, Facts, Groups, Manner};
use crate::config::model::route::{Case, Change, HeaderRule, Replacement};
use crate::config::pattern;
use crate::config::template::Template;
use crate::http::head::{Header, Kind};

/// All lists for lines of one name.
pub(crate) struct Replacements {
    pub(crate) name: String,
    lists: Vec<Vec<Rule>>,
    /// A value before and after a list.
    values: RefCell<[Vec<u8>; 2]>,
}

struct Rule {
    pattern: Pattern,
    to: Template,
}

impl Replacements {
    /// Those among a route's rules, together by name.
    pub(crate) fn compile(rules: &[HeaderRule]) -> Vec<Self> {
        let mut compiled: Vec<Self> = Vec::new();
        for rule in rules {
            let Change::Replace(list) = &rule.change else { continue };
            let list = list.iter().map(Rule::compile).collect();
            let is_same = |it: &&mut Self| it.name.eq_ignore_ascii_case(&rule.name);
            if let Some(known) = compiled.iter_mut().find(is_same) {
                known.lists.push(list);
            } else {
                let (name, lists, values) = (rule.name.clone(), vec![list], RefCell::default());
                compiled.push(Self { name, lists, values });
            }
        }
        compiled
    }

    /// Appends each line of that name as it comes out.
    pub(crate) fn render(
        &self,
        out: &mut Vec<u8>,
        (headers, bytes): (&[Header], &[u8]),
        facts: &Facts<'_>,
    ) {
        let mut values = self.values.borrow_mut();
        let [value, next] = &mut *values;
        let is_meant = |header: &&Header| {
            let name = header.name.in_bytes(bytes);
            header.kind != Kind::HopByHop && name.eq_ignore_ascii_case(self.name.as_bytes())
        };
        for header in headers.iter().filter(is_meant) {
            value.clear();
            value.extend_from_slice(header.value.in_bytes(bytes));
            for rules in &self.lists {
                next.clear();
                if rules.iter().any(|rule| rule.applies(value, next, facts)) {
                    std::mem::swap(value, next);
                }
            }
            shape::line(out, &self.name, |out| out.extend_from_slice(value));
        }
    }
}

impl Rule {
    fn compile(replacement: &Replacement) -> Self {
        let regex = pattern::compile(&replacement.pattern, Case::Sensitive);
        let regex = regex.expect("the configuration's check compiles every expression");
        Self { pattern: Pattern::new(regex), to: replacement.to.clone() }
    }

    /// Writes what a value becomes, if the rule is about it.
    fn applies(&self, value: &[u8], out: &mut Vec<u8>, facts: &Facts<'_>) -> bool {
        let mut spans = Spans::default();
        if self.pattern.matches(value, &mut spans).is_none() {
            return false;
        }
        let whole = spans[0];
        out.extend_from_slice(&value[..whole.start as usize]);
        let facts = Facts { groups: Groups { subject: value, spans: &spans }, ..*facts };
        variables::render(out, &self.to, &facts, Manner::Line);
        out.extend_from_slice(&value[whole.end as usize..]);
        true
    }
}
