//! What must hold after any sequence of events, with a scripted clock and kernel.

use proptest::prelude::*;

use super::super::pause::{Backoff, Beyond, CrashLimit, Growth};
use super::super::policy::{
    Ending, Escalation, Hook, Hooks, Kind, MaxAge, Needs, Overlap, Policy, Restart, Stop, Together,
};
use super::super::state::{Fault, Phase, Shown};
use super::super::step::{Effect, Event, Group, Verdict};
use super::{Bench, SECOND, policy, serving};

#[derive(Clone, Debug)]
pub(super) enum Happening {
    Say(Event),
    Exit {
        ending: Ending,
        leaves_behind: bool,
    },
    Ready,
    Vital(Vital),
    Drained,
    Empty,
    Stale(u8),
    Pass {
        us: u64,
    },
    Deadline,
    /// The side command that the state waits for ends.
    Hook {
        verdict: Verdict,
    },
    /// As does one that it does not wait for.
    OtherHook {
        hook: Hook,
    },
    Retire,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Vital {
    Unready,
    Unfit,
    Heartbeat,
    NeedsMet,
    NeedsFailed,
}

pub(super) fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let operator = prop_oneof![
        4 => Just(Event::Start),
        2 => Just(Event::Stop),
        2 => Just(Event::Restart),
        1 => Just(Event::Hold),
        2 => Just(Event::Release),
        1 => Just(Event::Kill),
        2 => Just(Event::Due),
    ];
    let ending =
        prop_oneof![(0..3).prop_map(Ending::Code), Just(Ending::Signal(9)), Just(Ending::Unknown)];
    let vital = prop_oneof![
        2 => Just(Vital::Unready),
        1 => Just(Vital::Unfit),
        1 => Just(Vital::Heartbeat),
        3 => Just(Vital::NeedsMet),
        1 => Just(Vital::NeedsFailed),
    ];
    let verdict = prop_oneof![
        4 => Just(Verdict::Done),
        2 => Just(Verdict::Failed("exit 1".to_owned())),
        1 => Just(Verdict::Hopeless("exit 125".to_owned())),
    ];
    let happening = prop_oneof![
        4 => operator.prop_map(Happening::Say),
        4 => (ending, any::<bool>())
            .prop_map(|(ending, leaves_behind)| Happening::Exit { ending, leaves_behind }),
        3 => Just(Happening::Ready),
        6 => vital.prop_map(Happening::Vital),
        2 => Just(Happening::Drained),
        2 => Just(Happening::Empty),
        2 => any::<u8>().prop_map(Happening::Stale),
        3 => (0..20 * SECOND).prop_map(|us| Happening::Pass { us }),
        5 => Just(Happening::Deadline),
        4 => verdict.prop_map(|verdict| Happening::Hook { verdict }),
        1 => prop::sample::select(Hook::ALL.to_vec())
            .prop_map(|hook| Happening::OtherHook { hook }),
    ];
    prop::collection::vec(happening, 0..120)
}

fn vitals() -> impl Strategy<Value = (Needs, Option<u64>, Option<u64>)> {
    let needs = prop_oneof![Just(Needs::Nothing), Just(Needs::Others)];
    let limit = || prop::option::of((1..9u64).prop_map(|seconds| seconds * SECOND));
    (needs, limit(), limit())
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let restart = prop_oneof![
        Just(Restart::Never),
        Just(Restart::OnSuccess),
        Just(Restart::Unexpected),
        Just(Restart::OnAbort),
        Just(Restart::Always)
    ];
    let start_us = prop_oneof![Just(0), Just(SECOND)];
    let retries = prop_oneof![4 => (0..4u32).prop_map(Some), 1 => Just(None)];
    let on_fatal = prop_oneof![
        Just(None),
        Just(Some(Escalation::RestartGroup)),
        Just(Some(Escalation::Shutdown))
    ];
    let all = (pauses(), times(), vitals(), on_fatal);
    let hooks = prop::sample::subsequence(Hook::ALL.to_vec(), 0..=Hook::ALL.len());
    let together = prop_oneof![3 => Just(Together::Alone), 1 => Just(Together::WithGroup)];
    let stop = (0..3u64, 0..4usize, hooks, together);
    (restart, any::<bool>(), start_us, retries, stop, all).prop_map(
        |(restart, serves, start_us, start_retries, stop, (pauses, times, vitals, on_fatal))| {
            let (stop_s, rungs, hooks, together) = stop;
            Policy {
                restart,
                start_us,
                start_retries,
                backoff: pauses.0,
                crash_limit: pauses.1,
                kind: if serves { Kind::Service } else { times.0 },
                overlap: times.1,
                max_age: times.2,
                stop: Stop { rungs_us: vec![stop_s * SECOND; rungs], command_us: stop_s * SECOND },
                hooks: Hooks { all: hooks, timeout_us: SECOND, stop_us: 0 },
                together,
                needs: vitals.0,
                start_timeout_us: vitals.1,
                watchdog_us: vitals.2,
                on_fatal,
                ..if serves { serving() } else { policy() }
            }
        },
    )
}

fn times() -> impl Strategy<Value = (Kind, Overlap, Option<MaxAge>)> {
    let overlap = prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Kill)];
    let age = (0..100 * SECOND).prop_map(|us| MaxAge { after_us: us, jitter_us: us / 10 });
    let kind = prop_oneof![Just(Kind::Service), Just(Kind::OneShot)];
    (kind, overlap, prop::option::of(age))
}

fn pauses() -> impl Strategy<Value = (Backoff, CrashLimit)> {
    let growth = prop_oneof![
        Just(Growth::Linear),
        (100..400u32).prop_map(|factor_hundredths| Growth::Exponential { factor_hundredths }),
    ];
    let then = prop_oneof![Just(Beyond::Pause), Just(Beyond::Fail)];
    (growth, 0..=100u32, 0..4u32, then).prop_map(|(growth, jitter_percent, restarts, then)| {
        let (initial_us, max_us) = (SECOND, 5 * SECOND);
        (
            Backoff { initial_us, max_us, growth, jitter_percent },
            CrashLimit { restarts, within_us: 10 * SECOND, then },
        )
    })
}

/// A kernel and a balancer with an opinion: they fail the test when they are told nonsense.
#[expect(clippy::struct_excessive_bools, reason = "independent facts that are only asserted")]
pub(super) struct World {
    pub(super) bench: Bench,
    is_alive: bool,
    has_left_overs: bool,
    is_member: bool,
    /// Since the last operator's word was `Stop`.
    is_wanted: bool,
    terminated_us: Option<u64>,
    was_kill_asked: bool,
    is_killing: bool,
    effects_checked: usize,
    escalations: usize,
}

impl World {
    fn new(policy: Policy, start_us: u64) -> Self {
        let mut bench = Bench::new(policy);
        bench.now_us = start_us;
        Self {
            bench,
            is_alive: false,
            has_left_overs: false,
            is_member: false,
            is_wanted: false,
            terminated_us: None,
            was_kill_asked: false,
            is_killing: false,
            effects_checked: 0,
            escalations: 0,
        }
    }

    fn live(&mut self, happening: &Happening) {
        match happening.clone() {
            Happening::Say(event) => self.say(event),
            Happening::Exit { ending, leaves_behind } if self.is_alive => {
                self.is_alive = false;
                self.has_left_overs = leaves_behind;
                if leaves_behind {
                    self.bench.leaves_behind(ending);
                } else {
                    self.bench.exits(ending);
                }
            }
            Happening::Empty if self.has_left_overs => {
                self.has_left_overs = false;
                self.bench.is_swept();
            }
            Happening::Ready => {
                self.bench.is_ready();
            }
            Happening::Vital(event) => {
                let life = self.bench.state.life;
                self.bench.say(match event {
                    Vital::Unready => Event::Unready { life },
                    Vital::Unfit => Event::Unfit { life, fault: Fault::Liveness },
                    Vital::Heartbeat => Event::Heartbeat { life },
                    Vital::NeedsMet => Event::NeedsMet,
                    Vital::NeedsFailed => Event::NeedsFailed { error: "it failed".to_owned() },
                });
            }
            Happening::Drained => {
                self.bench.is_drained();
            }
            Happening::Hook { verdict } => {
                if let Some(hook) = self.bench.state.hook() {
                    self.bench.is_done(hook, verdict);
                }
            }
            Happening::OtherHook { hook } if self.bench.state.hook() != Some(hook) => {
                let before = self.bench.state.clone();
                self.bench.is_done(hook, Verdict::Done);
                assert_eq!(self.bench.state, before);
            }
            Happening::Retire => {
                self.bench.say(Event::Retire);
                self.is_wanted = false;
            }
            Happening::Stale(back) => self.stale(back),
            Happening::Pass { us } => {
                self.bench.wait(us);
            }
            Happening::Deadline if self.bench.state.deadline_us().is_some() => {
                let deadline_us = self.bench.state.deadline_us().unwrap();
                self.bench.wait(deadline_us.saturating_sub(self.bench.now_us));
            }
            Happening::Exit { .. }
            | Happening::Empty
            | Happening::Deadline
            | Happening::OtherHook { .. } => {}
        }
        self.check();
    }

    fn say(&mut self, event: Event) {
        match &event {
            Event::Start | Event::Restart => self.is_wanted = true,
            Event::Stop => self.is_wanted = false,
            Event::Kill => self.was_kill_asked = true,
            // The master says it only of what should be up.
            Event::Due if !self.is_wanted => return,
            Event::Hold if !self.is_wanted && self.bench.state.phase == Phase::GaveUp => return,
            Event::Due | Event::Hold | Event::Release => {}
            Event::Remove
            | Event::Tick
            | Event::SpawnOk { .. }
            | Event::SpawnErr { .. }
            | Event::Exited { .. }
            | Event::NeedsMet
            | Event::NeedsFailed { .. }
            | Event::Ready { .. }
            | Event::Unready { .. }
            | Event::Unfit { .. }
            | Event::Heartbeat { .. }
            | Event::Extend { .. }
            | Event::Reloading { .. }
            | Event::Drained { .. }
            | Event::HookDone { .. }
            | Event::Retire
            | Event::Swept { .. }
            | Event::Remain { .. } => unreachable!("not an operator's word: {event:?}"),
        }
        self.bench.say(event);
    }

    /// Whatever is reported about an earlier life changes nothing.
    fn stale(&mut self, back: u8) {
        let Some(life) = self.bench.state.life.checked_sub(1 + u32::from(back)) else { return };
        let before = self.bench.state.clone();
        let ending = Ending::Code(1);
        self.bench.say(Event::Exited { life, ending, group: Group::Empty });
        self.bench.say(Event::Ready { life }).say(Event::Drained { life });
        self.bench.say(Event::Swept { life }).say(Event::Remain { life });
        self.bench.say(Event::SpawnOk { life });
        assert_eq!(self.bench.state, before);
    }

    fn check(&mut self) {
        let effects = self.bench.seen[self.effects_checked..].to_vec();
        self.effects_checked = self.bench.seen.len();
        for effect in effects {
            self.obey(effect);
        }
        let state = &self.bench.state;
        assert_eq!(self.is_alive, state.spawned_us().is_some(), "{state:?}");
        if !self.is_alive {
            assert!(!self.is_member, "{state:?}");
        }
        if matches!(state.phase, Phase::Ready { .. }) && !self.was_kill_asked {
            assert!(self.is_member, "{state:?}");
        }
        let tries = self.bench.policy.start_retries.map_or(u32::MAX, |retries| retries + 1);
        assert!(state.fails <= tries);
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Spawn => {
                assert!(!self.is_alive, "two main processes");
                assert!(!self.has_left_overs, "spawned beside left-overs");
                assert!(self.is_wanted, "spawned after a stop");
                self.is_alive = true;
                self.terminated_us = None;
                self.is_killing = false;
                self.was_kill_asked = false;
            }
            Effect::AbortSpawn => unreachable!("each spawn answers at once here"),
            Effect::Join => {
                assert!(self.is_alive);
                self.is_member = true;
            }
            Effect::Drain { until_us } => {
                assert!(self.is_alive && until_us >= self.bench.now_us);
            }
            Effect::Shut | Effect::Leave => self.is_member = false,
            Effect::Abort => {
                assert!(self.is_alive, "a signal to nobody");
                self.terminated_us = Some(self.bench.now_us);
            }
            Effect::Terminate { rung } => {
                assert!(self.is_alive, "a signal to nobody");
                self.is_due(usize::from(rung));
                self.terminated_us = Some(self.bench.now_us);
            }
            Effect::Run { hook } => {
                assert!(self.bench.policy.has(hook));
                assert_eq!(self.is_alive, matches!(hook, Hook::PreStop | Hook::StopCommand));
                assert!(hook != Hook::PreStart || self.is_wanted, "begun after a stop");
            }
            Effect::KillGroup => {
                assert!(self.is_alive, "a signal to nobody");
                if !self.was_kill_asked && !self.is_killing {
                    self.is_due(self.bench.policy.stop.rungs_us.len());
                }
                self.is_killing = true;
            }
            Effect::Unkillable | Effect::TooOld | Effect::ReloadLate => assert!(self.is_alive),
            Effect::Escalate(_) => {
                assert_eq!(self.bench.state.phase, Phase::GaveUp);
                self.escalations += 1;
            }
            Effect::Due(_) => assert!(self.is_wanted, "a run of what was stopped"),
            Effect::LookForLeftOvers => {
                let life = self.bench.state.life;
                let found = if self.has_left_overs {
                    Event::Remain { life }
                } else {
                    Event::Swept { life }
                };
                self.bench.say(found);
            }
            Effect::TerminateLeftOvers | Effect::KillLeftOvers | Effect::LeftOversRemain => {
                assert!(!self.is_alive, "the main process is signalled by other effects");
            }
        }
    }

    /// No step of a stop comes before the one below has had its time.
    fn is_due(&self, rung: usize) {
        let policy = &self.bench.policy;
        let Some(below) = rung.checked_sub(1) else { return };
        let waited_us = self.terminated_us.map(|sent_us| self.bench.now_us - sent_us);
        let wait_us = policy.stop.rungs_us[below];
        // Without a first signal its command took its place, and was given as long.
        let is_due = match waited_us {
            Some(waited_us) => waited_us >= wait_us,
            None => below == 0 && policy.has(Hook::StopCommand),
        };
        assert!(is_due, "step {rung} before its time");
    }

    pub(super) fn run(policy: &Policy, happenings: &[Happening], start_us: u64) -> Self {
        let mut world = Self::new(policy.clone(), start_us);
        for happening in happenings {
            world.live(happening);
        }
        world
    }
}

fn is_edge(from: Shown, to: Shown) -> bool {
    let to_all: &[Shown] = match from {
        Shown::Stopped | Shown::Exited | Shown::Fatal => {
            &[Shown::Starting, Shown::Running, Shown::Backoff, Shown::Fatal]
        }
        Shown::Starting => &[
            Shown::Running,
            Shown::Backoff,
            Shown::Fatal,
            Shown::Stopping,
            Shown::Exited,
            Shown::Stopped,
        ],
        Shown::Running => {
            &[Shown::Starting, Shown::Backoff, Shown::Fatal, Shown::Stopping, Shown::Exited]
        }
        Shown::Backoff => &[Shown::Starting, Shown::Running, Shown::Fatal, Shown::Stopped],
        Shown::Stopping => &[
            Shown::Stopped,
            Shown::Starting,
            Shown::Running,
            Shown::Backoff,
            Shown::Exited,
            Shown::Fatal,
        ],
    };
    to_all.contains(&to)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_invariants_hold(policy in policies(), happenings in happenings()) {
        let world = World::run(&policy, &happenings, 7 * SECOND);
        for pair in world.bench.path.windows(2) {
            prop_assert!(is_edge(pair[0], pair[1]), "{:?}", pair);
        }
        let fatal = world.bench.path.iter().filter(|shown| **shown == Shown::Fatal).count();
        let told = if policy.on_fatal.is_some() { fatal } else { 0 };
        prop_assert_eq!(world.escalations, told, "who gives up is told once");
    }

    #[test]
    fn only_differences_of_time_matter(
        policy in policies(), happenings in happenings(), shift_us in 0..u64::MAX / 4
    ) {
        let here = World::run(&policy, &happenings, 0);
        let there = World::run(&policy, &happenings, shift_us);
        prop_assert_eq!(&here.bench.path, &there.bench.path);
        prop_assert_eq!(here.bench.state.life, there.bench.state.life);
    }

    #[test]
    fn a_stop_always_ends_in_stopped(policy in policies(), happenings in happenings()) {
        let mut world = World::run(&policy, &happenings, 0);
        world.live(&Happening::Say(Event::Stop));
        let bound_us = world.bench.now_us + 30 * SECOND + policy.stop_us() + 3 * SECOND;
        while world.bench.state.shown() == Shown::Stopping {
            // The program ends by SIGKILL only.
            if world.bench.seen.contains(&Effect::KillGroup) || world.has_left_overs {
                world.live(&Happening::Exit { ending: Ending::Signal(9), leaves_behind: false });
                world.live(&Happening::Empty);
            }
            world.live(&Happening::Hook { verdict: Verdict::Failed("not done".to_owned()) });
            world.live(&Happening::Deadline);
        }
        prop_assert!(world.bench.now_us <= bound_us);
        let shown = world.bench.state.shown();
        prop_assert!(matches!(shown, Shown::Stopped | Shown::Exited | Shown::Fatal), "{:?}", shown);
    }

    /// Invariant 10: no spawn after the end of the engine began.
    #[test]
    fn nothing_lives_again_once_the_engine_ends(
        policy in policies(), before in happenings(), after in happenings()
    ) {
        let mut world = World::run(&policy, &before, 0);
        world.live(&Happening::Retire);
        let life = world.bench.state.life;
        for happening in &after {
            world.live(happening);
            // Only the master speaks now, and it never says start; if it did, nothing would follow.
            world.is_wanted = false;
        }
        let is_alike = world.bench.state.life == life;
        prop_assert!(is_alike, "life {} after {life}", world.bench.state.life);
    }
}
