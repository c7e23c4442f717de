//! Backends added and removed by the operator: what becomes of them over reloads, successors and
//! resets.

use super::*;
use crate::control::call::{Addition, Rank, Removal};
use crate::scoreboard::upstream::Roster;

const GENTLY: BackendVerb = BackendVerb::Remove(Removal::Drained { timeout_ms: None });
const AT_ONCE: BackendVerb = BackendVerb::Remove(Removal::AtOnce);

fn add(membership: &mut Membership, address: &str, now: Now) -> (Outcome, String) {
    added(membership, address, None, Rank::Primary, now)
}

fn added(
    membership: &mut Membership,
    address: &str,
    weight: Option<u32>,
    rank: Rank,
    now: Now,
) -> (Outcome, String) {
    let (upstream, address) = ("api".to_owned(), address.to_owned());
    let addition = Addition { upstream, address, weight, rank };
    let answer = membership.add(&addition, "eva (1000)", now);
    (answer.outcome, answer.message)
}

fn reset(membership: &mut Membership, now: Now) -> String {
    membership.upstream("api", &UpstreamVerb::Reset, now).message
}

/// The ports of those the workers know.
fn members(membership: &Membership, board: Board) -> Vec<u16> {
    let id = membership.upstreams[0].id;
    let Roster { members, .. } = board.upstream(id).roster().unwrap();
    members.iter().map(|(_, about)| about.address[10..].parse().unwrap()).collect()
}

fn differs(membership: &Membership, board: Board, now: Now) -> Vec<String> {
    membership.rows(&History::new(board), now).0[0].differs.clone()
}

#[test]
fn an_added_backend_serves_and_a_removed_one_drains_first() {
    let (mut membership, board) = applied(&two());
    let (outcome, text) = added(&mut membership, "127.0.0.1:9003", Some(5), Rank::Primary, at(1));
    assert_eq!(
        (outcome, text.as_str()),
        (Outcome::Changed, "127.0.0.1:9003 added to api, weight 5")
    );
    assert_eq!(members(&membership, board), [9001, 9002, 9003]);
    let shown = row(&membership, board, 9003, at(1));
    assert_eq!((shown.backend.state, shown.backend.weight), (BackendState::Up, 5));
    assert!(membership.take_coming_and_going() && !membership.take_coming_and_going());

    let busy = worker(board).reserve(id(&membership, 9002));
    let (outcome, text) = order(&mut membership, 9002, GENTLY, at(2));
    assert_eq!(outcome, Outcome::Changed);
    assert_eq!(text, "127.0.0.1:9002 drains and leaves, 1 request in flight");
    assert_eq!(order(&mut membership, 9002, GENTLY, at(2)).0, Outcome::Unchanged);
    membership.tick(at(3));
    assert_eq!(members(&membership, board), [9001, 9002, 9003], "while it works");
    drop(busy);
    let notices = membership.tick(at(4));
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Removed { .. })), "{notices:?}");
    assert_eq!(members(&membership, board), [9001, 9003]);
    let told = differs(&membership, board, at(4));
    let expected = ["127.0.0.1:9003 added by eva (1000)", "127.0.0.1:9002 removed by eva (1000)"];
    assert_eq!(told, expected);

    // Back by its name, as the file says; the added one goes for good.
    assert_eq!(
        add(&mut membership, "127.0.0.1:9002", at(5)),
        (Outcome::Changed, "127.0.0.1:9002 is back in api, as the file says".to_owned())
    );
    assert_eq!(order(&mut membership, 9003, AT_ONCE, at(5)).0, Outcome::Changed);
    assert_eq!(members(&membership, board), [9001, 9002]);
    assert_eq!(differs(&membership, board, at(5)), Vec::<String>::new());
}

#[test]
fn what_can_not_be_added_or_removed_is_told_why() {
    let served = config(&[upstream("api", &[backend(9001, 3)])], &[program("web", 1, 9101)]);
    let (mut membership, board) = applied(&served);
    for (address, weight, expected) in [
        ("127.0.0.1:9001", None, "127.0.0.1:9001 is there already"),
        ("127.0.0.1:9101", None, "127.0.0.1:9101 is there already (web:0 is not ready)"),
        ("127.0.0.1", None, "`127.0.0.1` is not a backend's address: "),
        ("127.0.0.1:0", None, "a backend needs a port from 1 to 65535"),
        ("unix:app.sock", None, "a socket's path starts with a slash"),
        ("app.local:80", None, "`app.local:80` has to be looked up"),
        ("127.0.0.1:9002", Some(0), "weight 0 is not 1 to 1000"),
        ("127.0.0.1:9002", Some(1001), "weight 1001 is not 1 to 1000"),
    ] {
        let (_, text) = added(&mut membership, address, weight, Rank::Primary, at(1));
        assert!(text.contains(expected), "{address}: {text}");
    }
    let (outcome, text) = order(&mut membership, 9101, GENTLY, at(1));
    assert_eq!(outcome, Outcome::Refused);
    assert_eq!(text, "127.0.0.1:9101 is web:0's: stop it, or run fewer instances");
    assert_eq!(order(&mut membership, 9999, AT_ONCE, at(1)).0, Outcome::Unknown);
    assert_eq!(members(&membership, board), [9001, 9101]);

    let verb = UpstreamVerb::Strategy { strategy: "ip_hash".to_owned() };
    membership.upstream("api", &verb, at(2));
    let (outcome, text) = added(&mut membership, "127.0.0.1:9002", None, Rank::Backup, at(2));
    assert_eq!(outcome, Outcome::Refused);
    assert_eq!(text, "api uses ip_hash, which has no backups");
}

#[test]
fn an_upstream_has_room_for_so_many_and_no_more() {
    let (mut membership, board) = applied(&two());
    for port in 0..62 {
        let (outcome, text) = add(&mut membership, &format!("127.0.0.1:{}", 9100 + port), at(1));
        assert_eq!(outcome, Outcome::Changed, "{text}");
    }
    let (outcome, text) = add(&mut membership, "127.0.0.1:9999", at(1));
    assert_eq!(outcome, Outcome::Refused);
    assert_eq!(text, "no room for 127.0.0.1:9999: api has 64 backends");
    assert_eq!(order(&mut membership, 9100, AT_ONCE, at(1)).0, Outcome::Changed);
    assert_eq!(add(&mut membership, "127.0.0.1:9999", at(1)).0, Outcome::Changed);
    assert_eq!(members(&membership, board).len(), 64);
}

#[test]
fn a_slot_is_used_again_by_another_life_with_counts_of_its_own() {
    let (mut membership, board) = applied(&two());
    add(&mut membership, "127.0.0.1:9003", at(1));
    let first = id(&membership, 9003);
    let life = board.backend(first).gate().incarnation;
    worker(board).meet_backend(first, life);
    let outcome = account::Outcome { status: 200, ..account::Outcome::default() };
    worker(board).finished(membership.upstreams[0].id, first, &outcome);
    assert_eq!(row(&membership, board, 9003, at(1)).backend.requests, 1);
    let stale = row(&membership, board, 9003, at(1)).key;
    order(&mut membership, 9003, AT_ONCE, at(2));
    membership.tick(at(2));
    add(&mut membership, "127.0.0.1:9003", at(3));
    let second = id(&membership, 9003);
    assert_eq!(second, first, "the slot is used again");
    assert_ne!(board.backend(second).gate().incarnation, life);
    assert_eq!(row(&membership, board, 9003, at(3)).backend.requests, 0);
    let target = BackendTarget {
        upstream: "api".to_owned(),
        backend: "127.0.0.1:9003".to_owned(),
        key: Some(stale),
    };
    let answer = membership.backend(&target, DRAIN, "eva (1000)", at(3));
    assert_eq!(answer.outcome, Outcome::Refused, "{}", answer.message);
}

#[test]
fn an_enabled_or_added_again_backend_does_not_leave() {
    let (mut membership, board) = applied(&two());
    let busy = worker(board).reserve(id(&membership, 9002));
    order(&mut membership, 9002, GENTLY, at(1));
    assert_eq!(row(&membership, board, 9002, at(1)).reason, "leaves, removed by eva (1000)");
    assert_eq!(order(&mut membership, 9002, BackendVerb::Enable, at(1)).0, Outcome::Changed);
    order(&mut membership, 9002, GENTLY, at(2));
    let (outcome, text) = add(&mut membership, "127.0.0.1:9002", at(2));
    assert_eq!(outcome, Outcome::Changed);
    assert_eq!(text, "127.0.0.1:9002 stays, its removal is taken back");
    drop(busy);
    membership.tick(at(3));
    assert_eq!(state(&membership, board, 9002, at(3)), BackendState::Up);
    assert_eq!(differs(&membership, board, at(3)), Vec::<String>::new());
}

#[test]
fn reloads_keep_alterations_until_the_file_says_the_same() {
    let (mut membership, board) = applied(&two());
    add(&mut membership, "127.0.0.1:9003", at(1));
    order(&mut membership, 9001, AT_ONCE, at(1));
    membership.apply_config(&two(), at(2)).unwrap();
    assert_eq!(members(&membership, board), [9002, 9003]);

    let file = config(&[upstream("api", &[backend(9002, 1), backend(9003, 2)])], &[]);
    membership.apply_config(&file, at(3)).unwrap();
    assert_eq!(members(&membership, board), [9002, 9003]);
    assert_eq!(differs(&membership, board, at(3)), Vec::<String>::new());
    membership.apply_config(&two(), at(4)).unwrap();
    assert_eq!(members(&membership, board), [9001, 9002], "both were settled by the file before");
}

#[test]
fn alterations_outlive_the_master_and_the_engine() {
    let (mut membership, board) = applied(&two());
    added(&mut membership, "127.0.0.1:9003", Some(4), Rank::Backup, at(1));
    order(&mut membership, 9001, AT_ONCE, at(1));
    let busy = worker(board).reserve(id(&membership, 9002));
    order(&mut membership, 9002, GENTLY, at(1));
    let text = serde_json::to_string(&membership.save()).unwrap();
    let saved = || serde_json::from_str::<Saved>(&text).unwrap();

    // A successor on the same board.
    let mut successor = Membership::new(board);
    successor.restore(saved(), at(2));
    successor.apply_config(&two(), at(2)).unwrap();
    assert_eq!(members(&successor, board), [9002, 9003]);
    assert_eq!(successor.save(), membership.save());
    drop(busy);
    successor.tick(at(3));
    assert_eq!(members(&successor, board), [9003], "what was leaving has left");

    // Another engine: nothing is in flight there, so what was leaving leaves at once.
    let (board, _) = Board::create().unwrap();
    let mut restarted = Membership::new(board);
    restarted.restore(saved(), at(0));
    restarted.apply_config(&two(), at(0)).unwrap();
    let shown = row(&restarted, board, 9003, at(0));
    assert_eq!(
        (shown.backend.weight, members(&restarted, board).as_slice()),
        (4, &[9002, 9003][..])
    );
    restarted.tick(at(0));
    assert_eq!(members(&restarted, board), [9003]);
}

#[test]
fn reset_drains_what_was_added_and_brings_back_what_was_removed() {
    let (mut membership, board) = applied(&two());
    add(&mut membership, "127.0.0.1:9003", at(1));
    order(&mut membership, 9001, AT_ONCE, at(1));
    order(&mut membership, 9002, BackendVerb::Weight { weight: 7 }, at(1));
    let busy = worker(board).reserve(id(&membership, 9003));
    assert_eq!(reset(&mut membership, at(2)), "api back to the file, 3 changes undone");
    assert_eq!(members(&membership, board), [9001, 9002, 9003]);
    assert_eq!(state(&membership, board, 9003, at(2)), BackendState::Draining);
    assert_eq!(reset(&mut membership, at(2)), "api is already as the file says");
    drop(busy);
    membership.tick(at(3));
    assert_eq!(members(&membership, board), [9001, 9002]);
    assert_eq!(differs(&membership, board, at(3)), Vec::<String>::new());
    assert_eq!(reset(&mut membership, at(4)), "api is already as the file says");
}

/// A file with so many backends, of which these were removed and as many others added.
fn exchanged(file: u16, removed: u16) -> (Membership, Board, Config) {
    let backends: Vec<model::Backend> = (0..file).map(|n| backend(9001 + n, 1)).collect();
    let config = config(&[upstream("api", &backends)], &[]);
    let (mut membership, board) = applied(&config);
    for n in 0..removed {
        assert_eq!(order(&mut membership, 9001 + n, AT_ONCE, at(1)).0, Outcome::Changed);
        let (outcome, text) = add(&mut membership, &format!("127.0.0.1:{}", 8001 + n), at(1));
        assert_eq!(outcome, Outcome::Changed, "{text}");
    }
    (membership, board, config)
}

#[test]
fn a_reload_keeps_what_was_added_in_place_of_what_was_removed() {
    let (mut membership, board, config) = exchanged(40, 40);
    membership.apply_config(&config, at(2)).unwrap();
    assert_eq!(members(&membership, board).len(), 40);
}

#[test]
fn a_reset_without_room_for_both_takes_off_at_once_what_was_added() {
    let (mut membership, board, _) = exchanged(40, 30);
    for n in 0..24 {
        add(&mut membership, &format!("127.0.0.1:{}", 7001 + n), at(2));
    }
    assert_eq!(members(&membership, board).len(), 64);
    reset(&mut membership, at(3));
    let ports = members(&membership, board);
    assert_eq!(ports.len(), 40);
    assert!(ports.iter().all(|port| *port > 9000), "{ports:?}");
    assert!(differs(&membership, board, at(3)).is_empty());
}

#[test]
fn whoever_is_removed_leaves_also_beside_a_name_that_is_looked_up() {
    let mut named = backend(9001, 1);
    let name = model::Discovery::Host { name: "api.internal".to_owned(), port: 80 };
    named.address = model::Location::Discovered(name);
    let (mut membership, board) = applied(&config(&[upstream("api", &[named])], &[]));
    for (port, verb) in [(9005, AT_ONCE), (9006, GENTLY)] {
        add(&mut membership, &format!("127.0.0.1:{port}"), at(1));
        assert_eq!(order(&mut membership, port, verb, at(2)).0, Outcome::Changed);
        membership.tick(at(3));
        assert_eq!(members(&membership, board), [0_u16; 0], "{verb:?}");
    }
}
