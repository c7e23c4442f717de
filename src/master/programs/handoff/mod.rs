//! What of the programs outlives a master, and what outlives the engine.
//!
//! [`Saved`] is for the next master of the same engine: the processes go on, so it must know them
//! exactly. [`Intent`] is for the next engine: only what the operator decided against the
//! configuration. Writing either is the state file's matter.

mod phase;
mod times;
mod windows;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use self::phase::{SavedCause, SavedPhase};
use self::times::SavedTimes;
use self::windows::SavedWindows;
use super::Programs;
use super::definition::{Shared, loopback};
use super::desk::{Desk, pipes_key, ready_key};
use super::event::InstanceId;
use super::events::course::Told;
use super::events::saved::SavedEar;
use super::instance::{Admission, Instance, Joined, Stamps};
use super::process::Process;
use super::recovery::Then;
use super::tree::{SavedTree, Tree};
use super::want::Want;
use crate::supervise::state::{Phase, Shown, Stage, State};
use crate::sys;

/// What the operator decided where it differs from the configuration's `autostart`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    wishes: BTreeMap<String, Wish>,
    /// Instances of a program, where not as many as the configuration says.
    #[serde(default)]
    scales: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wish {
    Up,
    Down,
}

impl Intent {
    pub(crate) fn scales(&self) -> &BTreeMap<String, u32> {
        &self.scales
    }

    pub(super) fn scale(&mut self, program: &str, instances: Option<u32>) {
        match instances {
            Some(instances) => self.scales.insert(program.to_owned(), instances),
            None => self.scales.remove(program),
        };
    }

    pub(super) fn of(&self, id: &InstanceId) -> Option<Wish> {
        self.wishes.get(&id.to_string()).copied()
    }

    /// As if nothing had been decided about the program.
    pub(super) fn forget(&mut self, program: &str) {
        self.scales.remove(program);
        let of_program =
            |id: &str| id.rsplit_once(':').is_some_and(|(name, _instance)| name == program);
        self.wishes.retain(|id, _| !of_program(id));
    }

    /// Whether that is news. A wish that agrees with the configuration is not kept.
    pub(super) fn set(&mut self, id: &InstanceId, wish: Wish, is_default: bool) -> bool {
        if is_default {
            self.wishes.remove(&id.to_string()).is_some()
        } else {
            self.wishes.insert(id.to_string(), wish) != Some(wish)
        }
    }
}

/// One instance as the next master finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    id: InstanceId,
    definition: Shared,
    life: u32,
    fails: u32,
    restarts: u32,
    phase: SavedPhase,
    cause: SavedCause,
    process: Option<SavedProcess>,
    #[serde(default)]
    tree: Option<SavedTree>,
    port: Option<u16>,
    /// The upstream it had joined.
    joined: Option<String>,
    #[serde(default)]
    admission: Admission,
    since_wall_ms: u64,
    #[serde(default)]
    stamps: Stamps,
    asked: String,
    #[serde(default)]
    times: SavedTimes,
    #[serde(default)]
    windows: SavedWindows,
    /// It belongs to a group that is being stopped, for this.
    #[serde(default)]
    then: Option<Then>,
    /// In its own words.
    status: String,
    watchdog_at_us: Option<u64>,
    lines_seen: Vec<String>,
    #[serde(default)]
    listener: Option<SavedEar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedProcess {
    pid: u32,
    start_time: u64,
    /// It is what the descriptor means that is held beside the pipes.
    #[serde(default)]
    is_held: bool,
}

/// Stdout and stderr.
const PIPES: usize = 2;

/// What the keeper held of an instance.
struct Ends {
    output: Option<[OwnedFd; PIPES]>,
    /// The process that was started, where it still is the main one.
    process: Option<OwnedFd>,
    /// Where it says that it is ready.
    ready: Option<OwnedFd>,
}

impl Programs {
    pub(crate) fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Before the first `apply_config`.
    pub(crate) fn restore_intent(&mut self, intent: Intent) {
        self.intent = intent;
    }

    /// What a master that takes over must know, should this one die here.
    pub(crate) fn handoff(&self) -> Vec<Saved> {
        let hub = self.desk.events.borrow();
        let recovering = self.recovering();
        let save = |instance: &Instance| Saved {
            listener: hub.save(&instance.id),
            then: recovering.get(&instance.id).map(|then| (*then).clone()),
            ..Saved::of(instance)
        };
        self.instances.values().map(save).collect()
    }

    /// Takes over what an earlier master of this engine left, before the first `apply_config`: the
    /// same processes go on, their pipes (from the keeper, by key) are read on.
    pub(crate) fn adopt(
        &mut self,
        saved: Vec<Saved>,
        mut held: impl FnMut(&str) -> Option<Vec<OwnedFd>>,
    ) {
        if !saved.is_empty() {
            self.desk.events.borrow_mut().succeed();
        }
        let mut recovering = Vec::new();
        for saved in saved {
            if let Some(then) = saved.then.clone() {
                recovering.push((saved.id.clone(), then));
            }
            let mut ends = held(&pipes_key(&saved.id, saved.life)).unwrap_or_default();
            // What follows the pipes means the process.
            let process = if ends.len() > PIPES { ends.pop() } else { None };
            let output = <[OwnedFd; PIPES]>::try_from(ends).ok();
            let ready = held(&ready_key(&saved.id, saved.life));
            let ready = ready.and_then(|ends| ends.into_iter().next());
            let mut instance = saved.revive(Ends { output, process, ready }, &mut self.desk);
            let stdin = held(&super::stdin::key(&instance));
            if let Some(process) = &mut instance.process {
                process.stdin = stdin.and_then(|ends| ends.into_iter().next());
            }
            self.instances.insert(instance.id.clone(), instance);
        }
        for (id, then) in recovering {
            self.go_on_recovering(id, then);
        }
    }
}

impl Saved {
    pub(crate) fn id(&self) -> &InstanceId {
        &self.id
    }

    /// What its processes are told to be, as `${INSTANCE}`.
    pub(crate) fn number(&self) -> u32 {
        self.definition.program.number(self.id.instance)
    }

    pub(crate) fn life(&self) -> u32 {
        self.life
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.map(|process| process.pid)
    }

    fn of(instance: &Instance) -> Self {
        let state = &instance.state;
        Self {
            id: instance.id.clone(),
            definition: instance.definition.clone(),
            life: begun_life(state),
            fails: state.fails,
            restarts: instance.restarts,
            phase: SavedPhase::of(state.phase),
            cause: SavedCause::of(&state.cause),
            process: instance.process.as_ref().map(|process| SavedProcess {
                pid: process.pid,
                start_time: process.start_time,
                is_held: process.is_held(),
            }),
            tree: instance.tree.as_ref().map(Tree::save),
            port: instance.port,
            joined: instance.joined.as_ref().map(|joined| joined.upstream.clone()),
            admission: instance.joined.as_ref().map_or(Admission::Open, |it| it.admission),
            since_wall_ms: instance.since_wall_ms,
            stamps: instance.stamps,
            asked: instance.asked.clone(),
            times: SavedTimes::of(instance),
            windows: SavedWindows::of(state),
            then: None,
            status: instance.status.clone(),
            watchdog_at_us: state.watchdog_at_us,
            lines_seen: instance.lines_seen.clone(),
            listener: None,
        }
    }

    fn revive(self, ends: Ends, desk: &mut Desk) -> Instance {
        let mut instance = Instance::new(self.id, self.definition, desk.hub().clone());
        instance.state = State {
            phase: self.phase.revive(),
            life: self.life,
            fails: self.fails,
            cause: self.cause.revive(),
            watchdog_at_us: self.watchdog_at_us,
            ..instance.state
        };
        instance.restarts = self.restarts;
        instance.since_wall_ms = self.since_wall_ms;
        instance.stamps = self.stamps;
        instance.asked = self.asked;
        self.times.revive(&mut instance);
        self.windows.revive(&mut instance.state);
        instance.status = self.status;
        instance.lines_seen = self.lines_seen;
        instance.port = self.port;
        if let Some(port) = self.port {
            desk.promise(port, &instance.id);
        }
        instance.open_files(desk);
        let ladder = &desk.surroundings().ladder;
        let revive = |tree| Tree::revive(tree, &instance.id, self.life, ladder);
        instance.tree = self.tree.map(revive);
        instance.bound();
        if let Some(process) = self.process {
            desk.hold_ready(&instance.id, instance.state.life, ends.ready.as_ref());
            instance.ready_pipe = ends.ready;
            instance.told = Told::earlier(instance.shown(), process.pid);
            if let (Some(listener), Some(saved)) =
                (instance.definition.program.listener, self.listener)
            {
                desk.events.borrow_mut().revive(&instance.id, listener, saved);
            }
            instance.adopt(process, ends.process, ends.output, desk);
        } else {
            instance.told = Told::earlier(instance.shown(), 0);
        }
        instance.watch_ready(desk);
        instance.watch_lines(desk);
        instance.watch_needed(desk);
        if instance.shown() == Shown::Running {
            instance.watch_live(desk);
        }
        if let (Some(upstream), Some(port)) = (self.joined, self.port) {
            let (address, admission) = (loopback(port), self.admission);
            instance.joined = Some(Joined { upstream, address, admission });
            instance.rejoin(desk);
        }
        instance
    }
}

/// What is being started is no life yet: a successor begins it anew, and ends what has come of it.
fn begun_life(state: &State) -> u32 {
    let is_begun = !matches!(state.phase, Phase::Spawning { .. });
    if is_begun { state.life } else { state.life.saturating_sub(1) }
}

impl Instance {
    fn adopt(
        &mut self,
        process: SavedProcess,
        held: Option<OwnedFd>,
        ends: Option<[OwnedFd; PIPES]>,
        desk: &mut Desk,
    ) {
        let SavedProcess { pid, start_time, is_held } = process;
        let reporter = desk.reporter(&self.id, self.state.life);
        let held = held.filter(|_| is_held);
        match Process::adopt((pid, start_time), held, reporter) {
            Ok(mut process) => {
                if let Some(ends) = ends {
                    self.begin_to_read(&mut process, ends, desk);
                }
                self.output.borrow_mut().mark(format!("goes on under a new master, pid {pid}"));
                self.process = Some(process);
            }
            Err(error) => sys::log::error!("programs", "adopt {} (pid {pid}): {error}", self.id),
        }
    }

    /// Says again what the membership may not have kept.
    fn rejoin(&mut self, desk: &mut Desk) {
        let Some(Joined { upstream, address, admission }) = self.joined.clone() else { return };
        match admission {
            Admission::Open => self.want_join(desk),
            Admission::Shut => desk.want(Want::Shut { upstream: upstream.clone(), address }),
        }
        if let Phase::Stopping { stage: Stage::Draining, deadline_us, .. } = self.state.phase {
            let left_us = deadline_us.saturating_sub(sys::clock::monotonic_us());
            desk.want(Want::Drain { upstream, address, timeout_ms: left_us / 1000 });
        }
    }
}
