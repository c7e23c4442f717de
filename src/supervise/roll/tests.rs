//! A roll over instances that a script plays: what is restarted when, and how it ends.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;

fn plan() -> Plan {
    Plan { max_unavailable: 1, max_surge: 0, min_ready_us: 0, on_failure: OnFailure::Stop }
}

#[derive(Clone, Default)]
struct Stage(BTreeMap<u32, Look>);

impl View for Stage {
    fn look(&self, instance: u32) -> Look {
        self.0.get(&instance).cloned().unwrap_or(Look::Missing)
    }

    fn wait_us(&self, _: u32) -> u64 {
        60 * SECOND
    }
}

#[test]
fn each_instance_has_its_place_and_all_are_counted() {
    let mut bench = Bench::new(Plan { max_surge: 1, ..plan() }, 3);
    bench.stage.0.insert(2, Look::Resting);
    let places = |bench: &Bench| -> Vec<Place> { (0..4).map(|it| bench.roll.place(it)).collect() };
    bench.roll.step(&bench.stage, 0);
    assert_eq!(bench.roll.progress(), (0, 2));
    assert_eq!(places(&bench), [Place::Waits, Place::Waits, Place::Left, Place::Extra]);
    for instance in [3, 0] {
        // The extra one starts, then it and the first own one run anew.
        bench.stage.0.insert(3, Look::Underway);
        bench.roll.step(&bench.stage, 0);
        bench.stage.0.insert(instance, Look::Running { life: 7 });
        bench.stage.0.insert(3, Look::Running { life: 7 });
        bench.roll.step(&bench.stage, 0);
    }
    assert_eq!(bench.roll.progress(), (1, 2));
    assert_eq!(places(&bench), [Place::Done, Place::Turn, Place::Left, Place::Extra]);
}

struct Bench {
    roll: Roll,
    stage: Stage,
    now_us: u64,
    lives: u32,
    seen: Vec<Act>,
}

impl Bench {
    fn new(plan: Plan, count: u32) -> Self {
        let stage = Stage((0..count).map(|it| (it, Look::Running { life: 1 })).collect());
        let roll = Roll::new(plan, 0..count, count);
        Self { roll, stage, now_us: 0, lives: 1, seen: Vec::new() }
    }

    /// Does what the roll says, as the master does, until it says nothing.
    fn go(&mut self) -> &mut Self {
        loop {
            let acts = self.roll.step(&self.stage, self.now_us);
            if acts.is_empty() {
                return self;
            }
            for act in acts {
                match act {
                    Act::Restart(it) | Act::Start(it) => {
                        self.stage.0.insert(it, Look::Underway);
                    }
                    Act::Surge(count) => {
                        let first = self.roll.extra.start;
                        let new = (first..first + count).map(|it| (it, Look::Resting));
                        self.stage.0.extend(new);
                    }
                    Act::EndSurge => {
                        let first = self.roll.extra.start;
                        self.stage.0.retain(|it, _| *it < first);
                    }
                    Act::End => {}
                }
                self.seen.push(act);
            }
        }
    }

    fn runs(&mut self, instance: u32) -> &mut Self {
        self.lives += 1;
        self.stage.0.insert(instance, Look::Running { life: self.lives });
        self.go()
    }

    fn looks(&mut self, instance: u32, look: Look) -> &mut Self {
        self.stage.0.insert(instance, look);
        self.go()
    }

    fn wait(&mut self, us: u64) -> &mut Self {
        self.now_us += us;
        self.go()
    }

    #[track_caller]
    fn expect(&mut self, acts: &[Act]) -> &mut Self {
        assert_eq!(self.seen, acts);
        self.seen.clear();
        self
    }
}

#[test]
fn one_after_another_each_running_before_the_next() {
    let mut bench = Bench::new(plan(), 3);
    bench.go().expect(&[Act::Restart(0)]);
    bench.wait(SECOND).expect(&[]);
    bench.runs(0).expect(&[Act::Restart(1)]);
    bench.runs(1).expect(&[Act::Restart(2)]);
    bench.runs(2).expect(&[Act::End]);
    assert_eq!((bench.roll.done.as_slice(), bench.roll.count()), (&[0, 1, 2][..], 3));
}

#[test]
fn as_many_abreast_as_the_plan_allows() {
    let mut bench = Bench::new(Plan { max_unavailable: 2, ..plan() }, 3);
    bench.go().expect(&[Act::Restart(0), Act::Restart(1)]);
    bench.runs(1).expect(&[Act::Restart(2)]);
}

#[test]
fn a_surge_runs_before_anything_is_touched_and_leaves_last() {
    let mut bench = Bench::new(Plan { max_unavailable: 0, max_surge: 1, ..plan() }, 1);
    bench.go().expect(&[Act::Surge(1), Act::Start(1)]);
    bench.wait(SECOND).expect(&[]);
    bench.runs(1).expect(&[Act::Restart(0)]);
    bench.runs(0).expect(&[Act::EndSurge, Act::End]);
    assert_eq!((bench.roll.done.as_slice(), bench.roll.count()), (&[0][..], 1));
}

#[test]
fn a_surge_that_fails_leaves_the_others_alone() {
    let mut bench = Bench::new(Plan { max_surge: 1, ..plan() }, 2);
    bench.go().seen.clear();
    bench.looks(2, Look::Failed("exit 1".to_owned())).expect(&[Act::EndSurge, Act::End]);
    assert!(bench.roll.done.is_empty());
    assert_eq!(bench.roll.failed, [(2, "exit 1".to_owned())]);
    assert_eq!(bench.roll.count(), 2);

    let mut bench = Bench::new(Plan { max_surge: 1, ..plan() }, 2);
    assert_eq!(bench.roll.step(&bench.stage, 0), [Act::Surge(1)]);
    bench.roll.refuse_surge("no port".to_owned());
    bench.go().expect(&[Act::End]);
    assert_eq!(bench.roll.failed, [(2, "no port".to_owned())]);
}

#[test]
fn while_the_surge_is_away_nobody_else_goes() {
    let surging = || {
        let plan = Plan { max_unavailable: 0, max_surge: 1, ..plan() };
        let mut bench = Bench::new(plan, 2);
        bench.go().runs(2).expect(&[Act::Surge(1), Act::Start(2), Act::Restart(0)]);
        bench.looks(2, Look::Underway);
        bench
    };
    let mut bench = surging();
    bench.runs(0).expect(&[]);
    assert_eq!(bench.roll.deadline_us(), Some(60 * SECOND));
    bench.runs(2).expect(&[Act::Restart(1)]);
    bench.runs(1).expect(&[Act::EndSurge, Act::End]);
    assert_eq!((bench.roll.done.len(), bench.roll.failed.len()), (2, 0));

    for (look, why) in [
        (Look::Failed("exit 1".to_owned()), "exit 1"),
        (Look::Resting, STOPPED),
        (Look::Underway, LATE),
    ] {
        for on_failure in [OnFailure::Stop, OnFailure::GoOn] {
            let mut bench = surging();
            bench.roll.plan.on_failure = on_failure;
            bench.looks(2, look.clone()).expect(&[]);
            bench.runs(0).wait(60 * SECOND).expect(&[Act::EndSurge, Act::End]);
            assert_eq!(bench.roll.failed, [(2, why.to_owned())]);
            assert_eq!((bench.roll.done.as_slice(), bench.roll.count()), (&[0][..], 2));
        }
    }
}

#[test]
fn min_ready_must_be_lived_through() {
    let mut bench = Bench::new(Plan { min_ready_us: 5 * SECOND, ..plan() }, 2);
    bench.go().seen.clear();
    bench.runs(0).expect(&[]);
    assert_eq!(bench.roll.deadline_us(), Some(5 * SECOND));
    bench.wait(5 * SECOND - 1).expect(&[]);
    bench.wait(1).expect(&[Act::Restart(1)]);
    bench.runs(1).runs(1).expect(&[Act::End]);
    assert_eq!(bench.roll.failed, [(1, NOT_FOR_LONG.to_owned())]);
}

#[test]
fn a_failure_stops_the_roll_unless_it_goes_on() {
    let failed = || Look::Failed("exit 1".to_owned());
    let mut bench = Bench::new(plan(), 3);
    bench.go().looks(0, failed()).expect(&[Act::Restart(0), Act::End]);
    assert_eq!(bench.roll.count(), 3);

    let mut bench = Bench::new(Plan { on_failure: OnFailure::GoOn, ..plan() }, 2);
    bench.go().looks(0, failed()).expect(&[Act::Restart(0), Act::Restart(1)]);
    bench.runs(1).expect(&[Act::End]);
    assert_eq!((bench.roll.done.as_slice(), bench.roll.failed.len()), (&[1][..], 1));
}

#[test]
fn what_rests_is_left_alone_and_what_is_late_has_failed() {
    let mut bench = Bench::new(plan(), 2);
    bench.looks(0, Look::Resting).expect(&[Act::Restart(1)]);
    assert_eq!(bench.roll.skipped, [0]);
    bench.wait(60 * SECOND).expect(&[Act::End]);
    assert_eq!(bench.roll.failed, [(1, "waited long enough".to_owned())]);
}

#[test]
fn those_that_leave_are_none_of_its() {
    let mut bench = Bench::new(plan(), 4);
    bench.looks(3, Look::Leaving).expect(&[Act::Restart(0)]);
    assert_eq!(bench.roll.progress(), (0, 3));
    assert_eq!(bench.roll.place(3), Place::Left);
    // Others leave while it goes on: one that waits, then the one whose turn it is.
    bench.looks(2, Look::Leaving).runs(0).expect(&[Act::Restart(1)]);
    bench.looks(1, Look::Leaving).expect(&[Act::End]);
    assert_eq!((bench.roll.done.as_slice(), bench.roll.count()), (&[0][..], 1));
    assert_eq!((bench.roll.failed.len(), bench.roll.skipped.len()), (0, 0));
}

#[test]
fn an_extra_one_comes_after_the_one_of_its_number_has_left() {
    let mut bench = Bench::new(Plan { max_unavailable: 0, max_surge: 1, ..plan() }, 1);
    assert_eq!(bench.roll.step(&bench.stage, 0), [Act::Surge(1)]);
    bench.looks(1, Look::Leaving).expect(&[]);
    bench.looks(1, Look::Resting).expect(&[Act::Start(1)]);
    bench.runs(1).expect(&[Act::Restart(0)]);
}

proptest! {
    /// Never fewer run than the plan allows, never an old process and its successor at once, and it
    /// comes to an end in which each instance is accounted for once.
    #[test]
    fn the_plan_holds_whatever_the_order(
        count in 1u32..6,
        max_unavailable in 0u32..4,
        max_surge in 0u32..4,
        picks in proptest::collection::vec(0usize..8, 1..64),
    ) {
        prop_assume!(max_unavailable + max_surge > 0);
        let mut bench = Bench::new(Plan { max_unavailable, max_surge, ..plan() }, count);
        bench.go();
        for pick in picks.iter().cycle().take(500) {
            let running = bench.stage.0.values().filter(|look| matches!(look, Look::Running { .. }));
            prop_assert!(running.count() as u32 + max_unavailable >= count);
            let underway: Vec<u32> = bench.stage.0.iter()
                .filter(|(_, look)| **look == Look::Underway).map(|(it, _)| *it).collect();
            let Some(instance) = underway.get(pick % underway.len().max(1)) else { break };
            bench.runs(*instance);
        }
        prop_assert_eq!(bench.seen.last(), Some(&Act::End));
        let mut done = bench.roll.done.clone();
        done.sort_unstable();
        prop_assert_eq!(done, (0..count).collect::<Vec<_>>());
        let restarts = bench.seen.iter().filter(|act| matches!(act, Act::Restart(_))).count();
        prop_assert_eq!(restarts as u32, count);
    }
}
