//! When a scheduled program runs next.
//!
//! Pure: both clocks come in as values. A cron line goes by the wall clock and is reckoned anew when
//! that is set; an interval goes by the monotonic clock alone. A run that was missed is not made up,
//! except that a clock put ahead by less than [`STEP_MS_MAX`] does not lose a run, as one put back by
//! less does not repeat one.

use jiff::tz::TimeZone;

use super::calendar::{Cron, EVERY_HOUR, said};
use super::dice::Dice;

#[cfg(test)]
mod tests;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Cron { cron: Cron, zone: TimeZone },
    Every { period_us: u64 },
}

/// Both clocks at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) us: u64,
    pub(crate) wall_ms: u64,
}

/// The next run. A successor is told both: they stay true, whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// On the monotonic clock, jitter included.
    pub(crate) at_us: u64,
    /// As the rule says, without jitter: milliseconds of the wall clock for a cron line,
    /// microseconds of the monotonic one for an interval.
    pub(crate) nominal: u64,
    /// How much later than that, so that a changed clock does not draw anew.
    pub(crate) jitter_us: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Timetable {
    rule: Rule,
    jitter_us: u64,
    /// None while the program is not to run.
    pub(crate) next: Option<Run>,
    /// The nominal time of the last run, so that none comes twice.
    pub(crate) last: Option<u64>,
}

/// A clock that is set by more was plainly wrong before: what it said then does not count.
pub(crate) const STEP_MS_MAX: u64 = 3 * 3_600_000;
const MINUTE_MS: u64 = 60_000;

impl Timetable {
    pub(crate) fn new(rule: Rule, jitter_us: u64) -> Self {
        Self { rule, jitter_us, next: None, last: None }
    }

    /// From now on it runs by its rule; what was reckoned already stays.
    pub(crate) fn arm(&mut self, now: Now, dice: &mut Dice) {
        if self.next.is_none() {
            self.reckon(now, dice);
        }
    }

    pub(crate) fn disarm(&mut self) {
        self.next = None;
    }

    /// Whether a run is due; if so, the next one is reckoned.
    pub(crate) fn is_due(&mut self, now: Now, dice: &mut Dice) -> bool {
        let Some(run) = self.next.filter(|run| run.at_us <= now.us) else { return false };
        self.last = Some(run.nominal);
        self.reckon(now, dice);
        true
    }

    /// The wall clock was set.
    pub(crate) fn clock_set(&mut self, now: Now, dice: &mut Dice) {
        let (Rule::Cron { .. }, Some(run)) = (&self.rule, self.next) else { return };
        let is_just_missed = (run.nominal..run.nominal + STEP_MS_MAX).contains(&now.wall_ms);
        if is_just_missed || self.nominal(now) == Some(run.nominal) {
            self.next = Some(Run { at_us: at_us(run.nominal, run.jitter_us, now), ..run });
        } else {
            self.reckon(now, dice);
        }
    }

    fn reckon(&mut self, now: Now, dice: &mut Dice) {
        let jitter_us = dice.up_to(self.jitter_us);
        self.next = self.nominal(now).map(|nominal| {
            let at_us = match self.rule {
                Rule::Cron { .. } => at_us(nominal, jitter_us, now),
                Rule::Every { .. } => nominal.saturating_add(jitter_us),
            };
            Run { at_us, nominal, jitter_us }
        });
    }

    /// The next time of the rule: after now, and after the last one even if the clock is early.
    fn nominal(&self, now: Now) -> Option<u64> {
        match &self.rule {
            Rule::Cron { cron, zone } => {
                // A line for every hour means real time, so it goes on when the clock is put back.
                let guard_ms = if cron.hours == EVERY_HOUR { MINUTE_MS } else { STEP_MS_MAX };
                let last_ms = self.last.filter(|last_ms| *last_ms <= now.wall_ms + guard_ms);
                cron.next_ms(zone, now.wall_ms.max(last_ms.unwrap_or(0)))
            }
            Rule::Every { period_us } => {
                let last_us = self.last.unwrap_or(now.us);
                let periods = now.us.saturating_sub(last_us) / period_us.max(&1) + 1;
                Some(last_us.saturating_add(periods.saturating_mul(*period_us)))
            }
        }
    }

    /// When it runs next, on the wall clock.
    pub(crate) fn next_run_ms(&self, now: Now) -> Option<u64> {
        let run = self.next?;
        Some(now.wall_ms + run.at_us.saturating_sub(now.us) / 1000)
    }

    /// The same as a person would say it, where the rule has a clock of its own.
    pub(crate) fn said(&self, now: Now) -> Option<String> {
        let at_ms = self.next_run_ms(now)?;
        match &self.rule {
            Rule::Cron { zone, .. } => Some(said(zone, now.wall_ms, at_ms)),
            Rule::Every { .. } => None,
        }
    }
}

/// When the wall clock will say so, if nobody sets it.
fn at_us(nominal_ms: u64, jitter_us: u64, now: Now) -> u64 {
    let left_us = nominal_ms.saturating_sub(now.wall_ms).saturating_mul(1000);
    // The wall clock was read in whole milliseconds: a millisecond later it surely says so.
    let whole_us = if left_us == 0 { 0 } else { 1000 };
    now.us.saturating_add(left_us).saturating_add(whole_us).saturating_add(jitter_us)
}
