//! From the wish that an instance ends to the end of its main process.

use super::super::policy::{Ending, Hook, Serving};
use super::super::state::{After, Cause, NEVER_US, Next, Phase, Stage, State};
use super::{Effect, Event, Group, Now, Step, Turn, Verdict, first, to};

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
    pub(super) fn stopping(self, mut state: State, event: &Event, stopping: Stopping) -> Step {
        let Stopping { spawned_us, stage, deadline_us, after } = stopping;
        let towards = |after| Phase::Stopping { spawned_us, stage, deadline_us, after };
        match *event {
            Event::Tick if self.us >= deadline_us => match stage {
                Stage::Draining => self.halt(state, spawned_us, after),
                Stage::Hook { hook } => {
                    self.hook_done(state, stopping, hook, &Verdict::Failed(String::new()))
                }
                Stage::Terminating { rung } => self.climb(state, stopping, rung + 1),
                Stage::Killing { kills } => self.kill(state, stopping, kills + 1),
            },
            Event::Drained { .. } => match stage {
                Stage::Draining => self.halt(state, spawned_us, after),
                Stage::Hook { .. } | Stage::Terminating { .. } | Stage::Killing { .. } => {
                    (state, Vec::new())
                }
            },
            Event::HookDone { hook: done, ref verdict, .. } => match stage {
                Stage::Hook { hook } if hook == done => {
                    self.hook_done(state, stopping, hook, verdict)
                }
                Stage::Draining
                | Stage::Hook { .. }
                | Stage::Terminating { .. }
                | Stage::Killing { .. } => (state, Vec::new()),
            },
            Event::Kill => match stage {
                Stage::Draining => first(Effect::Leave, self.kill(state, stopping, 1)),
                Stage::Hook { .. } | Stage::Terminating { .. } => self.kill(state, stopping, 1),
                Stage::Killing { .. } => (state, Vec::new()),
            },
            Event::Exited { ending, group, .. } => {
                first(Effect::Leave, self.stopped(state, stopping, ending, group))
            }
            Event::Extend { us, .. } => match stage {
                Stage::Terminating { .. } => {
                    let deadline_us = self.extended(&mut state, deadline_us, us);
                    to(state, Phase::Stopping { spawned_us, stage, deadline_us, after })
                }
                Stage::Draining | Stage::Hook { .. } | Stage::Killing { .. } => (state, Vec::new()),
            },
            Event::Stop => to(state, towards(after.or_later(After::Idle))),
            Event::Start | Event::Restart => to(state, towards(after.or_later(After::Again))),
            Event::Remove => to(state, towards(After::Gone)),
            Event::Due => (state, vec![Effect::Due(Turn::Skipped)]),
            Event::Hold => match after {
                After::Again | After::Unfit(_) => to(state, towards(After::Held)),
                After::Idle | After::Held | After::Gone => (state, Vec::new()),
            },
            Event::Release => match after {
                After::Held => to(state, towards(After::Again)),
                After::Idle | After::Again | After::Gone | After::Unfit(_) => (state, Vec::new()),
            },
            Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Retire
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Reloading { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    pub(super) fn drain(self, state: State, spawned_us: u64, after: After) -> Step {
        match self.policy.serving {
            Serving::No => self.halt(state, spawned_us, after),
            Serving::Yes { drain_us } => {
                let deadline_us = self.us + drain_us;
                let stage = Stage::Draining;
                let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
                (State { phase, ..state }, vec![Effect::Drain { until_us: deadline_us }])
            }
        }
    }

    /// From here on the process is to end: its own commands first, then the ladder of signals.
    pub(super) fn halt(self, state: State, spawned_us: u64, after: After) -> Step {
        let stage = Stage::Hook { hook: Hook::PreStop };
        let stopping = Stopping { spawned_us, stage, deadline_us: NEVER_US, after };
        if self.policy.has(Hook::PreStop) {
            run(state, stopping, Hook::PreStop)
        } else {
            self.command(state, stopping)
        }
    }

    fn command(self, state: State, stopping: Stopping) -> Step {
        if self.policy.has(Hook::StopCommand) {
            run(state, stopping, Hook::StopCommand)
        } else {
            self.climb(state, stopping, 0)
        }
    }

    fn hook_done(self, state: State, stopping: Stopping, hook: Hook, verdict: &Verdict) -> Step {
        let Stopping { spawned_us, after, .. } = stopping;
        match (hook, verdict) {
            (Hook::PreStop, _) => self.command(state, stopping),
            // As if its first signal had been sent.
            (Hook::StopCommand, Verdict::Done) => {
                let deadline_us = self.us + self.policy.stop.command_us;
                let stage = Stage::Terminating { rung: 0 };
                to(state, Phase::Stopping { spawned_us, stage, deadline_us, after })
            }
            (Hook::StopCommand, Verdict::Failed(_) | Verdict::Hopeless(_)) => {
                self.climb(state, stopping, 0)
            }
            // Neither belongs to a stop.
            (Hook::PreStart | Hook::PostStop, _) => (state, Vec::new()),
        }
    }

    /// One that hangs is told so in place of the first signal.
    pub(super) fn abort(self, state: State, spawned_us: u64, after: After) -> Step {
        let stop = &self.policy.stop;
        let wait_us = stop.rungs_us.first().copied().unwrap_or(stop.command_us);
        let (stage, deadline_us) = (Stage::Terminating { rung: 0 }, self.us + wait_us);
        let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
        (State { phase, ..state }, vec![Effect::Abort])
    }

    /// The next signal of the ladder; above its last is SIGKILL.
    fn climb(self, state: State, stopping: Stopping, rung: u8) -> Step {
        let Stopping { spawned_us, after, .. } = stopping;
        let Some(wait_us) = self.policy.stop.rungs_us.get(usize::from(rung)) else {
            return self.kill(state, stopping, 1);
        };
        let (stage, deadline_us) = (Stage::Terminating { rung }, self.us + wait_us);
        let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
        (State { phase, ..state }, vec![Effect::Terminate { rung }])
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
            After::Held => {
                (state.caused(ending, lived_us).afresh(), Next::Held { until_us: self.us })
            }
            After::Gone => (state.caused(ending, lived_us).afresh(), Next::Gone),
            After::Unfit(fault) => {
                let cause = Cause::Exit { ending, lived_us, fault: Some(fault) };
                self.unfit_ended(State { cause, ..state }, fault)
            }
        };
        self.sweep(state, group, next)
    }
}

fn run(state: State, stopping: Stopping, hook: Hook) -> Step {
    let Stopping { spawned_us, after, .. } = stopping;
    let (stage, deadline_us) = (Stage::Hook { hook }, NEVER_US);
    let phase = Phase::Stopping { spawned_us, stage, deadline_us, after };
    (State { phase, ..state }, vec![Effect::Run { hook }])
}
