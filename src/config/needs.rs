//! Which program needs which: every name exists, and nobody waits for itself in the end.

use super::model::vitals::Need;
use super::report::Report;
use super::{nearest, program};

pub(super) fn check(report: &Report<'_>, programs: &[program::Draft]) {
    let names: Vec<&str> = programs.iter().map(|draft| draft.program.name.as_str()).collect();
    for draft in programs {
        for need in &draft.needs {
            let Some(name) = need.need.program().filter(|name| !names.contains(name)) else {
                continue;
            };
            let hint = match nearest::nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add [program.{name}]"),
            };
            report.error(&need.at, format!("no program `{}`", name.escape_debug()), hint);
        }
    }
    cycles(report, programs);
}

/// Each program is entered once; a need that leads back to one that is still being followed closes
/// a circle.
fn cycles(report: &Report<'_>, programs: &[program::Draft]) {
    let mut course =
        Course { report, programs, path: Vec::new(), done: vec![false; programs.len()] };
    for start in 0..programs.len() {
        course.follow(start);
    }
}

struct Course<'a> {
    report: &'a Report<'a>,
    programs: &'a [program::Draft],
    path: Vec<usize>,
    done: Vec<bool>,
}

impl Course<'_> {
    /// As deep as there are programs.
    fn follow(&mut self, at: usize) {
        if self.done[at] {
            return;
        }
        self.path.push(at);
        let programs = self.programs;
        for need in &programs[at].needs {
            let named = |name: &str| programs.iter().position(|draft| draft.program.name == name);
            let Some(next) = need.need.program().and_then(named) else { continue };
            match self.path.iter().position(|other| *other == next) {
                Some(first) => {
                    let names = self.path[first..].iter().chain([&next]);
                    let names: Vec<&str> =
                        names.map(|at| programs[*at].program.name.as_str()).collect();
                    let message = if names.len() == 2 {
                        format!("`{}` needs itself", names[0])
                    } else {
                        "programs need each other in a circle".to_owned()
                    };
                    let hint = format!("{}: none of them could start", names.join(" needs "));
                    self.report.error(&need.at, message, hint);
                }
                None => self.follow(next),
            }
        }
        self.path.pop();
        self.done[at] = true;
    }
}

impl Need {
    /// The program it is about.
    pub(crate) fn program(&self) -> Option<&str> {
        match self {
            Self::Program { name, .. } | Self::Line { program: name, .. } => Some(name),
            Self::Listening(_) => None,
        }
    }
}
