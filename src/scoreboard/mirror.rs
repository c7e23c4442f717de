//! What a worker counts of copies of requests: how they end.

use std::sync::atomic::Ordering;

use super::account::add;
use super::crew::Worker;
use super::layout::MIRROR_COUNTS;
use super::{Board, WorkerSlot};

/// How a copy ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Somebody answered it, whatever that was.
    Answered,
    /// It was sent, or was to be, and nobody answered.
    Failed,
    /// It was not made: one of its bounds was reached, or its request broke off.
    Dropped,
}

const _: () = assert!(Count::Dropped as usize + 1 == MIRROR_COUNTS);

/// By `Count`.
pub(crate) type Figures = [u64; MIRROR_COUNTS];

impl Worker {
    pub(crate) fn mirrored(self, count: Count) {
        add(&self.mirror()[count as usize], 1);
    }
}

pub(crate) fn figures(board: Board, slot: WorkerSlot) -> Figures {
    board.worker(slot).mirror().each_ref().map(|word| word.load(Ordering::Relaxed))
}
