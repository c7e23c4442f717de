//! Members behind names: who takes a place, who keeps it, who has to go.

use super::*;
use crate::config::limits;
use crate::config::model::{Discovery, Location};
use crate::master::membership::{Change, Found, Rank};

const NAME: &str = "app.internal";

fn discovery() -> Discovery {
    Discovery::Host { name: NAME.to_owned(), port: 80 }
}

fn named() -> model::Backend {
    model::Backend { address: Location::Discovered(discovery()), ..backend(1, 1) }
}

fn config_of(backends: &[model::Backend]) -> Config {
    config(&[upstream("api", backends)], &[])
}

fn addresses(ports: impl IntoIterator<Item = u16>) -> Vec<Found> {
    let found =
        |port| Found { address: ([127, 0, 0, 1], port).into(), weight: None, rank: Rank::First };
    ports.into_iter().map(found).collect()
}

fn find(membership: &mut Membership, found: Vec<Found>, now: Now) -> Option<Change> {
    membership.found("api", &discovery(), found, now)
}

fn ports(membership: &Membership, board: Board) -> Vec<u16> {
    let rows = rows(membership, board, at(0)).into_iter();
    rows.map(|row| row.backend.address.rsplit(':').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_same_answer_changes_nothing_and_another_what_it_says() {
    let (mut membership, board) = applied(&config_of(&[backend(9001, 1), named()]));
    let change = find(&mut membership, addresses([9003, 9002]), at(1)).unwrap();
    assert_eq!(change.joined, ["127.0.0.1:9003", "127.0.0.1:9002"]);
    assert_eq!(ports(&membership, board), [9001, 9003, 9002]);
    assert_eq!(find(&mut membership, addresses([9003, 9002]), at(2)), None);
    order(&mut membership, 9002, BackendVerb::Weight { weight: 7 }, at(2));
    order(&mut membership, 9002, BackendVerb::Down, at(2));
    let kept = id(&membership, 9002);
    let change = find(&mut membership, addresses([9002, 9004]), at(3)).unwrap();
    assert_eq!(
        (change.joined, change.left),
        (vec![address(9004).to_string()], vec![address(9003).to_string()])
    );
    let shown = row(&membership, board, 9002, at(3));
    assert_eq!((shown.backend.weight, shown.backend.state), (7, BackendState::Down));
    assert_eq!(shown.backend.host.as_deref(), Some("app.internal:80"));
    assert_eq!(id(&membership, 9002), kept, "it keeps its slot and its counts");
    assert_eq!(
        membership.not_found("api", &discovery(), at(4)),
        None,
        "a failure takes nobody out"
    );
    assert_eq!(ports(&membership, board), [9001, 9002, 9004]);
}

#[test]
fn what_the_file_writes_out_has_its_place_and_an_address_only_one() {
    let (mut membership, board) = applied(&config_of(&[named(), backend(9001, 5)]));
    let change = find(&mut membership, addresses(9001..9081), at(1)).unwrap();
    assert_eq!(change.beyond, 80 - limits::UPSTREAM_MEMBERS_MAX);
    let ports = ports(&membership, board);
    assert_eq!(ports.len(), limits::UPSTREAM_MEMBERS_MAX);
    assert_eq!((ports.iter().filter(|port| **port == 9001).count(), ports[63]), (1, 9001));
    assert_eq!(row(&membership, board, 9001, at(1)).backend.weight, 5, "it is the file's");
    let change = find(&mut membership, addresses([9002]), at(2)).unwrap();
    assert_eq!((change.beyond, change.left.len()), (0, 62));
}

#[test]
fn hashes_have_no_use_for_backups_until_the_strategy_changes() {
    let hash = model::Upstream { strategy: Strategy::IpHash, ..upstream("api", &[named()]) };
    let (mut membership, board) = applied(&config(&[hash], &[]));
    let mut found = addresses([9001, 9002]);
    found[1].rank = Rank::Later;
    find(&mut membership, found, at(1));
    assert_eq!(ports(&membership, board), [9001]);
    let verb = UpstreamVerb::Strategy { strategy: "round_robin".to_owned() };
    assert_eq!(membership.upstream("api", &verb, at(2)).outcome, Outcome::Changed);
    assert_eq!(ports(&membership, board), [9001, 9002]);
    let share = row(&membership, board, 9002, at(2)).backend.expected_share;
    assert!(share.abs() < f64::EPSILON, "it is a backup: {share}");
    assert_eq!(membership.upstream("api", &UpstreamVerb::Reset, at(3)).outcome, Outcome::Changed);
    assert_eq!(ports(&membership, board), [9001]);
}

#[test]
fn who_joins_others_starts_slowly() {
    let slow = model::Upstream { slow_start_ms: 10_000, ..upstream("api", &[named()]) };
    let (mut membership, board) = applied(&config(&[slow], &[]));
    find(&mut membership, addresses([9001]), at(1));
    assert_eq!(
        state(&membership, board, 9001, at(1)),
        BackendState::Up,
        "nobody to be slower than"
    );
    find(&mut membership, addresses([9001, 9002]), at(2));
    assert_eq!(state(&membership, board, 9001, at(3)), BackendState::Up);
    assert_eq!(state(&membership, board, 9002, at(3)), BackendState::Starting);
}

#[test]
fn until_the_first_answer_those_before_serve_on_if_nobody_else_does() {
    let fixed = config_of(&[backend(9001, 1)]);
    for (backends, answer, expected) in [
        (vec![named()], Some(addresses([9001, 9002])), vec![9001, 9002]),
        (vec![named()], Some(addresses([9002])), vec![9002]),
        (vec![named()], None, vec![]),
    ] {
        let (mut membership, board) = applied(&fixed);
        membership.apply_config(&config_of(&backends), at(1)).unwrap();
        assert_eq!(ports(&membership, board), [9001]);
        match answer {
            Some(found) => find(&mut membership, found, at(2)),
            None => membership.not_found("api", &discovery(), at(2)),
        };
        assert_eq!(ports(&membership, board), expected);
    }
    let (mut membership, board) = applied(&fixed);
    membership.apply_config(&config_of(&[named(), backend(9003, 1)]), at(1)).unwrap();
    assert_eq!(ports(&membership, board), [9003]);
}

#[test]
fn a_successor_and_a_reload_know_what_was_found() {
    let file = config_of(&[named()]);
    let (mut membership, board) = applied(&file);
    find(&mut membership, addresses([9001, 9002]), at(1));
    membership.apply_config(&file, at(2)).unwrap();
    assert_eq!(ports(&membership, board), [9001, 9002]);
    let known = membership.known();
    let mut successor = Membership::new(board);
    successor.recall_known(known);
    successor.apply_config(&file, at(3)).unwrap();
    assert_eq!(ports(&successor, board), [9001, 9002]);
    let host = row(&successor, board, 9001, at(3)).backend.host;
    assert_eq!(host.as_deref(), Some("app.internal:80"));
    // Without a will those on the board stay until an answer comes.
    let mut orphan = Membership::new(board);
    orphan.apply_config(&file, at(4)).unwrap();
    assert_eq!(ports(&orphan, board), [9001, 9002]);
    find(&mut orphan, addresses([9002]), at(5));
    assert_eq!(ports(&orphan, board), [9002]);
}
