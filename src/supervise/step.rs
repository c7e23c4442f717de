//! The transitions: one function per group of phases that answer events alike.
//!
//! An event about a process carries the life it belongs to and is dropped when that life is over.
//! `now_us` is the monotonic clock; an early `Tick` changes nothing.

use super::policy::{BUSY_PAUSE_US, Ending, Policy, Readiness, Serving, pause_us};
use super::state::{After, Cause, Next, Phase, Stage, StartCheck, State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Operator or autostart: should be up.
    Start,
    Stop,
    Restart,
    /// SIGKILL without a drain; what follows is the restart policy's.
    Kill,
    /// No longer in the configuration.
    Remove,
    Tick,
    SpawnOk {
        life: u32,
    },
    SpawnErr {
        life: u32,
        error: SpawnError,
    },
    Exited {
        life: u32,
        ending: Ending,
        group: Group,
    },
    /// The probe answered as it should.
    Ready {
        life: u32,
    },
    /// The backend has no request left.
    Drained {
        life: u32,
    },
    /// Nobody of the process group is left.
    Swept {
        life: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SpawnError {
    /// Out of processes, descriptors or memory: not the program's fault, never counted.
    Busy(String),
    Failed(String),
}

/// What the main process left behind; the master sent it SIGKILL before it reported the exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Empty,
    LeftOvers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Spawn the process of the state's life and answer `SpawnOk` or `SpawnErr` before anything
    /// else of that life.
    Spawn,
    /// The backend may take requests.
    Join,
    /// No new request to the backend; say `Drained` when it has none left.
    Drain { until_us: u64 },
    /// The backend is no more.
    Leave,
    /// The configured stop signal, to the main process.
    Terminate,
    /// SIGKILL to the whole process group.
    KillGroup,
    /// SIGKILL did not end it after several tries: tell people.
    Unkillable,
    /// Look whether the process group is empty; say `Swept` if so.
    LookForLeftOvers,
    /// Some of the group outlived SIGKILL and are given up on: tell people.
    LeftOversRemain,
}

type Step = (State, Vec<Effect>);

const KILL_AGAIN_US: u64 = 1_000_000;
const KILL_AGAIN_US_MAX: u64 = 30_000_000;
const KILLS_UNTIL_ALARM: u32 = 3;
const SWEEP_LOOK_US: u64 = 5_000;
const SWEEP_US_MAX: u64 = 2_000_000;

pub(crate) fn step(state: State, event: &Event, now_us: u64, policy: &Policy) -> Step {
    if life_of(event).is_some_and(|life| life != state.life) {
        return (state, Vec::new());
    }
    let now = Now { us: now_us, policy };
    match state.phase {
        Phase::Idle | Phase::Done | Phase::GaveUp => at_rest(state, event),
        Phase::Delay { until_us } => now.delay(state, event, until_us),
        Phase::Spawning { asked } => now.spawning(state, event, asked),
        Phase::Starting { spawned_us, check } => now.starting(state, event, spawned_us, check),
        Phase::Ready { spawned_us, stable_at_us } => {
            now.ready(state, event, spawned_us, stable_at_us)
        }
        Phase::Stopping { spawned_us, stage, deadline_us, after } => {
            now.stopping(state, event, Stopping { spawned_us, stage, deadline_us, after })
        }
        Phase::Sweeping { look_at_us, give_up_us, next } => {
            now.sweeping(state, event, Sweep { look_at_us, give_up_us, next })
        }
        Phase::Gone => (state, Vec::new()),
    }
}

fn life_of(event: &Event) -> Option<u32> {
    match *event {
        Event::SpawnOk { life }
        | Event::SpawnErr { life, .. }
        | Event::Exited { life, .. }
        | Event::Ready { life }
        | Event::Drained { life }
        | Event::Swept { life } => Some(life),
        Event::Start | Event::Stop | Event::Restart | Event::Kill | Event::Remove | Event::Tick => {
            None
        }
    }
}

#[derive(Clone, Copy)]
struct Stopping {
    spawned_us: u64,
    stage: Stage,
    deadline_us: u64,
    after: After,
}

#[derive(Clone, Copy)]
struct Sweep {
    look_at_us: u64,
    give_up_us: u64,
    next: Next,
}

fn at_rest(state: State, event: &Event) -> Step {
    match *event {
        Event::Start | Event::Restart => spawn(state.afresh()),
        Event::Remove => to(state, Phase::Gone),
        Event::Stop
        | Event::Kill
        | Event::Tick
        | Event::SpawnOk { .. }
        | Event::SpawnErr { .. }
        | Event::Exited { .. }
        | Event::Ready { .. }
        | Event::Drained { .. }
        | Event::Swept { .. } => (state, Vec::new()),
    }
}

/// The instant and the policy a step is taken under.
#[derive(Clone, Copy)]
struct Now<'a> {
    us: u64,
    policy: &'a Policy,
}

impl Now<'_> {
    fn delay(self, mut state: State, event: &Event, until_us: u64) -> Step {
        match *event {
            Event::Start | Event::Restart => spawn(state.afresh()),
            Event::Stop => {
                state.fails = 0;
                to(state, Phase::Idle)
            }
            Event::Remove => to(state, Phase::Gone),
            Event::Tick if self.us >= until_us => spawn(state),
            Event::Tick
            | Event::Kill
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::Swept { .. } => (state, Vec::new()),
        }
    }

    fn spawning(self, state: State, event: &Event, asked: Option<After>) -> Step {
        match *event {
            Event::SpawnOk { .. } => match asked {
                None => self.spawned(state),
                Some(after) => self.terminate(state, self.us, after),
            },
            Event::SpawnErr { ref error, .. } => self.not_spawned(state, error, asked),
            Event::Start => {
                let asked = asked.map(|after| after.or_later(After::Again));
                to(state, Phase::Spawning { asked })
            }
            Event::Stop => {
                to(state, Phase::Spawning { asked: Some(asked_later(asked, After::Idle)) })
            }
            Event::Remove => {
                to(state, Phase::Spawning { asked: Some(asked_later(asked, After::Gone)) })
            }
            // A spawn under way is as fresh as a restart could make it.
            Event::Restart
            | Event::Kill
            | Event::Tick
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::Swept { .. } => (state, Vec::new()),
        }
    }

    fn starting(self, state: State, event: &Event, spawned_us: u64, check: StartCheck) -> Step {
        match *event {
            Event::Ready { .. } => self.is_ready(state, spawned_us),
            Event::Tick => match check {
                StartCheck::AliveAt { at_us } if self.us >= at_us => {
                    self.is_ready(state, spawned_us)
                }
                StartCheck::AliveAt { .. } | StartCheck::Probe => (state, Vec::new()),
            },
            Event::Exited { ending, group, .. } => {
                let has_started = match check {
                    StartCheck::AliveAt { at_us } => self.us >= at_us,
                    StartCheck::Probe => false,
                };
                let (state, next) = if has_started {
                    self.ended(state, spawned_us, ending)
                } else {
                    self.failed(state.caused(ending, self.us.saturating_sub(spawned_us)))
                };
                self.sweep(state, group, next)
            }
            Event::Stop => self.terminate(state, spawned_us, After::Idle),
            Event::Restart => self.terminate(state, spawned_us, After::Again),
            Event::Remove => self.terminate(state, spawned_us, After::Gone),
            Event::Kill => (state, vec![Effect::KillGroup]),
            Event::Start
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Drained { .. }
            | Event::Swept { .. } => (state, Vec::new()),
        }
    }

    fn ready(self, mut state: State, event: &Event, spawned_us: u64, stable_at_us: u64) -> Step {
        match *event {
            Event::Exited { ending, group, .. } => {
                let (state, next) = self.ended(state, spawned_us, ending);
                first(Effect::Leave, self.sweep(state, group, next))
            }
            Event::Stop => self.drain(state, spawned_us, After::Idle),
            Event::Restart => self.drain(state, spawned_us, After::Again),
            Event::Remove => self.drain(state, spawned_us, After::Gone),
            Event::Kill => (state, vec![Effect::Leave, Effect::KillGroup]),
            Event::Tick => {
                if self.us >= stable_at_us {
                    state.fails = 0;
                }
                (state, Vec::new())
            }
            Event::Start
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::Swept { .. } => (state, Vec::new()),
        }
    }

    fn stopping(self, state: State, event: &Event, stopping: Stopping) -> Step {
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
            Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Ready { .. }
            | Event::Swept { .. } => (state, Vec::new()),
        }
    }

    fn sweeping(self, state: State, event: &Event, sweep: Sweep) -> Step {
        let Sweep { look_at_us, give_up_us, next } = sweep;
        let towards = |wish: Next| match next {
            Next::Gone => Phase::Sweeping { look_at_us, give_up_us, next },
            Next::Spawn | Next::Delay { .. } | Next::Idle | Next::Done | Next::GaveUp => {
                Phase::Sweeping { look_at_us, give_up_us, next: wish }
            }
        };
        match *event {
            Event::Swept { .. } => go(state, next),
            Event::Tick if self.us >= give_up_us => first(Effect::LeftOversRemain, go(state, next)),
            Event::Tick if self.us >= look_at_us => {
                let look_at_us = self.us + SWEEP_LOOK_US;
                let phase = Phase::Sweeping { look_at_us, give_up_us, next };
                (State { phase, ..state }, vec![Effect::LookForLeftOvers])
            }
            Event::Start | Event::Restart => to(state.afresh(), towards(Next::Spawn)),
            Event::Stop => to(state.afresh(), towards(Next::Idle)),
            Event::Remove => to(state, towards(Next::Gone)),
            Event::Tick
            | Event::Kill
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. } => (state, Vec::new()),
        }
    }

    fn spawned(self, state: State) -> Step {
        let check = match self.policy.readiness {
            Readiness::Alive if self.policy.start_us == 0 => return self.is_ready(state, self.us),
            Readiness::Alive => StartCheck::AliveAt { at_us: self.us + self.policy.start_us },
            Readiness::Probed => StartCheck::Probe,
        };
        to(state, Phase::Starting { spawned_us: self.us, check })
    }

    fn not_spawned(self, mut state: State, error: &SpawnError, asked: Option<After>) -> Step {
        let (error, is_counted) = match error {
            SpawnError::Busy(error) => (error.clone(), false),
            SpawnError::Failed(error) => (error.clone(), true),
        };
        state.cause = Cause::Spawn { error };
        match asked {
            Some(After::Idle) => to(state.afresh(), Phase::Idle),
            Some(After::Gone) => to(state, Phase::Gone),
            None | Some(After::Again) if is_counted => {
                let (state, next) = self.failed(state);
                go(state, next)
            }
            None | Some(After::Again) => {
                to(state, Phase::Delay { until_us: self.us + BUSY_PAUSE_US })
            }
        }
    }

    fn is_ready(self, state: State, spawned_us: u64) -> Step {
        let stable_at_us = self.us + self.policy.stable_us();
        let phase = Phase::Ready { spawned_us, stable_at_us };
        (State { phase, ..state }, vec![Effect::Join])
    }

    fn drain(self, state: State, spawned_us: u64, after: After) -> Step {
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

    fn terminate(self, state: State, spawned_us: u64, after: After) -> Step {
        let deadline_us = self.us + self.policy.stop_us;
        let phase = Phase::Stopping { spawned_us, stage: Stage::Terminating, deadline_us, after };
        (State { phase, ..state }, vec![Effect::Terminate])
    }

    fn kill(self, state: State, stopping: Stopping, kills: u32) -> Step {
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
    fn stopped(self, state: State, stopping: Stopping, ending: Ending, group: Group) -> Step {
        let state = state.caused(ending, self.us.saturating_sub(stopping.spawned_us)).afresh();
        let next = match stopping.after {
            After::Idle => Next::Idle,
            After::Again => Next::Spawn,
            After::Gone => Next::Gone,
        };
        self.sweep(state, group, next)
    }

    /// The exit of an instance that was running: the restart policy decides.
    fn ended(self, state: State, spawned_us: u64, ending: Ending) -> (State, Next) {
        let mut state = state.caused(ending, self.us.saturating_sub(spawned_us));
        if !self.policy.wants_restart(ending) {
            state.fails = 0;
            (state, Next::Done)
        } else if state.window.admit(self.us) {
            (state, Next::Spawn)
        } else {
            self.failed(state)
        }
    }

    fn failed(self, mut state: State) -> (State, Next) {
        state.fails += 1;
        let next = if state.fails > self.policy.start_retries {
            Next::GaveUp
        } else {
            Next::Delay { until_us: self.us + pause_us(state.fails) }
        };
        (state, next)
    }

    fn sweep(self, state: State, group: Group, next: Next) -> Step {
        match group {
            Group::Empty => go(state, next),
            Group::LeftOvers => {
                let look_at_us = self.us + SWEEP_LOOK_US;
                let give_up_us = self.us + SWEEP_US_MAX;
                to(state, Phase::Sweeping { look_at_us, give_up_us, next })
            }
        }
    }
}

impl After {
    /// The later wish holds, except that a removal is final.
    fn or_later(self, wish: Self) -> Self {
        match self {
            Self::Gone => Self::Gone,
            Self::Idle | Self::Again => wish,
        }
    }
}

impl State {
    /// Without a memory of failed starts: what the operator asks for gets every try.
    fn afresh(self) -> Self {
        Self { fails: 0, window: super::policy::Window::default(), ..self }
    }

    fn caused(self, ending: Ending, lived_us: u64) -> Self {
        Self { cause: Cause::Exit { ending, lived_us }, ..self }
    }
}

fn asked_later(asked: Option<After>, wish: After) -> After {
    asked.map_or(wish, |after| after.or_later(wish))
}

fn to(state: State, phase: Phase) -> Step {
    (State { phase, ..state }, Vec::new())
}

fn spawn(state: State) -> Step {
    let phase = Phase::Spawning { asked: None };
    (State { phase, life: state.life + 1, ..state }, vec![Effect::Spawn])
}

fn go(state: State, next: Next) -> Step {
    match next {
        Next::Spawn => spawn(state),
        Next::Delay { until_us } => to(state, Phase::Delay { until_us }),
        Next::Idle => to(state, Phase::Idle),
        Next::Done => to(state, Phase::Done),
        Next::GaveUp => to(state, Phase::GaveUp),
        Next::Gone => to(state, Phase::Gone),
    }
}

fn first(effect: Effect, (state, mut effects): Step) -> Step {
    effects.insert(0, effect);
    (state, effects)
}
