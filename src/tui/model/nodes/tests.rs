//! Rows of several nodes never become one another, and find their way back.

use super::*;
use crate::control::call::{BackendTarget, BackendVerb, Command};
use crate::control::wire::{BackendRow, UpstreamRow, Worker};

fn node(name: &str) -> Node {
    let mut node = Node::new(name.to_owned(), String::new(), 0);
    node.snapshot = crate::control::tests::wire::snapshot();
    node
}

fn pair() -> Nodes {
    Nodes { all: vec![node("edge1"), node("edge2")], chosen: None }
}

#[test]
fn rows_of_nodes_that_are_alike_are_different_rows() {
    let nodes = pair();
    let merged = nodes.present();
    let one = &nodes.all[0].snapshot;
    assert_eq!(merged.backends.len(), 2 * one.backends.len());
    let mut keys: Vec<Key> = merged.backends.iter().map(Key::of_backend).collect();
    keys.extend(merged.programs.iter().map(Key::of_program));
    keys.extend(merged.workers.iter().map(|Worker { slot, .. }| Key::Worker { slot: *slot }));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    let mut lives: Vec<u32> = merged.backends.iter().map(|row| row.key).collect();
    lives.sort_unstable();
    lives.dedup();
    assert_eq!(lives.len(), merged.backends.len());
}

#[test]
fn every_row_knows_whose_it_is_and_an_order_says_it_in_that_nodes_words() {
    let nodes = pair();
    let merged = nodes.present();
    for (at, node) in nodes.all.iter().enumerate() {
        let mine = |row: &&BackendRow| nodes.of(&Key::of_backend(row)) == Some(at);
        let rows: Vec<&BackendRow> = merged.backends.iter().filter(mine).collect();
        assert_eq!(rows.len(), node.snapshot.backends.len());
        for (row, own) in rows.iter().zip(&node.snapshot.backends) {
            let target = BackendTarget {
                upstream: row.upstream.clone(),
                backend: row.backend.name.clone(),
                key: Some(row.key),
            };
            let order = Command::Backend { target, verb: BackendVerb::Enable };
            let expected = BackendTarget {
                upstream: own.upstream.clone(),
                backend: own.backend.name.clone(),
                key: Some(own.key),
            };
            let expected = Command::Backend { target: expected, verb: BackendVerb::Enable };
            assert_eq!(tag::command(at, &order), expected);
        }
    }
    let gone = Key::Upstream { name: "api@elsewhere".to_owned() };
    assert_eq!((nodes.of(&gone), nodes.of(&Key::Config)), (None, None));
}

#[test]
fn one_node_alone_is_what_is_left_of_all() {
    let mut nodes = pair();
    nodes.chosen = Some(1);
    let merged = nodes.present();
    assert_eq!(merged.head.name, "edge2");
    assert!(merged.upstreams.iter().all(|UpstreamRow { name, .. }| name.ends_with("@edge2")));
    assert_eq!(nodes.of(&Key::Config), Some(1));
}

#[test]
fn they_are_live_while_one_is_and_as_stale_as_the_newest() {
    let stale = |since_ms| Link::Stale { since_ms, why: "lost".to_owned() };
    let mut nodes = pair();
    assert_eq!(nodes.link(), Link::Connecting { why: String::new() });
    nodes.all[0].link = stale(1_000);
    assert_eq!(nodes.link(), stale(1_000));
    nodes.all[1].link = stale(2_000);
    assert_eq!(nodes.link(), stale(2_000));
    nodes.all[0].link = Link::Live;
    assert_eq!(nodes.link(), Link::Live);
    nodes.all[1].role = Role::Operate;
    let refusal = nodes.all[1].refusal(14_000).unwrap();
    assert!(refusal.contains("edge2") && refusal.contains("12 s old"), "{refusal}");
}

#[test]
fn seconds_of_nodes_are_summed_by_the_consoles_clock() {
    let second =
        |wall_ms, requests, p99_us| Sample { wall_ms, requests, p99_us, ..Sample::default() };
    let mut nodes = pair();
    nodes.all[0].history = [second(1_900, 5, 70), second(2_900, 6, 10)].into();
    nodes.all[1].history = [second(2_100, 7, 30), second(3_100, 8, 30)].into();
    let mut history = nodes.history();
    let told = |history: &VecDeque<Sample>| -> Vec<(u64, u32, u32)> {
        history.iter().map(|sample| (sample.wall_ms, sample.requests, sample.p99_us)).collect()
    };
    assert_eq!(told(&history), [(1_900, 5, 70), (2_900, 13, 30), (3_100, 8, 30)]);
    add(&mut history, second(3_900, 4, 90));
    add(&mut history, second(4_000, 1, 1));
    assert_eq!(told(&history)[2..], [(3_900, 12, 90), (4_000, 1, 1)]);
}
