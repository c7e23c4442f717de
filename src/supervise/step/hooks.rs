//! Side commands before a life and after it.

use super::super::policy::Hook;
use super::super::state::{Cause, Next, Phase, State};
use super::{Effect, Event, Now, Step, Turn, Verdict, first, to};

impl Now<'_> {
    /// The command before a life runs; without its success there is none.
    pub(super) fn pre_start(self, mut state: State, event: &Event) -> Step {
        match *event {
            Event::HookDone { hook: Hook::PreStart, ref verdict, .. } => match verdict {
                Verdict::Done => {
                    (State { phase: Phase::Spawning { asked: None }, ..state }, vec![Effect::Spawn])
                }
                Verdict::Failed(why) => {
                    state.cause = Cause::Spawn { error: format!("pre_start: {why}") };
                    let (state, next) = self.failed(state);
                    self.go(state, next)
                }
                Verdict::Hopeless(why) => {
                    state.cause = Cause::Spawn { error: format!("pre_start: {why}") };
                    to(state, Phase::GaveUp)
                }
            },
            Event::Stop => to(state.afresh(), Phase::Idle),
            Event::Remove => to(state, Phase::Gone),
            Event::Hold => to(state, Phase::Held { until_us: self.us }),
            Event::Due => self.due(state, |_, _| None),
            // One that has just begun is as fresh as a restart could make it.
            Event::Start
            | Event::Restart
            | Event::Release
            | Event::Retire
            | Event::Kill
            | Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::HookDone { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    /// The command after a life runs; what was decided at its end follows, unless it knows better.
    pub(super) fn post_stop(self, state: State, event: &Event, next: Next) -> Step {
        let towards = |wish: Next| match next {
            Next::Gone => Phase::PostStop { next },
            Next::Spawn
            | Next::Delay { .. }
            | Next::Held { .. }
            | Next::Idle
            | Next::Done
            | Next::GaveUp => Phase::PostStop { next: wish },
        };
        match *event {
            Event::HookDone { hook: Hook::PostStop, ref verdict, .. } => match (verdict, next) {
                (
                    Verdict::Hopeless(_),
                    Next::Spawn | Next::Delay { .. } | Next::Held { .. } | Next::Done,
                ) => to(state, Phase::GaveUp),
                (Verdict::Hopeless(_), Next::Idle | Next::GaveUp | Next::Gone)
                | (Verdict::Done | Verdict::Failed(_), _) => self.go(state, next),
            },
            Event::Kill => self.go(state, next),
            Event::Start | Event::Restart => to(state.afresh(), towards(Next::Spawn)),
            Event::Stop => to(state.afresh(), towards(Next::Idle)),
            Event::Remove => to(state, towards(Next::Gone)),
            Event::Due => match next {
                Next::Done | Next::GaveUp | Next::Delay { .. } => {
                    first(Effect::Due(Turn::Starts), to(state.afresh(), towards(Next::Spawn)))
                }
                Next::Spawn | Next::Held { .. } | Next::Idle | Next::Gone => {
                    (state, vec![Effect::Due(Turn::Skipped)])
                }
            },
            Event::Hold => to(state, next.held(self.us).map_or(Phase::PostStop { next }, towards)),
            Event::Release
            | Event::Retire
            | Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::HookDone { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    /// What follows from an end of which nothing is left.
    pub(super) fn after_life(self, state: State, next: Next) -> Step {
        if self.policy.has(Hook::PostStop) {
            let hook = Hook::PostStop;
            (State { phase: Phase::PostStop { next }, ..state }, vec![Effect::Run { hook }])
        } else {
            self.go(state, next)
        }
    }
}

impl Next {
    /// The same for one that its group holds back; nothing when it is not to live again anyhow.
    pub(super) fn held(self, now_us: u64) -> Option<Self> {
        match self {
            Self::Spawn => Some(Self::Held { until_us: now_us }),
            Self::Delay { until_us } | Self::Held { until_us } => Some(Self::Held { until_us }),
            Self::Idle | Self::Done | Self::GaveUp | Self::Gone => None,
        }
    }
}
