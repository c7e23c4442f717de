//! What a worker's writing of access logs came to: written by the worker, shown by the master.

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::AccessLogWords;
use super::{Board, WorkerSlot};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) lines: u64,
    /// Lines that were not written.
    pub(crate) dropped: u64,
    /// Openings and writings that failed.
    pub(crate) errors: u64,
    /// Why nothing can be written at present: the kernel's number, 0 when it can.
    pub(crate) failing: u32,
    /// The last failure's number, also after it is over.
    pub(crate) last_error: u32,
}

impl Figures {
    /// With what earlier workers of the slot counted.
    pub(crate) fn after(self, earlier: &Self) -> Self {
        Self {
            lines: self.lines + earlier.lines,
            dropped: self.dropped + earlier.dropped,
            errors: self.errors + earlier.errors,
            ..self
        }
    }
}

/// By the slot's worker alone.
pub(crate) fn publish(board: Board, slot: WorkerSlot, figures: &Figures) {
    let words = words(board, slot);
    words.lines.store(figures.lines, Ordering::Relaxed);
    words.dropped.store(figures.dropped, Ordering::Relaxed);
    words.errors.store(figures.errors, Ordering::Relaxed);
    words.failing.store(figures.failing, Ordering::Relaxed);
    words.last_error.store(figures.last_error, Ordering::Relaxed);
}

pub(crate) fn figures(board: Board, slot: WorkerSlot) -> Figures {
    let words = words(board, slot);
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    Figures {
        lines: wide(&words.lines),
        dropped: wide(&words.dropped),
        errors: wide(&words.errors),
        failing: words.failing.load(Ordering::Relaxed),
        last_error: words.last_error.load(Ordering::Relaxed),
    }
}

fn words(board: Board, slot: WorkerSlot) -> &'static AccessLogWords {
    &board.layout.access_logs[slot.index()].0
}
