//! Programs that died, or gave up.

use crate::control::wire::{ProgramRow, ProgramState, Severity};

use super::super::Model;
use super::super::key::Key;
use super::{Attention, ends, starts};

pub(super) fn programs(model: &Model, list: &mut Vec<Attention>) {
    for row in &model.moment.programs {
        let (severity, word, rank) = match row.program.state {
            ProgramState::Fatal => (Severity::Bad, "FATAL", 1),
            ProgramState::Unknown => (Severity::Bad, "UNKNOWN", 1),
            ProgramState::Backoff => (Severity::Warn, "BACKOFF", 4),
            ProgramState::Stopped
            | ProgramState::Starting
            | ProgramState::Running
            | ProgramState::Stopping
            | ProgramState::Exited => continue,
        };
        list.push(Attention {
            key: Key::of_program(row),
            severity,
            word,
            kind: "program",
            name: format!("{}:{}", row.program.name, row.program.instance),
            text: program_text(model, row),
            since_ms: row.since_ms,
            rank,
        });
    }
}

fn program_text(model: &Model, row: &ProgramRow) -> String {
    let last = ends::exit_text(row.program.exit_code, row.program.exit_signal);
    match row.program.state {
        ProgramState::Backoff => {
            let wait_s = row.retry_at_ms.saturating_sub(model.seen_ms()).div_ceil(1000);
            format!("{last}, again in {wait_s}s{}", starts::next(row))
        }
        ProgramState::Fatal if is_exit_known(row) => {
            let words = row.last_line.trim();
            let said = if words.is_empty() { String::new() } else { format!("; \"{words}\"") };
            format!("gave up: {last}, {} starts{said}", row.start_failures)
        }
        // `gave up after 2 starts: exec /srv/x: No such file` names the cause at its end.
        ProgramState::Fatal => match row.program.reason.split_once(": ") {
            Some((what, cause)) if what.starts_with("gave up") => format!("{cause}; {what}"),
            Some(_) | None => row.program.reason.clone(),
        },
        ProgramState::Unknown
        | ProgramState::Stopped
        | ProgramState::Starting
        | ProgramState::Running
        | ProgramState::Stopping
        | ProgramState::Exited => row.program.reason.clone(),
    }
}

fn is_exit_known(row: &ProgramRow) -> bool {
    row.program.exit_code.is_some() || row.program.exit_signal.is_some()
}
