//! What a worker counts of HTTP/2: connections and streams, and the floods that were cut.

use std::sync::atomic::{AtomicU64, Ordering};

use super::account::add;
use super::crew::Worker;
use super::layout::{FLOODS, MULTIPLEX_COUNTS};
use super::{Board, WorkerSlot};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Of clients.
    Connections,
    Streams,
    /// Streams that were refused for want of room.
    Refused,
    /// To backends.
    BackendConnections,
    BackendStreams,
}

const _: () = assert!(Count::BackendStreams as usize + 1 == MULTIPLEX_COUNTS);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    counts: [u64; MULTIPLEX_COUNTS],
    /// By the number of what there was too much of.
    pub(crate) floods: [u64; FLOODS],
}

impl Figures {
    pub(crate) fn of(&self, count: Count) -> u64 {
        self.counts[count as usize]
    }
}

impl Worker {
    pub(crate) fn multiplexed(self, count: Count) {
        add(&self.multiplex().counts[count as usize], 1);
    }

    /// A connection was cut for too many frames of that kind.
    pub(crate) fn flooded(self, kind: usize) {
        if let Some(word) = self.multiplex().floods.get(kind) {
            add(word, 1);
        }
    }
}

pub(crate) fn figures(board: Board, slot: WorkerSlot) -> Figures {
    let words = &board.layout.multiplexed[slot.index()].0;
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    Figures { counts: words.counts.each_ref().map(wide), floods: words.floods.each_ref().map(wide) }
}
