//! The events that only the clock makes. Nobody is woken while nobody listens to one.

use crate::config::model::listener::{Subject, Subjects};
use crate::sys;

const PERIODS: [(Subject, u64); 3] =
    [(Subject::Tick5, 5), (Subject::Tick60, 60), (Subject::Tick3600, 3600)];

/// An instant by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    us: u64,
    wall_ms: u64,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { us: sys::clock::monotonic_us(), wall_ms: sys::clock::wall_ms() }
    }

    /// When the running slice began, in seconds since 1970.
    fn slice_s(self, period_s: u64) -> u64 {
        let wall_s = self.wall_ms / 1000;
        wall_s - wall_s % period_s
    }

    fn next_us(self, period_s: u64) -> u64 {
        let next_ms = (self.slice_s(period_s) + period_s) * 1000;
        self.us + (next_ms - self.wall_ms) * 1000
    }
}

#[derive(Debug, Default)]
pub(super) struct Ticks {
    slices_s: [u64; PERIODS.len()],
    due_us: Option<u64>,
}

impl Ticks {
    /// Slices that run are not told of, the next ones are.
    pub(super) fn begin(&mut self, heard: Subjects, now: Moment) {
        if self.due_us.is_none() {
            self.slices_s = PERIODS.map(|(_, period_s)| now.slice_s(period_s));
        }
        self.plan(heard, now);
    }

    /// The slices that have begun.
    pub(super) fn take(&mut self, heard: Subjects, now: Moment) -> Vec<(Subject, u64)> {
        let mut begun = Vec::new();
        if self.due_us.is_none_or(|due_us| now.us < due_us) {
            return begun;
        }
        for ((subject, period_s), told_s) in PERIODS.into_iter().zip(&mut self.slices_s) {
            let slice_s = now.slice_s(period_s);
            if *told_s != slice_s && heard.contains(subject) {
                begun.push((subject, slice_s));
            }
            *told_s = slice_s;
        }
        self.plan(heard, now);
        begun
    }

    pub(super) fn due_us(&self) -> Option<u64> {
        self.due_us
    }

    fn plan(&mut self, heard: Subjects, now: Moment) {
        let periods = PERIODS.iter().filter(|(subject, _)| heard.contains(*subject));
        self.due_us = periods.map(|(_, period_s)| now.next_us(*period_s)).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Moment {
        Moment { us: second * 1_000_000, wall_ms: (7_200 + second) * 1000 }
    }

    #[test]
    fn a_slice_is_told_when_it_begins() {
        let mut ticks = Ticks::default();
        let heard = Subjects::named("TICK_5").with(Subjects::named("TICK_3600"));
        ticks.begin(heard, at(1));
        assert_eq!(ticks.due_us(), Some(5_000_000));
        assert_eq!(ticks.take(heard, at(4)), []);
        assert_eq!(ticks.take(heard, at(5)), [(Subject::Tick5, 7_205)]);
        assert_eq!(ticks.due_us(), Some(10_000_000));
        let hour = [(Subject::Tick5, 10_800), (Subject::Tick3600, 10_800)];
        assert_eq!(ticks.take(heard, at(3_601)), hour, "late, and once");
    }

    #[test]
    fn nobody_is_woken_when_nobody_listens() {
        let mut ticks = Ticks::default();
        ticks.begin(Subjects::named("PROCESS_STATE"), at(1));
        assert_eq!(ticks.due_us(), None);
    }
}
