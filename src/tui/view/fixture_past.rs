//! What the last five minutes of the fixture were, for the screens' tests.

use super::fixture::NOW_MS;
use crate::control::tape::Tape;
use crate::control::wire::{BackendState, ProgramState, Snapshot};
use crate::tui::model::Model;

/// All well at first; a backend fails, a program gives up, and another backend is drained.
pub(super) fn remember(model: &mut Model) {
    let mut tape = Tape::default();
    let mut record = |ago_s: u64, snapshot: &Snapshot| tape.record(NOW_MS - ago_s * 1000, snapshot);
    let now = model.moment.clone();
    let mut rows = now.clone();
    for row in &mut rows.backends {
        row.backend.state = BackendState::Up;
        row.backend.drain = None;
        row.reason = String::new();
        row.since_ms = NOW_MS - 86_400_000;
    }
    for row in &mut rows.programs {
        row.program.state = ProgramState::Running;
        row.program.pid = Some(4_200 + row.program.instance);
        row.program.reason = String::new();
        (row.program.exit_code, row.program.exit_signal) = (None, None);
        (row.since_ms, row.retry_at_ms) = (NOW_MS - 86_400_000, 0);
    }
    (rows.workers[1].pid, rows.workers[1].restarts) = (4_122, 0);
    record(300, &rows);
    rows.backends[4] = now.backends[4].clone();
    record(130, &rows);
    rows.programs.clone_from(&now.programs);
    rows.workers.clone_from(&now.workers);
    record(41, &rows);
    record(12, &now);
    model.tape = tape;
}
