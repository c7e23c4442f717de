//! Timetables under clocks that run, stand and jump.

use super::super::calendar::DayRule;
use super::*;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Midnight UTC of some day.
const MIDNIGHT_MS: u64 = 20_000 * DAY_MS;

fn cron(minutes: u64, hours: u32) -> Rule {
    let (days, months, weekdays, day_rule) = (!1, !1, 0x7f, DayRule::Both);
    let cron = Cron { minutes, hours, days, months, weekdays, day_rule };
    Rule::Cron { cron, zone: TimeZone::UTC }
}

/// A timetable under two clocks that the test moves.
struct Clocks {
    table: Timetable,
    dice: Dice,
    now: Now,
    runs_ms: Vec<u64>,
}

impl Clocks {
    fn new(rule: Rule) -> Self {
        let now = Now { us: 5_000_000_000, wall_ms: MIDNIGHT_MS };
        let mut clocks =
            Self { table: Timetable::new(rule, 0), dice: Dice::new(1), now, runs_ms: Vec::new() };
        clocks.table.arm(now, &mut clocks.dice);
        clocks
    }

    /// Lets time pass as the master does: from deadline to deadline.
    fn pass(&mut self, ms: u64) -> &mut Self {
        let end_us = self.now.us + ms * 1000;
        while let Some(run) = self.table.next.filter(|run| run.at_us <= end_us) {
            self.advance(run.at_us.max(self.now.us));
            assert!(self.table.is_due(self.now, &mut self.dice));
            self.runs_ms.push(self.now.wall_ms.saturating_sub(MIDNIGHT_MS));
        }
        self.advance(end_us);
        self
    }

    fn advance(&mut self, us: u64) {
        self.now.wall_ms += us / 1000 - self.now.us / 1000;
        self.now.us = us;
    }

    fn set_clock(&mut self, by_ms: i64) -> &mut Self {
        self.now.wall_ms = self.now.wall_ms.checked_add_signed(by_ms).unwrap();
        self.table.clock_set(self.now, &mut self.dice);
        self
    }

    /// The whole hours of the wall clock at which it ran.
    fn hours(&self) -> Vec<u64> {
        self.runs_ms.iter().map(|ms| ms / HOUR_MS).collect()
    }
}

#[test]
fn a_line_runs_once_at_each_of_its_times() {
    let mut clocks = Clocks::new(cron(1, 1 << 3));
    clocks.pass(3 * DAY_MS);
    assert_eq!(clocks.runs_ms, [3, 27, 51].map(|hour| hour * HOUR_MS + 1));
    assert_eq!(clocks.table.said(clocks.now).unwrap(), "03:00");
}

#[test]
fn a_clock_put_ahead_loses_no_run_and_one_put_back_repeats_none() {
    let mut clocks = Clocks::new(cron(1, 1 << 3));
    clocks.pass(2 * HOUR_MS).set_clock(HOUR_MS as i64 + 60_000).pass(1_000);
    assert_eq!(clocks.hours(), [3]);
    clocks.set_clock(-(HOUR_MS as i64)).pass(20 * HOUR_MS);
    assert_eq!(clocks.hours(), [3], "03:00 came a second time");
    clocks.pass(10 * HOUR_MS);
    assert_eq!(clocks.hours(), [3, 27]);
}

#[test]
fn a_clock_that_was_plainly_wrong_does_not_count() {
    let years_ms = 10 * 365 * DAY_MS as i64;
    let mut clocks = Clocks::new(cron(1, 1 << 3));
    clocks.pass(4 * HOUR_MS).set_clock(years_ms).pass(HOUR_MS);
    assert_eq!(clocks.runs_ms.len(), 1, "nothing of ten years is made up");
    clocks.set_clock(-years_ms).pass(DAY_MS);
    assert_eq!(clocks.hours(), [3, 27]);
}

#[test]
fn a_line_for_every_hour_goes_on_when_the_clock_is_put_back() {
    let mut clocks = Clocks::new(cron(1, EVERY_HOUR));
    clocks.pass(5 * HOUR_MS + 60_000).set_clock(-2 * HOUR_MS as i64).pass(2 * HOUR_MS);
    assert_eq!(clocks.hours(), [1, 2, 3, 4, 5, 4, 5]);
}

#[test]
fn an_interval_does_not_see_the_wall_clock() {
    let mut clocks = Clocks::new(Rule::Every { period_us: 600_000_000 });
    let begun_us = clocks.now.us;
    let mut at_us = Vec::new();
    for step_ms in [0, HOUR_MS as i64, -5 * HOUR_MS as i64] {
        clocks.set_clock(step_ms).pass(600_000);
        at_us.push(clocks.now.us - begun_us);
        assert_eq!(clocks.runs_ms.len(), at_us.len());
    }
    assert_eq!(at_us, [600_000_000, 1_200_000_000, 1_800_000_000]);
}

#[test]
fn what_was_missed_is_not_made_up() {
    let mut clocks = Clocks::new(Rule::Every { period_us: 60_000_000 });
    clocks.now.us += 10 * 60_000_000 + 1;
    assert!(clocks.table.is_due(clocks.now, &mut clocks.dice));
    assert!(!clocks.table.is_due(clocks.now, &mut clocks.dice));
    assert_eq!(clocks.table.next.unwrap().at_us - clocks.now.us, 60_000_000 - 1);
}

#[test]
fn an_early_timer_makes_no_second_run() {
    let mut clocks = Clocks::new(cron(1, 1 << 3));
    let early =
        Now { wall_ms: MIDNIGHT_MS + 3 * HOUR_MS - 2, us: clocks.table.next.unwrap().at_us };
    assert!(clocks.table.is_due(early, &mut clocks.dice));
    assert_eq!(clocks.table.next.unwrap().nominal, MIDNIGHT_MS + 27 * HOUR_MS);
}

#[test]
fn jitter_delays_each_run_anew_and_drifts_nowhere() {
    let mut clocks = Clocks::new(cron(1, EVERY_HOUR));
    clocks.table = Timetable::new(cron(1, EVERY_HOUR), 600_000_000);
    clocks.table.arm(clocks.now, &mut clocks.dice);
    clocks.pass(100 * HOUR_MS + 600_000);
    assert_eq!(clocks.hours(), (1..=100).collect::<Vec<_>>());
    let late_ms: Vec<u64> = clocks.runs_ms.iter().map(|ms| ms % HOUR_MS).collect();
    assert!(late_ms.iter().all(|ms| *ms <= 600_001));
    assert!(late_ms.iter().any(|ms| *ms > 300_000) && late_ms.iter().any(|ms| *ms < 300_000));
}

#[test]
fn disarmed_it_never_runs() {
    let mut clocks = Clocks::new(cron(1, EVERY_HOUR));
    clocks.table.disarm();
    clocks.set_clock(HOUR_MS as i64).pass(10 * HOUR_MS);
    assert!(clocks.runs_ms.is_empty() && clocks.table.next_run_ms(clocks.now).is_none());
}
