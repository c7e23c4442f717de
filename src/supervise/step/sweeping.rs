//! From the end of the main process to the end of the last of its group.

use super::super::state::{Next, Phase, State};
use super::{Effect, Event, Group, Now, Step, first, go, to};

const SWEEP_LOOK_US: u64 = 5_000;
const SWEEP_US_MAX: u64 = 2_000_000;

#[derive(Clone, Copy)]
pub(super) struct Sweep {
    pub(super) look_at_us: u64,
    pub(super) give_up_us: u64,
    pub(super) next: Next,
}

impl Now<'_> {
    pub(super) fn sweeping(self, state: State, event: &Event, sweep: Sweep) -> Step {
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

    pub(super) fn sweep(self, state: State, group: Group, next: Next) -> Step {
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
