//! Ladders of signals and side commands.

use super::super::policy::{Hook, Hooks};
use super::super::step::Verdict;
use super::*;

const KILLS: [Effect; 1] = [Effect::KillGroup];

fn with(hooks: &[Hook]) -> Policy {
    Policy { hooks: Hooks { all: hooks.to_vec(), timeout_us: SECOND, stop_us: 0 }, ..policy() }
}

fn failed() -> Verdict {
    Verdict::Failed("exit 1".to_owned())
}

#[test]
fn a_ladder_is_climbed_step_by_step() {
    let stop = Stop { rungs_us: vec![10 * SECOND, 5 * SECOND], command_us: SECOND };
    let mut bench = Bench::new(Policy { stop, ..policy() });
    bench.say(Event::Start).wait_deadline().say(Event::Stop);
    bench.seen.clear();
    bench
        .wait(10 * SECOND - 1)
        .expect(Shown::Stopping, &[])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 1 }])
        .wait(5 * SECOND - 1)
        .expect(Shown::Stopping, &[])
        .wait(1)
        .expect(Shown::Stopping, &KILLS);
}

#[test]
fn without_signals_a_stop_is_a_kill() {
    let stop = Stop { rungs_us: Vec::new(), command_us: SECOND };
    let mut bench = Bench::new(Policy { stop, ..policy() });
    bench.say(Event::Start).wait_deadline();
    bench.seen.clear();
    bench.say(Event::Stop).expect(Shown::Stopping, &KILLS);
}

#[test]
fn nothing_is_spawned_before_pre_start_has_succeeded() {
    let hook = Hook::PreStart;
    let mut bench = Bench::new(with(&[hook]));
    bench.say(Event::Start).expect(Shown::Starting, &[Effect::Run { hook }]);
    bench.is_done(hook, Verdict::Done).expect(Shown::Starting, &[Effect::Spawn]);

    let mut bench = Bench::new(with(&[hook]));
    bench.say(Event::Start).is_done(hook, failed());
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 1));
    bench
        .wait_deadline()
        .say(Event::Stop)
        .expect(Shown::Stopped, &[Effect::Run { hook }, Effect::Run { hook }]);
    bench.is_done(hook, Verdict::Done).expect(Shown::Stopped, &[]);
}

#[test]
fn a_stop_goes_through_its_commands_to_its_signals() {
    let mut bench = Bench::new(with(&[Hook::PreStop, Hook::StopCommand]));
    bench.say(Event::Start).wait_deadline();
    bench.seen.clear();
    bench
        .say(Event::Stop)
        .expect(Shown::Stopping, &[Effect::Run { hook: Hook::PreStop }])
        .is_done(Hook::PreStop, failed())
        .expect(Shown::Stopping, &[Effect::Run { hook: Hook::StopCommand }])
        .is_done(Hook::StopCommand, failed())
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }]);
}

#[test]
fn a_stop_command_stands_for_the_first_signal() {
    let mut bench = Bench::new(with(&[Hook::StopCommand]));
    bench.say(Event::Start).wait_deadline().say(Event::Stop);
    bench.seen.clear();
    bench
        .is_done(Hook::StopCommand, Verdict::Done)
        .wait(10 * SECOND - 1)
        .expect(Shown::Stopping, &[])
        .wait(1)
        .expect(Shown::Stopping, &KILLS);
}

#[test]
fn post_stop_comes_before_the_next_life_and_may_forbid_it() {
    let hook = Hook::PostStop;
    let cases = [
        (Verdict::Done, Shown::Starting),
        (failed(), Shown::Starting),
        (Verdict::Hopeless("exit 125".to_owned()), Shown::Fatal),
    ];
    for (verdict, shown) in cases {
        let mut bench = Bench::new(with(&[hook]));
        bench.say(Event::Start).wait_deadline();
        bench.seen.clear();
        bench
            .exits(Ending::Signal(9))
            .expect(Shown::Stopping, &[Effect::Leave, Effect::Run { hook }])
            .is_done(hook, verdict.clone());
        assert_eq!(bench.state.shown(), shown, "{verdict:?}");
    }
    let mut bench = Bench::new(with(&[hook]));
    bench.say(Event::Start).wait_deadline().exits(Ending::Signal(9)).say(Event::Stop);
    bench.is_done(hook, Verdict::Done);
    assert_eq!(bench.state.shown(), Shown::Stopped);
}

#[test]
fn stop_sends_the_signal_then_kills_the_group_until_it_is_gone() {
    Bench::new(policy())
        .say(Event::Start)
        .wait_deadline()
        .say(Event::Stop)
        .expect(Shown::Stopping, &[Effect::Spawn, Effect::Join, Effect::Terminate { rung: 0 }])
        .wait(10 * SECOND - 1)
        .expect(Shown::Stopping, &[])
        .wait(1)
        .expect(Shown::Stopping, &[Effect::KillGroup])
        .wait(SECOND)
        .expect(Shown::Stopping, &[Effect::KillGroup])
        .wait(2 * SECOND)
        .expect(Shown::Stopping, &[Effect::KillGroup, Effect::Unkillable])
        .exits(Ending::Signal(9))
        .expect(Shown::Stopped, &[Effect::Leave]);
}
