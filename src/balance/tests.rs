//! nginx's rules as tables: known sequences, failure windows, hashes; and properties that hold for
//! every group.
#![expect(clippy::float_cmp, reason = "sums of integers, divided once: exact means equal")]

mod capacity;

use std::net::IpAddr;

use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::dice::Dice;
use super::fit::{self, Served};
use super::walk::Walk;
use super::{PEERS_MAX, Peer, PeerSet, Request, Standing, Strategy, Tier, failure, pick, share};

mod draws;
mod hashes;
mod second_reading;
mod times;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn group(weights: &[u32]) -> Vec<Peer> {
    weights.iter().map(|weight| Peer::fresh(*weight)).collect()
}

fn pick_of(strategy: Strategy, peers: &mut [Peer], client: IpAddr, now_s: u64) -> Option<usize> {
    offer(strategy, peers, client, (0, &mut Walk::start()), now_s)
}

/// One try of a request that stands at `walk` and was offered to `tried`.
fn offer(
    strategy: Strategy,
    peers: &mut [Peer],
    client: IpAddr,
    (tried, walk): (PeerSet, &mut Walk),
    now_s: u64,
) -> Option<usize> {
    let mut dice = Dice::seeded(u64::from(walk.is_over()) + tried);
    let request =
        &mut Request { client, key: b"", ring: None, dice: &mut dice, tried, walk, now_s };
    pick(strategy, peers, request)
}

/// Picks as nginx's manuals write them: `12131`, counted from one; `-` for none.
fn sequence(strategy: Strategy, peers: &mut [Peer], picks: usize, now_s: u64) -> String {
    let name = |index: Option<usize>| index.map_or("-".to_owned(), |index| (index + 1).to_string());
    (0..picks).map(|_| name(pick_of(strategy, peers, CLIENT, now_s))).collect()
}

const STRATEGIES: [Strategy; 8] = [
    Strategy::RoundRobin,
    Strategy::LeastConn,
    Strategy::IpHash,
    Strategy::Random,
    Strategy::RandomTwo,
    Strategy::Hash,
    Strategy::HashConsistent,
    Strategy::LeastTime,
];

#[test]
fn known_sequences_repeat_for_ever() {
    for (weights, expected) in [
        (&[3, 1, 1][..], "12131"),
        (&[5, 1, 1], "1121311"),
        (&[4, 2, 3], "132131231"),
        (&[1, 1, 1], "123"),
        (&[1, 2], "212"),
        (&[7], "1"),
    ] {
        for strategy in [Strategy::RoundRobin, Strategy::LeastConn] {
            let found = sequence(strategy, &mut group(weights), expected.len() * 4, 0);
            assert_eq!(found, expected.repeat(4), "{strategy:?} {weights:?}");
        }
    }
}

#[test]
fn a_failed_peer_is_out_for_its_window_and_a_second() {
    let mut peers = group(&[1, 1]);
    failure::fail(&mut peers, 0, 100);
    // Its weight went with the failure, so it comes back in second place.
    for (now_s, expected) in [(100, "22"), (110, "22"), (111, "21")] {
        assert_eq!(
            sequence(Strategy::RoundRobin, &mut peers.clone(), 2, now_s),
            expected,
            "{now_s}"
        );
    }
}

#[test]
fn max_fails_two_risks_one_probe_after_the_window() {
    let mut peers = group(&[1, 1]);
    peers[0] = Peer { max_fails: 2, fail_timeout_s: 2, ..peers[0] };
    failure::fail(&mut peers, 0, 10);
    assert!(sequence(Strategy::RoundRobin, &mut peers.clone(), 2, 10).contains('1'));
    failure::fail(&mut peers, 0, 10);
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 4, 12), "2222");
    // One probe, and the window begins anew.
    let probed = sequence(Strategy::RoundRobin, &mut peers, 6, 13);
    assert_eq!(probed.matches('1').count(), 1, "{probed}");
    failure::fail(&mut peers, 0, 13);
    assert_eq!(peers[0].fails, 3);
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 4, 15), "2222");
}

#[test]
fn a_probes_success_forgives_and_an_older_requests_does_not() {
    let mut peers = group(&[1, 1]);
    failure::fail(&mut peers, 0, 10);
    failure::success(&mut peers[0]);
    assert_eq!(peers[0].fails, 1, "answered before the probe");
    sequence(Strategy::RoundRobin, &mut peers, 2, 21);
    failure::success(&mut peers[0]);
    assert_eq!(peers[0].fails, 0);
}

#[test]
fn a_failure_takes_weight_that_picks_give_back() {
    let mut peers = group(&[4, 1]);
    peers[0].max_fails = 3;
    failure::fail(&mut peers, 0, 0);
    assert_eq!(peers[0].effective_weight, 3, "4 / 3 in integers");
    sequence(Strategy::RoundRobin, &mut peers, 1, 0);
    assert_eq!(peers[0].effective_weight, 4);
    peers[0].max_fails = 1;
    failure::fail(&mut peers, 0, 0);
    failure::fail(&mut peers, 0, 0);
    assert_eq!(peers[0].effective_weight, 0, "never below nothing");
}

#[test]
fn max_fails_zero_never_ejects() {
    let mut peers = group(&[1, 1]);
    peers[0].max_fails = 0;
    failure::fail(&mut peers, 0, 5);
    assert!(sequence(Strategy::RoundRobin, &mut peers, 2, 5).contains('1'));
}

#[test]
fn the_only_peer_is_never_ejected_but_can_be_closed() {
    for strategy in STRATEGIES {
        let mut peers = group(&[2]);
        failure::fail(&mut peers, 0, 5);
        assert_eq!(sequence(strategy, &mut peers, 3, 5), "111");
        peers[0].standing = Standing::Closed;
        assert_eq!(sequence(strategy, &mut peers, 1, 5), "-");
    }
}

#[test]
fn a_backup_serves_only_without_primaries() {
    let mut peers = group(&[1, 1, 1]);
    peers[2].tier = Tier::Backup;
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 4, 0), "1212");
    peers[0].standing = Standing::Closed;
    failure::fail(&mut peers, 1, 5);
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 3, 5), "333");
    assert_eq!(sequence(Strategy::LeastConn, &mut peers, 3, 5), "333");
    // The primary's probe; until it is answered, the rest stays with the backup.
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 3, 16), "233");
}

#[test]
fn a_peer_held_back_serves_before_a_backup() {
    let mut peers = group(&[1, 1, 1]);
    peers[0].standing = Standing::HeldBack;
    peers[2].tier = Tier::Backup;
    assert_eq!(sequence(Strategy::LeastConn, &mut peers, 3, 0), "222");
    peers[1].standing = Standing::Closed;
    assert_eq!(sequence(Strategy::LeastConn, &mut peers, 3, 0), "111");
}

#[test]
fn least_conn_compares_load_in_proportion_to_weight() {
    for (weights, conns, expected) in [
        (&[1, 1][..], &[1, 0][..], 1),
        (&[3, 1], &[2, 1], 0),
        (&[3, 1], &[3, 1], 0),
        (&[3, 1], &[4, 1], 1),
        (&[1, 1, 1], &[2, 1, 1], 1),
        (&[1000, 1], &[u32::MAX, u32::MAX], 0),
    ] {
        let mut peers = group(weights);
        peers.iter_mut().zip(conns).for_each(|(peer, conns)| peer.conns = *conns);
        let found = pick_of(Strategy::LeastConn, &mut peers, CLIENT, 0);
        assert_eq!(found, Some(expected), "{weights:?} {conns:?}");
    }
}

#[test]
fn a_lone_least_loaded_peer_leaves_smooth_weights_alone() {
    let mut peers = group(&[1, 1]);
    peers[0].conns = 1;
    sequence(Strategy::LeastConn, &mut peers, 5, 0);
    assert!(peers.iter().all(|peer| peer.current_weight == 0));
}

/// Computed apart from the code, from the formula: three octets from 89 on, times 113, modulo 6271.
#[test]
fn ip_hash_is_nginxs() {
    let formula =
        |octets: &[u32]| octets.iter().fold(89, |hash, octet| (hash * 113 + octet) % 6271);
    assert_eq!(formula(&[127, 0, 0]), 4040);
    for (client, octets) in [
        ("127.0.0.1", &[127, 0, 0][..]),
        ("127.0.0.77", &[127, 0, 0]),
        ("10.0.3.9", &[10, 0, 3]),
        ("203.0.113.5", &[203, 0, 113]),
        ("::1", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ] {
        let weights = [3u32, 1, 2];
        let mut point = formula(octets) % weights.iter().sum::<u32>();
        let holds = |weight: &u32| {
            let is_here = point < *weight;
            point = point.saturating_sub(*weight);
            is_here
        };
        let expected = weights.iter().position(holds);
        let client = client.parse().unwrap();
        assert_eq!(
            pick_of(Strategy::IpHash, &mut group(&weights), client, 0),
            expected,
            "{client}"
        );
    }
}

#[test]
fn ip_hash_goes_on_from_where_the_request_stands() {
    let mut peers = group(&[1, 1, 1, 1, 1]);
    let mut walk = Walk::start();
    let mut tried = 0;
    for _ in 0..peers.len() {
        let index = offer(Strategy::IpHash, &mut peers, CLIENT, (tried, &mut walk), 0).unwrap();
        assert_eq!(tried & (1 << index), 0, "offered twice");
        tried |= 1 << index;
    }
    assert_eq!(offer(Strategy::IpHash, &mut peers, CLIENT, (tried, &mut walk), 0), None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn expected_shares_by_strategy() {
    let member = |weight, is_serving, service_us| share::Member {
        weight,
        is_serving,
        tier: Tier::Primary,
        priority: 0,
        ramp: 1.0,
        service_us,
    };
    let backup = share::Member { tier: Tier::Backup, ..member(1, true, None) };
    let net = |text: &str| share::Client { address: text.parse().unwrap(), requests: 5 };
    for (strategy, members, clients, expected) in [
        (
            Strategy::RoundRobin,
            vec![member(3, true, None), member(1, true, None)],
            vec![],
            vec![0.75, 0.25],
        ),
        (
            Strategy::RoundRobin,
            vec![member(3, false, None), member(1, true, None)],
            vec![],
            vec![0.0, 1.0],
        ),
        (Strategy::RoundRobin, vec![member(3, false, None), backup], vec![], vec![0.0, 1.0]),
        (Strategy::RoundRobin, vec![member(3, true, None), backup], vec![], vec![1.0, 0.0]),
        (Strategy::RoundRobin, vec![member(1, false, None)], vec![], vec![0.0]),
        (
            Strategy::LeastConn,
            vec![member(1, true, Some(300.0)), member(1, true, Some(100.0))],
            vec![],
            vec![0.25, 0.75],
        ),
        (
            Strategy::LeastConn,
            vec![member(1, true, Some(300.0)), member(1, true, None)],
            vec![],
            vec![0.5, 0.5],
        ),
        (
            Strategy::IpHash,
            vec![member(1, true, None), member(1, true, None)],
            vec![],
            vec![0.5, 0.5],
        ),
        (
            Strategy::IpHash,
            vec![member(1, true, None), member(1, false, None)],
            vec![net("10.0.0.0")],
            vec![1.0, 0.0],
        ),
        (
            Strategy::Random,
            vec![member(3, true, None), member(1, true, None), member(9, false, None)],
            vec![],
            vec![0.75, 0.25, 0.0],
        ),
        // 3/4 of the first draws are the first peer, so 3/4 of the second ones are the other.
        (
            Strategy::RandomTwo,
            vec![member(3, true, None), member(1, true, None)],
            vec![],
            vec![0.25, 0.75],
        ),
        (
            Strategy::RandomTwo,
            vec![member(3, true, None), member(1, false, None)],
            vec![],
            vec![1.0, 0.0],
        ),
        (
            Strategy::Hash,
            vec![member(3, true, None), member(1, true, None)],
            vec![net("10.0.0.0")],
            vec![0.75, 0.25],
        ),
        // Both times are of one step of 20 ms: only how fast each finishes counts.
        (
            Strategy::LeastTime,
            vec![member(1, true, Some(3_000.0)), member(1, true, Some(1_000.0))],
            vec![],
            vec![0.25, 0.75],
        ),
        (
            Strategy::LeastTime,
            vec![member(2, true, Some(39_000.0)), member(2, true, None)],
            vec![],
            vec![0.5, 0.5],
        ),
    ] {
        assert_eq!(
            share::expected(strategy, &members, &clients),
            expected,
            "{strategy:?} {members:?}"
        );
    }
}

#[test]
fn distance_from_the_promise() {
    let served = |picks, weight| Served { picks, weight, weight_start: 0, weight_end: 0 };
    for (peers, expected) in [
        (&[served(30, 3), served(10, 1)][..], 0.0),
        (&[served(32, 3), served(8, 1)], 2.0),
        (&[served(0, 3), served(0, 1)], 0.0),
        (&[], 0.0),
    ] {
        assert_eq!(fit::worst(peers, fit::beyond_due), expected, "{peers:?}");
        assert_eq!(fit::worst(peers, fit::residual), expected, "{peers:?}");
    }
    let mid_round =
        [Served { weight_end: -2, ..served(1, 3) }, Served { weight_end: 2, ..served(0, 2) }];
    assert_eq!(fit::worst(&mid_round, fit::beyond_due), 0.4);
    assert_eq!(fit::worst(&mid_round, fit::residual), 0.0);
}

fn standings() -> impl proptest::strategy::Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Open), Just(Standing::HeldBack), Just(Standing::Closed)]
}

fn peers() -> impl proptest::strategy::Strategy<Value = Vec<Peer>> {
    let peer = (1u32..20, 0u32..4, 0u32..3, 0u32..4, 0u64..30, standings(), any::<bool>());
    let build = |(weight, conns, max_fails, fails, checked_s, standing, is_backup)| Peer {
        conns,
        max_fails,
        fails,
        checked_s,
        accessed_s: checked_s,
        standing,
        tier: if is_backup { Tier::Backup } else { Tier::Primary },
        ..Peer::fresh(weight)
    };
    prop::collection::vec(peer.prop_map(build), 1..PEERS_MAX)
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop::sample::select(vec![
        Strategy::RoundRobin,
        Strategy::LeastConn,
        Strategy::IpHash,
        Strategy::Random,
        Strategy::RandomTwo,
        Strategy::LeastTime,
    ])
}

proptest! {
    #[test]
    fn nobody_unusable_is_picked_and_somebody_usable_is(
        mut peers in peers(), strategy in strategies(), tried in any::<u64>(), client in any::<u32>(),
    ) {
        let now_s = 20;
        let tried = if failure::is_sole(&peers) { 0 } else { tried };
        let is_usable = |(index, peer): (usize, &Peer)| {
            peer.standing != Standing::Closed
                && tried & (1 << index) == 0
                && (failure::is_sole(&peers) || !failure::is_ejected(peer, now_s))
        };
        let usable: Vec<bool> = peers.iter().enumerate().map(is_usable).collect();
        let client = IpAddr::V4(client.into());
        match offer(strategy, &mut peers, client, (tried, &mut Walk::start()), now_s) {
            Some(index) => prop_assert!(usable[index]),
            None => prop_assert!(!usable.contains(&true)),
        }
    }

    #[test]
    fn smooth_shares_are_exact_over_any_window(
        weights in prop::collection::vec(1u32..30, 2..12), skip in 0usize..100, picks in 30usize..300,
    ) {
        let mut peers = group(&weights);
        sequence(Strategy::RoundRobin, &mut peers, skip, 0);
        let start: Vec<i64> = peers.iter().map(|peer| peer.current_weight).collect();
        let mut counts = vec![0u64; peers.len()];
        for _ in 0..picks {
            counts[pick_of(Strategy::RoundRobin, &mut peers, CLIENT, 0).unwrap()] += 1;
        }
        let served: Vec<Served> = peers.iter().enumerate().map(|(index, peer)| Served {
            picks: counts[index],
            weight: weights[index],
            weight_start: start[index],
            weight_end: peer.current_weight,
        }).collect();
        prop_assert_eq!(fit::worst(&served, fit::residual), 0.0);
        if skip == 0 {
            prop_assert!(served.iter().all(|peer| fit::beyond_due(peer, &served) < 1.0));
        }
        prop_assert_eq!(peers.iter().map(|peer| peer.current_weight).sum::<i64>(), 0);
    }

    #[test]
    fn closing_a_peer_moves_only_its_own_clients(
        weights in prop::collection::vec(1u32..10, 2..10), closed in any::<prop::sample::Index>(),
        clients in prop::collection::vec(any::<u32>(), 1..50),
    ) {
        let closed = closed.index(weights.len());
        let mut before = group(&weights);
        let mut after = group(&weights);
        after[closed].standing = Standing::Closed;
        for client in clients {
            let client = IpAddr::V4(client.into());
            let was = pick_of(Strategy::IpHash, &mut before, client, 0);
            let is = pick_of(Strategy::IpHash, &mut after, client, 0);
            prop_assert!(was == is || was == Some(closed));
        }
    }
}
