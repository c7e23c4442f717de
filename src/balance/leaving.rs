//! How fast a draining backend empties, and when it will be empty: an estimate from what left in
//! the last seconds, or none. Better no estimate than a guess.

/// The window holds this many readings, at least so far apart: the last five seconds.
const READINGS_MAX: usize = 10;
const APART_US: u64 = 500_000;

/// Readings of how much was in flight, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    readings: [(u64, u32); READINGS_MAX],
    count: usize,
}

impl Pace {
    /// To be told often; most of it is not kept.
    pub(crate) fn note(&mut self, now_us: u64, in_flight: u32) {
        let newest = self.count.checked_sub(1).map(|at| self.readings[at]);
        if newest.is_some_and(|(at_us, _)| now_us < at_us.saturating_add(APART_US)) {
            return;
        }
        if self.count == READINGS_MAX {
            self.readings.rotate_left(1);
            self.count -= 1;
        }
        self.readings[self.count] = (now_us, in_flight);
        self.count += 1;
    }

    /// Nothing comes, so what is fewer has left.
    pub(crate) fn leaving_per_s(&self, now_us: u64, in_flight: u32) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let (since_us, before) = self.readings[0];
        let passed_us = now_us.saturating_sub(since_us);
        if passed_us == 0 {
            return 0.0;
        }
        f64::from(before.saturating_sub(in_flight)) * 1_000_000.0 / passed_us as f64
    }

    /// Until nothing is in flight; `None` when nothing has left lately.
    pub(crate) fn eta_ms(&self, now_us: u64, in_flight: u32) -> Option<u64> {
        if in_flight == 0 {
            return Some(0);
        }
        let per_s = self.leaving_per_s(now_us, in_flight);
        (per_s > 0.0).then(|| (f64::from(in_flight) / per_s * 1000.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_tell_when_the_rest_will_be_gone() {
        let mut pace = Pace::default();
        assert_eq!((pace.leaving_per_s(0, 9), pace.eta_ms(0, 9)), (0.0, None));
        // Ten a second leave, of a hundred.
        for tick in 0..400u32 {
            pace.note(u64::from(tick) * 10_000, 100 - tick / 10);
        }
        assert_eq!(pace.leaving_per_s(4_000_000, 60).round() as u32, 10);
        assert_eq!(pace.eta_ms(4_000_000, 60), Some(6000));
        assert_eq!(pace.eta_ms(4_000_000, 0), Some(0));
    }

    #[test]
    fn what_left_long_ago_is_no_sign_of_what_will() {
        let mut pace = Pace::default();
        pace.note(0, 100);
        for tick in 1..=20 {
            pace.note(tick * APART_US, 7);
        }
        let now_us = 20 * APART_US + 1;
        assert_eq!((pace.leaving_per_s(now_us, 7), pace.eta_ms(now_us, 7)), (0.0, None));
    }
}
