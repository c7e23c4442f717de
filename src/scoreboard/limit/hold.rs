//! The right to one set of a table, for the time of one look: an owner-tagged word.
//!
//! Before a worker takes it, it notes where, so that the master frees the set of a dead one without
//! a search. Until then the others wait a bounded while, and then go on without counting.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::super::{Board, WorkerSlot};
use super::{Kind, LimitId};

const FREE: u32 = 0;
/// As of a pick's turn: longer than any time slice, and than the master's notice of a death.
const SPINS_MAX: u32 = 100;
const YIELDS_MAX: u32 = 20_000;

/// A set of a zone's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) zone: LimitId,
    pub(super) set: usize,
}

impl Place {
    fn pack(self) -> u64 {
        (self.kind as u64) << 48 | (self.zone.index() as u64) << 32 | self.set as u64
    }

    fn unpack(word: u64) -> Option<Self> {
        let kind = Kind::of((word >> 48) as u32)?;
        let zone = LimitId::new((word >> 32 & 0xffff) as usize)?;
        Some(Self { kind, zone, set: (word & 0xffff_ffff) as usize })
    }

    fn owner(self, board: Board) -> Option<&'static AtomicU32> {
        let words = &board.layout.limits;
        match self.kind {
            Kind::Rate => Some(&words.rates[self.zone.index()].get(self.set)?.owner.0),
            Kind::Connections => Some(&words.counts[self.zone.index()].get(self.set)?.owner.0),
        }
    }
}

/// The right, until dropped.
pub(super) struct Hold {
    owner: &'static AtomicU32,
}

/// `None` when somebody else would not let go of it.
pub(super) fn take(board: Board, slot: WorkerSlot, place: Place) -> Option<Hold> {
    let owner = place.owner(board)?;
    let tag = tag(slot);
    note(board, slot).store(place.pack(), Ordering::Relaxed);
    for attempt in 0..SPINS_MAX + YIELDS_MAX {
        // Release: the note is there before the set is taken. Acquire pairs with the release below.
        if owner.load(Ordering::Relaxed) == FREE
            && owner.compare_exchange_weak(FREE, tag, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            return Some(Hold { owner });
        }
        if attempt < SPINS_MAX {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
    None
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.owner.store(FREE, Ordering::Release);
    }
}

/// Frees the set that a dead worker was in.
pub(super) fn settle(board: Board, slot: WorkerSlot) {
    let place = Place::unpack(note(board, slot).load(Ordering::Acquire));
    if let Some(owner) = place.and_then(|place| place.owner(board)) {
        // Somebody else may be in it by now.
        let _freed = owner.compare_exchange(tag(slot), FREE, Ordering::AcqRel, Ordering::Relaxed);
    }
}

fn tag(slot: WorkerSlot) -> u32 {
    slot.index() as u32 + 1
}

fn note(board: Board, slot: WorkerSlot) -> &'static AtomicU64 {
    &board.layout.limits.workers[slot.index()].0.note
}
