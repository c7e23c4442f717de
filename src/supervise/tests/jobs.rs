//! Jobs that end, runs that are due while the last one is not over, and instances that get too old.

use super::super::policy::{Ending, Kind, MaxAge, Overlap, Policy, Restart};
use super::super::state::{Phase, Shown};
use super::super::step::{Effect, Event, Turn};
use super::{Bench, SECOND, policy, serving};

fn job() -> Policy {
    Policy { kind: Kind::OneShot, ..policy() }
}

fn job_that(overlap: Overlap) -> Policy {
    Policy { overlap, ..job() }
}

#[test]
fn a_job_runs_at_once_and_its_good_end_is_no_failure_however_soon() {
    Bench::new(job())
        .say(Event::Start)
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join])
        .exits(Ending::Code(0))
        .expect(Shown::Exited, &[Effect::Leave]);
}

#[test]
fn a_failed_job_is_tried_again_with_pauses_however_long_it_ran() {
    let mut bench = Bench::new(Policy { start_retries: Some(2), ..job() });
    bench.say(Event::Start);
    let mut gaps = Vec::new();
    for _ in 0..2 {
        bench.now_us += 3_600 * SECOND;
        bench.say(Event::Tick).exits(Ending::Code(1));
        assert_eq!(bench.state.shown(), Shown::Backoff);
        let since_us = bench.now_us;
        bench.wait_deadline();
        gaps.push((bench.now_us - since_us) / SECOND);
        assert_eq!((bench.state.shown(), bench.state.deadline_us()), (Shown::Running, None));
    }
    bench.exits(Ending::Signal(9));
    assert_eq!((bench.state.shown(), gaps), (Shown::Fatal, vec![1, 2]));
    let mut bench = Bench::new(Policy { restart: Restart::Never, ..job() });
    bench.say(Event::Start).exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Exited, 0));
}

#[test]
fn a_run_that_is_due_starts_what_rests() {
    let mut bench = Bench::new(job());
    bench
        .say(Event::Due)
        .expect(Shown::Running, &[Effect::Due(Turn::Starts), Effect::Spawn, Effect::Join]);
    bench.exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 1));
    bench.say(Event::Due);
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Running, 0), "not the old try");
}

#[test]
fn runs_that_overlap_are_skipped_queued_or_replace_the_last() {
    let mut skips = Bench::new(job_that(Overlap::Skip));
    skips.say(Event::Due).say(Event::Due).exits(Ending::Code(0));
    assert!(skips.seen.contains(&Effect::Due(Turn::Skipped)));
    assert_eq!((skips.state.shown(), skips.state.life), (Shown::Exited, 1));

    let mut queues = Bench::new(job_that(Overlap::Queue));
    queues.say(Event::Due).say(Event::Due).say(Event::Due).exits(Ending::Code(0));
    assert_eq!((queues.state.shown(), queues.state.life), (Shown::Running, 2));
    queues.exits(Ending::Code(0));
    assert_eq!((queues.state.shown(), queues.state.life), (Shown::Exited, 2), "only one waits");

    let mut kills = Bench::new(job_that(Overlap::Kill));
    kills.say(Event::Due).say(Event::Due);
    assert_eq!(kills.seen[3..], [Effect::Due(Turn::Replaces), Effect::Terminate { rung: 0 }]);
    kills.exits(Ending::Signal(15));
    assert_eq!((kills.state.shown(), kills.state.life), (Shown::Running, 2));
}

#[test]
fn a_queued_run_comes_after_the_last_try_and_gets_every_try() {
    let mut bench = Bench::new(Policy { start_retries: Some(1), ..job_that(Overlap::Queue) });
    bench.say(Event::Due).say(Event::Due).exits(Ending::Code(1));
    assert_eq!(bench.state.shown(), Shown::Backoff);
    bench.wait_deadline().exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails, bench.state.life), (Shown::Running, 0, 3));
}

#[test]
fn a_stop_takes_the_queued_run_with_it() {
    let mut bench = Bench::new(job_that(Overlap::Queue));
    bench.say(Event::Due).say(Event::Due).say(Event::Stop).exits(Ending::Signal(15));
    assert_eq!(bench.state.shown(), Shown::Stopped);
    assert!(!bench.state.is_run_waiting);
}

#[test]
fn a_service_that_is_due_starts_anew_after_its_drain() {
    let mut bench = Bench::new(serving());
    bench.say(Event::Start).is_ready();
    bench.seen.clear();
    bench.say(Event::Due).expect(
        Shown::Stopping,
        &[Effect::Due(Turn::Replaces), Effect::Drain { until_us: 30 * SECOND }],
    );
    bench.is_drained().exits(Ending::Signal(15));
    assert_eq!((bench.state.shown(), bench.state.life), (Shown::Starting, 2));
}

#[test]
fn an_old_one_is_drained_and_started_anew() {
    let max_age = Some(MaxAge { after_us: 100 * SECOND, jitter_us: 0 });
    let mut bench = Bench::new(Policy { max_age, ..serving() });
    bench.say(Event::Start).wait(10 * SECOND).is_ready();
    assert_eq!(bench.state.deadline_us(), Some(100 * SECOND), "it counts from the spawn");
    bench.seen.clear();
    bench.wait_deadline();
    let until_us = 130 * SECOND;
    assert_eq!(bench.seen, [Effect::TooOld, Effect::Drain { until_us }]);
    bench.is_drained().exits(Ending::Code(0));
    assert!(matches!(bench.state.phase, Phase::Starting { .. }));
    bench.is_ready();
    assert_eq!(bench.state.deadline_us(), Some(200 * SECOND));
}

#[test]
fn ages_differ_by_their_jitter() {
    let max_age = Some(MaxAge { after_us: 100 * SECOND, jitter_us: 50 * SECOND });
    let mut bench = Bench::new(Policy { max_age, ..policy() });
    bench.say(Event::Start).wait_deadline();
    let mut ages = Vec::new();
    for _ in 0..20 {
        let spawned_us = bench.state.spawned_us().unwrap();
        bench.wait_deadline();
        ages.push(bench.now_us - spawned_us);
        bench.exits(Ending::Code(0)).wait_deadline();
    }
    assert!(ages.iter().all(|age_us| (100 * SECOND..=150 * SECOND).contains(age_us)));
    ages.dedup();
    assert!(ages.len() > 15);
}
