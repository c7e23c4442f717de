//! Orders on their way: shown on the row they concern until the engine has answered.

use super::key::Key;
use super::order::Undo;
use crate::control::call::Command;

/// How long an answered order stays on its row.
pub(crate) const ANSWERED_MS: u64 = 3_000;
/// Without an answer for this long, the row shows a question mark. An order is answered when it is
/// done, and a restart takes its time.
pub(crate) const LATE_MS: u64 = 5_000;
/// So long after an answer its row may still be as before: over a slow line rows are told of every two
/// seconds.
const ROW_LATE_MS: u64 = 2_500;

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: u64,
    pub(crate) key: Key,
    pub(crate) command: Command,
    /// `drain`, `restart` ...
    pub(crate) verb: &'static str,
    pub(crate) sent_ms: u64,
    pub(crate) stage: Stage,
    /// What takes it back, once it is done.
    pub(crate) undo: Option<Undo>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Sent,
    Done { at_ms: u64, message: String },
    Failed { at_ms: u64, message: String },
}

impl Pending {
    pub(crate) fn is_late(&self, now_ms: u64) -> bool {
        self.stage == Stage::Sent && now_ms >= self.sent_ms + LATE_MS
    }

    /// Whether what it asked for is newer than what its row says.
    pub(crate) fn outruns_its_row(&self, now_ms: u64) -> bool {
        match self.stage {
            Stage::Sent => true,
            Stage::Done { at_ms, .. } => now_ms < at_ms + ROW_LATE_MS,
            Stage::Failed { .. } => false,
        }
    }

    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        match self.stage {
            Stage::Sent => false,
            Stage::Done { at_ms, .. } | Stage::Failed { at_ms, .. } => {
                now_ms >= at_ms + ANSWERED_MS
            }
        }
    }
}
