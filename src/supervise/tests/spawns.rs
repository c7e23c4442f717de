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
