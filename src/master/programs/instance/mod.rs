//! One instance: its state, its process, its output. Carries out what `supervise` decides and turns
//! what happens to the process into that machine's events.

mod birth;
mod bounds;
mod daemon;
mod ending;
mod hooks;
mod redefine;
mod serving;
mod sweeping;
pub(in crate::master::programs) mod vitals;
mod waiting;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use self::bounds::Used;
use super::definition::Shared;
use super::desk::{Desk, Tone};
use super::event::{InstanceId, Report};
use super::events::course::Told;
use super::output::Output;
use super::output::follow::Hub;
use super::process::Process;
use super::pulse::SharedPulse;
use super::schedule;
use super::starts::Underway;
use super::tree::Tree;
use crate::config::model::stop::Reach;
use crate::supervise;
use crate::supervise::chronicle::End;
use crate::supervise::dice::Dice;
use crate::supervise::policy::{Ending, Policy};
use crate::supervise::state::{Fault, Phase, Shown, State};
use crate::supervise::step::{Effect, Event};
use crate::supervise::timetable::Timetable;
use crate::sys;
use hooks::Aside;

/// Why an instance that nobody touched is stopped.
pub(super) const NOT_STARTED: &str = "not started";

pub(super) struct Instance {
    pub(super) id: InstanceId,
    pub(super) definition: Shared,
    pub(super) policy: Policy,
    pub(super) state: State,
    pub(super) process: Option<Process>,
    /// A start that takes its time.
    pub(super) birth: Option<Underway>,
    /// All that the last process started, while some of it may be left.
    pub(super) tree: Option<Tree>,
    pub(super) used: Used,
    /// Where it serves in this life.
    pub(super) port: Option<u16>,
    pub(super) joined: Option<Joined>,
    /// Spawns that nobody asked for.
    pub(super) restarts: u32,
    pub(super) since_wall_ms: u64,
    pub(super) stamps: Stamps,
    /// Why it is stopped, in the words of its row.
    pub(super) asked: String,
    /// Whether it is ready, and why not.
    pub(super) ready: SharedPulse,
    /// Whether it is alive, and why not.
    pub(super) live: SharedPulse,
    /// How it is, in its own words.
    pub(super) status: String,
    pub(super) course: vitals::Course,
    /// Where it says that it is ready, until somebody reads it.
    pub(super) ready_pipe: Option<OwnedFd>,
    /// Of those that others wait for, in this life.
    pub(super) lines_seen: Vec<String>,
    line_watches: Vec<waiting::LineWatch>,
    waiters: Vec<waiting::Waiter>,
    pub(super) told: Told,
    pub(super) output: Rc<RefCell<Output>>,
    /// When it runs by itself; none without a schedule.
    pub(super) timetable: Option<Timetable>,
    /// The side command that the state waits for.
    hook: Option<Aside>,
    /// Looks for a main process, since the last one was known.
    elections: u32,
    /// One that nothing waits for: `post_start`, `on_fatal`.
    aside: Option<Aside>,
}

/// When the last life was begun and the last one ended, by the clock on the wall; 0: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamps {
    pub(super) started_wall_ms: u64,
    pub(super) stopped_wall_ms: u64,
}

/// The backend this instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) upstream: String,
    pub(super) address: SocketAddr,
    pub(super) admission: Admission,
}

/// Whether it takes new requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Admission {
    #[default]
    Open,
    /// It was ready and is not any more; what it was given before may still be under way.
    Shut,
}

impl Instance {
    pub(super) fn new(id: InstanceId, definition: Shared, hub: Hub) -> Self {
        let output = Output::new(hub, id.to_string());
        let (policy, timetable) = (definition.policy(), schedule::timetable(&definition));
        Self {
            timetable,
            id,
            definition,
            policy,
            state: State { dice: Dice::new(sys::random::seed()), ..State::new() },
            process: None,
            birth: None,
            tree: None,
            used: Used::default(),
            port: None,
            joined: None,
            restarts: 0,
            since_wall_ms: sys::clock::wall_ms(),
            stamps: Stamps::default(),
            asked: NOT_STARTED.to_owned(),
            ready: SharedPulse::default(),
            live: SharedPulse::default(),
            status: String::new(),
            course: vitals::Course::Steady,
            ready_pipe: None,
            lines_seen: Vec::new(),
            line_watches: Vec::new(),
            waiters: Vec::new(),
            output: Rc::new(RefCell::new(output)),
            hook: None,
            elections: 0,
            aside: None,
            told: Told::default(),
        }
    }

    pub(super) fn shown(&self) -> Shown {
        self.state.shown()
    }

    /// When it wants to be looked at: for its state, or for its schedule.
    pub(super) fn deadline_us(&self) -> Option<u64> {
        let run = self.timetable.as_ref().and_then(|timetable| timetable.next);
        self.state.deadline_us().into_iter().chain(run.map(|run| run.at_us)).min()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.phase == Phase::Gone
    }

    /// Takes the step that the event means, and those that follow from its effects.
    pub(super) fn say(&mut self, event: Event, desk: &mut Desk) {
        self.follow_wish(&event);
        let mut next = Some(event);
        // Each answer follows from an effect of the step before, and no step repeats an effect.
        while let Some(event) = next.take() {
            let now_us = sys::clock::monotonic_us();
            let (before, phase) = (self.shown(), self.state.phase);
            let is_exit = matches!(event, Event::Exited { .. });
            let fails = self.state.fails;
            let state = self.state.clone();
            let (state, effects) = supervise::step::step(state, &event, now_us, &self.policy);
            if self.state.hook() != state.hook() {
                // Nobody waits for it any more.
                self.hook = None;
            }
            self.state = state;
            if is_exit {
                // Before the effects: the next life may begin with them.
                self.say_what_follows(before, now_us, desk);
            }
            let end = if is_exit { End::of_exit(fails, &self.state) } else { End::No };
            self.tell_course(end, desk);
            self.follow_phase(phase, desk);
            for effect in effects {
                next = self.perform(effect, now_us, desk).or(next);
            }
            if before != self.shown() {
                self.since_wall_ms = sys::clock::wall_ms();
                desk.changed();
            }
        }
    }

    pub(super) fn report(&mut self, report: Report, desk: &mut Desk) {
        let life = self.state.life;
        match report {
            Report::Ended { pid } | Report::StatusLost { pid } if !self.is_main(pid) => {}
            Report::Ended { .. } => self.ended(desk),
            Report::Launched => self.look_at_birth(desk),
            Report::StatusLost { .. } => {
                let exit = self.process.as_ref().map(Process::foreign_exit);
                if let Some(exit) = exit {
                    self.exited(exit.map_or(Ending::Unknown, ending), desk);
                }
            }
            Report::Answered(bytes) => self.hear(&bytes, desk),
            Report::Elect => self.elect(Ending::Code(0), desk),
            Report::Settled { pid } => self.settled(pid, desk),
            Report::HookDone { hook, outcome } => {
                let verdict = self.verdict(hook, &outcome, desk);
                self.say(Event::HookDone { life, hook, verdict }, desk);
            }
            Report::Ready => self.say(Event::Ready { life }, desk),
            Report::Unready => {
                self.note(Tone::Warn, "unready", self.ready.borrow().to_string(), desk);
                self.say(Event::Unready { life }, desk);
            }
            Report::AsideDone { label, outcome } => self.aside_is_done(label, &outcome, desk),
            // Who waits for what is looked at after every report.
            Report::Healthy | Report::NeedsChanged | Report::Announced => {}
            Report::Line(expression) => self.lines_seen.push(expression),
            Report::Unfit => self.say(Event::Unfit { life, fault: Fault::Liveness }, desk),
        }
    }

    fn perform(&mut self, effect: Effect, now_us: u64, desk: &mut Desk) -> Option<Event> {
        let life = self.state.life;
        match effect {
            Effect::Spawn => return self.spawn(life, desk),
            Effect::Join => self.join(desk),
            Effect::Drain { until_us } => return self.drain(until_us - now_us, desk),
            Effect::Shut => self.shut(desk),
            Effect::Leave => self.leave(desk),
            Effect::Terminate { rung } => self.terminate(rung, desk),
            Effect::Abort => self.abort(desk),
            Effect::Run { hook } => return self.run(hook, desk),
            Effect::AbortSpawn => return self.abort_birth(),
            Effect::KillGroup => {
                let reach = self.definition.program.stop.killed;
                let killed = self.process.as_ref().map(|process| process.kill(reach));
                if let Some(Err(error)) = killed {
                    self.note(Tone::Bad, "kill", format!("send SIGKILL: {error}"), desk);
                }
                match reach {
                    Reach::Main => {}
                    Reach::Group => self.kill_tree(desk),
                }
                if self.is_between() {
                    self.signal_all(sys::signal::KILL, desk);
                }
            }
            Effect::Unkillable => {
                let text = "does not end after three SIGKILL, its kernel call hangs".to_owned();
                self.note(Tone::Bad, "kill", text, desk);
            }
            Effect::Due(turn) => self.say_what_is_due(turn, desk),
            Effect::TooOld => {
                self.restarts += 1;
                let text = "as old as it may get, started anew".to_owned();
                self.note(Tone::Info, "max_age", text, desk);
            }
            Effect::ReloadLate => {
                let text = "still reloading: it has not said READY=1 in time".to_owned();
                self.note(Tone::Warn, "reload", text, desk);
            }
            Effect::LookForLeftOvers => {
                return Some(self.look_for_left_overs(life, desk));
            }
            Effect::TerminateLeftOvers => self.terminate_left_overs(desk),
            Effect::KillLeftOvers => self.kill_tree(desk),
            Effect::LeftOversRemain => self.tell_left_overs(desk),
            Effect::Escalate(what) => desk.escalations.push((self.id.clone(), what)),
        }
        None
    }

    /// The control group of what runs, or is about to.
    pub(super) fn leaf_name(&self) -> Option<&str> {
        let of_birth = self.birth.as_ref().and_then(Underway::leaf_name);
        of_birth.or_else(|| self.tree.as_ref().and_then(Tree::leaf_name))
    }

    /// Whether it is the process that is watched; not so of one that another has followed.
    fn is_main(&self, pid: u32) -> bool {
        self.process.as_ref().is_some_and(|process| process.pid == pid)
    }

    pub(super) fn note(&self, tone: Tone, verb: &'static str, text: String, desk: &mut Desk) {
        desk.note(&self.id, tone, verb, text);
    }
}

pub(super) fn ending(exit: sys::pidfd::Exit) -> Ending {
    match exit {
        sys::pidfd::Exit::Code(code) => Ending::Code(code),
        sys::pidfd::Exit::Signal(number) => Ending::Signal(number),
    }
}
