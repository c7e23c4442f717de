//! What is done with a request before its route's guards and action, one step after the other.

use serde::{Deserialize, Serialize};

use super::route::{Redirect, Respond, Rewrite};
use crate::config::template::Template;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// All of them have to hold.
    pub(crate) when: Vec<Condition>,
    pub(crate) effect: Effect,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) source: Template,
    pub(crate) test: Test,
    /// What the test has to say.
    pub(crate) expected: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Test {
    /// Neither empty nor `0`.
    Something,
    Is(Template),
    /// Groups of the expression are those of the step's effect.
    Matches(String),
    /// The path of a file system leads to that.
    Exists(Wanted),
}

/// What a path is to lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    File,
    Folder,
    /// One of these.
    Anything,
    Executable,
}

impl Wanted {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("file", Self::File),
        ("folder", Self::Folder),
        ("any", Self::Anything),
        ("executable", Self::Executable),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Effect {
    /// Variables by their numbers.
    Set(Vec<(u16, Template)>),
    Rewrite {
        rewrite: Rewrite,
        then: Then,
    },
    Respond(Respond),
    Redirect(Redirect),
    /// No further step; the request stays in its route.
    Stop,
    Steps(Vec<Step>),
}

/// How a request goes on whose path was rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Then {
    /// The next step; after the last one its route is looked for again.
    #[default]
    Next,
    /// Its route is looked for again at once.
    Find,
    /// No further step; it stays in its route.
    Stay,
}

impl Condition {
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let other = match &self.test {
            Test::Is(text) => Some(text),
            Test::Something | Test::Matches(_) | Test::Exists(_) => None,
        };
        std::iter::once(&self.source).chain(other)
    }
}

impl Condition {
    /// Whether what it asks may have to be waited for.
    pub(crate) fn looks_at_files(&self) -> bool {
        matches!(self.test, Test::Exists(_))
    }
}

impl Step {
    /// Every text of it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        let mut found = Vec::new();
        found.extend(self.when.iter().flat_map(Condition::templates));
        match &self.effect {
            Effect::Set(pairs) => found.extend(pairs.iter().map(|(_, text)| text)),
            Effect::Rewrite { rewrite, .. } => found.extend(rewrite.templates()),
            Effect::Respond(respond) => found.extend(respond.body.iter().map(|body| &body.text)),
            Effect::Redirect(redirect) => found.push(&redirect.to),
            Effect::Stop => {}
            Effect::Steps(steps) => found.extend(steps.iter().flat_map(Self::templates)),
        }
        found
    }
}
