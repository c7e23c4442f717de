//! From the spawn to a running instance.

use super::super::pause::BUSY_PAUSE_US;
use super::super::policy::{Hopeless, Kind, Readiness};
use super::super::state::{After, Cause, Fault, NEVER_US, Next, Phase, StartCheck, State};
use super::{Effect, Event, Now, SpawnError, Step, asked_later, over, to};

impl Now<'_> {
    pub(super) fn spawning(self, state: State, event: &Event, asked: Option<After>) -> Step {
        match *event {
            Event::SpawnOk { .. } => match asked {
                None => self.spawned(state),
                Some(after) => self.halt(state, self.us, after),
            },
            Event::SpawnErr { ref error, .. } => self.not_spawned(state, error, asked),
            Event::Start => {
                let asked = asked.map(|after| after.or_later(After::Again));
                to(state, Phase::Spawning { asked })
            }
            Event::Stop => give_up(state, asked_later(asked, After::Idle)),
            Event::Remove => give_up(state, asked_later(asked, After::Gone)),
            Event::Hold => give_up(state, asked_later(asked, After::Held)),
            Event::Restart => give_up(state, asked_later(asked, After::Again)),
            Event::Kill => (state, vec![Effect::AbortSpawn]),
            // A spawn under way is as fresh as a restart could make it.
            Event::Due => self.due(state, |_, _| None),
            Event::Release
            | Event::Retire
            | Event::Tick
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
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

    pub(super) fn starting(
        self,
        mut state: State,
        event: &Event,
        spawned_us: u64,
        check: StartCheck,
    ) -> Step {
        match *event {
            Event::Ready { .. } => self.is_ready(state, spawned_us),
            Event::Tick => match check {
                StartCheck::AliveAt { at_us } if self.us >= at_us => {
                    self.is_ready(state, spawned_us)
                }
                StartCheck::Probe { until_us: Some(until_us) } if self.us >= until_us => {
                    let after_us = until_us.saturating_sub(spawned_us);
                    let after = After::Unfit(Fault::Late { after_us });
                    self.halt(state, spawned_us, after)
                }
                StartCheck::AliveAt { .. } | StartCheck::Probe { .. } => (state, Vec::new()),
            },
            Event::Extend { us, .. } => {
                let check = match check {
                    StartCheck::Probe { until_us: Some(until_us) } => {
                        let until_us = self.extended(&mut state, until_us, us);
                        StartCheck::Probe { until_us: Some(until_us) }
                    }
                    StartCheck::AliveAt { .. } | StartCheck::Probe { until_us: None } => check,
                };
                to(state, Phase::Starting { spawned_us, check })
            }
            Event::Unfit { fault, .. } => self.unfit(state, spawned_us, fault),
            Event::Exited { ending, group, .. } => {
                let has_started = match check {
                    StartCheck::AliveAt { at_us } => self.us >= at_us,
                    StartCheck::Probe { .. } => false,
                };
                let (state, next) = if has_started {
                    self.ended(state, spawned_us, ending)
                } else {
                    self.failed(state.caused(ending, self.us.saturating_sub(spawned_us)))
                };
                self.sweep(state, group, next)
            }
            Event::Stop => self.halt(state, spawned_us, After::Idle),
            Event::Restart => self.halt(state, spawned_us, After::Again),
            Event::Remove => self.halt(state, spawned_us, After::Gone),
            Event::Hold => self.halt(state, spawned_us, After::Held),
            Event::Due => {
                self.due(state, |now, state| Some(now.halt(state, spawned_us, After::Again)))
            }
            Event::Kill => (state, vec![Effect::KillGroup]),
            Event::Start
            | Event::Release
            | Event::Retire
            | Event::HookDone { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Unready { .. }
            | Event::Heartbeat { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. }
            | Event::Swept { .. }
            | Event::Remain { .. } => (state, Vec::new()),
        }
    }

    pub(super) fn spawned(self, state: State) -> Step {
        if self.policy.kind == Kind::OneShot {
            return self.is_ready(state, self.us);
        }
        let check = match self.policy.readiness {
            Readiness::Alive if self.policy.start_us == 0 => return self.is_ready(state, self.us),
            Readiness::Alive => StartCheck::AliveAt { at_us: self.us + self.policy.start_us },
            Readiness::Probed => {
                let until_us = self.policy.start_timeout_us.map(|limit_us| self.us + limit_us);
                StartCheck::Probe { until_us }
            }
        };
        to(state, Phase::Starting { spawned_us: self.us, check })
    }

    pub(super) fn not_spawned(
        self,
        mut state: State,
        error: &SpawnError,
        asked: Option<After>,
    ) -> Step {
        let is_counted = !matches!(error, SpawnError::Busy(_));
        let is_hopeless = matches!(error, SpawnError::Hopeless(_));
        state.cause = Cause::Spawn { error: error.clone().into_text() };
        match asked {
            Some(After::Idle) => to(state.afresh(), Phase::Idle),
            Some(After::Gone) => to(state, Phase::Gone),
            Some(After::Held) => to(state, Phase::Held { until_us: self.us }),
            None | Some(After::Again | After::Unfit(_))
                if is_hopeless && self.policy.hopeless == Hopeless::GivenUp =>
            {
                state.fails = state.fails.saturating_add(1);
                let (state, next) = over(state, Next::GaveUp);
                self.go(state, next)
            }
            None | Some(After::Again | After::Unfit(_)) if is_counted => {
                let (state, next) = self.failed(state);
                self.go(state, next)
            }
            None | Some(After::Again | After::Unfit(_)) => {
                to(state, Phase::Delay { until_us: self.us + BUSY_PAUSE_US })
            }
        }
    }

    pub(super) fn is_ready(self, mut state: State, spawned_us: u64) -> Step {
        let stable_at_us = match self.policy.kind {
            Kind::Service => self.us + self.policy.stable_us(),
            // However long a job takes: its end says whether it failed once more.
            Kind::OneShot => NEVER_US,
        };
        state.old_at_us = self.policy.old_at_us(spawned_us, &mut state.dice);
        let phase = Phase::Ready { spawned_us, stable_at_us };
        let watchdog_at_us = self.watchdog_at_us();
        (State { phase, watchdog_at_us, ..state }, vec![Effect::Join])
    }
}

/// A spawn that has not answered is not to become a life.
fn give_up(state: State, after: After) -> Step {
    (State { phase: Phase::Spawning { asked: Some(after) }, ..state }, vec![Effect::AbortSpawn])
}
