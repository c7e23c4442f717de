//! A stop as the keeper sees to it: the master does it, within bounds.
//!
//! The wish to stop outlives the master that heard it. A master that dies meanwhile is replaced by
//! one that goes on stopping; one that takes longer than masters said a stop may take, or that dies
//! again and again, has its work done for it, by SIGKILL.

use crate::sys::signal;

/// What asks the engine to stop.
pub(super) const SIGNALS: [i32; 3] = [signal::TERM, signal::INT, signal::QUIT];
/// Until a master has said how long a stop may take.
const PATIENCE_US_DEFAULT: u64 = 30_000_000;
/// What a loaded machine may add to the master's own bounds.
const MARGIN_US: u64 = 2_000_000;
/// How long a master that was told twice may take.
const AT_ONCE_US: u64 = 4_000_000;
/// Masters that may die while they stop.
const DEATHS_MAX: u32 = 3;

#[derive(Debug)]
enum Asked {
    No,
    Once { until_us: u64 },
    Twice { until_us: u64 },
}

#[derive(Debug)]
pub(super) struct Stop {
    asked: Asked,
    patience_us: u64,
    deaths: u32,
}

impl Stop {
    pub(super) fn new() -> Self {
        Self { asked: Asked::No, patience_us: PATIENCE_US_DEFAULT, deaths: 0 }
    }

    pub(super) fn set_patience_ms(&mut self, stop_ms: u64) {
        self.patience_us = stop_ms.saturating_mul(1000);
    }

    /// Somebody wants the engine to stop, or wants it again.
    pub(super) fn ask(&mut self, now_us: u64) {
        let at_once_us = now_us + AT_ONCE_US;
        self.asked = match self.asked {
            Asked::No => return self.begin(now_us),
            Asked::Once { until_us } => Asked::Twice { until_us: until_us.min(at_once_us) },
            Asked::Twice { until_us } => Asked::Twice { until_us },
        };
    }

    /// The master has begun to stop, whoever asked it.
    pub(super) fn begin(&mut self, now_us: u64) {
        match self.asked {
            Asked::No => {
                let until_us = now_us.saturating_add(self.patience_us).saturating_add(MARGIN_US);
                self.asked = Asked::Once { until_us };
            }
            Asked::Once { .. } | Asked::Twice { .. } => {}
        }
    }

    /// How often a master that knows of none yet is to be told.
    pub(super) fn wishes(&self) -> u32 {
        match self.asked {
            Asked::No => 0,
            Asked::Once { .. } => 1,
            Asked::Twice { .. } => 2,
        }
    }

    /// A master has died before it was done. False: no further one is to try.
    pub(super) fn outlives_a_death(&mut self) -> bool {
        match self.asked {
            Asked::No => true,
            Asked::Once { .. } => {
                self.deaths += 1;
                self.deaths < DEATHS_MAX
            }
            Asked::Twice { .. } => false,
        }
    }

    /// When it has taken too long.
    pub(super) fn until_us(&self) -> Option<u64> {
        match self.asked {
            Asked::No => None,
            Asked::Once { until_us } | Asked::Twice { until_us } => Some(until_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_has_the_time_masters_promised_and_a_second_wish_little() {
        let mut stop = Stop::new();
        stop.set_patience_ms(60_000);
        assert_eq!((stop.wishes(), stop.until_us()), (0, None));
        stop.ask(1_000_000);
        assert_eq!(stop.until_us(), Some(61_000_000 + MARGIN_US));
        stop.begin(2_000_000);
        assert_eq!(stop.until_us(), Some(61_000_000 + MARGIN_US), "the master's word is no wish");
        stop.ask(3_000_000);
        stop.ask(9_000_000);
        assert_eq!(stop.until_us(), Some(3_000_000 + AT_ONCE_US));
    }

    #[test]
    fn masters_may_die_often_unless_they_were_to_stop() {
        let mut stop = Stop::new();
        assert!((0..100).all(|_| stop.outlives_a_death()));
        stop.begin(0);
        assert_eq!((0..5).filter(|_| stop.outlives_a_death()).count(), 2);
        let mut stop = Stop::new();
        stop.ask(0);
        stop.ask(0);
        assert!(!stop.outlives_a_death());
    }
}
