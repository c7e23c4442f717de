//! An instance with a kernel that does what it is told, and policies to try it with.

use super::super::chronicle::{self, End};
use super::super::pause::{Backoff, Beyond, CrashLimit, Growth};
use super::super::policy::{
    Ending, Hook, Hooks, Hopeless, Kind, Needs, Overlap, Policy, Readiness, Restart, Serving, Stop,
    Together,
};
use super::super::state::{Shown, State};
use super::super::step::{Effect, Event, Group, SpawnError, Verdict, step};

pub(super) const SECOND: u64 = 1_000_000;

pub(super) fn policy() -> Policy {
    Policy {
        kind: Kind::Service,
        overlap: Overlap::Kill,
        max_age: None,
        restart: Restart::Unexpected,
        exit_codes: vec![0],
        exit_signals: Vec::new(),
        needs: Needs::Nothing,
        readiness: Readiness::Alive,
        start_timeout_us: None,
        extend_us_max: 3600 * SECOND,
        watchdog_us: None,
        serving: Serving::No,
        start_us: SECOND,
        hopeless: Hopeless::Retried,
        start_retries: Some(3),
        backoff: Backoff {
            initial_us: SECOND,
            max_us: 60 * SECOND,
            growth: Growth::Linear,
            jitter_percent: 0,
        },
        crash_limit: CrashLimit { restarts: 5, within_us: 10 * SECOND, then: Beyond::Pause },
        restart_delay_us: 0,
        stop: Stop { rungs_us: vec![10 * SECOND], command_us: 10 * SECOND },
        hooks: Hooks { all: Vec::new(), timeout_us: 30 * SECOND, stop_us: 0 },
        together: Together::Alone,
        on_fatal: None,
    }
}

pub(super) fn serving() -> Policy {
    Policy {
        readiness: Readiness::Probed,
        serving: Serving::Yes { drain_us: 30 * SECOND },
        ..policy()
    }
}

/// An instance with a kernel that does what it is told: spawns succeed unless told otherwise.
pub(super) struct Bench {
    pub(super) state: State,
    pub(super) policy: Policy,
    pub(super) now_us: u64,
    pub(super) spawn: Spawn,
    pub(super) seen: Vec<Effect>,
    pub(super) path: Vec<Shown>,
    /// What was told of it, as who follows its course hears it.
    pub(super) told: Vec<Shown>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Spawn {
    Works,
    /// Says nothing for the time being.
    IsLate,
    Fails,
    IsBusy,
    IsHopeless,
}

impl Bench {
    pub(super) fn new(policy: Policy) -> Self {
        let state = State::new();
        let path = vec![state.shown()];
        let (seen, told) = (Vec::new(), path.clone());
        Self { state, policy, now_us: 0, spawn: Spawn::Works, seen, path, told }
    }

    #[expect(clippy::needless_pass_by_value, reason = "cases read better without a reference")]
    pub(super) fn say(&mut self, event: Event) -> &mut Self {
        let life = self.state.life;
        let is_exit = matches!(event, Event::Exited { life: ended, .. } if ended == life);
        let fails = self.state.fails;
        let (state, effects) = step(self.state.clone(), &event, self.now_us, &self.policy);
        self.state = state;
        let end = if is_exit { End::of_exit(fails, &self.state) } else { End::No };
        let told = self.told.last().copied().expect("its first state was told");
        self.told.extend(chronicle::states(told, end, &self.state));
        if self.path.last() != Some(&self.state.shown()) {
            self.path.push(self.state.shown());
        }
        for effect in effects {
            self.seen.push(effect);
            if effect == Effect::Spawn {
                let life = self.state.life;
                self.say(match self.spawn {
                    Spawn::IsLate => continue,
                    Spawn::Works => Event::SpawnOk { life },
                    Spawn::Fails => {
                        Event::SpawnErr { life, error: SpawnError::Failed("no file".into()) }
                    }
                    Spawn::IsHopeless => {
                        Event::SpawnErr { life, error: SpawnError::Hopeless("no file".into()) }
                    }
                    Spawn::IsBusy => {
                        Event::SpawnErr { life, error: SpawnError::Busy("no process".into()) }
                    }
                });
            }
        }
        self
    }

    pub(super) fn exits(&mut self, ending: Ending) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Exited { life, ending, group: Group::Empty })
    }

    pub(super) fn leaves_behind(&mut self, ending: Ending) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Exited { life, ending, group: Group::LeftOvers })
    }

    /// The answer of a late spawn.
    pub(super) fn is_spawned(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::SpawnOk { life })
    }

    /// The same of one that has come to nothing.
    pub(super) fn is_not_spawned(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::SpawnErr { life, error: SpawnError::Busy("given up".into()) })
    }

    pub(super) fn is_ready(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Ready { life })
    }

    pub(super) fn is_drained(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Drained { life })
    }

    pub(super) fn is_done(&mut self, hook: Hook, verdict: Verdict) -> &mut Self {
        let life = self.state.life;
        self.say(Event::HookDone { life, hook, verdict })
    }

    pub(super) fn is_swept(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Swept { life })
    }

    pub(super) fn remains(&mut self) -> &mut Self {
        let life = self.state.life;
        self.say(Event::Remain { life })
    }

    pub(super) fn wait(&mut self, us: u64) -> &mut Self {
        self.now_us += us;
        self.say(Event::Tick)
    }

    /// Sleeps until the state's own deadline, as the master does.
    pub(super) fn wait_deadline(&mut self) -> &mut Self {
        self.now_us = self.state.deadline_us().expect("the state waits for an instant");
        self.say(Event::Tick)
    }

    pub(super) fn expect(&mut self, shown: Shown, effects: &[Effect]) -> &mut Self {
        assert_eq!((self.state.shown(), self.seen.as_slice()), (shown, effects));
        self.seen.clear();
        self
    }
}
