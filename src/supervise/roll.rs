//! Which instances of a program are restarted next in a rolling restart, and when it is over.
//!
//! Pure: how the instances look goes in, what to do comes out; the master carries it out and looks
//! again (`master::programs::roll`). Extra instances (the surge) run beside the others for as long as
//! the roll takes, so that a program of one instance serves all the time. An instance that does not
//! come back never costs another one its place, unless the plan says to go on.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Instances that may be missing at a time.
    pub(crate) max_unavailable: u32,
    /// Instances beyond the usual number that may run meanwhile.
    pub(crate) max_surge: u32,
    /// How long a new process must run before the next is touched.
    pub(crate) min_ready_us: u64,
    pub(crate) on_failure: OnFailure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The rest stays as it is.
    Stop,
    GoOn,
}

/// How an instance stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// `life` tells its process from the one before.
    Running {
        life: u32,
    },
    /// On its way up or down.
    Underway,
    /// It does not run and nobody wants it to.
    Resting,
    /// It should run and does not.
    Failed(String),
    /// It is still there, and not to come back: the program has fewer instances by now.
    Leaving,
    Missing,
}

/// What the master sees at an instant.
pub(crate) trait View {
    fn look(&self, instance: u32) -> Look;
    /// How long a stop and a start of this instance may take altogether.
    fn wait_us(&self, instance: u32) -> u64;
}

/// Where an instance is in a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Waits,
    Turn,
    Done,
    Failed,
    /// It rests, or was not asked for.
    Left,
    /// One beyond the usual number.
    Extra,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Restart(u32),
    /// Run so many more than usual; started when they are there.
    Surge(u32),
    Start(u32),
    /// As many as usual again.
    EndSurge,
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Roll {
    plan: Plan,
    phase: Phase,
    waiting: VecDeque<u32>,
    turns: Vec<Turn>,
    /// Numbers of the extra instances.
    extra: Range<u32>,
    /// Until when extra instances that have to come back are waited for.
    stalled_until_us: Option<u64>,
    pub(crate) done: Vec<u32>,
    pub(crate) skipped: Vec<u32>,
    /// With what happened instead.
    pub(crate) failed: Vec<(u32, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Surging,
    Turning,
    /// The extra instances leave.
    Ending,
    Over,
}

/// An instance whose new process is waited for.
#[derive(Clone, Debug)]
struct Turn {
    instance: u32,
    /// Its process before; none for an extra one.
    life: Option<u32>,
    until_us: u64,
    /// The new process and since when it runs.
    ready: Option<(u32, u64)>,
}

enum Progress {
    Waits,
    Reached,
    Failed(String),
    /// It is no longer one of those that the roll is about.
    Left,
}

impl Roll {
    /// Over these instances, of a program that usually has `count`.
    pub(crate) fn new(plan: Plan, instances: impl IntoIterator<Item = u32>, count: u32) -> Self {
        Self {
            plan,
            phase: Phase::New,
            waiting: instances.into_iter().collect(),
            turns: Vec::new(),
            extra: count..count,
            stalled_until_us: None,
            done: Vec::new(),
            skipped: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// How many it is about, whatever became of them.
    pub(crate) fn count(&self) -> usize {
        let own = |turn: &&Turn| !self.extra.contains(&turn.instance);
        let failed = self.failed.iter().filter(|(instance, _)| !self.extra.contains(instance));
        self.waiting.len()
            + self.turns.iter().filter(own).count()
            + self.done.len()
            + failed.count()
    }

    /// How many of those it is about are done, of how many.
    pub(crate) fn progress(&self) -> (u32, u32) {
        let done = self.done.iter().filter(|instance| !self.extra.contains(instance)).count();
        let of = if self.phase == Phase::Surging { self.waiting.len() } else { self.count() };
        (done as u32, of as u32)
    }

    /// Where one instance is.
    pub(crate) fn place(&self, instance: u32) -> Place {
        if self.extra.contains(&instance) {
            Place::Extra
        } else if self.turns.iter().any(|turn| turn.instance == instance) {
            Place::Turn
        } else if self.waiting.contains(&instance) {
            Place::Waits
        } else if self.done.contains(&instance) {
            Place::Done
        } else if self.failed.iter().any(|(failed, _)| *failed == instance) {
            Place::Failed
        } else {
            Place::Left
        }
    }

    /// When it wants to look again though nothing happened.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        let due_us = |turn: &Turn| match turn.ready {
            Some((_, since_us)) => since_us + self.plan.min_ready_us,
            None => turn.until_us,
        };
        self.turns.iter().map(due_us).chain(self.stalled_until_us).min()
    }

    /// Whether what comes after it in the same call is to be left alone.
    pub(crate) fn is_broken_off(&self) -> bool {
        !self.failed.is_empty() && self.plan.on_failure == OnFailure::Stop
    }

    /// What to do now; call again after it was done, until nothing is.
    pub(crate) fn step(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        loop {
            let phase = self.phase;
            let acts = self.step_once(view, now_us);
            if !acts.is_empty() || self.phase == phase {
                return acts;
            }
        }
    }

    fn step_once(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        match self.phase {
            Phase::New => self.begin(view),
            Phase::Surging => self.surging(view, now_us),
            Phase::Turning => self.turning(view, now_us),
            Phase::Ending => self.ending(view, now_us),
            Phase::Over => Vec::new(),
        }
    }

    /// The surge can not be had.
    pub(crate) fn refuse_surge(&mut self, reason: String) {
        if self.phase == Phase::Surging {
            self.failed.push((self.extra.start, reason));
            self.turns.clear();
            self.phase = Phase::Ending;
        }
    }

    /// Stopped and exited ones stay as they are: a roll renews what runs or should run. Those that
    /// leave are none of its.
    fn begin(&mut self, view: &impl View) -> Vec<Act> {
        self.waiting.retain(|instance| view.look(*instance) != Look::Leaving);
        let (resting, running): (Vec<u32>, Vec<u32>) =
            self.waiting.iter().partition(|instance| view.look(**instance) == Look::Resting);
        self.skipped = resting;
        self.waiting = running.into();
        let count = self.plan.max_surge.min(self.waiting.len() as u32);
        if count == 0 {
            self.phase = Phase::Turning;
            return Vec::new();
        }
        self.phase = Phase::Surging;
        self.extra.end = self.extra.start + count;
        vec![Act::Surge(count)]
    }

    fn surging(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        if self.turns.is_empty() && self.done.is_empty() {
            // One of that number may still be leaving.
            let is_there = |it| !matches!(view.look(it), Look::Leaving | Look::Missing);
            if !self.extra.clone().all(is_there) {
                return Vec::new();
            }
            self.turns = self.extra.clone().map(|it| turn(it, None, view, now_us)).collect();
            return self.extra.clone().map(Act::Start).collect();
        }
        self.look_at_turns(view, now_us);
        if !self.failed.is_empty() {
            return self.end_surge(view, now_us);
        }
        if self.turns.is_empty() {
            // The extra ones are no part of the result.
            self.done.clear();
            self.phase = Phase::Turning;
        }
        Vec::new()
    }

    fn turning(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        self.look_at_turns(view, now_us);
        let spare = self.spare(view, now_us);
        let abreast = (self.plan.max_unavailable + spare) as usize;
        if self.is_broken_off() || (abreast == 0 && self.stalled_until_us.is_none()) {
            // Those under way are seen through, so that the answer tells the truth about them.
            if !self.turns.is_empty() {
                return Vec::new();
            }
            return self.end_surge(view, now_us);
        }
        let mut acts = Vec::new();
        while self.turns.len() < abreast
            && let Some(instance) = self.waiting.pop_front()
        {
            let life = match view.look(instance) {
                Look::Running { life } => Some(life),
                Look::Leaving | Look::Missing => continue,
                Look::Underway | Look::Resting | Look::Failed(_) => None,
            };
            self.turns.push(turn(instance, life, view, now_us));
            acts.push(Act::Restart(instance));
        }
        let is_over = self.turns.is_empty() && self.waiting.is_empty();
        if is_over { self.end_surge(view, now_us) } else { acts }
    }

    /// How many extra instances run. Who is not back in time, or will not come back, has failed: without
    /// them the others may not be missing.
    fn spare(&mut self, view: &impl View, now_us: u64) -> u32 {
        let (mut running, mut missing) = (0, Vec::new());
        for instance in self.extra.clone() {
            if self.failed.iter().any(|(failed, _)| *failed == instance) {
                continue;
            }
            let why = match view.look(instance) {
                Look::Running { .. } => {
                    running += 1;
                    continue;
                }
                Look::Underway => {
                    missing.push(instance);
                    continue;
                }
                Look::Resting => STOPPED.to_owned(),
                Look::Failed(why) => why,
                Look::Leaving | Look::Missing => REMOVED.to_owned(),
            };
            self.failed.push((instance, why));
        }
        let wait_us = missing.iter().map(|it| view.wait_us(*it)).max();
        self.stalled_until_us =
            wait_us.map(|wait_us| self.stalled_until_us.unwrap_or(now_us + wait_us));
        if self.stalled_until_us.is_some_and(|until_us| now_us >= until_us) {
            self.stalled_until_us = None;
            self.failed.extend(missing.into_iter().map(|instance| (instance, LATE.to_owned())));
        }
        running
    }

    fn end_surge(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        self.phase = Phase::Ending;
        self.stalled_until_us = None;
        self.turns = self.extra.clone().map(|it| turn(it, None, view, now_us)).collect();
        if self.extra.is_empty() { self.ending(view, now_us) } else { vec![Act::EndSurge] }
    }

    fn ending(&mut self, view: &impl View, now_us: u64) -> Vec<Act> {
        self.turns
            .retain(|turn| view.look(turn.instance) != Look::Missing && now_us < turn.until_us);
        if !self.turns.is_empty() {
            return Vec::new();
        }
        self.phase = Phase::Over;
        vec![Act::End]
    }

    fn look_at_turns(&mut self, view: &impl View, now_us: u64) {
        for mut turn in std::mem::take(&mut self.turns) {
            match turn.progress(&view.look(turn.instance), self.plan.min_ready_us, now_us) {
                Progress::Waits => self.turns.push(turn),
                Progress::Reached => self.done.push(turn.instance),
                Progress::Failed(why) => self.failed.push((turn.instance, why)),
                Progress::Left if self.extra.contains(&turn.instance) => {
                    self.failed.push((turn.instance, REMOVED.to_owned()));
                }
                Progress::Left => {}
            }
        }
    }
}

fn turn(instance: u32, life: Option<u32>, view: &impl View, now_us: u64) -> Turn {
    Turn { instance, life, until_us: now_us + view.wait_us(instance), ready: None }
}

impl Turn {
    fn progress(&mut self, look: &Look, min_ready_us: u64, now_us: u64) -> Progress {
        match look {
            Look::Running { life } if Some(*life) == self.life => self.late(now_us),
            Look::Running { life } => match self.ready {
                Some((new, since_us)) if new == *life => {
                    if now_us >= since_us + min_ready_us {
                        Progress::Reached
                    } else {
                        Progress::Waits
                    }
                }
                None if min_ready_us == 0 => Progress::Reached,
                None => {
                    self.ready = Some((*life, now_us));
                    Progress::Waits
                }
                Some(_) => Progress::Failed(NOT_FOR_LONG.to_owned()),
            },
            Look::Underway if self.ready.is_some() => Progress::Failed(NOT_FOR_LONG.to_owned()),
            Look::Underway => self.late(now_us),
            Look::Resting => Progress::Failed(STOPPED.to_owned()),
            Look::Failed(why) => Progress::Failed(why.clone()),
            Look::Leaving | Look::Missing => Progress::Left,
        }
    }

    fn late(&self, now_us: u64) -> Progress {
        if now_us < self.until_us { Progress::Waits } else { Progress::Failed(LATE.to_owned()) }
    }
}

const STOPPED: &str = "was stopped";
const REMOVED: &str = "was removed";
const LATE: &str = "waited long enough";
const NOT_FOR_LONG: &str = "did not run for as long as min_ready";
