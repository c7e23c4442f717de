//! From the wish that an instance starts to its first spawn, while it waits for others.

use super::super::state::{Cause, Phase, State};
use super::{Effect, Event, Now, Step, Turn, to};

impl Now<'_> {
    pub(super) fn waiting(self, mut state: State, event: &Event) -> Step {
        match event {
            Event::NeedsMet => self.spawn(state),
            Event::NeedsFailed { error } => {
                state.cause = Cause::Spawn { error: error.clone() };
                to(state, Phase::GaveUp)
            }
            Event::Stop => to(state.afresh(), Phase::Idle),
            Event::Remove => to(state, Phase::Gone),
            // The run that waits is the one that was due.
            Event::Due => (state, vec![Effect::Due(Turn::Skipped)]),
            Event::Hold => to(state, Phase::Held { until_us: self.us }),
            Event::Start
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::Restart
            | Event::Kill
            | Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }
}
