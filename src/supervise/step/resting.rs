//! What begins anything for an instance without a process: at rest, held by its group, or waiting out
//! a pause.

use super::super::pause::Window;
use super::super::state::{Phase, State};
use super::{Effect, Event, Now, Step, Turn, first, to};

impl Now<'_> {
    pub(super) fn at_rest(self, state: State, event: &Event) -> Step {
        match *event {
            Event::Start | Event::Restart => {
                self.begin(State { rescues: Window::default(), ..state.afresh() })
            }
            Event::Due => first(Effect::Due(Turn::Starts), self.begin(state.afresh())),
            Event::Remove => to(state, Phase::Gone),
            // The whole group is to live again, and it gets every try.
            Event::Hold if state.phase == Phase::GaveUp => {
                to(state.afresh(), Phase::Held { until_us: self.us })
            }
            Event::Stop
            | Event::Hold
            | Event::Release
            | Event::Retire
            | Event::Kill
            | Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Ready { .. }
            | Event::Drained { .. }
            | Event::HookDone { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    /// Waits for the group, with the pause that its end has earned.
    pub(super) fn held(self, state: State, event: &Event, until_us: u64) -> Step {
        match *event {
            Event::Start | Event::Restart => self.begin(state.afresh()),
            Event::Release if self.us >= until_us => self.begin(state),
            Event::Release => to(state, Phase::Delay { until_us }),
            Event::Stop => to(state.afresh(), Phase::Idle),
            Event::Due => (state, vec![Effect::Due(Turn::Skipped)]),
            Event::Remove => to(state, Phase::Gone),
            Event::Hold
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

    pub(super) fn delay(self, state: State, event: &Event, until_us: u64) -> Step {
        match *event {
            Event::Start | Event::Restart => self.begin(state.afresh()),
            // A fresh run is better than another try of the last one.
            Event::Due => first(Effect::Due(Turn::Starts), self.begin(state.afresh())),
            Event::Stop => to(state.afresh(), Phase::Idle),
            Event::Remove => to(state, Phase::Gone),
            Event::Hold => to(state, Phase::Held { until_us }),
            Event::Tick if self.us >= until_us => self.spawn(state),
            Event::Tick
            | Event::Release
            | Event::Retire
            | Event::Kill
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
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
            | Event::HookDone { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }
}
