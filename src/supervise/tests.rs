//! The table of the steps as cases, each a line of what is said and what must follow.

mod bench;
mod commands;
mod escalation;
mod events;
mod groups;
mod invariants;
mod jobs;
mod pauses;
mod spawns;
mod vitals;

use super::pause::{Beyond, CrashLimit};
use super::policy::{Ending, Policy, Restart, Stop};
use super::state::{Phase, Shown};
use super::step::{Effect, Event};
use bench::{Bench, SECOND, Spawn, policy, serving};

#[test]
fn a_start_counts_as_running_after_start_seconds() {
    Bench::new(policy())
        .say(Event::Start)
        .expect(Shown::Starting, &[Effect::Spawn])
        .wait(SECOND - 1)
        .expect(Shown::Starting, &[])
        .wait(1)
        .expect(Shown::Running, &[Effect::Join]);
}

#[test]
fn without_start_seconds_it_runs_at_once() {
    Bench::new(Policy { start_us: 0, ..policy() })
        .say(Event::Start)
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join]);
}

#[test]
fn a_probed_one_waits_for_its_probe_however_long() {
    Bench::new(serving())
        .say(Event::Start)
        .wait(3600 * SECOND)
        .expect(Shown::Starting, &[Effect::Spawn])
        .is_ready()
        .expect(Shown::Running, &[Effect::Join]);
}

#[test]
fn a_killed_one_is_spawned_in_the_same_step() {
    Bench::new(policy())
        .say(Event::Start)
        .wait_deadline()
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join])
        .exits(Ending::Signal(9))
        .expect(Shown::Starting, &[Effect::Leave, Effect::Spawn]);
}

#[test]
fn the_restart_policy_decides_after_running() {
    let cases = [
        (Restart::Never, Ending::Code(1), Shown::Exited),
        (Restart::Never, Ending::Signal(9), Shown::Exited),
        (Restart::Unexpected, Ending::Code(0), Shown::Exited),
        (Restart::Unexpected, Ending::Code(1), Shown::Starting),
        (Restart::Unexpected, Ending::Signal(15), Shown::Starting),
        (Restart::Unexpected, Ending::Unknown, Shown::Starting),
        (Restart::Unexpected, Ending::Signal(2), Shown::Exited),
        (Restart::OnSuccess, Ending::Code(0), Shown::Starting),
        (Restart::OnSuccess, Ending::Signal(2), Shown::Starting),
        (Restart::OnSuccess, Ending::Code(1), Shown::Exited),
        (Restart::OnSuccess, Ending::Signal(9), Shown::Exited),
        (Restart::OnAbnormal, Ending::Code(1), Shown::Exited),
        (Restart::OnAbnormal, Ending::Signal(11), Shown::Starting),
        (Restart::OnAbnormal, Ending::Signal(2), Shown::Exited),
        (Restart::OnAbnormal, Ending::Unknown, Shown::Starting),
        (Restart::OnAbort, Ending::Code(1), Shown::Exited),
        (Restart::OnAbort, Ending::Signal(6), Shown::Starting),
        (Restart::OnAbort, Ending::Signal(2), Shown::Exited),
        (Restart::OnAbort, Ending::Unknown, Shown::Exited),
        (Restart::Always, Ending::Code(0), Shown::Starting),
    ];
    for (restart, ending, shown) in cases {
        let mut bench = Bench::new(Policy { restart, exit_signals: vec![2], ..policy() });
        bench.say(Event::Start).wait_deadline().exits(ending);
        assert_eq!(bench.state.shown(), shown, "{restart:?} {ending:?}");
    }
}

#[test]
fn a_dead_child_is_never_promoted() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).exits(Ending::Code(1)).wait(SECOND / 2);
    assert_eq!(bench.path, [Shown::Stopped, Shown::Starting, Shown::Backoff]);
    assert_eq!(bench.state.fails, 1);
}

#[test]
fn early_exits_give_up_after_one_more_than_the_retries_with_growing_pauses() {
    for retries in 0..=6 {
        let mut bench = Bench::new(Policy { start_retries: Some(retries), ..policy() });
        let mut spawns_us = vec![0];
        bench.say(Event::Start).exits(Ending::Code(1));
        while bench.state.shown() == Shown::Backoff {
            bench.wait_deadline();
            spawns_us.push(bench.now_us);
            bench.exits(Ending::Code(1));
        }
        assert_eq!(bench.state.shown(), Shown::Fatal);
        assert_eq!(spawns_us.len() as u32, retries + 1);
        let gaps: Vec<u64> =
            spawns_us.windows(2).map(|pair| (pair[1] - pair[0]) / SECOND).collect();
        assert_eq!(gaps, (1..=u64::from(retries)).collect::<Vec<_>>());
        assert_eq!(bench.state.deadline_us(), None);
    }
}

#[test]
fn failed_starts_are_forgotten_once_it_ran_for_a_while() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).exits(Ending::Code(1)).wait_deadline().wait_deadline();
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Running, 1));
    bench.wait_deadline();
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Running, 0));
    assert_eq!(bench.state.deadline_us(), None, "a stable instance causes no wake-up");
}

#[test]
fn dying_right_after_running_is_no_hot_loop() {
    let mut bench = Bench::new(Policy { start_us: 0, restart: Restart::Always, ..policy() });
    bench.say(Event::Start);
    for _ in 0..5 {
        bench.exits(Ending::Code(0));
        assert_eq!(bench.state.shown(), Shown::Running);
    }
    bench.exits(Ending::Code(0));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 0));
}

#[test]
fn beyond_the_limit_pauses_grow_and_nothing_is_given_up() {
    let mut bench = Bench::new(Policy { start_us: 0, restart: Restart::Always, ..policy() });
    bench.say(Event::Start);
    let mut spawns_us = vec![bench.now_us];
    for _ in 0..100 {
        bench.exits(Ending::Code(0));
        if bench.state.shown() == Shown::Backoff {
            bench.wait_deadline();
        }
        assert_eq!(bench.state.shown(), Shown::Running);
        spawns_us.push(bench.now_us);
    }
    let gaps = spawns_us.windows(2).map(|pair| (pair[1] - pair[0]) / SECOND);
    assert_eq!(gaps.take(15).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn beyond_the_limit_an_exit_can_count_as_a_failed_start() {
    let crash_limit = CrashLimit { restarts: 1, within_us: 10 * SECOND, then: Beyond::Fail };
    let mut bench = Bench::new(Policy { crash_limit, start_retries: Some(1), ..policy() });
    bench.say(Event::Start).wait_deadline().exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Starting, 0));
    bench.wait_deadline().exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 1));
    bench.wait_deadline().wait_deadline().exits(Ending::Code(1));
    assert_eq!(bench.state.shown(), Shown::Fatal);
}

#[test]
fn a_restart_waits_for_its_delay() {
    let mut bench = Bench::new(Policy { restart_delay_us: 3 * SECOND, ..policy() });
    bench.say(Event::Start).wait_deadline().exits(Ending::Code(1));
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, 0));
    bench.wait(3 * SECOND - 1);
    assert_eq!(bench.state.shown(), Shown::Backoff);
    bench.wait(1);
    assert_eq!(bench.state.shown(), Shown::Starting);
}

#[test]
fn endless_retries_never_give_up() {
    let mut bench = Bench::new(Policy { start_retries: None, ..policy() });
    bench.say(Event::Start);
    for fails in 1..=1_000 {
        bench.exits(Ending::Code(1));
        assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Backoff, fails));
        bench.wait_deadline();
    }
    assert!(bench.now_us >= 900 * 60 * SECOND, "the pause is capped, not left out");
}

#[test]
fn a_serving_one_drains_before_the_signal_and_joins_after_ready() {
    let until_us = 30 * SECOND;
    Bench::new(serving())
        .say(Event::Start)
        .is_ready()
        .expect(Shown::Running, &[Effect::Spawn, Effect::Join])
        .say(Event::Restart)
        .expect(Shown::Stopping, &[Effect::Drain { until_us }])
        .is_drained()
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }])
        .exits(Ending::Code(0))
        .expect(Shown::Starting, &[Effect::Leave, Effect::Spawn])
        .is_ready()
        .expect(Shown::Running, &[Effect::Join]);
}

#[test]
fn a_drain_ends_at_its_deadline() {
    Bench::new(serving())
        .say(Event::Start)
        .is_ready()
        .say(Event::Stop)
        .wait(30 * SECOND - 1)
        .is_ready()
        .expect(
            Shown::Stopping,
            &[Effect::Spawn, Effect::Join, Effect::Drain { until_us: 30 * SECOND }],
        )
        .wait(1)
        .expect(Shown::Stopping, &[Effect::Terminate { rung: 0 }]);
}

#[test]
fn stop_in_backoff_cancels_and_forgets() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).exits(Ending::Code(1)).say(Event::Stop);
    assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Stopped, 0));
    bench.wait(3600 * SECOND);
    assert_eq!(bench.state.shown(), Shown::Stopped);
}

#[test]
fn restart_of_what_does_not_run_is_a_start_with_every_try() {
    for event in [Event::Start, Event::Restart] {
        let mut bench = Bench::new(Policy { start_retries: Some(1), ..policy() });
        bench.say(Event::Start).exits(Ending::Code(1)).wait_deadline().exits(Ending::Code(1));
        assert_eq!(bench.state.shown(), Shown::Fatal);
        bench.say(event.clone());
        assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Starting, 0));
        bench.exits(Ending::Code(1));
        assert_eq!(bench.state.shown(), Shown::Backoff, "the first failure is not the last");
        bench.say(event);
        assert_eq!((bench.state.shown(), bench.state.fails), (Shown::Starting, 0));
    }
}

#[test]
fn the_last_wish_during_a_stop_holds_and_removal_is_final() {
    let cases = [
        (vec![Event::Stop, Event::Start], Shown::Starting),
        (vec![Event::Restart, Event::Stop], Shown::Stopped),
        (vec![Event::Stop, Event::Restart, Event::Stop], Shown::Stopped),
        (vec![Event::Remove, Event::Start], Shown::Stopped),
    ];
    for (wishes, shown) in cases {
        let mut bench = Bench::new(policy());
        bench.say(Event::Start).wait_deadline();
        for wish in &wishes {
            bench.say(wish.clone());
        }
        bench.exits(Ending::Signal(15));
        assert_eq!(bench.state.shown(), shown, "{wishes:?}");
    }
}

#[test]
fn nothing_is_spawned_before_the_group_is_empty() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline().leaves_behind(Ending::Signal(11));
    assert!(matches!(bench.state.phase, Phase::Sweeping { .. }));
    bench.seen.clear();
    bench
        .wait_deadline()
        .expect(Shown::Stopping, &[Effect::LookForLeftOvers])
        .is_swept()
        .expect(Shown::Starting, &[Effect::Spawn]);
}

#[test]
fn left_overs_that_never_die_are_told_and_never_joined_by_a_second_copy() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline().leaves_behind(Ending::Signal(11));
    let began_us = bench.now_us;
    bench.seen.clear();
    while !bench.seen.contains(&Effect::LeftOversRemain) {
        bench.wait_deadline().remains();
    }
    assert!(bench.now_us <= began_us + 2_010_000, "{}", bench.now_us);
    let place = |effect| bench.seen.iter().position(|seen| *seen == effect);
    assert!(place(Effect::TerminateLeftOvers) < place(Effect::KillLeftOvers));
    for _ in 0..100 {
        bench.wait_deadline().remains();
    }
    assert_eq!(bench.state.shown(), Shown::Stopping);
    assert!(bench.now_us > began_us + 100 * SECOND, "looked at rarely");
    let alarms = bench.seen.iter().filter(|effect| **effect == Effect::LeftOversRemain);
    assert_eq!(alarms.count(), 1);
    assert!(!bench.seen.contains(&Effect::Spawn));
    bench.is_swept();
    assert_eq!(bench.state.shown(), Shown::Starting);
}

#[test]
fn an_operators_kill_does_not_wait_for_left_overs_to_end_by_themselves() {
    let mut bench = Bench::new(policy());
    bench.say(Event::Start).wait_deadline().leaves_behind(Ending::Signal(11));
    bench.wait_deadline().remains();
    bench.seen.clear();
    bench.say(Event::Kill).expect(Shown::Stopping, &[Effect::KillLeftOvers]);
    bench.say(Event::Kill).expect(Shown::Stopping, &[]);
}

#[test]
fn kill_leads_to_the_policy() {
    Bench::new(serving())
        .say(Event::Start)
        .is_ready()
        .say(Event::Kill)
        .exits(Ending::Signal(9))
        .expect(
            Shown::Starting,
            &[
                Effect::Spawn,
                Effect::Join,
                Effect::Leave,
                Effect::KillGroup,
                Effect::Leave,
                Effect::Spawn,
            ],
        );
}
