//! The leaky bucket of one key: nginx's arithmetic, to the millisecond and the thousandth of a
//! request (`ngx_http_limit_req_lookup`, `ngx_http_limit_req_account`).
//!
//! Pure: a value and the time in, a value out. Fits one word of shared memory.

/// Thousandths of a request.
pub(crate) const REQUEST: u64 = 1000;

const EXCESS_BITS: u32 = 26;
const EXCESS_MAX: u64 = (1 << EXCESS_BITS) - 1;
/// A clock that went back by more than this has been set; nginx then lets one millisecond pass.
const SET_BACK_MS: u64 = 60_000;

/// Thousandths of a request that leak in a second, as nginx keeps a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u64);

/// What of a key has not leaked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Thousandths of requests, as of `last_ms`.
    pub(crate) excess: u64,
    pub(crate) last_ms: u64,
}

impl Bucket {
    /// That of a key's first request, which is no excess.
    pub(crate) fn first(now_ms: u64) -> Self {
        Self { excess: 0, last_ms: now_ms }
    }

    /// With one more request in it.
    pub(crate) fn and_one(self, rate: Rate, now_ms: u64) -> Self {
        let passed_ms = match now_ms.checked_sub(self.last_ms) {
            Some(passed_ms) => passed_ms,
            None if self.last_ms - now_ms > SET_BACK_MS => 1,
            // The clocks of two workers are read at different moments.
            None => 0,
        };
        let leaked = rate.0.saturating_mul(passed_ms) / 1000;
        let excess = (self.excess + REQUEST).saturating_sub(leaked).min(EXCESS_MAX);
        Self { excess, last_ms: if passed_ms == 0 { self.last_ms } else { now_ms } }
    }

    /// Whether the next request is met as a key's first.
    pub(crate) fn is_spent(self, rate: Rate, now_ms: u64) -> bool {
        self.and_one(rate, now_ms).excess == 0
    }

    /// Never 0: no worker serves in the first millisecond of the machine.
    pub(super) fn pack(self) -> u64 {
        self.last_ms.max(1) << EXCESS_BITS | self.excess.min(EXCESS_MAX)
    }

    pub(super) fn unpack(word: u64) -> Option<Self> {
        let (excess, last_ms) = (word & EXCESS_MAX, word >> EXCESS_BITS);
        (word != 0).then_some(Self { excess, last_ms })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_packed_is_the_same() {
        for bucket in [
            Bucket { excess: 0, last_ms: 1 },
            Bucket { excess: EXCESS_MAX, last_ms: 1 << 37 },
            Bucket { excess: 5_000, last_ms: 86_400_000 },
        ] {
            assert_eq!(Bucket::unpack(bucket.pack()), Some(bucket));
        }
        assert_eq!(Bucket::unpack(0), None);
    }

    proptest! {
        /// At its rate a client never fills a bucket, and whatever it does, no more leaks than time
        /// allows.
        #[test]
        fn a_bucket_leaks_at_its_rate(
            per_s in 1u64..2_000,
            gaps in prop::collection::vec(0u64..3_000, 1..60),
        ) {
            let rate = Rate(per_s * REQUEST);
            let mut bucket = Bucket::first(1);
            let mut now_ms = 1;
            for gap in &gaps {
                now_ms += gap;
                bucket = bucket.and_one(rate, now_ms);
            }
            let passed = (now_ms - 1) * per_s;
            let asked = gaps.len() as u64 * REQUEST;
            prop_assert!(bucket.excess + passed >= asked);
            prop_assert!(bucket.excess <= asked);
            let steady_ms = 1000u64.div_ceil(per_s);
            let steady = Bucket::first(1).and_one(rate, 1 + steady_ms);
            prop_assert_eq!(steady.excess, 0);
        }
    }
}
