//! From the end of the main process to the end of everybody it left behind: SIGTERM, after a while
//! SIGKILL, and never a next life beside them.

use super::super::state::{Next, Phase, State, Sweep};
use super::{Effect, Event, Group, Now, Step, Turn, first, to};

const LOOK_US: u64 = 5_000;
/// Between looks at those whom even SIGKILL does not end.
const LOOK_LATER_US: u64 = 1_000_000;
/// How long SIGTERM may take, and SIGKILL after it: a crashed program is up again within two seconds.
const TERMINATE_US: u64 = 1_000_000;
const KILL_US: u64 = 1_000_000;

#[derive(Clone, Copy)]
pub(super) struct Sweeping {
    pub(super) look_at_us: u64,
    pub(super) stage: Sweep,
    pub(super) next: Next,
}

impl Now<'_> {
    pub(super) fn sweeping(self, state: State, event: &Event, sweeping: Sweeping) -> Step {
        let Sweeping { look_at_us, stage, next } = sweeping;
        let towards = |wish: Next| match next {
            Next::Gone => Phase::Sweeping { look_at_us, stage, next },
            Next::Spawn
            | Next::Delay { .. }
            | Next::Held { .. }
            | Next::Idle
            | Next::Done
            | Next::GaveUp => Phase::Sweeping { look_at_us, stage, next: wish },
        };
        match *event {
            Event::Swept { .. } => self.after_life(state, next),
            Event::Remain { .. } => self.remain(state, sweeping),
            Event::Tick if self.us >= look_at_us => {
                let pause_us = match stage {
                    Sweep::Look | Sweep::Terminate { .. } | Sweep::Kill { .. } => LOOK_US,
                    Sweep::Hopeless => LOOK_LATER_US,
                };
                let look_at_us = self.us + pause_us;
                let phase = Phase::Sweeping { look_at_us, stage, next };
                (State { phase, ..state }, vec![Effect::LookForLeftOvers])
            }
            Event::Kill => match stage {
                Sweep::Look | Sweep::Terminate { .. } => self.kill_left_overs(state, sweeping),
                Sweep::Kill { .. } | Sweep::Hopeless => (state, Vec::new()),
            },
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
            Event::Hold => match next.held(self.us) {
                Some(next) => to(state, towards(next)),
                None => (state, Vec::new()),
            },
            Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. } => (state, Vec::new()),
        }
    }

    pub(super) fn sweep(self, state: State, group: Group, next: Next) -> Step {
        match group {
            Group::Empty => self.after_life(state, next),
            Group::LeftOvers => {
                to(state, Phase::Sweeping { look_at_us: self.us, stage: Sweep::Look, next })
            }
        }
    }

    /// A look has found some.
    fn remain(self, state: State, sweeping: Sweeping) -> Step {
        let Sweeping { look_at_us, next, .. } = sweeping;
        let at = |stage| Phase::Sweeping { look_at_us, stage, next };
        match sweeping.stage {
            Sweep::Look => {
                let phase = at(Sweep::Terminate { until_us: self.us + TERMINATE_US });
                (State { phase, ..state }, vec![Effect::TerminateLeftOvers])
            }
            Sweep::Terminate { until_us } if self.us >= until_us => {
                self.kill_left_overs(state, sweeping)
            }
            Sweep::Terminate { .. } => (state, Vec::new()),
            Sweep::Kill { until_us } if self.us >= until_us => {
                let phase = at(Sweep::Hopeless);
                (State { phase, ..state }, vec![Effect::KillLeftOvers, Effect::LeftOversRemain])
            }
            // They may have started others meanwhile.
            Sweep::Kill { .. } | Sweep::Hopeless => (state, vec![Effect::KillLeftOvers]),
        }
    }

    fn kill_left_overs(self, state: State, sweeping: Sweeping) -> Step {
        let Sweeping { look_at_us, next, .. } = sweeping;
        let stage = Sweep::Kill { until_us: self.us + KILL_US };
        let phase = Phase::Sweeping { look_at_us, stage, next };
        (State { phase, ..state }, vec![Effect::KillLeftOvers])
    }
}
