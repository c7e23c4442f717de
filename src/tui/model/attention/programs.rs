//! Programs that died, or gave up.

use crate::control::standing::Readiness;
use crate::control::wire::{Program, ProgramRow, ProgramState, Severity};

use super::super::Model;
use super::super::key::Key;
use super::{Attention, ends, starts};

/// A start that takes no longer is nothing to look at.
const UNREADY_SHOWN_MS: u64 = 2_000;

pub(super) fn programs(model: &Model, list: &mut Vec<Attention>) {
    for row in &model.moment.programs {
        list.extend(unready(model, row));
        list.extend(log_failing(row));
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

/// One that waits for others, or does not come to be ready. That takes its time, so it is told of
/// after a while.
fn unready(model: &Model, row: &ProgramRow) -> Option<Attention> {
    let reason = &row.program.reason;
    let is_late = model.seen_ms().saturating_sub(row.since_ms) >= UNREADY_SHOWN_MS;
    let (word, prefix, rank) = match row.standing.readiness {
        Readiness::Waiting if is_late => ("WAITING", "waiting ", 5),
        Readiness::Asked if is_late && !reason.is_empty() => ("STARTING", "", 5),
        Readiness::Plain | Readiness::Waiting | Readiness::Asked => return None,
        Readiness::Lost => ("UNREADY", "not ready: ", 4),
    };
    Some(Attention {
        key: Key::of_program(row),
        severity: Severity::Warn,
        word,
        kind: "program",
        name: Key::of_program(row).label(),
        // The word stands beside it.
        text: reason.strip_prefix(prefix).unwrap_or(reason).to_owned(),
        since_ms: row.since_ms,
        rank,
    })
}

/// What it prints can not be written: it runs on, and nobody would notice before the lines are
/// looked for.
fn log_failing(row: &ProgramRow) -> Option<Attention> {
    let Program { log_degraded, log_lost_bytes, .. } = &row.program;
    if log_degraded.is_empty() {
        return None;
    }
    Some(Attention {
        key: Key::of_program(row),
        severity: Severity::Warn,
        word: "LOG LOST",
        kind: "program",
        name: Key::of_program(row).label(),
        text: format!("{log_degraded}; {log_lost_bytes} bytes lost"),
        since_ms: 0,
        rank: 5,
    })
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
