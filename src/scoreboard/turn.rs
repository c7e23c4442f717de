//! The owner-tagged word that lets one process at a time change an upstream's balancing words.
//!
//! Held for one pick (well under a microsecond). The tag names the holder, so the master can free
//! the turn of a dead one; until then the others wait a bounded while and go on unguarded, since an
//! uneven pick is better than none. Not a lock for anything slower than a pick.

use std::sync::atomic::Ordering;

use super::layout::TurnWords;
use super::{Board, UpstreamId, WorkerSlot};

const FREE: u32 = 0;
const MASTER: u32 = u32::MAX;
/// Spins before the holder is taken to be off its core, then yields before it is taken to be dead:
/// some tens of milliseconds, longer than any time slice and than the master's notice of a death.
const SPINS_MAX: u32 = 100;
const YIELDS_MAX: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Worker(WorkerSlot),
    Master,
}

impl Owner {
    fn tag(self) -> u32 {
        match self {
            Self::Worker(slot) => slot.index() as u32 + 1,
            Self::Master => MASTER,
        }
    }
}

/// The right to change an upstream's balancing words, until dropped.
pub(crate) struct Turn {
    words: &'static TurnWords,
    tag: u32,
}

impl Turn {
    pub(super) fn take(words: &'static TurnWords, owner: Owner) -> Self {
        let tag = owner.tag();
        for attempt in 0..SPINS_MAX + YIELDS_MAX {
            // Acquire pairs with the release below: the last holder's words are seen whole.
            if words.owner.load(Ordering::Relaxed) == FREE
                && words
                    .owner
                    .compare_exchange_weak(FREE, tag, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return Self { words, tag };
            }
            if attempt < SPINS_MAX {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        Self { words, tag }
    }

    /// Picks made so far; counts one more.
    pub(crate) fn count(&self) -> u64 {
        let picks = self.words.picks.load(Ordering::Relaxed);
        self.words.picks.store(picks.wrapping_add(1), Ordering::Relaxed);
        picks
    }

    /// Whether nobody else is in it. An unguarded one may do what is uneven, but nothing that must
    /// be exact.
    pub(crate) fn is_guarded(&self) -> bool {
        self.words.owner.load(Ordering::Relaxed) == self.tag
    }

    /// The number of the next request that waits, from one.
    pub(super) fn ticket(&self) -> u64 {
        let ticket = self.words.tickets.load(Ordering::Relaxed).wrapping_add(1);
        self.words.tickets.store(ticket, Ordering::Relaxed);
        ticket
    }

    pub(crate) fn picks(&self) -> u64 {
        self.words.picks.load(Ordering::Relaxed)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // An unguarded turn owns nothing to give back. Only the master writes another's tag, and
        // only when its holder is dead, so a tag of ours cannot be replaced in between.
        if self.words.owner.load(Ordering::Relaxed) == self.tag {
            self.words.owner.store(FREE, Ordering::Release);
        }
    }
}

/// Frees the turn of a dead owner. It may have died between two words, and smooth weights only mean
/// something together (their sum is zero), so the round begins anew.
pub(super) fn settle(board: Board, id: UpstreamId, dead: Owner) {
    let upstream = board.upstream(id);
    let words = upstream.turn_words();
    if words.owner.load(Ordering::Acquire) != dead.tag() {
        return;
    }
    upstream.roster_members().for_each(|backend| board.backend(backend).restart_round());
    words.owner.store(FREE, Ordering::Release);
}
