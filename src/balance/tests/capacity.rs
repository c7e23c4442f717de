//! Bounds, tiers, slow start and sticky clients.

use super::*;
use crate::balance::is_crowded;
use crate::balance::ramp::Ramp;

#[test]
fn a_full_peer_is_passed_over_and_keeps_its_weights() {
    for strategy in STRATEGIES {
        let mut peers = group(&[5, 1]);
        peers[0] = Peer { max_conns: 2, conns: 2, ..peers[0] };
        assert_eq!(sequence(strategy, &mut peers, 3, 0), "222", "{strategy:?}");
        assert_eq!(peers[0].current_weight, 0);
    }
    let mut peers = group(&[5, 1]);
    peers[0] = Peer { max_conns: 2, conns: 1, ..peers[0] };
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 3, 0), "111", "one more");
}

#[test]
fn the_only_peer_can_be_full() {
    let mut peers = group(&[1]);
    peers[0] = Peer { max_conns: 1, conns: 1, ..peers[0] };
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 1, 0), "-");
    let (mut walk, mut dice) = (Walk::start(), Dice::seeded(1));
    let (walk, dice) = (&mut walk, &mut dice);
    let request = Request { client: CLIENT, key: b"", ring: None, dice, tried: 0, walk, now_s: 0 };
    assert!(is_crowded(&peers, &request));
    peers[0].standing = Standing::Closed;
    assert!(!is_crowded(&peers, &request), "gone is not full");
}

#[test]
fn a_backup_serves_while_all_primaries_are_full() {
    let mut peers = group(&[1, 1, 1]);
    peers[2].tier = Tier::Backup;
    for peer in &mut peers[..2] {
        *peer = Peer { max_conns: 1, conns: 1, ..*peer };
    }
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 2, 0), "33");
    peers[0].conns = 0;
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 2, 0), "11");
}

#[test]
fn a_priority_serves_only_while_none_before_it_can() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastConn] {
        let mut peers = group(&[1, 1, 1, 1, 1]);
        for (peer, priority) in peers.iter_mut().zip([7, 0, 7, 0, 255]) {
            peer.priority = priority;
        }
        peers.push(Peer { tier: Tier::Backup, ..Peer::fresh(1) });
        assert_eq!(sequence(strategy, &mut peers, 4, 0), "2424");
        peers[1].standing = Standing::Closed;
        assert_eq!(sequence(strategy, &mut peers, 2, 0), "44");
        peers[3] = Peer { max_conns: 1, conns: 1, ..peers[3] };
        assert_eq!(sequence(strategy, &mut peers, 4, 0), "1313");
        peers[0].standing = Standing::Closed;
        peers[2].standing = Standing::HeldBack;
        assert_eq!(sequence(strategy, &mut peers, 2, 0), "33", "in slow start, but first");
        peers[2].standing = Standing::Closed;
        assert_eq!(sequence(strategy, &mut peers, 2, 0), "55");
        peers[4].standing = Standing::Closed;
        assert_eq!(sequence(strategy, &mut peers, 2, 0), "66");
        peers[3].conns = 0;
        assert_eq!(sequence(strategy, &mut peers, 2, 0), "44");
    }
}

#[test]
fn the_expectation_knows_tiers_and_slow_start() {
    let member = |weight, priority, ramp| share::Member {
        weight,
        is_serving: true,
        tier: Tier::Primary,
        priority,
        ramp,
        service_us: None,
    };
    for (members, expected) in [
        (vec![member(1, 1, 1.0), member(1, 0, 1.0)], vec![0.0, 1.0]),
        (vec![member(1, 0, 0.5), member(1, 0, 1.0)], vec![0.5 / 1.5, 1.0 / 1.5]),
        (vec![member(3, 0, 0.5), member(1, 0, 0.5)], vec![0.75, 0.25]),
    ] {
        assert_eq!(share::expected(Strategy::RoundRobin, &members, &[]), expected, "{members:?}");
    }
}

#[test]
fn least_conn_leaves_a_warming_peer_its_part() {
    for (conns, expected) in [([1, 10], 0), ([3, 10], 1), ([0, 1], 0)] {
        let mut peers = group(&[1, 1]);
        peers.iter_mut().zip(conns).for_each(|(peer, conns)| peer.conns = conns);
        // A fifth of its weight: two beside ten would be its load.
        peers[0].ramp = Ramp::new(51, 0);
        let found = pick_of(Strategy::LeastConn, &mut peers, CLIENT, 0);
        assert_eq!(found, Some(expected), "{conns:?}");
    }
}

/// nginx's `low_limit`: a peer whose clients all come back owes the others no more than one turn.
#[test]
fn sticky_picks_debit_no_more_than_one_in_a_row() {
    let mut peers = group(&[1, 1]);
    peers[0].is_bound = true;
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 10, 0), "1".repeat(10));
    assert_eq!(peers[0].current_weight, -1, "one is debited, however many they were");
    peers[0].is_bound = false;
    assert_eq!(sequence(Strategy::RoundRobin, &mut peers, 5, 0), "21212");
}

#[test]
fn a_sticky_client_goes_elsewhere_when_its_peer_cannot_take_it() {
    let blocks: [fn(&mut Peer); 4] = [
        |peer| peer.standing = Standing::Closed,
        |peer| *peer = Peer { max_conns: 1, conns: 1, ..*peer },
        |peer| *peer = Peer { fails: 1, checked_s: 5, ..*peer },
        |peer| peer.priority = 1,
    ];
    for strategy in STRATEGIES {
        for block in blocks {
            let mut peers = group(&[1, 1]);
            peers[0].is_bound = true;
            assert_eq!(sequence(strategy, &mut peers, 3, 5), "111", "{strategy:?}");
            block(&mut peers[0]);
            assert_eq!(sequence(strategy, &mut peers, 2, 5), "22", "{strategy:?} {:?}", peers[0]);
        }
        let mut peers = group(&[1, 1]);
        peers[0].standing = Standing::Leaving;
        assert_eq!(sequence(strategy, &mut peers, 2, 5), "22", "{strategy:?}");
        peers[0].is_bound = true;
        assert_eq!(sequence(strategy, &mut peers, 2, 5), "11", "{strategy:?}");
    }
}

proptest! {
    /// While a peer warms up, its share is its part of the weight over what all have.
    #[test]
    fn shares_follow_the_ramp(weights in prop::collection::vec(1u32..20, 2..6), part in 1u8..255) {
        let mut peers = group(&weights);
        let mut counts = vec![0u32; peers.len()];
        let rounds = 4_000;
        for turn in 0..rounds {
            peers[0].ramp = Ramp::new(part, turn);
            counts[pick_of(Strategy::RoundRobin, &mut peers, CLIENT, 0).unwrap()] += 1;
        }
        let warm: f64 = weights[1..].iter().map(|weight| f64::from(*weight)).sum();
        let warming = f64::from(weights[0]) * f64::from(part) / 255.0;
        let expected = rounds as f64 * warming / (warming + warm);
        // Granted by chance: five standard deviations, and a round.
        let slack = 4.0 + 5.0 * (expected * (1.0 - expected / rounds as f64)).sqrt();
        prop_assert!((f64::from(counts[0]) - expected).abs() <= slack, "{} {expected}", counts[0]);
        prop_assert_eq!(peers.iter().map(|peer| peer.current_weight).sum::<i64>(), 0);
    }

    #[test]
    fn nobody_full_is_picked(
        mut peers in peers(), strategy in strategies(), bounds in prop::collection::vec(0u32..4, PEERS_MAX),
        priorities in prop::collection::vec(0u8..3, PEERS_MAX), bound in any::<prop::sample::Index>(),
        tried in any::<u64>(),
    ) {
        for (index, peer) in peers.iter_mut().enumerate() {
            (peer.max_conns, peer.priority) = (bounds[index], priorities[index]);
        }
        let count = peers.len();
        peers[bound.index(count)].is_bound = true;
        let before = peers.clone();
        let tried = if failure::is_sole(&peers) { 0 } else { tried };
        let (mut walk, mut dice) = (Walk::start(), Dice::seeded(tried));
        let (walk, dice) = (&mut walk, &mut dice);
        let mut request =
            Request { client: CLIENT, key: b"k", ring: None, dice, tried, walk, now_s: 20 };
        let is_full = |peer: &Peer| peer.max_conns > 0 && peer.conns >= peer.max_conns;
        let picked = pick(strategy, &mut peers, &mut request);
        if let Some(index) = picked {
            prop_assert!(!is_full(&before[index]));
        } else {
            let could = is_crowded(&before, &request);
            let is_usable = |(index, peer): (usize, &Peer)| {
                peer.standing != Standing::Closed
                    && tried & (1 << index) == 0
                    && (failure::is_sole(&before) || !failure::is_ejected(peer, 20))
            };
            prop_assert_eq!(could, before.iter().enumerate().any(is_usable));
        }
    }
}
