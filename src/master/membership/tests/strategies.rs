//! What a strategy needs, how it reaches the workers, and what is shown of it.

use super::*;
use crate::config::template::Template;

#[test]
fn a_hash_needs_a_key_and_rests_without_one() {
    let keyed = model::Upstream {
        hash_key: Some(Template::default()),
        ..upstream("api", &[backend(9001, 1), backend(9002, 1)])
    };
    let (mut membership, board) = applied(&two());
    let verb = |name: &str| UpstreamVerb::Strategy { strategy: name.to_owned() };
    let on_board =
        |board: Board| board.upstream(UpstreamId::new(0).unwrap()).roster().unwrap().strategy;
    for name in ["hash", "hash_consistent"] {
        let answer = membership.upstream("api", &verb(name), at(1));
        assert_eq!(answer.outcome, Outcome::Refused);
        assert_eq!(
            answer.message,
            format!(
                "api has no hash_key, which {name} needs; add one to the file, such as \
                 hash_key = \"$request_uri\", and reload"
            )
        );
    }
    membership.apply_config(&config(std::slice::from_ref(&keyed), &[]), at(2)).unwrap();
    let answer = membership.upstream("api", &verb("hash_consistent"), at(3));
    assert_eq!(answer.message, "api uses hash_consistent, was round_robin");
    assert_eq!(on_board(board), scoreboard::upstream::Strategy::HashConsistent);
    // The file takes the key away, and gives it back.
    membership.apply_config(&two(), at(4)).unwrap();
    assert_eq!(on_board(board), scoreboard::upstream::Strategy::RoundRobin);
    membership.apply_config(&config(&[keyed], &[]), at(5)).unwrap();
    assert_eq!(on_board(board), scoreboard::upstream::Strategy::HashConsistent);
}

#[test]
fn every_strategy_reaches_the_board_and_comes_back() {
    for strategy in Strategy::ALL {
        for timing in [Timing::Header, Timing::LastByte] {
            let file = model::Upstream {
                strategy,
                timing,
                hash_key: Some(Template::default()),
                ..upstream("api", &[backend(9001, 1)])
            };
            let (_, board) = applied(&config(&[file], &[]));
            let successor = Membership::new(board);
            let settings = &successor.upstreams[0].settings;
            assert_eq!(settings.strategy, strategy);
            if strategy == Strategy::LeastTime {
                assert_eq!(settings.timing, timing);
            }
        }
    }
}

/// The shares shown of consistent hashing are those of the ring, which follows weights.
#[test]
fn a_rings_shares_are_shown() {
    let keyed = model::Upstream {
        strategy: Strategy::HashConsistent,
        hash_key: Some(Template::default()),
        ..upstream("api", &[backend(9001, 1), backend(9002, 1)])
    };
    let (mut membership, board) = applied(&config(&[keyed], &[]));
    let shares = |membership: &mut Membership, second| {
        membership.tick(at(second));
        [9001, 9002].map(|port| row(membership, board, port, at(second)).backend.expected_share)
    };
    let [one, two] = shares(&mut membership, 1);
    assert!((one + two - 1.0).abs() < 1e-9, "{one} {two}");
    assert!((one - 0.5).abs() < 0.15 && (one - 0.5).abs() > 1e-6, "no ring is even: {one}");
    order(&mut membership, 9001, BackendVerb::Weight { weight: 30 }, at(2));
    let [one, _] = shares(&mut membership, 3);
    assert!(one > 0.9, "{one}");
}
