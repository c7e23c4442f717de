//! What a backend's requests in flight are: how many of them are connections that were upgraded,
//! since when the oldest is there, how many were cut. For drains; nobody balances by it.
//!
//! How many are upgraded is kept all the time, for it changes seldom. The oldest is looked for by
//! the workers' sweeps, and only while some backend drains.

use std::sync::atomic::{AtomicU32, Ordering};

use super::account::Account;
use super::layout::HoldingWords;
use super::{BackendId, Board};

/// One connection that carries bytes as they are, for as long as this value lives.
#[must_use = "dropping it ends the count"]
pub(crate) struct Upgraded {
    count: &'static AtomicU32,
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        let count = self.count.load(Ordering::Relaxed);
        self.count.store(count.saturating_sub(1), Ordering::Relaxed);
    }
}

impl Account {
    /// What is in flight at the backend is, in one case more, no request any longer.
    pub(crate) fn upgrade(self, id: BackendId) -> Upgraded {
        let count = &self.holding(id).upgraded;
        count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        Upgraded { count }
    }

    /// When the oldest request at each backend began, by backend slot; 0 without one.
    pub(crate) fn set_oldest(self, since_us: &[u64]) {
        for (id, since_us) in BackendId::all().zip(since_us) {
            let word = &self.holding(id).oldest_us;
            // A store to an untouched page would allocate it.
            if word.load(Ordering::Relaxed) != *since_us {
                word.store(*since_us, Ordering::Relaxed);
            }
        }
    }

    fn holding(self, id: BackendId) -> &'static HoldingWords {
        &self.holdings()[id.index()]
    }
}

/// Of the requests in flight, those that are connections which were upgraded.
pub(crate) fn upgraded(board: Board, id: BackendId) -> u32 {
    rows(board).map(|row| row[id.index()].upgraded.load(Ordering::Relaxed)).sum()
}

/// When the oldest request in flight began, as of the workers' last sweeps in a drain.
pub(crate) fn oldest_us(board: Board, id: BackendId) -> Option<u64> {
    let since = rows(board).map(|row| row[id.index()].oldest_us.load(Ordering::Relaxed));
    since.filter(|since_us| *since_us > 0).min()
}

fn rows(board: Board) -> impl Iterator<Item = &'static [HoldingWords]> {
    board.workers().map(move |worker| board.account(worker.slot()).holdings())
}

impl Board {
    /// How many backends drain: while there are any, the workers' sweeps look closer.
    pub(crate) fn set_drains(self, count: u32) {
        self.layout.header.0.drains.store(count, Ordering::Relaxed);
    }

    pub(crate) fn has_drains(self) -> bool {
        self.layout.header.0.drains.load(Ordering::Relaxed) > 0
    }
}
