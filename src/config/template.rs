//! Texts with variables, taken apart when the file is read: what is rendered for each request has
//! nothing left that could be wrong.
//!
//! `$name` and `${name}` are variables, `$$` is a dollar. `${NAME}` that is no variable is taken
//! from the environment, as everywhere in the file; the names of variables are all in lower case
//! but for what follows a prefix such as `http_`, so the two rarely meet, and the variable wins.

mod of_all;
mod over_tls;
mod variable;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub(crate) use of_all::OfAll;
pub(crate) use over_tls::OverTls;
pub(crate) use variable::{Stage, Variable};

use super::nearest;
use super::report::{Located, Report};

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Template {
    pub(crate) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    Text(String),
    Variable(Variable),
}

impl Template {
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(variable) => Some(variable),
        })
    }

    /// The text of a template without variables.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            [Part::Variable(_)] | [_, _, ..] => None,
        }
    }

    /// Appends a part; an empty text is none.
    pub(super) fn push(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.push_text(&text),
            Part::Variable(variable) => self.parts.push(Part::Variable(variable)),
        }
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            Some(Part::Variable(_)) | None => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

/// The groups of a regular expression, which `$1` and `$name` stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// By number; the first is the whole match. Unnamed ones are empty.
    pub(super) names: Vec<String>,
}

/// What a text may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// When it is rendered.
    pub(super) stage: Stage,
    /// Of the regular expression in force, if there is one.
    pub(super) groups: Option<&'a Groups>,
}

/// Takes a text apart; reports every variable that it can not have.
pub(super) fn parse(report: &Report<'_>, text: &Located<String>, scope: Scope<'_>) -> Template {
    let mut parser = Parser { report, text, scope, template: Template::default() };
    let mut rest = 0;
    while let Some(dollar) = text.value[rest..].find('$').map(|at| rest + at) {
        parser.template.push_text(&text.value[rest..dollar]);
        rest = parser.reference(dollar);
    }
    parser.template.push_text(&text.value[rest..]);
    parser.template
}

struct Parser<'a> {
    report: &'a Report<'a>,
    text: &'a Located<String>,
    scope: Scope<'a>,
    template: Template,
}

impl Parser<'_> {
    /// Reads what begins with the dollar at `start`; returns where the text goes on.
    fn reference(&mut self, start: usize) -> usize {
        let after = &self.text.value[start + 1..];
        let name_bytes = |text: &str| {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            text.find(|c| !is_of_name(c)).unwrap_or(text.len())
        };
        if after.starts_with('$') {
            self.template.push_text("$");
            return start + 2;
        }
        if let Some(braced) = after.strip_prefix('{') {
            let Some(length) = braced.find('}') else {
                self.error(start..self.text.value.len(), "`${` without `}`", "close it with `}`");
                return self.text.value.len();
            };
            let end = start + 2 + length + 1;
            self.name(&braced[..length], start..end, Braces::Some);
            return end;
        }
        // A digit stands alone, so that `$10` is the first group and a zero.
        let length = match after.bytes().next() {
            Some(digit) if digit.is_ascii_digit() => 1,
            _ => name_bytes(after),
        };
        let end = start + 1 + length;
        if length == 0 {
            self.error(start..end, "`$` without a name", "write `$$` for a dollar");
        } else {
            self.name(&after[..length], start..end, Braces::None);
        }
        end
    }

    fn name(&mut self, name: &str, place: Range<usize>, braces: Braces) {
        let known = self.group(name).or_else(|| Variable::parse(name));
        if let Some(variable) = known.or_else(|| self.report.named.variable(name)) {
            let known_from = self.report.named.known_from(&variable);
            if known_from > self.scope.stage {
                let hint = match known_from {
                    Stage::Request | Stage::Response => "it is of the response",
                    Stage::End => "only a log can have it",
                };
                self.error(place, &format!("`${name}` is not known here yet"), hint);
            }
            self.template.parts.push(Part::Variable(variable));
            return;
        }
        let from_environment = match braces {
            Braces::Some => (self.report.surroundings.variable)(name),
            Braces::None => None,
        };
        match from_environment {
            Some(value) => self.template.push_text(&value),
            None if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let message = format!("no group `${name}` in the regular expression");
                let hint = match self.scope.groups {
                    Some(groups) if !groups.names.is_empty() => {
                        "groups are counted by their opening parentheses, up to `$9`"
                    }
                    Some(_) | None => "there is none here",
                };
                self.error(place, &message, hint);
            }
            None => {
                let hint = self.hint(name, braces);
                self.error(place, &format!("unknown variable `{name}`"), &hint);
            }
        }
    }

    fn group(&self, name: &str) -> Option<Variable> {
        let groups = self.scope.groups?;
        let number = match name.parse::<u8>() {
            Ok(number) => usize::from(number),
            Err(_) if name.is_empty() => return None,
            Err(_) => groups.names.iter().position(|known| known == name)?,
        };
        let is_known = number <= GROUPS_MAX && number < groups.names.len();
        is_known.then_some(Variable::Capture(number as u8))
    }

    fn hint(&self, name: &str, braces: Braces) -> String {
        let own = self.report.named.names();
        let mut known = Variable::names();
        known.extend(own.iter().map(String::as_str));
        let groups = self.scope.groups.into_iter().flat_map(|groups| &groups.names);
        known.extend(groups.filter(|name| !name.is_empty()).map(String::as_str));
        let is_upper = name.bytes().any(|byte| byte.is_ascii_uppercase())
            && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let nearest = known
            .iter()
            .copied()
            .find(|known| known.strip_suffix("NAME") == Some(name))
            .or_else(|| nearest::nearest(name, &known));
        match (nearest, braces) {
            (_, Braces::None) if is_upper => {
                format!("the environment's variables are written `${{{name}}}`")
            }
            (Some(near), _) => format!("did you mean `${near}`?"),
            (None, Braces::Some) => "neither a variable nor in the environment".to_owned(),
            (None, Braces::None) => "write `$$` for a dollar".to_owned(),
        }
    }

    fn error(&self, place: Range<usize>, message: &str, hint: &str) {
        self.report.error(&self.report.within(self.text, place), message, hint);
    }
}

/// Groups that can be named by number, as nginx has them.
pub(crate) const GROUPS_MAX: usize = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Braces {
    Some,
    None,
}
