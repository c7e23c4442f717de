//! `random` and `random_two`: shares within what chance allows, and the rules that chance has no
//! say in. Seeds are fixed, so what passes once passes always.

use super::*;

const DRAWS: u32 = 20_000;

fn draw(strategy: Strategy, peers: &mut [Peer], dice: &mut Dice, walk: &mut Walk) -> Option<usize> {
    let request =
        &mut Request { client: CLIENT, key: b"", ring: None, dice, tried: 0, walk, now_s: 0 };
    pick(strategy, peers, request)
}

/// How often each peer is drawn by that many requests.
fn counts(strategy: Strategy, peers: &mut [Peer]) -> Vec<u32> {
    let mut counts = vec![0; peers.len()];
    let mut dice = Dice::seeded(42);
    for _ in 0..DRAWS {
        counts[draw(strategy, peers, &mut dice, &mut Walk::start()).unwrap()] += 1;
    }
    counts
}

/// Five standard deviations of so many draws.
fn check(strategy: Strategy, peers: &mut [Peer], shares: &[f64]) {
    let counts = counts(strategy, peers);
    for (count, share) in counts.iter().zip(shares) {
        let (due, spread) =
            (share * f64::from(DRAWS), (share * (1.0 - share) * f64::from(DRAWS)).sqrt());
        let off = (f64::from(*count) - due).abs();
        assert!(off <= 5.0 * spread, "{strategy:?}: {counts:?} for {shares:?}");
    }
}

#[test]
fn shares_are_the_expected_ones() {
    for (weights, closed) in
        [(&[1, 1][..], 9), (&[3, 1, 1], 9), (&[3, 2, 1], 0), (&[10, 1, 1, 4], 2)]
    {
        for strategy in [Strategy::Random, Strategy::RandomTwo] {
            let mut peers = group(weights);
            if let Some(peer) = peers.get_mut(closed) {
                peer.standing = Standing::Closed;
            }
            let member = |peer: &Peer| share::Member {
                weight: peer.weight,
                is_serving: peer.standing == Standing::Open,
                tier: Tier::Primary,
                priority: 0,
                ramp: 1.0,
                service_us: None,
            };
            let members: Vec<share::Member> = peers.iter().map(member).collect();
            check(strategy, &mut peers, &share::expected(strategy, &members, &[]));
        }
    }
}

/// Every pair of draws written out: 3:2:1 for the second of two.
#[test]
fn the_second_of_two_by_hand() {
    let sixths = [3.0, 2.0, 1.0].map(|weight| weight / 6.0);
    let second = |at: usize| -> f64 {
        (0..3)
            .filter(|first| *first != at)
            .map(|first| sixths[first] * sixths[at] / (1.0 - sixths[first]))
            .sum()
    };
    check(Strategy::RandomTwo, &mut group(&[3, 2, 1]), &[second(0), second(1), second(2)]);
}

#[test]
fn of_two_the_more_loaded_is_left_alone() {
    let mut peers = group(&[1, 1]);
    peers[1].conns = 1;
    let counts = counts(Strategy::RandomTwo, &mut peers);
    assert_eq!(counts, [DRAWS, 0]);
    // In proportion to weight: 3 of 3 is less than 2 of 1, and as much as 1 of 1.
    let mut peers = group(&[3, 1]);
    peers[0].conns = 3;
    peers[1].conns = 2;
    assert!(counts_of_two_favours(&mut peers, 0));
    peers[1].conns = 1;
    assert!(!counts_of_two_favours(&mut peers, 0) && !counts_of_two_favours(&mut peers, 1));
}

/// All but what falls to turns: one of 4 is drawn nineteen times in a row every 240 walks.
fn counts_of_two_favours(peers: &mut [Peer], at: usize) -> bool {
    let counts = counts(Strategy::RandomTwo, peers);
    f64::from(counts[at]) > 0.99 * f64::from(DRAWS)
}

/// A walk of twenty-one misses: nobody but the last peer is open, and it is hardly ever drawn.
#[test]
fn after_twenty_misses_turns_find_whoever_is_left() {
    for strategy in [Strategy::Random, Strategy::RandomTwo] {
        let mut peers = group(&[1000, 1]);
        peers[0].standing = Standing::Closed;
        assert_eq!(counts(strategy, &mut peers), [0, DRAWS]);
        let mut dice = Dice::seeded(3);
        let mut walk = Walk::start();
        draw(strategy, &mut peers, &mut dice, &mut walk);
        assert!(walk.is_over());
    }
}

#[test]
fn a_peer_in_slow_start_is_drawn_only_when_it_is_due() {
    for strategy in [Strategy::Random, Strategy::RandomTwo] {
        let mut peers = group(&[1, 1, 1]);
        peers[2].standing = Standing::HeldBack;
        assert_eq!(counts(strategy, &mut peers)[2], 0);
        peers[0].standing = Standing::Closed;
        peers[1].standing = Standing::Closed;
        assert_eq!(counts(strategy, &mut peers)[2], DRAWS);
    }
}

/// Whoever warms up is due in its part of the turns, all by the same spread.
#[test]
fn shares_follow_slow_start() {
    for strategy in [Strategy::Random, Strategy::RandomTwo] {
        for ramps in [[255, 255, 100], [60, 255, 180], [40, 120, 40]] {
            let member = |(weight, ramp): (u32, u8)| share::Member {
                weight,
                is_serving: true,
                tier: Tier::Primary,
                priority: 0,
                ramp: f64::from(ramp) / 255.0,
                service_us: None,
            };
            let weights = [3, 1, 2];
            let members: Vec<_> = weights.into_iter().zip(ramps).map(member).collect();
            let expected = share::expected(strategy, &members, &[]);
            assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{expected:?}");
            let (mut peers, mut dice) = (group(&weights), Dice::seeded(5));
            let mut counts = [0.0; 3];
            for turn in 0..u64::from(DRAWS) {
                for (peer, ramp) in peers.iter_mut().zip(ramps) {
                    let spread = (turn as u8).wrapping_mul(97);
                    let is_due = ramp == 255 || spread < ramp;
                    peer.standing = if is_due { Standing::Open } else { Standing::HeldBack };
                }
                let picked = draw(strategy, &mut peers, &mut dice, &mut Walk::start());
                counts[picked.unwrap()] += 1.0;
            }
            for (count, expected) in counts.iter().zip(&expected) {
                let got = count / f64::from(DRAWS);
                assert!((got - expected).abs() < 0.02, "{strategy:?} {ramps:?}: {got} {expected}");
            }
        }
    }
}

#[test]
fn dice_are_even_and_repeat_by_their_seed() {
    let roll = |seed, end, count: u32| -> Vec<u32> {
        let mut dice = Dice::seeded(seed);
        (0..count).map(|_| dice.below(end)).collect()
    };
    assert_eq!(roll(7, 100, 50), roll(7, 100, 50));
    assert_ne!(roll(7, 100, 50), roll(8, 100, 50));
    assert_eq!(roll(7, 0, 3), [0; 3]);
    assert_eq!(roll(7, 1, 3), [0; 3]);
    assert!(roll(7, u32::MAX, 1000).iter().any(|number| *number > u32::MAX / 2));
    let sides = roll(1, 6, 60_000);
    for side in 0..6 {
        let count = sides.iter().filter(|rolled| **rolled == side).count();
        assert!(count.abs_diff(10_000) < 500, "{side}: {count}");
    }
}
