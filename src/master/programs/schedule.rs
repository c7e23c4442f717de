//! Schedules of programs: from what the configuration says to timetables, and what their runs do to
//! instances. When a run is due is `supervise::timetable`'s, what becomes of it `supervise::step`'s.

use super::Programs;
use super::definition::Definition;
use super::desk::{Desk, Tone};
use super::instance::Instance;
use super::texts;
use crate::config::model::life::{Cron, Kind, Life, Overlap, When};
use crate::supervise::calendar::{self, DayRule};
use crate::supervise::policy;
use crate::supervise::state::{Cause, Phase};
use crate::supervise::step::{Event, Turn};
use crate::supervise::timetable::{Now, Rule, Timetable};
use crate::sys;

/// Both clocks, now.
pub(super) fn now() -> Now {
    Now { us: sys::clock::monotonic_us(), wall_ms: sys::clock::wall_ms() }
}

/// How far the wall clock is ahead of the monotonic one. Both follow the same corrections of pace, so
/// that only setting the clock, or a sleep of the machine, changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead(i64);

/// Reading one clock after the other takes time.
const AHEAD_MS_MIN: u64 = 250;

impl Ahead {
    pub(super) fn of(now: Now) -> Self {
        Self(now.wall_ms as i64 - (now.us / 1000) as i64)
    }

    fn is_other_than(self, before: Self) -> bool {
        self.0.abs_diff(before.0) >= AHEAD_MS_MIN
    }
}

pub(super) fn timetable(definition: &Definition) -> Option<Timetable> {
    let schedule = definition.program.life.schedule.as_ref()?;
    let rule = match &schedule.when {
        When::Every { period_ms } => Rule::Every { period_us: period_ms * 1000 },
        When::Cron { cron, zone } => {
            let zone = match zone {
                None => sys::zone::local(),
                Some(name) => sys::zone::named(name).unwrap_or_else(|| {
                    // It was there when the configuration was checked.
                    let program = &definition.program.name;
                    sys::log::error!("programs", "no time zone {name} any more for {program}");
                    sys::zone::local()
                }),
            };
            Rule::Cron { cron: line(*cron), zone }
        }
    };
    Some(Timetable::new(rule, schedule.jitter_ms * 1000))
}

fn line(cron: Cron) -> calendar::Cron {
    let Cron { minutes, hours, days, months, weekdays, is_either_day } = cron;
    let day_rule = if is_either_day { DayRule::Either } else { DayRule::Both };
    calendar::Cron { minutes, hours, days, months, weekdays, day_rule }
}

pub(super) fn kind(life: &Life) -> policy::Kind {
    match life.kind {
        Kind::Service => policy::Kind::Service,
        Kind::OneShot => policy::Kind::OneShot,
    }
}

pub(super) fn overlap(life: &Life) -> policy::Overlap {
    match life.schedule.as_ref().map(|schedule| schedule.overlap) {
        Some(Overlap::Skip) | None => policy::Overlap::Skip,
        Some(Overlap::Queue) => policy::Overlap::Queue,
        Some(Overlap::Kill) => policy::Overlap::Kill,
    }
}

pub(super) fn max_age(life: &Life) -> Option<policy::MaxAge> {
    let age = life.max_age?;
    Some(policy::MaxAge { after_us: age.after_ms * 1000, jitter_us: age.jitter_ms * 1000 })
}

impl Programs {
    /// Says to each instance whose time has come that it runs now.
    pub(super) fn run_what_is_due(&mut self) {
        let now = now();
        let ahead = Ahead::of(now);
        let is_clock_set = ahead.is_other_than(self.ahead);
        if is_clock_set {
            self.ahead = ahead;
        }
        for instance in self.instances.values_mut() {
            let Some(timetable) = &mut instance.timetable else { continue };
            let dice = &mut instance.state.dice;
            if is_clock_set {
                timetable.clock_set(now, dice);
                self.desk.changed();
            }
            if timetable.is_due(now, dice) {
                self.desk.changed();
                instance.say(Event::Due, &mut self.desk);
            }
        }
    }
}

impl Instance {
    /// It should be up: a service is started, a job that has times to run at waits for the next.
    pub(super) fn begin(&mut self, desk: &mut Desk) {
        if self.is_scheduled_job() {
            self.arm();
            desk.changed();
        } else {
            self.say(Event::Start, desk);
        }
    }

    pub(super) fn is_scheduled_job(&self) -> bool {
        self.policy.kind == policy::Kind::OneShot && self.timetable.is_some()
    }

    /// Whether a job has ended as it should.
    pub(super) fn has_succeeded(&self) -> bool {
        match (self.state.phase, &self.state.cause) {
            (Phase::Done, Cause::Exit { ending, .. }) => {
                self.policy.kind == policy::Kind::OneShot && self.policy.is_expected(*ending)
            }
            _ => false,
        }
    }

    /// What somebody wants of an instance holds for its schedule, too.
    pub(super) fn follow_wish(&mut self, event: &Event) {
        match event {
            Event::Start | Event::Restart => self.arm(),
            Event::Stop | Event::Remove | Event::Retire => {
                if let Some(timetable) = &mut self.timetable {
                    timetable.disarm();
                }
            }
            Event::Kill
            | Event::Hold
            | Event::Release
            | Event::HookDone { .. }
            | Event::Tick
            | Event::Due
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => {}
        }
    }

    fn arm(&mut self) {
        if let Some(timetable) = &mut self.timetable {
            timetable.arm(now(), &mut self.state.dice);
        }
    }

    /// The timetable of a new definition; one that says the same goes on as it is.
    pub(super) fn reschedule(&mut self, before: &Definition) {
        if before.program.life.schedule == self.definition.program.life.schedule {
            return;
        }
        let is_armed = match &self.timetable {
            Some(timetable) => timetable.next.is_some(),
            // It was to be up, so it is to be up at these times.
            None => self.state.phase != Phase::Idle,
        };
        self.timetable = timetable(&self.definition);
        if is_armed {
            self.arm();
        }
    }

    pub(super) fn say_what_is_due(&mut self, turn: Turn, desk: &mut Desk) {
        let (tone, text) = match turn {
            Turn::Starts => (Tone::Info, "due, started"),
            Turn::Skipped => (Tone::Warn, "due, skipped: the last run is not over"),
            Turn::Waits => (Tone::Info, "due, waits for the end of the last run"),
            Turn::Replaces => (Tone::Info, "due, started anew"),
        };
        self.note(tone, "schedule", text.to_owned(), desk);
    }

    pub(super) fn next_run_ms(&self) -> u64 {
        self.timetable.as_ref().and_then(|timetable| timetable.next_run_ms(now())).unwrap_or(0)
    }

    /// `next run at 03:00 (in 4 h)`; nothing without a next run.
    pub(super) fn next_run(&self) -> Option<String> {
        let (timetable, now) = (self.timetable.as_ref()?, now());
        let left_us = timetable.next?.at_us.saturating_sub(now.us);
        let left = texts::about(left_us);
        Some(match timetable.said(now) {
            Some(at) => format!("next run at {at} (in {left})"),
            None => format!("next run in {left}"),
        })
    }
}
