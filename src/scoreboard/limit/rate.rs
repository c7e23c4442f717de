//! The table of a zone that counts how fast keys come: a bucket a key.

use std::sync::atomic::Ordering;

use super::bucket::{Bucket, Rate};
use super::figures;
use super::hold;
use super::words::{RateSet, RateWords};
use super::{Event, Key, Zone};

/// What a limit by rate allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) rate: Rate,
    /// Thousandths of requests beyond the rate.
    pub(crate) burst: u64,
}

/// One request too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Zone {
    /// Whether the key may have one more request, which is not counted yet.
    pub(crate) fn peek(&self, key: Key, terms: Terms, now_ms: u64) -> Result<(), Busy> {
        self.look(key, terms.rate, now_ms, |bucket| match bucket {
            Some(bucket) if bucket.and_one(terms.rate, now_ms).excess > terms.burst => {
                (None, Err(Busy))
            }
            Some(_) => (None, Ok(())),
            // It has its place from here on, so that it is older than those that come later.
            None => (Some(Bucket::first(now_ms)), Ok(())),
        })
        .unwrap_or(Ok(()))
    }

    /// Counts one more request, if the key may have it: its excess then.
    pub(crate) fn take(&self, key: Key, terms: Terms, now_ms: u64) -> Result<u64, Busy> {
        self.look(key, terms.rate, now_ms, |bucket| {
            let bucket = match bucket {
                Some(bucket) => bucket.and_one(terms.rate, now_ms),
                None => Bucket::first(now_ms),
            };
            if bucket.excess > terms.burst {
                (None, Err(Busy))
            } else {
                (Some(bucket), Ok(bucket.excess))
            }
        })
        .unwrap_or(Ok(0))
    }

    /// Counts one more request that `peek` let pass: the key's excess then.
    pub(crate) fn count(&self, key: Key, rate: Rate, now_ms: u64) -> u64 {
        self.look(key, rate, now_ms, |bucket| {
            let bucket = bucket.unwrap_or(Bucket::first(now_ms)).and_one(rate, now_ms);
            (Some(bucket), bucket.excess)
        })
        .unwrap_or(0)
    }

    /// Shows the key's bucket and stores the one that comes back. `None` when nobody could look.
    fn look<T>(
        &self,
        key: Key,
        rate: Rate,
        now_ms: u64,
        look: impl FnOnce(Option<Bucket>) -> (Option<Bucket>, T),
    ) -> Option<T> {
        let place = self.place(key);
        let Some(_hold) = hold::take(self.board, self.slot, place) else {
            figures::count(self, Event::Uncounted);
            return None;
        };
        let set = &self.board.layout.limits.rates[self.id.index()][place.set];
        let found = self.way_of(set, key);
        let (bucket, value) = look(found.ok().and_then(RateWords::bucket));
        match (bucket, found) {
            (None, _) => {}
            (Some(bucket), Ok(way)) => way.bucket.store(bucket.pack(), Ordering::Relaxed),
            (Some(bucket), Err(spare)) => {
                let way = spare.unwrap_or_else(|| self.made(set, rate, now_ms));
                // Whoever dies in between leaves a way that holds none.
                way.bucket.store(0, Ordering::Relaxed);
                way.key.store(key.0, Ordering::Release);
                way.bucket.store(bucket.pack(), Ordering::Release);
            }
        }
        Some(value)
    }

    /// Where in its set the key is; else a place for it that nobody has, if there is one.
    fn way_of<'s>(
        &self,
        set: &'s RateSet,
        key: Key,
    ) -> Result<&'s RateWords, Option<&'s RateWords>> {
        let mut spare = None;
        for way in self.order(key).map(|way| &set.ways[way]) {
            let is_held = way.bucket.load(Ordering::Relaxed) != 0;
            match way.key.load(Ordering::Relaxed) {
                0 => return Err(spare.or(Some(way))),
                known if known == key.0 && is_held => return Ok(way),
                // Whoever was writing it has died.
                _ if !is_held => spare = Some(way),
                _ => {}
            }
        }
        Err(spare)
    }

    /// Room in a full set: the place of a key whose next request is met as if it had never come, else
    /// of the one that came longest ago, which is told.
    fn made<'s>(&self, set: &'s RateSet, rate: Rate, now_ms: u64) -> &'s RateWords {
        let loss = |way: &&RateWords| {
            way.bucket().map(|bucket| (!bucket.is_spent(rate, now_ms), bucket.last_ms))
        };
        let ways = &set.ways[..self.extent.ways];
        let way = ways.iter().min_by_key(loss).unwrap_or(&set.ways[0]);
        if loss(&way).is_some_and(|(is_one, _)| is_one) {
            figures::count(self, Event::Evicted);
        }
        way
    }
}

impl RateWords {
    fn bucket(&self) -> Option<Bucket> {
        Bucket::unpack(self.bucket.load(Ordering::Relaxed))
    }
}
