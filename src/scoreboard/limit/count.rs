//! The table of a zone that counts requests in progress: of each key, those of each worker.
//!
//! Raised by who owns the key's set, so that a limit holds exactly over all workers; lowered by the
//! worker alone, which only makes room. Counts of a dead worker carry an earlier life of its slot and
//! are nobody's, so there is nothing to search for when one dies.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::layout::WORKERS_MAX;
use super::words::CountSet;
use super::{Event, Key, Zone, figures, hold};

const COUNT_BITS: u32 = 16;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

/// A request in progress, for as long as this value lives.
#[must_use = "dropping it ends the count"]
pub(crate) struct Held {
    zone: Zone,
    /// `None` for one that could not be counted.
    count: Option<&'static AtomicU32>,
}

/// Why a request may not be one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many of its key are in progress as may be.
    Key,
    /// As many other keys as there is room for have requests in progress.
    Table,
}

impl Zone {
    /// Counts one more request of the key, unless `most` are in progress already. Who can not be
    /// counted does not pass, as in nginx when its zone is full.
    pub(crate) fn enter(&self, key: Key, most: u32) -> Result<Held, Full> {
        let place = self.place(key);
        let set = &self.board.layout.limits.counts[self.id.index()][place.set];
        let Some(_hold) = hold::take(self.board, self.slot, place) else {
            figures::count(self, Event::Uncounted);
            return Ok(Held { zone: *self, count: None });
        };
        let lives = self.lives();
        let known = self.known(set, key);
        let in_progress = |way: usize| set.in_progress(way, &lives);
        let spare = || self.order(key).find(|way| in_progress(*way) == 0);
        let way = known.or_else(spare).ok_or(Full::Table)?;
        if in_progress(way) >= most {
            return Err(Full::Key);
        }
        // Of another key nothing is in progress, so the way can change hands.
        set.keys[way].store(key.0, Ordering::Relaxed);
        let count = &set.counts[way][self.slot.index()];
        let own = of_life(count.load(Ordering::Relaxed), self.life);
        if own == COUNT_MAX {
            return Err(Full::Key);
        }
        count.store(word(self.life, own + 1), Ordering::Release);
        figures::held(self, 1);
        Ok(Held { zone: *self, count: Some(count) })
    }

    /// The key's own way.
    fn known(&self, set: &CountSet, key: Key) -> Option<usize> {
        for way in self.order(key) {
            match set.keys[way].load(Ordering::Relaxed) {
                0 => return None,
                known if known == key.0 => return Some(way),
                _ => {}
            }
        }
        None
    }

    /// Which lives of the workers count, by slot.
    fn lives(&self) -> [u32; WORKERS_MAX] {
        let mut lives = [0; WORKERS_MAX];
        for (life, words) in lives.iter_mut().zip(&self.board.layout.limits.workers) {
            *life = words.0.life.load(Ordering::Acquire);
        }
        lives
    }
}

impl CountSet {
    fn in_progress(&self, way: usize, lives: &[u32; WORKERS_MAX]) -> u32 {
        let counts = self.counts[way].iter().zip(lives);
        counts.map(|(count, life)| of_life(count.load(Ordering::Acquire), *life)).sum()
    }
}

fn word(life: u32, count: u32) -> u32 {
    life << COUNT_BITS | count
}

/// What of a count belongs to that life.
fn of_life(count: u32, life: u32) -> u32 {
    if count >> COUNT_BITS == life & COUNT_MAX { count & COUNT_MAX } else { 0 }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(count) = self.count {
            let own = of_life(count.load(Ordering::Relaxed), self.zone.life);
            count.store(word(self.zone.life, own.saturating_sub(1)), Ordering::Release);
            figures::held(&self.zone, -1);
        }
    }
}
