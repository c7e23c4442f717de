//! A delta brings exactly the old snapshot to the new one, and carries no more than it must.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::wire::{backend_row, snapshot};
use crate::control::delta::{Delta, Table, apply, diff};
use crate::control::firewall::Firewall;
use crate::control::moved::Moved;
use crate::control::wire::{BackendRow, Head, Program, ProgramRow, Snapshot, UpstreamRow, Worker};

const NAMES: [&str; 4] = ["api", "web", "mail", "chat"];

fn workers() -> impl Strategy<Value = Vec<Worker>> {
    let slots = subsequence((0..4).collect::<Vec<u16>>(), 0..=4).prop_shuffle();
    (slots, any::<[u8; 4]>()).prop_map(|(slots, values)| {
        let row = |slot: u16| Worker {
            slot,
            requests: u64::from(values[usize::from(slot)] % 2),
            ..Worker::default()
        };
        slots.into_iter().map(row).collect()
    })
}

fn upstreams() -> impl Strategy<Value = Vec<UpstreamRow>> {
    (subsequence(&NAMES[..], 0..=4), 0..2_u64).prop_map(|(names, requests)| {
        let row =
            |name: &str| UpstreamRow { name: name.to_owned(), requests, ..UpstreamRow::default() };
        names.into_iter().map(row).collect()
    })
}

fn backends() -> impl Strategy<Value = Vec<BackendRow>> {
    let keys = subsequence((0..6).collect::<Vec<u32>>(), 0..=6);
    (keys, any::<[u8; 6]>()).prop_map(|(keys, values)| {
        let row = |key: u32| {
            let mut row = backend_row(NAMES[key as usize % 2], NAMES[key as usize % 3], key);
            row.backend.active = u32::from(values[key as usize] % 2);
            row
        };
        keys.into_iter().map(row).collect()
    })
}

fn programs() -> impl Strategy<Value = Vec<ProgramRow>> {
    (subsequence(&NAMES[..], 0..=4), any::<[u8; 4]>()).prop_map(|(names, values)| {
        let row = |(name, value): (&str, u8)| ProgramRow {
            program: Program { name: name.to_owned(), ..Program::default() },
            incarnation: u32::from(value % 2),
            ..ProgramRow::default()
        };
        names.into_iter().zip(values).map(row).collect()
    })
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    (0..2_u64, workers(), upstreams(), backends(), programs()).prop_map(
        |(uptime_ms, workers, upstreams, backends, programs)| Snapshot {
            head: Head { uptime_ms, ..Head::default() },
            workers,
            upstreams,
            backends,
            programs,
            firewall: Some(Firewall { inspected: uptime_ms, ..Firewall::default() }),
        },
    )
}

proptest! {
    #[test]
    fn the_old_and_the_delta_make_the_new(old in any_snapshot(), new in any_snapshot()) {
        let mut reached = old.clone();
        apply(&mut reached, diff(&old, &new));
        prop_assert_eq!(reached, new);
    }
}

#[test]
fn nothing_changed_is_nothing_sent() {
    assert_eq!(diff(&snapshot(), &snapshot()), Delta::default());
    assert_eq!(serde_json::to_string(&Delta::default()).unwrap(), r#"{"head":null}"#);
}

#[test]
fn one_changed_row_travels_alone() {
    let mut old = snapshot();
    old.backends.push(backend_row("api", "10.0.3.2:8080", 65_537));
    let mut new = old.clone();
    new.backends[1].reason = "on purpose".to_owned();
    let expected =
        Delta { backends: Table::Changed(vec![new.backends[1].clone()]), ..Delta::default() };
    assert_eq!(diff(&old, &new), expected);
}

#[test]
fn a_row_of_another_snapshot_is_left_out() {
    let mut snapshot = snapshot();
    let before = snapshot.clone();
    let stranger = backend_row("api", "10.9.9.9:1", 9);
    let delta = Delta { backends: Table::Changed(vec![stranger]), ..Delta::default() };
    apply(&mut snapshot, delta);
    assert_eq!(snapshot, before);
}

#[test]
fn of_a_row_that_only_counts_on_its_figures_travel() {
    let old = snapshot();
    let mut new = old.clone();
    new.backends[0].backend.active = 7;
    new.programs[0].program.rss_bytes = 1 << 20;
    let delta = diff(&old, &new);
    assert_eq!((delta.moved.backends.len(), delta.moved.programs.len()), (1, 1));
    assert_eq!(Delta { moved: Moved::default(), ..delta.clone() }, Delta::default());
    let text = serde_json::to_string(&delta).unwrap();
    let row = serde_json::to_string(&new.backends[0]).unwrap();
    assert!(text.len() < row.len() / 2, "{text}");
    let mut reached = old;
    apply(&mut reached, serde_json::from_str(&text).unwrap());
    assert_eq!(reached, new);
}

#[test]
fn a_program_that_goes_on_is_not_told_of() {
    let mut old = snapshot();
    old.programs[0].program.uptime_ms = 5_000;
    let mut new = old.clone();
    new.head.uptime_ms += 1_000;
    new.programs[0].program.uptime_ms += 1_000;
    let delta = diff(&old, &new);
    assert_eq!(Delta { head: None, ..delta.clone() }, Delta::default());
    let mut reached = old;
    apply(&mut reached, delta);
    assert_eq!(reached, new);
}

#[test]
fn figures_of_another_snapshot_are_left_out() {
    let (old, mut new) = (snapshot(), snapshot());
    new.backends[0].backend.active = 7;
    let delta = diff(&old, &new);
    let mut empty = Snapshot::default();
    apply(&mut empty, delta);
    assert_eq!(empty, Snapshot::default());
}
