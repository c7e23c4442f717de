//! Limits that all workers keep together: how often a key may come, how many of its requests may be
//! in progress.
//!
//! A zone is a table of keys by their digests, in sets of a few hundred; a set is owned for one look, so
//! that what is decided there holds exactly over all workers. There is room for as many keys as the file
//! says, wherever their digests put them: a small zone is one set of that size, a larger one has spare
//! room in each. When a set of rates is full, a key that nothing is known of any more gives way, or else
//! the one that came longest ago, as the oldest of nginx's zone does; requests in progress give way to
//! nobody, so one whose set is full is refused, as by nginx's full zone. What could not be counted for
//! another reason is counted as that. Zones outlive workers, reloads and masters; a `kill -9` leaves
//! nothing behind that counts.

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
use words::{COUNT_KEYS_MAX, COUNT_SETS, LIMITS_MAX, RATE_KEYS_MAX, RATE_SETS, WAYS};

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

    /// The table for so many keys.
    fn extent(self, keys: usize) -> Extent {
        let most = match self {
            Self::Rate => RATE_KEYS_MAX,
            Self::Connections => COUNT_KEYS_MAX,
        };
        let keys = keys.clamp(1, most);
        Extent { sets: words::sets(keys), ways: keys.min(WAYS) }
    }

    /// No more than the layout has, whatever the words say.
    fn within(self, sets: u32, ways: u32) -> Extent {
        let most = match self {
            Self::Rate => RATE_SETS,
            Self::Connections => COUNT_SETS,
        };
        Extent { sets: (sets as usize).clamp(1, most), ways: (ways as usize).clamp(1, WAYS) }
    }
}

/// What of its table a zone uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    sets: usize,
    /// Of each set.
    ways: usize,
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
    extent: Extent,
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
        let zone::Facts { kind, incarnation, extent, .. } = facts;
        Some(Self { board, slot, id, kind, incarnation, extent, life })
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

    fn place(&self, key: Key) -> hold::Place {
        let set = (key.0 >> 32) as usize % self.extent.sets;
        hold::Place { kind: self.kind, zone: self.id, set }
    }

    /// The ways of a set in the order in which the key looks for its own. A way is never vacant again,
    /// so there is nothing of the key's behind one that is.
    fn order(&self, key: Key) -> impl Iterator<Item = usize> + use<> {
        let (ways, first) = (self.extent.ways, key.0 as u32 as usize % self.extent.ways);
        (first..ways).chain(0..first)
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
