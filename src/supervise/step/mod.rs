//! The transitions: one function per group of phases that answer events alike.
//!
//! An event about a process carries the life it belongs to and is dropped when that life is over.
//! `now_us` is the monotonic clock; an early `Tick` changes nothing.

mod escalation;
mod hooks;
mod resting;
mod rising;
mod running;
mod stopping;
mod sweeping;
mod waiting;

use super::pause::{Beyond, Window};
use super::policy::{Ending, Escalation, Hook, Kind, Needs, Overlap, Policy, Together};
use super::state::{After, Cause, Course, Fault, Next, Phase, State};
use stopping::Stopping;
use sweeping::Sweeping;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Operator or autostart: should be up.
    Start,
    Stop,
    Restart,
    /// SIGKILL without a drain; what follows is the restart policy's.
    Kill,
    /// Stop, and live again when the group says so.
    Hold,
    /// The group says so.
    Release,
    /// No longer in the configuration.
    Remove,
    /// The engine is ending: no life after the present one.
    Retire,
    Tick,
    /// By its schedule it runs now: a job once more, a service anew.
    Due,
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
    /// The probe answered as it should, or the program says so.
    Ready {
        life: u32,
    },
    /// What was ready is not any more.
    Unready {
        life: u32,
    },
    /// It should be ended: what is wrong with it was found out from outside.
    Unfit {
        life: u32,
        fault: Fault,
    },
    /// It says that it is alive.
    Heartbeat {
        life: u32,
    },
    /// It says that its start, its stop or its reload takes longer: so long from here.
    Extend {
        life: u32,
        us: u64,
    },
    /// It says that it reads its configuration again; `Ready` ends that.
    Reloading {
        life: u32,
    },
    /// What it needs has come so far.
    NeedsMet,
    /// What it needs will not come; the error says why.
    NeedsFailed {
        error: String,
    },
    /// The backend has no request left.
    Drained {
        life: u32,
    },
    /// Nobody is left of what the main process started.
    Swept {
        life: u32,
    },
    /// Some are.
    Remain {
        life: u32,
    },
    HookDone {
        life: u32,
        hook: Hook,
        verdict: Verdict,
    },
}

/// How a side command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    Failed(String),
    /// It said that no further life makes sense.
    Hopeless(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SpawnError {
    /// Out of processes, descriptors or memory: not the program's fault, never counted.
    Busy(String),
    Failed(String),
    /// It would fail the same way again, unless somebody does something.
    Hopeless(String),
}

impl SpawnError {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Busy(text) | Self::Failed(text) | Self::Hopeless(text) => text,
        }
    }
}

/// What the main process left behind, as far as that is known at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Empty,
    /// Or nobody has looked.
    LeftOvers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Spawn the process of the state's life and answer `SpawnOk` or `SpawnErr` before anything
    /// else of that life.
    Spawn,
    /// The spawn that has not answered is not wanted any more: let it answer soon.
    AbortSpawn,
    /// The backend may take requests.
    Join,
    /// No new request to the backend; say `Drained` when it has none left.
    Drain { until_us: u64 },
    /// No new request to the backend for as long as it is not ready; it keeps its place.
    Shut,
    /// The backend is no more.
    Leave,
    /// The signal of that place in the ladder.
    Terminate { rung: u8 },
    /// Begin the side command and say `HookDone` when it has ended, in whatever way and in bounded
    /// time. One that the state does not wait for any more is ended.
    Run { hook: Hook },
    /// SIGABRT to the main process, so that it leaves a trace of where it hung.
    Abort,
    /// SIGKILL to the main process and all it started.
    KillGroup,
    /// SIGKILL did not end it after several tries: tell people.
    Unkillable,
    /// Look whether anybody is left; say `Swept` or `Remain`.
    LookForLeftOvers,
    /// The terminating signal to those that are left.
    TerminateLeftOvers,
    /// SIGKILL to those that are left.
    KillLeftOvers,
    /// What became of a run that was due: tell people.
    Due(Turn),
    /// It is stopped for its age: tell people.
    TooOld,
    /// It reads its configuration for too long: tell people.
    ReloadLate,
    /// Some outlive SIGKILL: tell people.
    LeftOversRemain,
    /// It has given up, and that is to concern others.
    Escalate(Escalation),
}

/// What becomes of a run that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Starts,
    /// The last one is not over.
    Skipped,
    Waits,
    Replaces,
}

type Step = (State, Vec<Effect>);

pub(crate) fn step(state: State, event: &Event, now_us: u64, policy: &Policy) -> Step {
    if life_of(event).is_some_and(|life| life != state.life) {
        return (state, Vec::new());
    }
    if *event == Event::Retire {
        return retire(state);
    }
    let now = Now { us: now_us, policy };
    let had_given_up = state.phase == Phase::GaveUp;
    let taken = now.take(state, event);
    if had_given_up { taken } else { now.escalate(taken) }
}

fn life_of(event: &Event) -> Option<u32> {
    match *event {
        Event::SpawnOk { life }
        | Event::SpawnErr { life, .. }
        | Event::Exited { life, .. }
        | Event::Ready { life }
        | Event::Unready { life }
        | Event::Unfit { life, .. }
        | Event::Heartbeat { life }
        | Event::Extend { life, .. }
        | Event::Reloading { life }
        | Event::Drained { life }
        | Event::Swept { life }
        | Event::Remain { life }
        | Event::HookDone { life, .. } => Some(life),
        Event::Start
        | Event::Stop
        | Event::Restart
        | Event::Hold
        | Event::Release
        | Event::Kill
        | Event::Remove
        | Event::Retire
        | Event::Tick
        | Event::NeedsMet
        | Event::NeedsFailed { .. }
        | Event::Due => None,
    }
}

/// What runs goes on until it is told to stop; nothing comes after it.
fn retire(state: State) -> Step {
    let state = State { course: Course::Last, is_run_waiting: false, ..state };
    let last = |next| match next {
        Next::Spawn | Next::Delay { .. } | Next::Held { .. } => Next::Idle,
        Next::Idle | Next::Done | Next::GaveUp | Next::Gone => next,
    };
    let phase = match state.phase {
        Phase::Waiting | Phase::Delay { .. } | Phase::Held { .. } | Phase::PreStart => Phase::Idle,
        Phase::Stopping { spawned_us, stage, deadline_us, after: After::Again | After::Held } => {
            Phase::Stopping { spawned_us, stage, deadline_us, after: After::Idle }
        }
        Phase::Sweeping { look_at_us, stage, next } => {
            Phase::Sweeping { look_at_us, stage, next: last(next) }
        }
        Phase::PostStop { next } => Phase::PostStop { next: last(next) },
        Phase::Stopping { .. }
        | Phase::Idle
        | Phase::Spawning { .. }
        | Phase::Starting { .. }
        | Phase::Ready { .. }
        | Phase::Unready { .. }
        | Phase::Done
        | Phase::GaveUp
        | Phase::Gone => state.phase,
    };
    to(state, phase)
}

/// The instant and the policy a step is taken under.
#[derive(Clone, Copy)]
struct Now<'a> {
    us: u64,
    policy: &'a Policy,
}

impl Now<'_> {
    fn take(self, state: State, event: &Event) -> Step {
        match state.phase {
            Phase::Idle | Phase::Done | Phase::GaveUp => self.at_rest(state, event),
            Phase::Waiting => self.waiting(state, event),
            Phase::Delay { until_us } => self.delay(state, event, until_us),
            Phase::Held { until_us } => self.held(state, event, until_us),
            Phase::PreStart => self.pre_start(state, event),
            Phase::Spawning { asked } => self.spawning(state, event, asked),
            Phase::Starting { spawned_us, check } => self.starting(state, event, spawned_us, check),
            Phase::Ready { spawned_us, stable_at_us } => {
                self.ready(state, event, spawned_us, stable_at_us)
            }
            Phase::Unready { spawned_us, stable_at_us } => {
                self.unready(state, event, spawned_us, stable_at_us)
            }
            Phase::Stopping { spawned_us, stage, deadline_us, after } => {
                self.stopping(state, event, Stopping { spawned_us, stage, deadline_us, after })
            }
            Phase::Sweeping { look_at_us, stage, next } => {
                self.sweeping(state, event, Sweeping { look_at_us, stage, next })
            }
            Phase::PostStop { next } => self.post_stop(state, event, next),
            Phase::Gone => (state, Vec::new()),
        }
    }

    /// The exit of an instance that was running: the restart policy decides.
    fn ended(self, state: State, spawned_us: u64, ending: Ending) -> (State, Next) {
        let mut state = state.caused(ending, self.us.saturating_sub(spawned_us));
        if self.policy.wants_restart(ending) {
            self.restarted(state)
        } else {
            state.fails = 0;
            over(state, Next::Done)
        }
    }

    /// At once, after the usual delay, or after a pause when that was too often.
    fn restarted(self, mut state: State) -> (State, Next) {
        if self.policy.kind == Kind::OneShot {
            self.failed(state)
        } else if state.window.admit(self.us, self.policy.crash_limit) {
            let until_us = self.us + self.policy.restart_delay_us;
            match (self.policy.together, self.policy.restart_delay_us) {
                (Together::WithGroup, _) => (state, Next::Held { until_us }),
                (Together::Alone, 0) => (state, Next::Spawn),
                (Together::Alone, _) => (state, Next::Delay { until_us }),
            }
        } else {
            match self.policy.crash_limit.then {
                Beyond::Fail => self.failed(state),
                Beyond::Pause => {
                    let beyond = state.window.beyond;
                    let pause_us = self.policy.backoff.pause_us(beyond, &mut state.dice);
                    let until_us = self.us + pause_us;
                    match self.policy.together {
                        Together::WithGroup => (state, Next::Held { until_us }),
                        Together::Alone => (state, Next::Delay { until_us }),
                    }
                }
            }
        }
    }

    fn failed(self, mut state: State) -> (State, Next) {
        state.fails = state.fails.saturating_add(1);
        if self.policy.start_retries.is_some_and(|retries| state.fails > retries) {
            return over(state, Next::GaveUp);
        }
        let pause_us = self.policy.backoff.pause_us(state.fails, &mut state.dice);
        (state, Next::Delay { until_us: self.us + pause_us })
    }

    /// A run that is due while the last one is not over; `replaced` is the step that ends that one.
    fn due(self, mut state: State, replaced: impl FnOnce(Self, State) -> Option<Step>) -> Step {
        let turn = match self.policy.overlap {
            Overlap::Skip => Turn::Skipped,
            Overlap::Queue => {
                state.is_run_waiting = true;
                Turn::Waits
            }
            Overlap::Kill => match replaced(self, state.clone()) {
                Some(step) => return first(Effect::Due(Turn::Replaces), step),
                None => Turn::Skipped,
            },
        };
        (state, vec![Effect::Due(turn)])
    }
}

/// The end of all tries of a run: one that waits for it comes next.
fn over(state: State, end: Next) -> (State, Next) {
    if state.is_run_waiting { (state.afresh(), Next::Spawn) } else { (state, end) }
}

impl After {
    /// The later wish holds, except that a removal is final.
    fn or_later(self, wish: Self) -> Self {
        match self {
            Self::Gone => Self::Gone,
            Self::Idle | Self::Again | Self::Held | Self::Unfit(_) => wish,
        }
    }
}

impl State {
    /// Without a memory of failed starts: what the operator asks for gets every try.
    fn afresh(self) -> Self {
        Self { fails: 0, window: Window::default(), is_run_waiting: false, ..self }
    }

    fn caused(self, ending: Ending, lived_us: u64) -> Self {
        Self { cause: Cause::Exit { ending, lived_us, fault: None }, ..self }
    }
}

fn asked_later(asked: Option<After>, wish: After) -> After {
    asked.map_or(wish, |after| after.or_later(wish))
}

fn to(state: State, phase: Phase) -> Step {
    (State { phase, ..state }, Vec::new())
}

impl Now<'_> {
    /// The first spawn of a start waits for others; those that follow by themselves do not, since
    /// what is needed was there.
    fn begin(self, state: State) -> Step {
        match (state.course, self.policy.needs) {
            (Course::Last, _) => to(state, Phase::Idle),
            (Course::Lasting, Needs::Nothing) => self.spawn(state),
            (Course::Lasting, Needs::Others) => to(state, Phase::Waiting),
        }
    }

    /// A new life, unless there is to be none.
    fn spawn(self, state: State) -> Step {
        let state = State { watchdog_at_us: None, reload_until_us: None, extended_us: 0, ..state };
        match state.course {
            Course::Last => to(state, Phase::Idle),
            Course::Lasting if self.policy.has(Hook::PreStart) => {
                let (phase, life) = (Phase::PreStart, state.life + 1);
                let hook = Hook::PreStart;
                (State { phase, life, ..state }, vec![Effect::Run { hook }])
            }
            Course::Lasting => {
                let (phase, life) = (Phase::Spawning { asked: None }, state.life + 1);
                (State { phase, life, ..state }, vec![Effect::Spawn])
            }
        }
    }

    fn go(self, state: State, next: Next) -> Step {
        match next {
            Next::Spawn => self.spawn(state),
            Next::Delay { until_us } => to(state, Phase::Delay { until_us }),
            Next::Held { until_us } => to(state, Phase::Held { until_us }),
            Next::Idle => to(state, Phase::Idle),
            Next::Done => to(state, Phase::Done),
            Next::GaveUp => to(state, Phase::GaveUp),
            Next::Gone => to(state, Phase::Gone),
        }
    }
}

impl Now<'_> {
    /// The instant that a process asks for in place of `until_us`, within all that it may ask for in
    /// one life.
    fn extended(self, state: &mut State, until_us: u64, us: u64) -> u64 {
        let wanted_us = self.us.saturating_add(us).saturating_sub(until_us);
        let left_us = self.policy.extend_us_max.saturating_sub(state.extended_us);
        let more_us = wanted_us.min(left_us);
        state.extended_us += more_us;
        until_us.saturating_add(more_us)
    }
}

fn first(effect: Effect, (state, mut effects): Step) -> Step {
    effects.insert(0, effect);
    (state, effects)
}
