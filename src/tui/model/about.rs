//! What is told of the selected program between its table and its output, line by line.

use crate::control::standing::Readiness;
use crate::control::wire::{ProgramRow, ProgramState};

use super::Model;
use super::key::Key;

/// Lower terminals need the rows for the output.
const FACTS_HEIGHT_MIN: u16 = 24;
const COMMAND_HEIGHT_MIN: u16 = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// What it waits for, why it is not ready or gave up, what its log suffers from.
    Reason,
    /// How far its rolling restart is.
    Rolling,
    /// What it is kept hold of by, when it runs next, what it serves as.
    Facts,
    Command,
}

/// The program whose output is shown.
pub(crate) fn program(model: &Model) -> Option<&ProgramRow> {
    let Some(Key::Program { name, instance }) = &model.log.of else { return None };
    model.program(name, *instance)
}

/// On a terminal of that height.
pub(crate) fn lines(model: &Model, height: u16) -> Vec<About> {
    let Some(row) = program(model) else { return Vec::new() };
    let has_reason = !row.program.reason.is_empty() || !row.program.log_degraded.is_empty();
    [
        (About::Reason, has_reason),
        (About::Rolling, row.standing.rolling.is_some()),
        (About::Facts, height >= FACTS_HEIGHT_MIN),
        (About::Command, height >= COMMAND_HEIGHT_MIN && !row.command.is_empty()),
    ]
    .into_iter()
    .filter_map(|(line, is_told)| is_told.then_some(line))
    .collect()
}

/// Whether its reason is trouble, and not only news.
pub(crate) fn is_in_trouble(row: &ProgramRow) -> bool {
    let is_failing = match row.program.state {
        ProgramState::Fatal | ProgramState::Unknown | ProgramState::Backoff => true,
        ProgramState::Stopped
        | ProgramState::Starting
        | ProgramState::Running
        | ProgramState::Stopping
        | ProgramState::Exited => false,
    };
    is_failing || row.standing.readiness != Readiness::Plain || !row.program.log_degraded.is_empty()
}
