//! Waiting for others, readiness that comes late or goes, and what is found unfit.

use super::super::policy::Ending;
use super::super::policy::{Needs, Policy, Restart};
use super::super::state::{Cause, Fault, Phase, Shown};
use super::super::step::{Effect, Event};
use super::{Bench, SECOND, policy, serving};

impl Bench {
    fn of_life(&mut self, event: impl Fn(u32) -> Event) -> &mut Self {
        let life = self.state.life;
        self.say(event(life))
    }

    fn is_unfit(&mut self, fault: Fault) -> &mut Self {
        self.of_life(|life| Event::Unfit { life, fault })
    }
}

fn limited() -> Policy {
    Policy { start_timeout_us: Some(60 * SECOND), ..serving() }
}

fn watched() -> Policy {
    Policy { watchdog_us: Some(30 * SECOND), ..serving() }
}

#[test]
fn a_start_that_is_late_has_failed() {
    let mut bench = Bench::new(limited());
    bench
        .say(Event::Start)
        .wait(60 * SECOND - 1)
        .expect(Shown::Starting, &[Effect::Spawn])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }])
        .exits(Ending::Signal(15))
        .expect(Shown::Backoff, &[Effect::Leave]);
    let fault = Some(Fault::Late { after_us: 60 * SECOND });
    let (ending, lived_us) = (Ending::Signal(15), 60 * SECOND);
    assert_eq!(bench.state.cause, Cause::Exit { ending, lived_us, fault });
    assert_eq!(bench.state.fails, 1);
}

#[test]
fn a_start_may_ask_for_more_time_and_a_stop_ends_it_for_good() {
    let mut bench = Bench::new(limited());
    bench
        .say(Event::Start)
        .wait(59 * SECOND)
        .of_life(|life| Event::Extend { life, us: 10 * SECOND })
        .wait(10 * SECOND - 1)
        .expect(Shown::Starting, &[Effect::Spawn])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }])
        .say(Event::Stop)
        .exits(Ending::Signal(15))
        .expect(Shown::Stopped, &[Effect::Leave]);
    assert_eq!(bench.state.fails, 0);
}

#[test]
fn what_is_not_ready_any_more_leaves_and_joins_again() {
    Bench::new(serving())
        .say(Event::Start)
        .is_ready()
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join])
        .of_life(|life| Event::Unready { life })
        .expect(Shown::Running, &[Effect::Shut])
        .of_life(|life| Event::Unready { life })
        .expect(Shown::Running, &[])
        .is_ready()
        .expect(Shown::Running, &[Effect::Join])
        .is_ready()
        .expect(Shown::Running, &[]);
}

#[test]
fn who_is_not_ready_any_more_is_drained_before_it_is_stopped() {
    let unready = || {
        let mut bench = Bench::new(serving());
        bench.say(Event::Start).is_ready().of_life(|life| Event::Unready { life });
        bench.seen.clear();
        bench
    };
    let until_us = 30 * SECOND;
    unready()
        .say(Event::Stop)
        .expect(Shown::Stopping, &[Effect::Drain { until_us }])
        .is_drained()
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }])
        .exits(Ending::Signal(15))
        .expect(Shown::Stopped, &[Effect::Leave]);
    unready().say(Event::Kill).expect(Shown::Running, &[Effect::Leave, Effect::KillGroup]);
    unready().exits(Ending::Code(0)).expect(Shown::Exited, &[Effect::Leave]);
}

#[test]
fn an_unfit_one_is_drained_and_the_policy_decides() {
    let cases = [(Restart::Never, Shown::Exited), (Restart::Unexpected, Shown::Starting)];
    for (restart, shown) in cases {
        let mut bench = Bench::new(Policy { restart, ..serving() });
        bench.say(Event::Start).is_ready().is_unfit(Fault::Liveness);
        assert!(matches!(bench.seen.last(), Some(Effect::Drain { .. })), "{:?}", bench.seen);
        bench.is_drained().exits(Ending::Code(0));
        assert_eq!(bench.state.shown(), shown, "{restart:?}");
    }
}

#[test]
fn one_that_is_unfit_again_and_again_is_no_hot_loop() {
    let mut bench = Bench::new(Policy { start_us: 0, ..policy() });
    bench.say(Event::Start);
    for _ in 0..5 {
        bench.is_unfit(Fault::Liveness).exits(Ending::Code(0));
        assert_eq!(bench.state.shown(), Shown::Running);
    }
    bench.is_unfit(Fault::Liveness).exits(Ending::Code(0));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 0));
}

#[test]
fn a_silent_one_is_aborted_after_its_time_and_a_heartbeat_gives_it_another() {
    Bench::new(watched())
        .say(Event::Start)
        .wait(3600 * SECOND)
        .is_ready()
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join])
        .wait(29 * SECOND)
        .of_life(|life| Event::Heartbeat { life })
        .wait(30 * SECOND - 1)
        .expect(Shown::Running, &[])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::Leave, Effect::Abort])
        .wait(10 * SECOND)
        .expect(Shown::Stopping, &[Effect::KillGroup])
        .exits(Ending::Signal(6))
        .expect(Shown::Starting, &[Effect::Leave, Effect::Spawn]);
}

fn needing() -> Policy {
    Policy { needs: Needs::Others, ..policy() }
}

#[test]
fn a_start_waits_for_what_it_needs() {
    Bench::new(needing())
        .say(Event::Start)
        .wait(3600 * SECOND)
        .say(Event::Start)
        .expect(Shown::Starting, &[])
        .say(Event::NeedsMet)
        .expect(Shown::Starting, &[Effect::Spawn])
        .wait_deadline()
        .exits(Ending::Signal(9))
        .expect(Shown::Starting, &[Effect::Join, Effect::Leave, Effect::Spawn]);
}

#[test]
fn a_stop_cancels_the_wait_and_a_failure_ends_it() {
    let mut bench = Bench::new(needing());
    bench.say(Event::Start).say(Event::Stop).say(Event::NeedsMet).expect(Shown::Stopped, &[]);
    bench.say(Event::Start).say(Event::NeedsFailed { error: "db is FATAL".into() });
    bench.say(Event::NeedsMet).expect(Shown::Fatal, &[]);
    assert_eq!(bench.state.cause, Cause::Spawn { error: "db is FATAL".to_owned() });
    assert_eq!(bench.state.phase, Phase::GaveUp);
    bench.say(Event::Start).expect(Shown::Starting, &[]);
}

#[test]
fn a_stop_may_ask_for_more_time_within_what_one_life_may() {
    let policy = Policy { extend_us_max: 25 * SECOND, ..policy() };
    let mut bench = Bench::new(policy);
    bench.say(Event::Start).wait_deadline().say(Event::Stop);
    bench.seen.clear();
    bench
        .wait(9 * SECOND)
        .of_life(|life| Event::Extend { life, us: 20 * SECOND })
        .wait(20 * SECOND - 1)
        .of_life(|life| Event::Extend { life, us: 600 * SECOND })
        .wait(6 * SECOND)
        .expect(Shown::Stopping, &[])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::KillGroup])
        .of_life(|life| Event::Extend { life, us: 600 * SECOND })
        .wait(SECOND)
        .expect(Shown::Stopping, &[Effect::KillGroup]);
}

#[test]
fn a_reload_that_takes_too_long_is_told_once() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline();
    bench.seen.clear();
    bench
        .of_life(|life| Event::Reloading { life })
        .wait(29 * SECOND)
        .is_ready()
        .wait(3600 * SECOND)
        .expect(Shown::Running, &[])
        .of_life(|life| Event::Reloading { life })
        .of_life(|life| Event::Extend { life, us: 60 * SECOND })
        .wait(60 * SECOND - 1)
        .expect(Shown::Running, &[])
        .wait(1)
        .wait(3600 * SECOND)
        .expect(Shown::Running, &[Effect::ReloadLate]);
}
