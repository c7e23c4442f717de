//! Spawns that do not succeed: what is counted, and what is tried again.

use super::super::policy::Hopeless;
use super::*;

#[test]
fn a_spawn_error_counts_and_a_busy_machine_does_not() {
    let mut bench = Bench::new(policy());
    bench.spawn = Spawn::Fails;
    bench.say(Event::Start);
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 1));

    let mut bench = Bench::new(policy());
    bench.spawn = Spawn::IsBusy;
    bench.say(Event::Start);
    for _ in 0..100 {
        assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 0));
        bench.wait_deadline();
    }
    bench.spawn = Spawn::Works;
    bench.wait_deadline();
    assert_eq!(bench.state.shown(), Shown::Starting);
}

#[test]
fn what_would_fail_again_is_tried_again_unless_it_is_to_be_given_up() {
    for (hopeless, shown) in
        [(Hopeless::Retried, Shown::Backoff), (Hopeless::GivenUp, Shown::Fatal)]
    {
        let mut bench = Bench::new(Policy { hopeless, ..policy() });
        bench.spawn = Spawn::IsHopeless;
        bench.say(Event::Start);
        assert_eq!((bench.state.shown(), bench.state.fails), (shown, 1));
        bench.spawn = Spawn::Works;
        bench.say(Event::Start);
        assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Starting, 0));
    }
}

fn late() -> Bench {
    let mut bench = Bench::new(policy());
    bench.spawn = Spawn::IsLate;
    bench.say(Event::Start).expect(Shown::Starting, &[Effect::Spawn]);
    bench
}

#[test]
fn a_spawn_that_takes_its_time_is_awaited_however_long() {
    let mut bench = late();
    bench.wait(1000 * SECOND).expect(Shown::Starting, &[]);
    bench.say(Event::Start).expect(Shown::Starting, &[]);
    bench.is_spawned().expect(Shown::Starting, &[]);
    bench.wait_deadline().expect(Shown::Running, &[Effect::Join]);
}

#[test]
fn one_that_is_not_wanted_any_more_is_ended_whether_or_not_it_comes_to_something() {
    let terminated = [Effect::Terminate { rung: 0 }];
    let mut bench = late();
    bench.say(Event::Stop).expect(Shown::Stopping, &[Effect::AbortSpawn]);
    bench.is_spawned().expect(Shown::Stopping, &terminated);
    bench.exits(Ending::Signal(9)).expect(Shown::Stopped, &[Effect::Leave]);

    late().say(Event::Stop).is_not_spawned().expect(Shown::Stopped, &[Effect::AbortSpawn]);
    // What is said later holds.
    let mut bench = late();
    bench.say(Event::Stop).say(Event::Restart).is_spawned();
    assert!(bench.seen.ends_with(&terminated), "{:?}", bench.seen);
    bench.exits(Ending::Signal(9));
    assert_eq!((bench.state.shown(), bench.state.life), (Shown::Starting, 2));

    // Killed, it is a failed start.
    let mut bench = late();
    bench.say(Event::Kill).expect(Shown::Starting, &[Effect::AbortSpawn]);
    bench.is_spawned().exits(Ending::Signal(9)).expect(Shown::Backoff, &[]);
    assert_eq!(bench.state.fails, 1);
}
