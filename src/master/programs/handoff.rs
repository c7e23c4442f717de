//! What of the programs outlives a master, and what outlives the engine.
//!
//! [`Saved`] is for the next master of the same engine: the processes go on, so it must know them
//! exactly. [`Intent`] is for the next engine: only what the operator decided against the
//! configuration. Writing either is the state file's matter.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use super::Programs;
use super::definition::{Definition, loopback};
use super::desk::{Desk, pipes_key};
use super::event::InstanceId;
use super::instance::{Instance, Joined};
use super::process::Process;
use super::want::Want;
use crate::supervise::policy::Ending;
use crate::supervise::state::{After, Cause, Next, Phase, Stage, StartCheck, State};
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
    definition: Definition,
    life: u32,
    fails: u32,
    restarts: u32,
    phase: SavedPhase,
    cause: SavedCause,
    process: Option<SavedProcess>,
    port: Option<u16>,
    /// The upstream it had joined.
    joined: Option<String>,
    since_wall_ms: u64,
    asked: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedProcess {
    pid: u32,
    start_time: u64,
}

/// `Phase` for the wire; its instants stay true, since the monotonic clock is the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedPhase {
    Idle,
    /// Without an instant: until its probe answers.
    Starting {
        spawned_us: u64,
        alive_at_us: Option<u64>,
    },
    Ready {
        spawned_us: u64,
        stable_at_us: u64,
    },
    Delay {
        until_us: u64,
    },
    Stopping {
        spawned_us: u64,
        stage: SavedStage,
        deadline_us: u64,
        after: SavedAfter,
    },
    Done,
    GaveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedStage {
    Draining,
    Terminating,
    Killing { kills: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedAfter {
    Idle,
    Again,
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedCause {
    None,
    Spawn { error: String },
    Exit { how: SavedEnding, lived_us: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedEnding {
    Code(i32),
    Signal(i32),
    Unknown,
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
        self.instances.values().map(Saved::of).collect()
    }

    /// Takes over what an earlier master of this engine left, before the first `apply_config`: the
    /// same processes go on, their pipes (from the keeper, by key) are read on.
    pub(crate) fn adopt(
        &mut self,
        saved: Vec<Saved>,
        mut pipes: impl FnMut(&str) -> Option<[OwnedFd; 2]>,
    ) {
        for saved in saved {
            let ends = pipes(&pipes_key(&saved.id, saved.life));
            let instance = saved.revive(ends, &mut self.desk);
            self.instances.insert(instance.id.clone(), instance);
        }
    }
}

impl Saved {
    pub(crate) fn id(&self) -> &InstanceId {
        &self.id
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
            life: state.life,
            fails: state.fails,
            restarts: instance.restarts,
            phase: SavedPhase::of(state.phase),
            cause: SavedCause::of(&state.cause),
            process: instance
                .process
                .as_ref()
                .map(|process| SavedProcess { pid: process.pid, start_time: process.start_time }),
            port: instance.port,
            joined: instance.joined.as_ref().map(|joined| joined.upstream.clone()),
            since_wall_ms: instance.since_wall_ms,
            asked: instance.asked.clone(),
        }
    }

    fn revive(self, ends: Option<[OwnedFd; 2]>, desk: &mut Desk) -> Instance {
        let mut instance = Instance::new(self.id, self.definition);
        instance.state = State {
            phase: self.phase.revive(),
            life: self.life,
            fails: self.fails,
            cause: self.cause.revive(),
            ..State::new()
        };
        instance.restarts = self.restarts;
        instance.since_wall_ms = self.since_wall_ms;
        instance.asked = self.asked;
        instance.port = self.port;
        if let Some(port) = self.port {
            desk.promise(port, &instance.id);
        }
        instance.open_files(desk);
        if let Some(process) = self.process {
            instance.adopt(process.pid, process.start_time, ends, desk);
        }
        if let (Some(upstream), Some(port)) = (self.joined, self.port) {
            instance.joined = Some(Joined { upstream, address: loopback(port) });
            instance.rejoin(desk);
        }
        instance
    }
}

impl Instance {
    fn adopt(&mut self, pid: u32, start_time: u64, ends: Option<[OwnedFd; 2]>, desk: &mut Desk) {
        let reporter = desk.reporter(&self.id, self.state.life);
        match Process::adopt(pid, start_time, reporter.clone()) {
            Ok(mut process) => {
                if let Some(ends) = ends {
                    process.listen(ends, &self.output);
                }
                self.output.borrow_mut().mark(format!("goes on under a new master, pid {pid}"));
                self.process = Some(process);
                if matches!(self.state.phase, Phase::Starting { check: StartCheck::Probe, .. }) {
                    self.probe(reporter);
                }
            }
            Err(error) => sys::log::error!("programs", "adopt {} (pid {pid}): {error}", self.id),
        }
    }

    /// Says again what the membership may not have kept.
    fn rejoin(&mut self, desk: &mut Desk) {
        self.want_join(desk);
        if let Phase::Stopping { stage: Stage::Draining, deadline_us, .. } = self.state.phase
            && let Some(Joined { upstream, address }) = self.joined.clone()
        {
            let left_us = deadline_us.saturating_sub(sys::clock::monotonic_us());
            desk.want(Want::Drain { upstream, address, timeout_ms: left_us / 1000 });
        }
    }
}

impl SavedPhase {
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Idle | Phase::Gone => Self::Idle,
            // Never seen between two events; a new master would spawn it.
            Phase::Spawning { .. } => Self::Delay { until_us: 0 },
            Phase::Starting { spawned_us, check } => {
                let alive_at_us = match check {
                    StartCheck::AliveAt { at_us } => Some(at_us),
                    StartCheck::Probe => None,
                };
                Self::Starting { spawned_us, alive_at_us }
            }
            Phase::Ready { spawned_us, stable_at_us } => Self::Ready { spawned_us, stable_at_us },
            Phase::Delay { until_us } => Self::Delay { until_us },
            Phase::Stopping { spawned_us, stage, deadline_us, after } => {
                let stage = match stage {
                    Stage::Draining => SavedStage::Draining,
                    Stage::Terminating => SavedStage::Terminating,
                    Stage::Killing { kills } => SavedStage::Killing { kills },
                };
                let after = match after {
                    After::Idle => SavedAfter::Idle,
                    After::Again => SavedAfter::Again,
                    After::Gone => SavedAfter::Gone,
                };
                Self::Stopping { spawned_us, stage, deadline_us, after }
            }
            // SIGKILL was sent to all of them; a new master need not look again.
            Phase::Sweeping { give_up_us, next, .. } => match next {
                Next::Spawn => Self::Delay { until_us: give_up_us },
                Next::Delay { until_us } => Self::Delay { until_us },
                Next::Idle | Next::Gone => Self::Idle,
                Next::Done => Self::Done,
                Next::GaveUp => Self::GaveUp,
            },
            Phase::Done => Self::Done,
            Phase::GaveUp => Self::GaveUp,
        }
    }

    fn revive(self) -> Phase {
        match self {
            Self::Idle => Phase::Idle,
            Self::Starting { spawned_us, alive_at_us } => Phase::Starting {
                spawned_us,
                check: alive_at_us.map_or(StartCheck::Probe, |at_us| StartCheck::AliveAt { at_us }),
            },
            Self::Ready { spawned_us, stable_at_us } => Phase::Ready { spawned_us, stable_at_us },
            Self::Delay { until_us } => Phase::Delay { until_us },
            Self::Stopping { spawned_us, stage, deadline_us, after } => {
                let stage = match stage {
                    SavedStage::Draining => Stage::Draining,
                    SavedStage::Terminating => Stage::Terminating,
                    SavedStage::Killing { kills } => Stage::Killing { kills },
                };
                let after = match after {
                    SavedAfter::Idle => After::Idle,
                    SavedAfter::Again => After::Again,
                    SavedAfter::Gone => After::Gone,
                };
                Phase::Stopping { spawned_us, stage, deadline_us, after }
            }
            Self::Done => Phase::Done,
            Self::GaveUp => Phase::GaveUp,
        }
    }
}

impl SavedCause {
    fn of(cause: &Cause) -> Self {
        match cause {
            Cause::None => Self::None,
            Cause::Spawn { error } => Self::Spawn { error: error.clone() },
            Cause::Exit { ending, lived_us } => {
                let how = match *ending {
                    Ending::Code(code) => SavedEnding::Code(code),
                    Ending::Signal(number) => SavedEnding::Signal(number),
                    Ending::Unknown => SavedEnding::Unknown,
                };
                Self::Exit { how, lived_us: *lived_us }
            }
        }
    }

    fn revive(self) -> Cause {
        match self {
            Self::None => Cause::None,
            Self::Spawn { error } => Cause::Spawn { error },
            Self::Exit { how, lived_us } => {
                let ending = match how {
                    SavedEnding::Code(code) => Ending::Code(code),
                    SavedEnding::Signal(number) => Ending::Signal(number),
                    SavedEnding::Unknown => Ending::Unknown,
                };
                Cause::Exit { ending, lived_us }
            }
        }
    }
}
