//! Lives that wait for their group.

use super::super::policy::Together;
use super::*;

#[test]
fn with_its_group_the_next_life_waits_for_it() {
    let mut bench = Bench::new(Policy { together: Together::WithGroup, ..policy() });
    bench.say(Event::Start).wait_deadline();
    bench.seen.clear();
    bench
        .exits(Ending::Signal(9))
        .wait(3600 * SECOND)
        .expect(Shown::Backoff, &[Effect::Leave])
        .say(Event::Release)
        .expect(Shown::Starting, &[Effect::Spawn]);
}

#[test]
fn the_others_stop_and_wait() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline();
    bench.seen.clear();
    bench
        .say(Event::Hold)
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }])
        .exits(Ending::Signal(15))
        .expect(Shown::Backoff, &[Effect::Leave])
        .say(Event::Release)
        .expect(Shown::Starting, &[Effect::Spawn]);
}

#[test]
fn who_was_stopped_meanwhile_stays_so() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline().say(Event::Hold).say(Event::Stop);
    bench.exits(Ending::Signal(15)).say(Event::Release);
    assert_eq!(bench.state.shown(), Shown::Stopped);
    bench.say(Event::Hold).say(Event::Release);
    assert_eq!(bench.state.shown(), Shown::Stopped);
}
