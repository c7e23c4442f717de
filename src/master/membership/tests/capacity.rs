//! Slow start from every kind of absence, followed drains, and what a strategy cannot use.

use super::*;
use crate::config::model::capacity::{Cookie, Place, Renewal, Session, Token};
use crate::control::call::Removal;

fn warming(upstream: model::Upstream) -> model::Upstream {
    model::Upstream { slow_start_ms: 10_000, ..upstream }
}

/// The expected share beside one equal backend that is warm, from the part of its weight.
fn beside_one(part: f64) -> f64 {
    part / (1.0 + part)
}

#[track_caller]
fn assert_ramp(membership: &mut Membership, board: Board, port: u16, from_s: u64) {
    for (second, part) in [(0, 1), (2, 51), (5, 127), (9, 229)] {
        let now = at(from_s + second);
        membership.tick(now);
        assert_eq!(board.backend(id(membership, port)).gate().ramp, part);
        let shown = row(membership, board, port, now);
        let expected = beside_one(f64::from(part) / 255.0);
        assert!((shown.backend.expected_share - expected).abs() < 1e-9, "{shown:?}");
        assert_eq!(shown.backend.state, BackendState::Starting);
    }
    membership.tick(at(from_s + 10));
    assert_eq!(state(membership, board, port, at(from_s + 10)), BackendState::Up);
    let shown = row(membership, board, port, at(from_s + 10));
    assert!((shown.backend.expected_share - 0.5).abs() < 1e-9);
}

#[test]
fn whoever_comes_back_warms_up_and_is_expected_to() {
    let even = warming(upstream("api", &[backend(9001, 1), backend(9002, 1)]));
    let even = model::Upstream { check: Some(health::CHECK), ..even };
    let (mut membership, board) = applied(&config(&[even], &[]));
    order(&mut membership, 9001, BackendVerb::Down, at(1));
    order(&mut membership, 9001, BackendVerb::Enable, at(2));
    assert_ramp(&mut membership, board, 9001, 2);
    membership.checked(&health::bad(9002, "503"), at(20));
    membership.checked(&health::good(9002), at(30));
    assert_ramp(&mut membership, board, 9002, 30);
    order(&mut membership, 9001, DRAIN, at(50));
    membership.tick(at(50));
    order(&mut membership, 9001, BackendVerb::Enable, at(51));
    assert_ramp(&mut membership, board, 9001, 51);
}

#[test]
fn a_programs_new_instance_warms_up() {
    let upstream = warming(upstream("api", &[backend(9009, 1)]));
    let (mut membership, board) = applied(&config(&[upstream], &[program("web", 1, 9001)]));
    membership.join("api", joining(9001, "web:0"), at(3)).unwrap();
    assert_ramp(&mut membership, board, 9001, 3);
    assert!(membership.leave("api", &address(9001), at(20)));
    membership.join("api", joining(9001, "web:0"), at(21)).unwrap();
    assert_ramp(&mut membership, board, 9001, 21);
}

fn sticky(by: Token, on_drain: OnDrain) -> Config {
    let upstream = upstream("api", &[backend(9001, 1), backend(9002, 1)]);
    config(&[model::Upstream { sticky: Some(Sticky { by, on_drain }), ..upstream }], &[])
}

fn cookie() -> Token {
    let (name, attributes) = ("srv".to_owned(), "; path=/".to_owned());
    Token::Cookie(Cookie { name, attributes, renewal: Renewal::Once })
}

#[test]
fn followers_are_served_until_the_drains_time_is_over() {
    let (mut membership, board) = applied(&sticky(cookie(), OnDrain::Follow));
    let gate = |membership: &Membership| board.backend(id(membership, 9001)).gate();
    order(&mut membership, 9001, DRAIN, at(1));
    assert_eq!(drained(&membership.tick(at(2))), None, "idle, but its clients may come");
    assert!(gate(&membership).takes_bound() && !gate(&membership).is_open());
    assert_eq!(drained(&membership.tick(at(31))), Some((0, false)));
    assert!(!gate(&membership).takes_bound());
    // A restart waits for nobody's session.
    order(&mut membership, 9001, BackendVerb::Enable, at(40));
    assert!(membership.drain("api", &address(9001), None, at(41)));
    assert!(!gate(&membership).takes_bound());
    assert_eq!(drained(&membership.tick(at(41))), Some((0, false)));
}

#[test]
fn a_followed_drain_is_cut_by_its_time_and_may_be_a_removal() {
    let (mut membership, board) = applied(&sticky(cookie(), OnDrain::Follow));
    let slot = id(&membership, 9001);
    let reservation = worker(board).reserve(slot);
    let remove = BackendVerb::Remove(Removal::Drained { timeout_ms: Some(5000) });
    assert_eq!(order(&mut membership, 9001, remove, at(1)).0, Outcome::Changed);
    assert_eq!(drained(&membership.tick(at(5))), None);
    assert!(board.backend(slot).gate().takes_bound());
    assert_eq!(drained(&membership.tick(at(6))), None, "the workers are to end it");
    let gate = board.backend(slot).gate();
    assert_eq!((gate.standing, gate.takes_bound()), (Standing::Cut, false));
    drop(reservation);
    assert_eq!(drained(&membership.tick(at(7))), Some((0, true)));
    let left = board.upstream(membership.upstreams[0].id).roster().unwrap().members;
    assert_eq!(left.len(), 1, "it is gone");
}

#[test]
fn only_cookies_of_ours_name_a_backend() {
    let session = Session { place: Place::Cookie, name: "SID".to_owned(), timeout_ms: 1000 };
    for (by, expected) in [(cookie(), 32), (Token::Session(session), 0)] {
        let (membership, board) = applied(&sticky(by, OnDrain::Move));
        let about = board.backend(id(&membership, 9001)).about();
        assert_eq!(about.sticky.len(), expected);
    }
}

#[test]
fn strategies_without_tiers_are_refused_where_there_are_priorities() {
    let second = model::Backend { priority: 1, max_conns: 5, ..backend(9002, 1) };
    let (mut membership, board) =
        applied(&config(&[upstream("api", &[backend(9001, 1), second])], &[]));
    for strategy in ["ip_hash", "random", "random_two"] {
        let verb = UpstreamVerb::Strategy { strategy: strategy.to_owned() };
        let answer = membership.upstream("api", &verb, at(1));
        let text = format!("api has priorities, which {strategy} cannot use");
        assert_eq!((answer.outcome, answer.message), (Outcome::Refused, text));
    }
    let shown = row(&membership, board, 9002, at(1)).backend.capacity;
    assert_eq!((shown.priority, shown.max_conns, shown.backup), (1, 5, false));
    let about = board.backend(id(&membership, 9002)).about();
    assert_eq!((about.priority, about.max_conns), (1, 5));
}
