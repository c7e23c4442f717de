//! What single results of an active check mean together, and when the next one is due.

/// What is concluded of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    Failed,
}

/// Results in a row against the bounds of a check: so many bad ones turn a good backend, so many
/// good ones bring it back. A result that agrees with what is concluded starts the row anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streak {
    fall: u32,
    rise: u32,
    health: Health,
    passes: u32,
    fails: u32,
}

impl Streak {
    /// From what was concluded before. A bound of nothing is a bound of one.
    pub(crate) fn new(fall: u32, rise: u32, health: Health) -> Self {
        Self { fall: fall.max(1), rise: rise.max(1), health, passes: 0, fails: 0 }
    }

    pub(crate) fn count(&mut self, is_good: bool) -> Health {
        if is_good {
            (self.passes, self.fails) = (self.passes.saturating_add(1), 0);
        } else {
            (self.passes, self.fails) = (0, self.fails.saturating_add(1));
        }
        if self.passes >= self.rise {
            self.health = Health::Good;
        } else if self.fails >= self.fall {
            self.health = Health::Failed;
        }
        self.health
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    /// Good results in a row; 0 after a bad one.
    pub(crate) fn passes(&self) -> u32 {
        self.passes
    }

    /// Bad results in a row; 0 after a good one.
    pub(crate) fn fails(&self) -> u32 {
        self.fails
    }
}

/// From one question's beginning to the next one's: the interval, less or more by up to
/// `jitter_percent` of it. `draw` is any number; all of them together spread evenly.
pub(crate) fn pause_us(interval_ms: u64, jitter_percent: u32, draw: u32) -> u64 {
    let interval_us = interval_ms.saturating_mul(1_000);
    let span_us = u128::from(interval_us) * u128::from(jitter_percent.min(100)) / 100;
    let added_us = 2 * span_us * u128::from(draw) / u128::from(u32::MAX);
    // At most twice the interval, which fits unless the interval was near the bound itself.
    let pause_us = u128::from(interval_us) - span_us + added_us;
    u64::try_from(pause_us).unwrap_or(u64::MAX)
}

/// When the first question of the `order`-th check is due, so that those of many backends neither
/// start together nor all wait long: evenly over `within_ms`, however many there are.
pub(crate) fn first_us(order: u32, within_ms: u64) -> u64 {
    // Multiples of the golden ratio leave no gap that others crowd beside.
    let part = order.wrapping_mul(0x9E37_79B9);
    let within_us = u128::from(within_ms.saturating_mul(1_000));
    u64::try_from((within_us * u128::from(part)) >> 32).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn healths(fall: u32, rise: u32, results: &str) -> String {
        let mut streak = Streak::new(fall, rise, Health::Good);
        let health = |result| match streak.count(result == '+') {
            Health::Good => '+',
            Health::Failed => '-',
        };
        results.chars().map(health).collect()
    }

    #[test]
    fn only_results_in_a_row_turn_a_backend() {
        assert_eq!(healths(3, 2, "--+---+-++-"), "+++++----++");
        assert_eq!(healths(1, 1, "+-+-"), "+-+-");
        assert_eq!(healths(0, 0, "+-+"), "+-+", "a bound of nothing is a bound of one");
    }

    #[test]
    fn what_was_concluded_before_holds_until_shown_otherwise() {
        let mut streak = Streak::new(3, 2, Health::Failed);
        assert_eq!(streak.count(false), Health::Failed);
        assert_eq!(streak.count(true), Health::Failed);
        assert_eq!((streak.passes(), streak.fails()), (1, 0));
        assert_eq!(streak.count(true), Health::Good);
    }

    #[test]
    fn first_questions_are_spread() {
        let mut dues: Vec<u64> = (0..64).map(|order| first_us(order, 1_000)).collect();
        assert_eq!(dues[0], 0, "one backend does not wait");
        dues.sort_unstable();
        let widest = dues.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(dues[63] < 1_000_000 && widest < 40_000, "{widest}");
    }

    proptest! {
        /// The rule by its definition: the last conclusion that a full row led to.
        #[test]
        fn a_backend_turns_with_a_full_row_and_by_nothing_else(
            fall in 1u32..6,
            rise in 1u32..6,
            results in prop::collection::vec(any::<bool>(), 0..60),
        ) {
            let mut streak = Streak::new(fall, rise, Health::Good);
            let mut expected = Health::Good;
            for end in 1..=results.len() {
                let last = results[end - 1];
                let row = results[..end].iter().rev().take_while(|result| **result == last).count();
                if last && row >= rise as usize {
                    expected = Health::Good;
                } else if !last && row >= fall as usize {
                    expected = Health::Failed;
                }
                prop_assert_eq!(streak.count(last), expected);
                let shown = if last { streak.passes() } else { streak.fails() };
                prop_assert_eq!(shown as usize, row);
                prop_assert_eq!(streak.passes().min(streak.fails()), 0);
            }
        }

        #[test]
        fn a_pause_stays_within_its_jitter(
            interval_ms in 1u64..100_000_000,
            jitter in 0u32..=100,
            draw: u32,
        ) {
            let (interval_us, pause_us) = (interval_ms * 1_000, pause_us(interval_ms, jitter, draw));
            prop_assert!(pause_us.abs_diff(interval_us) <= interval_us * u64::from(jitter) / 100);
        }

        #[test]
        fn no_interval_is_too_long_to_wait(interval_ms: u64, jitter: u32, draw: u32, order: u32) {
            let _neither_panics = (pause_us(interval_ms, jitter, draw), first_us(order, interval_ms));
        }
    }
}
