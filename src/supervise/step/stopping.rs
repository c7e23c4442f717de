//! From the wish that an instance ends to the end of its main process.

use super::super::policy::{Ending, Serving};
use super::super::state::{After, Cause, Next, Phase, Stage, State};
use super::{Effect, Event, Group, Now, Step, Turn, first, to};

const KILL_AGAIN_US: u64 = 1_000_000;
const KILL_AGAIN_US_MAX: u64 = 30_000_000;
const KILLS_UNTIL_ALARM: u32 = 3;

#[derive(Clone, Copy)]
pub(super) struct Stopping {
    pub(super) spawned_us: u64,
    pub(super) stage: Stage,
    pub(super) deadline_us: u64,
    pub(super) after: After,
}

impl Now<'_> {
    pub(super) fn stopping(self, state: State, event: &Event, stopping: Stopping) -> Step {
        let Stopping { spawned_us, stage, deadline_us, after } = stopping;
        let towards = |after| Phase::Stopping { spawned_us, stage, deadline_us, after };
        match *event {
            Event::Tick if self.us >= deadline_us => match stage {
                Stage::Draining => self.terminate(state, spawned_us, after),
                Stage::Terminating => self.kill(state, stopping, 1),
                Stage::Killing { kills } => self.kill(state, stopping, kills + 1),
            },
            Event::Drained { .. } => match stage {
                Stage::Draining => self.terminate(state, spawned_us, after),
                Stage::Terminating | Stage::Killing { .. } => (state, Vec::new()),
            },
            Event::Kill => match stage {
                Stage::Draining => first(Effect::Leave, self.kill(state, stopping, 1)),
                Stage::Terminating => self.kill(state, stopping, 1),
                Stage::Killing { .. } => (state, Vec::new()),
            },
            Event::Exited { ending, group, .. } => {
                first(Effect::Leave, self.stopped(state, stopping, ending, group))
            }
            Event::Stop => to(state, towards(after.or_later(After::Idle))),
            Event::Start | Event::Restart => to(state, towards(after.or_later(After::Again))),
            Event::Remove => to(state, towards(After::Gone)),
            Event::Due => (state, vec![Effect::Due(Turn::Skipped)]),
            Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    pub(super) fn drain(self, state: State, spawned_us: u64, after: After) -> Step {
        match self.policy.serving {
            Serving::No => self.terminate(state, spawned_us, after),
            Serving::Yes { drain_us } => {
                let deadline_us = self.us + drain_us;
                let stage = Stage::Draining;
                let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
                (State { phase, ..state }, vec![Effect::Drain { until_us: deadline_us }])
            }
        }
    }

    pub(super) fn terminate(self, state: State, spawned_us: u64, after: After) -> Step {
        let deadline_us = self.us + self.policy.stop_us;
        let phase = Phase::Stopping { spawned_us, stage: Stage::Terminating, deadline_us, after };
        (State { phase, ..state }, vec![Effect::Terminate])
    }

    pub(super) fn kill(self, state: State, stopping: Stopping, kills: u32) -> Step {
        let pause_us = (KILL_AGAIN_US << (kills - 1).min(16)).min(KILL_AGAIN_US_MAX);
        let deadline_us = self.us + pause_us;
        let stage = Stage::Killing { kills };
        let Stopping { spawned_us, after, .. } = stopping;
        let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
        let mut effects = vec![Effect::KillGroup];
        if kills == KILLS_UNTIL_ALARM {
            effects.push(Effect::Unkillable);
        }
        (State { phase, ..state }, effects)
    }

    /// The exit of an instance that was asked to stop.
    pub(super) fn stopped(
        self,
        state: State,
        stopping: Stopping,
        ending: Ending,
        group: Group,
    ) -> Step {
        let lived_us = self.us.saturating_sub(stopping.spawned_us);
        let (state, next) = match stopping.after {
            After::Idle => (state.caused(ending, lived_us).afresh(), Next::Idle),
            After::Again => (state.caused(ending, lived_us).afresh(), Next::Spawn),
            After::Gone => (state.caused(ending, lived_us).afresh(), Next::Gone),
            After::Unfit(fault) => {
                let cause = Cause::Exit { ending, lived_us, fault: Some(fault) };
                self.unfit_ended(State { cause, ..state }, fault)
            }
        };
        self.sweep(state, group, next)
    }
}
