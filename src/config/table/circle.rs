//! Tables that name tables: none comes back to itself, and each is known once all are that it names.

use super::super::limits::tables::TABLE_DEPTH_MAX;
use super::super::report::Report;
use super::super::template::{Stage, Template, Variable};
use super::Draft;

/// What is known of a table while the others are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    /// On the way that led here.
    Open,
    Done {
        stage: Stage,
        depth: usize,
    },
}

/// Tells the report from when on each table is known, and of circles.
pub(super) fn settle(report: &Report<'_>, drafts: &[Draft]) {
    let mut states = vec![State::New; drafts.len()];
    for at in 0..drafts.len() {
        let Some((stage, depth)) = visit(at, drafts, &mut states, 0) else {
            let message = format!("`${}` comes back to itself", drafts[at].table.name);
            let hint = "a table names others in no circle";
            return report.error(&drafts[at].name, message, hint);
        };
        report.named.settle_table(at, stage);
        if depth > TABLE_DEPTH_MAX {
            let message = format!("more than {TABLE_DEPTH_MAX} tables behind each other");
            return report.error(&drafts[at].name, message, "");
        }
    }
}

/// The stage and the depth of a table; `None` in a circle.
fn visit(at: usize, drafts: &[Draft], states: &mut [State], way: usize) -> Option<(Stage, usize)> {
    match states[at] {
        State::Done { stage, depth } => return Some((stage, depth)),
        State::Open => return None,
        // Deeper than any may be: what is wrong is told of the first of them.
        State::New if way > TABLE_DEPTH_MAX => return Some((Stage::Request, 1)),
        State::New => states[at] = State::Open,
    }
    let (mut stage, mut depth) = (Stage::Request, 1);
    for variable in drafts[at].table.templates().flat_map(Template::variables) {
        let of_it = match variable {
            Variable::Table(other) => {
                let (stage, below) = visit(usize::from(*other), drafts, states, way + 1)?;
                depth = depth.max(below + 1);
                stage
            }
            other => other.known_from(),
        };
        stage = stage.max(of_it);
    }
    states[at] = State::Done { stage, depth };
    Some((stage, depth))
}
