//! How long an instance waits before it is spawned again, and when restarts are too many for one
//! without a wait. Arithmetic only; when either is asked for is `step`'s.

use std::collections::VecDeque;

use super::dice::Dice;

const SECOND_US: u64 = 1_000_000;

/// The pause before a spawn is tried again that the machine was too busy for.
pub(crate) const BUSY_PAUSE_US: u64 = SECOND_US;

/// The pauses after failed starts: `d(n) = min(max, initial * g(n))`, more or less by the jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) initial_us: u64,
    pub(crate) max_us: u64,
    pub(crate) growth: Growth,
    pub(crate) jitter_percent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// `g(n) = n`, as Supervisor does.
    Linear,
    /// `g(n) = factor^(n-1)`.
    Exponential { factor_hundredths: u32 },
}

impl Backoff {
    /// The pause after the `fails`th failure in a row.
    pub(crate) fn pause_us(&self, fails: u32, dice: &mut Dice) -> u64 {
        dice.around(self.even_us(fails), self.jitter_percent)
    }

    /// Without jitter.
    fn even_us(&self, fails: u32) -> u64 {
        let fails = fails.max(1);
        let grown_us = match self.growth {
            Growth::Linear => self.initial_us.saturating_mul(u64::from(fails)),
            Growth::Exponential { factor_hundredths } => {
                // Past some thousand steps any factor but one has long met the cap.
                let steps = i32::try_from(fails - 1).unwrap_or(i32::MAX);
                let factor = f64::from(factor_hundredths) / 100.0;
                // A cast from a float ends at the type's bounds.
                (self.initial_us as f64 * factor.powi(steps)) as u64
            }
        };
        grown_us.min(self.max_us)
    }
}

/// How many restarts may happen at once within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrashLimit {
    /// Zero: as many as there are.
    pub(crate) restarts: u32,
    pub(crate) within_us: u64,
    pub(crate) then: Beyond,
}

/// What an exit beyond the limit leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// A pause that grows as long as they are too many. Never given up: Supervisor does not either.
    Pause,
    /// It counts as a failed start, so it is given up when the retries are used.
    Fail,
}

/// The restarts of late that happened without a pause, oldest first: no more than the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) restarts_us: VecDeque<u64>,
    /// Exits in a row that were beyond the limit.
    pub(crate) beyond: u32,
}

impl Window {
    /// Records a restart at `now_us`, unless as many as there may be happened within the time.
    #[must_use]
    pub(crate) fn admit(&mut self, now_us: u64, limit: CrashLimit) -> bool {
        if limit.restarts == 0 {
            return true;
        }
        let is_old = |restart_us: &u64| now_us.saturating_sub(*restart_us) >= limit.within_us;
        while self.restarts_us.front().is_some_and(is_old) {
            self.restarts_us.pop_front();
        }
        let has_room = self.restarts_us.len() < limit.restarts as usize;
        if has_room {
            self.restarts_us.push_back(now_us);
            self.beyond = 0;
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARITY: Backoff = Backoff {
        initial_us: SECOND_US,
        max_us: 60 * SECOND_US,
        growth: Growth::Linear,
        jitter_percent: 0,
    };

    fn pauses_s<const N: usize>(backoff: Backoff, fails: [u32; N]) -> [u64; N] {
        fails.map(|fails| backoff.pause_us(fails, &mut Dice::default()) / SECOND_US)
    }

    #[test]
    fn pauses_grow_by_a_second_up_to_a_minute() {
        assert_eq!(pauses_s(PARITY, [0, 1, 2, 59, 60, 61, u32::MAX]), [1, 1, 2, 59, 60, 60, 60]);
    }

    #[test]
    fn pauses_double_up_to_the_cap() {
        let growth = Growth::Exponential { factor_hundredths: 200 };
        let doubling = Backoff { growth, ..PARITY };
        assert_eq!(
            pauses_s(doubling, [1, 2, 3, 4, 6, 7, 1_000, u32::MAX]),
            [1, 2, 4, 8, 32, 60, 60, 60]
        );
        let constant = Growth::Exponential { factor_hundredths: 100 };
        assert_eq!(pauses_s(Backoff { growth: constant, ..PARITY }, [1, 9, u32::MAX]), [1, 1, 1]);
        let slower = Growth::Exponential { factor_hundredths: 150 };
        let backoff = Backoff { growth: slower, ..PARITY };
        assert_eq!(backoff.pause_us(3, &mut Dice::default()), 2_250_000);
    }

    #[test]
    fn jitter_spreads_around_the_pause() {
        let backoff = Backoff { jitter_percent: 10, ..PARITY };
        let mut dice = Dice::new(7);
        let pauses: Vec<u64> = (0..100).map(|_| backoff.pause_us(10, &mut dice)).collect();
        assert!(pauses.iter().all(|pause_us| (9_000_000..=11_000_000).contains(pause_us)));
        assert!(
            pauses.iter().any(|us| *us < 9_500_000) && pauses.iter().any(|us| *us > 10_500_000)
        );
    }

    #[test]
    fn the_window_slides() {
        let limit = CrashLimit { restarts: 5, within_us: 10 * SECOND_US, then: Beyond::Pause };
        let mut window = Window::default();
        for second in 0..5 {
            assert!(window.admit(second * SECOND_US, limit));
        }
        assert!(!window.admit(9 * SECOND_US, limit));
        assert!(!window.admit(9_999_999, limit));
        assert_eq!(window.beyond, 2);
        assert!(window.admit(10 * SECOND_US, limit));
        assert!(!window.admit(10 * SECOND_US, limit));
        assert!(window.admit(11 * SECOND_US, limit));
        let tighter = CrashLimit { restarts: 1, ..limit };
        assert!(!window.admit(12 * SECOND_US, tighter), "a new limit counts what was");
        let none = CrashLimit { restarts: 0, ..limit };
        assert!((0..100).all(|_| window.admit(12 * SECOND_US, none)));
    }
}
