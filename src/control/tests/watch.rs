//! A quick watcher sees every change; a slow one sees the latest; a stuck one is ended.

use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::wire::snapshot;
use crate::control::delta;
use crate::control::rate::Rate;
use crate::control::sample::Sample;
use crate::control::tape::Tape;
use crate::control::watch::{Start, Watchers};
use crate::control::wire::{EventRecord, Frame, Role, Snapshot};

const QUEUE_MAX: usize = 8;

fn join(watchers: &mut Watchers, snapshot: &Rc<Snapshot>) -> Receiver<Bytes> {
    join_at(watchers, snapshot, Rate::Full)
}

fn join_at(watchers: &mut Watchers, snapshot: &Rc<Snapshot>, rate: Rate) -> Receiver<Bytes> {
    watchers.join(Start {
        rate,
        role: Role::Operate,
        snapshot: Rc::clone(snapshot),
        history: Vec::new(),
        events: Vec::new(),
        tape: Tape::default(),
    })
}

fn at_uptime(uptime_ms: u64) -> Rc<Snapshot> {
    let mut snapshot = snapshot();
    snapshot.head.uptime_ms = uptime_ms;
    Rc::new(snapshot)
}

/// Reads all that waits and plays it as a console does.
fn play(receiver: &mut Receiver<Bytes>, shown: &mut Snapshot) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    while let Ok(line) = receiver.try_recv() {
        kinds.push(match serde_json::from_slice(&line).expect("a line is a frame") {
            Frame::Snapshot { snapshot, .. } => {
                *shown = *snapshot;
                "snapshot"
            }
            Frame::Delta { delta } => {
                delta::apply(shown, *delta);
                "delta"
            }
            Frame::Sample { .. } => "sample",
            Frame::Event { .. } => "event",
        });
    }
    kinds
}

#[test]
fn a_watcher_is_sent_everything_then_what_changes() {
    let mut watchers = Watchers::new(QUEUE_MAX);
    let mut receiver = join(&mut watchers, &at_uptime(1));
    watchers.publish(&at_uptime(2));
    watchers.sample(&Sample::default());
    watchers.event(&EventRecord::default());
    let mut shown = Snapshot::default();
    assert_eq!(play(&mut receiver, &mut shown), ["snapshot", "delta", "sample", "event"]);
    assert_eq!(shown, *at_uptime(2));
}

#[test]
fn a_slow_watcher_skips_to_the_latest() {
    let mut watchers = Watchers::new(QUEUE_MAX);
    let mut slow = join(&mut watchers, &at_uptime(0));
    let mut quick = join(&mut watchers, &at_uptime(0));
    let (mut shown_slow, mut shown_quick) = (Snapshot::default(), Snapshot::default());
    for uptime_ms in 1..100 {
        watchers.publish(&at_uptime(uptime_ms));
        play(&mut quick, &mut shown_quick);
        assert_eq!(shown_quick.head.uptime_ms, uptime_ms);
    }
    assert_eq!(play(&mut slow, &mut shown_slow).len(), QUEUE_MAX / 2);
    watchers.publish(&at_uptime(100));
    assert_eq!(play(&mut slow, &mut shown_slow), ["delta"]);
    assert_eq!(shown_slow, *at_uptime(100));
}

#[test]
fn a_stuck_watcher_is_ended_after_what_it_was_sent() {
    let mut watchers = Watchers::new(QUEUE_MAX);
    let mut stuck = join(&mut watchers, &at_uptime(0));
    for _ in 0..QUEUE_MAX {
        watchers.sample(&Sample::default());
    }
    assert_eq!(watchers.count(), 0);
    let mut shown = Snapshot::default();
    assert_eq!(play(&mut stuck, &mut shown).len(), QUEUE_MAX);
    assert_eq!(stuck.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn only_consoles_that_are_there_count() {
    let mut watchers = Watchers::new(QUEUE_MAX);
    let console = join(&mut watchers, &at_uptime(0));
    let follower = watchers.join_events(&[]);
    assert_eq!(watchers.count(), 1);
    drop(console);
    assert_eq!(watchers.count(), 0);
    drop(follower);
    watchers.publish(&at_uptime(1));
    watchers.event(&EventRecord::default());
}

#[test]
fn a_follower_of_events_gets_bare_records() {
    let mut watchers = Watchers::new(QUEUE_MAX);
    let known = [EventRecord { seq: 1, ..EventRecord::default() }];
    let mut follower = watchers.join_events(&known);
    watchers.event(&EventRecord { seq: 2, ..EventRecord::default() });
    watchers.sample(&Sample::default());
    let mut seen = Vec::new();
    while let Ok(lines) = follower.try_recv() {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            seen.push(serde_json::from_slice::<EventRecord>(line).expect("a record").seq);
        }
    }
    assert_eq!(seen, [1, 2]);
}

/// Over a line that costs, changes are told together, and at once what goes with an event.
#[test]
fn a_watcher_at_a_sparing_rate_is_told_what_changed_in_two_seconds_together() {
    let mut watchers = Watchers::new(64);
    let first = at_uptime(1);
    let mut receiver = join_at(&mut watchers, &first, Rate::Sparing);
    let mut shown = Snapshot::default();
    assert_eq!(play(&mut receiver, &mut shown), ["snapshot"]);
    (2..12).for_each(|uptime_ms| watchers.publish(&at_uptime(uptime_ms)));
    watchers.sample(&Sample::default());
    watchers.publish(&at_uptime(12));
    assert_eq!(play(&mut receiver, &mut shown), ["sample"]);
    watchers.sample(&Sample::default());
    watchers.publish(&at_uptime(20));
    watchers.publish(&at_uptime(21));
    assert_eq!(play(&mut receiver, &mut shown), ["sample", "delta"]);
    assert_eq!(shown, *at_uptime(20));
    watchers.event(&EventRecord::default());
    watchers.publish(&at_uptime(30));
    watchers.publish(&at_uptime(31));
    assert_eq!(play(&mut receiver, &mut shown), ["event", "delta"]);
    assert_eq!(shown, *at_uptime(30));
}

/// As people read: once a second, and at once what goes with an event.
#[test]
fn a_watcher_at_a_calm_rate_is_told_once_a_second_and_when_something_happens() {
    let mut watchers = Watchers::new(64);
    let mut receiver = join_at(&mut watchers, &at_uptime(1), Rate::Calm);
    let mut shown = Snapshot::default();
    assert_eq!(play(&mut receiver, &mut shown), ["snapshot"]);
    assert!(!watchers.are_due());
    watchers.publish(&at_uptime(2));
    assert_eq!(play(&mut receiver, &mut shown), [] as [&str; 0]);
    watchers.sample(&Sample::default());
    assert!(watchers.are_due());
    watchers.publish(&at_uptime(3));
    assert_eq!(play(&mut receiver, &mut shown), ["sample", "delta"]);
    watchers.event(&EventRecord::default());
    assert!(watchers.are_due());
    watchers.publish(&at_uptime(4));
    assert_eq!(play(&mut receiver, &mut shown), ["event", "delta"]);
    assert!(!watchers.are_due());
}
