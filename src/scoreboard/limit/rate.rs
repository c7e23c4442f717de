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
        let set = &self.board.layout.limits.rates[self.id.index()][place.set].0;
        let known = set.way_of(key);
        let (bucket, value) = look(known.and_then(RateWords::bucket));
        match (bucket, known) {
            (None, _) => {}
            (Some(bucket), Some(way)) => way.bucket.store(bucket.pack(), Ordering::Relaxed),
            (Some(bucket), None) => {
                let way = set.oldest();
                if way.bucket().is_some_and(|bucket| !bucket.is_empty(rate, now_ms)) {
                    figures::count(self, Event::Evicted);
                }
                // Whoever dies in between leaves a way that holds none.
                way.bucket.store(0, Ordering::Relaxed);
                way.key.store(key.0, Ordering::Release);
                way.bucket.store(bucket.pack(), Ordering::Release);
            }
        }
        Some(value)
    }
}

impl RateSet {
    fn way_of(&self, key: Key) -> Option<&RateWords> {
        let is_its = |way: &&RateWords| {
            way.key.load(Ordering::Relaxed) == key.0 && way.bucket.load(Ordering::Relaxed) != 0
        };
        self.ways.iter().find(is_its)
    }

    /// One that holds none, else the one that was seen longest ago.
    fn oldest(&self) -> &RateWords {
        let last_ms = |way: &&RateWords| way.bucket().map(|bucket| bucket.last_ms);
        self.ways.iter().min_by_key(last_ms).unwrap_or(&self.ways[0])
    }
}

impl RateWords {
    fn bucket(&self) -> Option<Bucket> {
        Bucket::unpack(self.bucket.load(Ordering::Relaxed))
    }
}
