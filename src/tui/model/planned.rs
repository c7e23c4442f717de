//! What a reload would do, as the engine says: asked for while the Config view is open, and no longer.

use crate::control::plan::{Change, Detail, Line, Plan};

#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    pub(crate) is_asked: bool,
    latest: Option<Box<Plan>>,
    /// Why there is no answer; empty while there is one, or none yet.
    pub(crate) why: String,
}

/// A row of either list of the Config view.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlanRow<'a> {
    Section(&'a Change),
    Detail(&'a Change, &'a Detail),
    /// With its place.
    Line(usize, &'a Line),
}

impl PlanRow<'_> {
    /// Who it is, also when the plan is another one.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Section(change) => change.label(),
            Self::Detail(change, detail) => format!("{} {}", change.label(), detail.key),
            Self::Line(at, _) => format!("line {at}"),
        }
    }

    /// What a filter is matched against.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Section(change) => {
                format!("{} {} {}", change.sign.letter(), change.label(), change.effect)
            }
            // With its section, so that what a name finds comes with what is different about it.
            Self::Detail(change, detail) => {
                format!("{} {} {}", change.label(), detail.key, detail.words())
            }
            Self::Line(_, Line::Same(line) | Line::Gone(line) | Line::New(line)) => line.clone(),
            Self::Line(_, Line::Gap(_)) => String::new(),
        }
    }
}

impl Planned {
    pub(crate) fn came(&mut self, outcome: Result<Box<Plan>, String>) {
        match outcome {
            Ok(plan) => {
                self.latest = Some(plan);
                self.why.clear();
            }
            Err(why) => self.why = why,
        }
    }

    /// Only while it is asked for: an old one may be wrong by now.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.latest.as_deref().filter(|_| self.is_asked)
    }

    pub(crate) fn ask(&mut self, is_asked: bool) {
        *self = Self { is_asked, ..Self::default() };
    }

    pub(crate) fn rows(&self) -> Vec<PlanRow<'_>> {
        let changes = self.plan().map_or(&[][..], |plan| &plan.changes);
        let section = |change| {
            let details = move |detail| PlanRow::Detail(change, detail);
            std::iter::once(PlanRow::Section(change)).chain(change.details.iter().map(details))
        };
        changes.iter().flat_map(section).collect()
    }

    pub(crate) fn lines(&self) -> Vec<PlanRow<'_>> {
        let lines = self.plan().map_or(&[][..], |plan| &plan.lines);
        lines.iter().enumerate().map(|(at, line)| PlanRow::Line(at, line)).collect()
    }
}
