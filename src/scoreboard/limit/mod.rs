//! Limits that all workers keep together: how often a key may come, how many of its requests may be
//! in progress.
//!
//! A zone is a table of keys by their digests, in sets of few ways; a set is owned for one look, so
//! that what is decided there holds exactly over all workers. When a set of rates is full, the key that
//! came longest ago gives way, as the oldest of nginx's zone does; requests in progress give way to
//! nobody, so one whose set is full is refused, as by nginx's full zone. What could not be counted for
//! another reason is counted as that. Zones outlive workers, reloads and masters; a `kill -9` leaves nothing behind that counts.

pub(crate) mod bucket;
pub(crate) mod count;
pub(crate) mod figures;
mod hold;
pub(crate) mod rate;
pub(crate) mod words;
pub(crate) mod zone;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::Ordering;

use super::{Board, WorkerSlot};
use words::{COUNT_SETS, COUNT_WAYS, LIMITS_MAX, RATE_SETS, RATE_WAYS};

/// Slot of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitId(u16);

impl LimitId {
    /// `None` beyond the layout.
    pub(crate) fn new(index: usize) -> Option<Self> {
        (index < LIMITS_MAX).then_some(Self(index as u16))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..LIMITS_MAX as u16).map(Self)
    }

    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a zone counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How fast a key's requests come.
    Rate = 1,
    /// How many of them are in progress.
    Connections = 2,
}

impl Kind {
    fn of(word: u32) -> Option<Self> {
        match word {
            1 => Some(Self::Rate),
            2 => Some(Self::Connections),
            _ => None,
        }
    }

    /// Sets for so many keys.
    fn sets(self, keys: usize) -> usize {
        let (ways, most) = match self {
            Self::Rate => (RATE_WAYS, RATE_SETS),
            Self::Connections => (COUNT_WAYS, COUNT_SETS),
        };
        keys.div_ceil(ways).clamp(1, most)
    }

    /// As many as the layout has, whatever a word says.
    fn within(self, sets: u32) -> usize {
        let most = match self {
            Self::Rate => RATE_SETS,
            Self::Connections => COUNT_SETS,
        };
        (sets as usize).clamp(1, most)
    }
}

/// What is done to a limit, or by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Passed = 0,
    Delayed = 1,
    Refused = 2,
    /// What would have been done, had the limit not been on trial.
    DelayedDry = 3,
    RefusedDry = 4,
    /// A key gave way to another one before its time.
    Evicted = 5,
    /// A request passed because it could not be counted.
    Uncounted = 6,
}

/// A key's digest in one life of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

/// A zone in the hands of a worker.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    board: Board,
    slot: WorkerSlot,
    id: LimitId,
    kind: Kind,
    incarnation: u32,
    sets: usize,
    life: u32,
}

impl Zone {
    /// The zone of that name, if the master has published one.
    pub(crate) fn find(board: Board, slot: WorkerSlot, name: &str) -> Option<Self> {
        let (id, facts) = LimitId::all().find_map(|id| {
            let facts = zone::read(board, id)?;
            (facts.name == name).then_some((id, facts))
        })?;
        let life = board.layout.limits.workers[slot.index()].0.life.load(Ordering::Relaxed);
        let zone::Facts { kind, incarnation, sets, .. } = facts;
        Some(Self { board, slot, id, kind, incarnation, sets, life })
    }

    /// By a secret of the board, so that nobody can choose keys that meet.
    pub(crate) fn key(&self, text: &[u8]) -> Key {
        let mut hasher = DefaultHasher::new();
        for word in &self.board.layout.header.0.secret {
            hasher.write_u64(word.load(Ordering::Relaxed));
        }
        hasher.write_u32(self.incarnation);
        hasher.write(text);
        // 0 is no key's.
        Key(hasher.finish().max(1))
    }

    /// A number of the key's own below `self.sets`, from bits that are not all it is known by.
    fn place(&self, key: Key) -> hold::Place {
        let set = (key.0 >> 32) as usize % self.sets;
        hold::Place { kind: self.kind, zone: self.id, set }
    }
}

/// Makes good what a dead worker left. Called by the master before the slot's next worker starts.
pub(super) fn settle(board: Board, slot: WorkerSlot) {
    hold::settle(board, slot);
    // What it had in progress is of an earlier life, and nobody counts it.
    let life = &board.layout.limits.workers[slot.index()].0.life;
    life.store(life.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    figures::settle(board, slot);
}
