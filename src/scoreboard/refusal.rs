//! Requests that guards let go no further: counts of each worker, by the guard.

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::REFUSAL_REASONS_MAX;
use super::{Board, WorkerSlot};

/// Which guard refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// By its client's address.
    Access = 0,
    /// It came too soon.
    Rate = 1,
    /// Too many are in progress.
    Connections = 2,
    /// Who asks is not known, or may not.
    Auth = 3,
    /// It was taken for an attack.
    Firewall = 4,
}

const _: () = assert!(Reason::ALL.len() <= REFUSAL_REASONS_MAX);

impl Reason {
    pub(crate) const ALL: [Self; 5] =
        [Self::Access, Self::Rate, Self::Connections, Self::Auth, Self::Firewall];

    /// As logs and metrics call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rate => "rate",
            Self::Connections => "connections",
            Self::Auth => "auth",
            Self::Firewall => "firewall",
        }
    }
}

/// By the slot's worker alone.
pub(crate) fn count(board: Board, slot: WorkerSlot, reason: Reason) {
    let word = &words(board, slot)[reason as usize];
    word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// What a slot's workers refused so far, in the order of `Reason::ALL`.
pub(crate) fn counts(board: Board, slot: WorkerSlot) -> [u64; Reason::ALL.len()] {
    let words = words(board, slot);
    Reason::ALL.map(|reason| words[reason as usize].load(Ordering::Relaxed))
}

fn words(board: Board, slot: WorkerSlot) -> &'static [AtomicU64; REFUSAL_REASONS_MAX] {
    &board.layout.refusals[slot.index()].0
}
