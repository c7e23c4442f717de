//! An instance that runs: ready, or ready no longer, until something ends it.

use super::super::policy::Ending;
use super::super::state::{After, Fault, Next, Phase, State};
use super::{Effect, Event, Now, Step, first, over, to};

impl Now<'_> {
    pub(super) fn ready(
        self,
        state: State,
        event: &Event,
        spawned_us: u64,
        stable_at_us: u64,
    ) -> Step {
        match *event {
            Event::Unready { .. } => {
                let phase = Phase::Unready { spawned_us, stable_at_us };
                first(Effect::Shut, to(state, phase))
            }
            Event::Exited { ending, group, .. } => {
                let (state, next) = self.ended(state, spawned_us, ending);
                first(Effect::Leave, self.sweep(state, group, next))
            }
            Event::Kill => (state, vec![Effect::Leave, Effect::KillGroup]),
            Event::Ready { .. }
            | Event::Start
            | Event::Stop
            | Event::Restart
            | Event::Remove
            | Event::Hold
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::Due
            | Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => self.running(state, event, spawned_us, stable_at_us),
        }
    }

    pub(super) fn unready(
        self,
        state: State,
        event: &Event,
        spawned_us: u64,
        stable_at_us: u64,
    ) -> Step {
        match *event {
            Event::Ready { .. } => {
                let phase = Phase::Ready { spawned_us, stable_at_us };
                first(Effect::Join, to(State { reload_until_us: None, ..state }, phase))
            }
            Event::Exited { ending, group, .. } => {
                let (state, next) = self.ended(state, spawned_us, ending);
                first(Effect::Leave, self.sweep(state, group, next))
            }
            Event::Kill => (state, vec![Effect::Leave, Effect::KillGroup]),
            Event::Unready { .. }
            | Event::Start
            | Event::Stop
            | Event::Restart
            | Event::Remove
            | Event::Hold
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::Due
            | Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => self.running(state, event, spawned_us, stable_at_us),
        }
    }

    /// What is the same whether or not it is ready.
    fn running(self, mut state: State, event: &Event, spawned_us: u64, stable_at_us: u64) -> Step {
        match *event {
            Event::Stop => self.drain(state, spawned_us, After::Idle),
            Event::Restart => self.drain(state, spawned_us, After::Again),
            Event::Remove => self.drain(state, spawned_us, After::Gone),
            Event::Hold => self.drain(state, spawned_us, After::Held),
            Event::Unfit { fault, .. } => self.unfit(state, spawned_us, fault),
            Event::Due => {
                self.due(state, |now, state| Some(now.drain(state, spawned_us, After::Again)))
            }
            Event::Heartbeat { .. } => {
                state.watchdog_at_us = self.watchdog_at_us();
                (state, Vec::new())
            }
            Event::Ready { .. } => {
                state.reload_until_us = None;
                (state, Vec::new())
            }
            Event::Reloading { .. } => {
                state.reload_until_us = Some(self.us + self.policy.hooks.timeout_us);
                (state, Vec::new())
            }
            Event::Extend { us, .. } => {
                if let Some(until_us) = state.reload_until_us {
                    state.reload_until_us = Some(self.extended(&mut state, until_us, us));
                }
                (state, Vec::new())
            }
            Event::Tick => {
                if state.watchdog_at_us.is_some_and(|at_us| self.us >= at_us) {
                    let for_us = self.policy.watchdog_us.unwrap_or(0);
                    return self.unfit(state, spawned_us, Fault::Silent { for_us });
                }
                if self.us >= stable_at_us {
                    state.fails = 0;
                }
                if state.old_at_us.is_some_and(|old_at_us| self.us >= old_at_us) {
                    return first(Effect::TooOld, self.drain(state, spawned_us, After::Again));
                }
                if state.reload_until_us.is_some_and(|until_us| self.us >= until_us) {
                    state.reload_until_us = None;
                    return (state, vec![Effect::ReloadLate]);
                }
                (state, Vec::new())
            }
            Event::Start
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::Kill
            | Event::Unready { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    /// One that fails its probe may still finish what it has; one that hangs never will.
    pub(super) fn unfit(self, state: State, spawned_us: u64, fault: Fault) -> Step {
        let after = After::Unfit(fault);
        match fault {
            Fault::Late { .. } => self.halt(state, spawned_us, after),
            Fault::Liveness => self.drain(state, spawned_us, after),
            Fault::Silent { .. } => first(Effect::Leave, self.abort(state, spawned_us, after)),
        }
    }

    /// The exit of one that was found unfit.
    pub(super) fn unfit_ended(self, state: State, fault: Fault) -> (State, Next) {
        match fault {
            Fault::Late { .. } => self.failed(state),
            // As after an end that nobody can explain.
            Fault::Liveness | Fault::Silent { .. } => {
                if self.policy.wants_restart(Ending::Unknown) {
                    self.restarted(state)
                } else {
                    over(state, Next::Done)
                }
            }
        }
    }

    pub(super) fn watchdog_at_us(self) -> Option<u64> {
        self.policy.watchdog_us.map(|silent_us| self.us + silent_us)
    }
}
