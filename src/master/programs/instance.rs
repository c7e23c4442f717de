//! One instance: its state, its process, its output. Carries out what `supervise` decides and turns
//! what happens to the process into that machine's events.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use super::definition::{Change, Definition, loopback};
use super::desk::{Desk, Tone};
use super::event::{InstanceId, Report};
use super::launch;
use super::output::Output;
use super::process::{Collected, Process, Reporter, wait_for_status};
use super::readiness;
use super::texts;
use super::want::{Join, Want};
use crate::supervise;
use crate::supervise::policy::{Ending, Policy};
use crate::supervise::state::{Next, Phase, Shown, Stage, StartCheck, State};
use crate::supervise::step::{Effect, Event, Group, SpawnError};
use crate::sys;

pub(super) struct Instance {
    pub(super) id: InstanceId,
    pub(super) definition: Definition,
    pub(super) policy: Policy,
    pub(super) state: State,
    pub(super) process: Option<Process>,
    /// The group of the last process, while some of it may be left.
    group: u32,
    /// Where it serves in this life.
    pub(super) port: Option<u16>,
    pub(super) joined: Option<Joined>,
    /// Spawns that nobody asked for.
    pub(super) restarts: u32,
    pub(super) since_wall_ms: u64,
    /// Why it is stopped, in the words of its row.
    pub(super) asked: String,
    /// What the readiness probe last said.
    pub(super) not_ready: String,
    pub(super) output: Rc<RefCell<Output>>,
}

/// The backend this instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) upstream: String,
    pub(super) address: SocketAddr,
}

impl Instance {
    pub(super) fn new(id: InstanceId, definition: Definition) -> Self {
        let policy = definition.policy();
        Self {
            id,
            definition,
            policy,
            state: State::new(),
            process: None,
            group: 0,
            port: None,
            joined: None,
            restarts: 0,
            since_wall_ms: sys::clock::wall_ms(),
            asked: "not started".to_owned(),
            not_ready: String::new(),
            output: Rc::default(),
        }
    }

    pub(super) fn shown(&self) -> Shown {
        self.state.shown()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.phase == Phase::Gone
    }

    /// Takes the step that the event means, and those that follow from its effects.
    pub(super) fn say(&mut self, event: Event, desk: &mut Desk) {
        let mut next = Some(event);
        // Each answer follows from an effect of the step before, and no step repeats an effect.
        while let Some(event) = next.take() {
            let now_us = sys::clock::monotonic_us();
            let before = self.shown();
            let is_exit = matches!(event, Event::Exited { .. });
            let state = std::mem::replace(&mut self.state, State::new());
            let (state, effects) = supervise::step::step(state, &event, now_us, &self.policy);
            self.state = state;
            if is_exit {
                // Before the effects: the next life may begin with them.
                self.say_what_follows(before, now_us, desk);
            }
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
            Report::Ended => self.ended(desk),
            Report::StatusLost if self.process.is_some() => self.exited(Ending::Unknown, desk),
            Report::StatusLost => {}
            Report::Ready => {
                self.not_ready.clear();
                self.say(Event::Ready { life }, desk);
            }
            Report::NotReady(why) => {
                let address = self.port.map(loopback);
                self.not_ready = address
                    .map_or(String::new(), |address| format!("not ready on {address}: {why}"));
            }
        }
    }

    /// The keeper collected the status of this instance's process.
    pub(super) fn exited_at_keeper(&mut self, exit: sys::pidfd::Exit, desk: &mut Desk) {
        if let Some(process) = &self.process
            && let Err(error) = process.collect()
        {
            sys::log::error!("programs", "read the end of {}: {error}", self.id);
        }
        self.exited(ending(exit), desk);
    }

    fn exited(&mut self, ending: Ending, desk: &mut Desk) {
        let Some(process) = self.process.take() else { return };
        self.group = process.pid;
        desk.release(&self.id, self.state.life);
        let group =
            if sys::pidfd::is_group_empty(self.group) { Group::Empty } else { Group::LeftOvers };
        let life = self.state.life;
        self.say(Event::Exited { life, ending, group }, desk);
    }

    /// Puts the definition of a new configuration in place.
    pub(super) fn redefine(&mut self, definition: Definition, desk: &mut Desk) {
        let change = self.definition.change(&definition);
        let is_started_now = !self.definition.program.autostart && definition.program.autostart;
        if change == Change::Restart && self.state.spawned_us().is_some() {
            // What was started and joined as the old definition says is drained as it says.
            self.say_restart_once(desk);
            self.define(definition);
            return;
        }
        self.define(definition);
        match (change, self.state.phase) {
            (Change::Live | Change::Restart, Phase::Idle) if is_started_now => {
                self.say(Event::Start, desk);
            }
            (Change::Restart, Phase::Delay { .. } | Phase::Done | Phase::GaveUp) => {
                self.say(Event::Restart, desk);
            }
            // Asked anew, in the new words.
            (Change::Live, Phase::Starting { check: StartCheck::Probe, .. }) => {
                self.open_files(desk);
                self.probe(desk.reporter(&self.id, self.state.life));
            }
            (Change::Live, _) => self.open_files(desk),
            // Nothing to do, or what comes next is made from the new definition anyhow.
            (
                Change::Nothing | Change::Restart,
                Phase::Idle
                | Phase::Spawning { .. }
                | Phase::Starting { .. }
                | Phase::Ready { .. }
                | Phase::Delay { .. }
                | Phase::Stopping { .. }
                | Phase::Sweeping { .. }
                | Phase::Done
                | Phase::GaveUp
                | Phase::Gone,
            ) => {}
        }
    }

    /// A stop under way ends in what it was for, which uses the new definition.
    fn say_restart_once(&mut self, desk: &mut Desk) {
        if self.shown() != Shown::Stopping {
            self.say(Event::Restart, desk);
        }
    }

    fn define(&mut self, definition: Definition) {
        self.definition = definition;
        self.policy = self.definition.policy();
    }

    fn ended(&mut self, desk: &mut Desk) {
        let Some(process) = &self.process else { return };
        match process.collect() {
            Ok(Collected::Exit(exit)) => self.exited(ending(exit), desk),
            Ok(Collected::ByKeeper) => wait_for_status(desk.reporter(&self.id, self.state.life)),
            Ok(Collected::NotYet) => {
                sys::log::alert!("programs", "{} has ended but has no status", self.id);
            }
            Err(error) => {
                sys::log::error!("programs", "collect the status of {}: {error}", self.id);
                self.exited(Ending::Unknown, desk);
            }
        }
    }

    fn perform(&mut self, effect: Effect, now_us: u64, desk: &mut Desk) -> Option<Event> {
        let life = self.state.life;
        match effect {
            Effect::Spawn => return Some(self.spawn(life, desk)),
            Effect::Join => self.join(desk),
            Effect::Drain { until_us } => return self.drain(until_us - now_us, desk),
            Effect::Leave => self.leave(desk),
            Effect::Terminate => self.terminate(desk),
            Effect::KillGroup => {
                if let Some(Err(error)) = self.process.as_ref().map(Process::kill_group) {
                    self.note(Tone::Bad, "kill", format!("send SIGKILL: {error}"), desk);
                }
            }
            Effect::Unkillable => {
                let text = "does not end after three SIGKILL, its kernel call hangs".to_owned();
                self.note(Tone::Bad, "kill", text, desk);
            }
            Effect::LookForLeftOvers => {
                if sys::pidfd::is_group_empty(self.group) {
                    return Some(Event::Swept { life });
                }
            }
            Effect::LeftOversRemain => {
                let text = format!("some of process group {} outlive SIGKILL", self.group);
                self.note(Tone::Warn, "sweep", text, desk);
            }
        }
        None
    }

    fn spawn(&mut self, life: u32, desk: &mut Desk) -> Event {
        self.not_ready.clear();
        match self.try_spawn(desk) {
            Ok(()) => {
                let pid = self.process.as_ref().map_or(0, |process| process.pid);
                self.output.borrow_mut().mark(format!("started, pid {pid}"));
                desk.changed();
                Event::SpawnOk { life }
            }
            Err(error) => {
                let text = match &error {
                    SpawnError::Busy(text) | SpawnError::Failed(text) => text.clone(),
                };
                self.output.borrow_mut().mark(text.clone());
                self.note(Tone::Bad, "start", text, desk);
                Event::SpawnErr { life, error }
            }
        }
    }

    fn try_spawn(&mut self, desk: &mut Desk) -> Result<(), SpawnError> {
        self.port = match self.definition.port(self.id.instance) {
            None => None,
            Some(wanted) => {
                let ports = self.definition.ports;
                let port =
                    launch::free_port(wanted, ports, |port| desk.is_promised(port, &self.id));
                Some(port?).inspect(|port| desk.promise(*port, &self.id))
            }
        };
        self.open_files(desk);
        let mut variables = launch::variables(desk.surroundings(), &self.id, self.port);
        variables.push(("PILOTHOUSE_LIFE", self.state.life.to_string()));
        let launched = launch::launch(&self.definition, &variables)?;
        let reporter = desk.reporter(&self.id, self.state.life);
        let pid = launched.child.pid;
        let mut process = Process::new(launched.child, reporter.clone()).map_err(|error| {
            // Without a watch its end would go unnoticed, so it must not run.
            let _already_ended = sys::pidfd::signal_group(pid, sys::signal::KILL);
            SpawnError::Busy(format!("watch pid {pid}: {error}"))
        })?;
        let ends = [launched.stdout, launched.stderr];
        desk.hold(&self.id, self.state.life, &ends);
        process.listen(ends, &self.output);
        self.process = Some(process);
        self.probe(reporter);
        Ok(())
    }

    /// Begins to ask whether the process is ready, when its program serves.
    pub(super) fn probe(&mut self, reporter: Reporter) {
        let (Some(serving), Some(port), Some(process)) =
            (&self.definition.serving, self.port, &mut self.process)
        else {
            return;
        };
        process.set_prober(readiness::begin(serving.check.as_ref(), loopback(port), reporter));
    }

    /// Opens the log files under the names that this instance's variables give them.
    pub(super) fn open_files(&mut self, desk: &mut Desk) {
        let variables = launch::variables(desk.surroundings(), &self.id, self.port);
        let lookup = |name: &str| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.clone())
        };
        let program = &self.definition.program;
        let stdout = desk.file(&program.stdout, &lookup);
        let stderr = desk.file(&program.stderr, &lookup);
        self.output.borrow_mut().set_files(stdout, stderr);
    }

    fn join(&mut self, desk: &mut Desk) {
        if let (Some(serving), Some(port)) = (&self.definition.serving, self.port) {
            let upstream = serving.serves.upstream.clone();
            self.joined = Some(Joined { upstream, address: loopback(port) });
            self.want_join(desk);
        }
        if let Some(process) = &self.process {
            self.note(Tone::Good, "running", format!("pid {}", process.pid), desk);
        }
    }

    /// With the weight and bounds of the definition as it is.
    pub(super) fn want_join(&self, desk: &mut Desk) {
        let (Some(serving), Some(joined)) = (&self.definition.serving, &self.joined) else {
            return;
        };
        desk.want(Want::Join(Join {
            upstream: joined.upstream.clone(),
            address: joined.address,
            weight: serving.serves.weight,
            max_fails: serving.serves.max_fails,
            fail_timeout_s: serving.serves.fail_timeout_s,
            max_conns: serving.serves.max_conns,
            priority: serving.serves.priority,
            program: self.id.to_string(),
        }));
    }

    /// `Drained` at once when there is no backend to drain.
    fn drain(&mut self, timeout_us: u64, desk: &mut Desk) -> Option<Event> {
        let Some(Joined { upstream, address }) = self.joined.clone() else {
            return Some(Event::Drained { life: self.state.life });
        };
        desk.want(Want::Drain { upstream, address, timeout_ms: timeout_us / 1000 });
        None
    }

    fn leave(&mut self, desk: &mut Desk) {
        if let Some(Joined { upstream, address }) = self.joined.take() {
            desk.want(Want::Leave { upstream, address });
        }
    }

    fn terminate(&mut self, desk: &mut Desk) {
        let Some(process) = &self.process else { return };
        let number = self.definition.program.stop_signal;
        // A stopped process could not act on the signal otherwise.
        let sent = process.signal(number).and_then(|()| process.signal(sys::signal::CONT));
        if let Err(error) = sent {
            let text = format!("send {}: {error}", sys::signal::name(number));
            self.note(Tone::Bad, "stop", text, desk);
        }
    }

    fn say_what_follows(&mut self, before: Shown, now_us: u64, desk: &mut Desk) {
        let cause = texts::cause(&self.state.cause);
        let what = texts::consequence(&self.state, &self.policy, now_us);
        let text = format!("{cause}, {what}");
        self.output.borrow_mut().mark(text.clone());
        if before == Shown::Stopping {
            // Asked for, so whoever asked gets the answer.
            return;
        }
        let tone = match texts::outcome(&self.state) {
            Next::Done | Next::Idle | Next::Gone => Tone::Info,
            Next::GaveUp => Tone::Bad,
            Next::Spawn | Next::Delay { .. } => Tone::Warn,
        };
        if before == Shown::Running && texts::outcome(&self.state) == Next::Spawn {
            self.restarts += 1;
        }
        self.note(tone, "exit", text, desk);
    }

    fn note(&self, tone: Tone, verb: &'static str, text: String, desk: &mut Desk) {
        desk.note(&self.id, tone, verb, text);
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.state.phase, Phase::Stopping { stage: Stage::Draining, .. })
    }
}

pub(super) fn ending(exit: sys::pidfd::Exit) -> Ending {
    match exit {
        sys::pidfd::Exit::Code(code) => Ending::Code(code),
        sys::pidfd::Exit::Signal(number) => Ending::Signal(number),
    }
}
