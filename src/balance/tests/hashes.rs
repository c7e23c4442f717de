//! `hash` and `hash_consistent` beside a second, naive reading of nginx's rules, and beside points
//! and sums that were computed elsewhere.

use super::*;
use crate::balance::ring::{self, Ring};

/// CRC-32 by its definition, a bit at a time.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

pub(super) fn ring_of(weights: &[u32]) -> Ring {
    let addresses: Vec<String> =
        (0..weights.len()).map(|index| format!("10.0.0.{}:80", index + 1)).collect();
    let members = addresses.iter().zip(weights).enumerate().map(|(index, (address, weight))| {
        ring::Member { index, address: address.as_str(), weight: *weight }
    });
    Ring::new(&members.collect::<Vec<_>>())
}

/// One request's tries until nobody is left, each failing: positions in order.
fn tries(strategy: Strategy, peers: &mut [Peer], ring: Option<&Ring>, key: &[u8]) -> Vec<usize> {
    let (mut walk, mut tried, mut order) = (Walk::start(), 0, Vec::new());
    let mut dice = Dice::seeded(1);
    loop {
        let request = &mut Request {
            client: CLIENT,
            key,
            ring,
            dice: &mut dice,
            tried,
            walk: &mut walk,
            now_s: 0,
        };
        let Some(index) = pick(strategy, peers, request) else { return order };
        assert_eq!(tried & (1 << index), 0, "offered twice");
        tried |= 1 << index;
        order.push(index);
    }
}

/// Weights, who is closed and a key in; tries out.
type Naive = fn(&[u32], &[usize], &[u8]) -> Vec<usize>;

/// nginx's `hash` as its documentation has it: the tries that hashing alone decides.
fn naive_hash(weights: &[u32], closed: &[usize], key: &[u8]) -> Vec<usize> {
    let slots: Vec<usize> = weights
        .iter()
        .enumerate()
        .flat_map(|(index, weight)| std::iter::repeat_n(index, *weight as usize))
        .collect();
    let (mut order, mut hash, mut misses) = (Vec::new(), 0_usize, 0);
    for rehash in 0.. {
        let number = if rehash == 0 { String::new() } else { rehash.to_string() };
        hash += (crc32(&[number.as_bytes(), key].concat()) >> 16 & 0x7fff) as usize;
        let index = slots[hash % slots.len()];
        if closed.contains(&index) || order.contains(&index) {
            misses += 1;
        } else {
            order.push(index);
        }
        if misses > 20 {
            break;
        }
    }
    order
}

/// Every point of a ring in one list.
pub(super) fn naive_points(weights: &[u32]) -> Vec<(u32, usize)> {
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (index, weight) in weights.iter().enumerate() {
        let mut previous = [0; 4];
        for _ in 0..weight * 160 {
            let host = format!("10.0.0.{}", index + 1);
            let sum = crc32(&[host.as_bytes(), b"\0", b"80", &previous].concat());
            points.push((sum, index));
            previous = sum.to_le_bytes();
        }
    }
    // Stable, so that of two points with one sum the first peer's stays.
    points.sort_by_key(|(sum, _)| *sum);
    points.dedup_by_key(|(sum, _)| *sum);
    points
}

/// The ring by its definition, searched from the front.
fn naive_ring(weights: &[u32], closed: &[usize], key: &[u8]) -> Vec<usize> {
    let points = naive_points(weights);
    let sum = crc32(key);
    let mut at = points.iter().position(|(point, _)| *point >= sum).unwrap_or(0);
    let (mut order, mut misses) = (Vec::new(), 0);
    while misses <= 20 {
        let index = points[at % points.len()].1;
        if closed.contains(&index) || order.contains(&index) {
            at += 1;
            misses += 1;
        } else {
            order.push(index);
        }
    }
    order
}

/// By zlib: `crc32(b"10.0.0.1\0" + b"80" + previous)`, the first four points and the last.
const KNOWN_POINTS: [u32; 5] = [0xA2AD_5D56, 0x0BDE_B0AB, 0x75F0_0C5B, 0x8368_489F, 0x0A2A_5F6F];

#[test]
fn points_are_ketamas() {
    let first = |address: &str, weight| {
        let members = [ring::Member { index: 0, address, weight }];
        let mut sums: Vec<u32> = Ring::new(&members).points().map(|(sum, _)| sum).collect();
        sums.sort_unstable();
        sums
    };
    let expected = |bytes: &[u8]| {
        let mut previous = 0_u32;
        let mut sums: Vec<u32> = (0..160)
            .map(|_| {
                previous = crc32(&[bytes, &previous.to_le_bytes()].concat());
                previous
            })
            .collect();
        sums.sort_unstable();
        sums
    };
    for (address, bytes) in [
        ("10.0.0.1:80", &b"10.0.0.1\x0080"[..]),
        ("[::1]:8080", b"[::1]\x008080"),
        ("unix:/run/app.sock", b"/run/app.sock\0"),
    ] {
        assert_eq!(first(address, 1), expected(bytes), "{address}");
    }
    assert_eq!(first("10.0.0.1:80", 2).len(), 320);
    for known in KNOWN_POINTS {
        assert!(first("10.0.0.1:80", 1).contains(&known), "{known:#x}");
    }
}

#[test]
fn a_point_that_two_have_is_the_firsts() {
    let member = |index| ring::Member { index, address: "10.0.0.1:80", weight: 1 };
    let ring = Ring::new(&[member(3), member(5)]);
    assert_eq!(ring.points().count(), 160);
    assert!(ring.points().all(|(_, owner)| owner == 3));
}

#[test]
fn a_heavy_ring_is_bounded_and_forgets_nobody() {
    let ring = ring_of(&[1000, 1000, 1000, 1]);
    assert!(ring.points().count() as u32 <= 160 * (ring::WEIGHT_MAX + 4));
    assert!(ring.points().any(|(_, owner)| owner == 3));
}

#[test]
fn an_empty_key_goes_by_turns() {
    let ring = ring_of(&[3, 1, 1]);
    for strategy in [Strategy::Hash, Strategy::HashConsistent] {
        let mut peers = group(&[3, 1, 1]);
        let order: Vec<usize> =
            (0..5).map(|_| tries(strategy, &mut peers.clone(), Some(&ring), b"")[0]).collect();
        assert_eq!(order, [0; 5], "one turn each, from the same weights");
        let mut walk = Walk::start();
        let mut dice = Dice::seeded(1);
        let mut next = || {
            let (client, ring) = (CLIENT, Some(&ring));
            walk = Walk::start();
            let request = &mut Request {
                client,
                key: b"",
                ring,
                dice: &mut dice,
                tried: 0,
                walk: &mut walk,
                now_s: 0,
            };
            pick(strategy, &mut peers, request).unwrap() + 1
        };
        assert_eq!((0..5).map(|_| next().to_string()).collect::<String>(), "12131");
    }
}

#[test]
fn without_a_ring_consistent_hashing_goes_by_turns() {
    let mut peers = group(&[1, 1]);
    assert_eq!(tries(Strategy::HashConsistent, &mut peers, None, b"key"), [0, 1]);
}

/// The only peer that is open has a sixtieth of the line: most walks end before they meet it.
#[test]
fn after_twenty_misses_turns_find_whoever_is_left() {
    let mut peers = group(&[60, 1]);
    peers[0].standing = Standing::Closed;
    let ring = ring_of(&[60, 1]);
    for strategy in [Strategy::Hash, Strategy::HashConsistent, Strategy::IpHash] {
        for key in 0..50_u32 {
            let key = key.to_string();
            assert_eq!(tries(strategy, &mut peers, Some(&ring), key.as_bytes()), [1]);
        }
    }
}

#[test]
fn a_lost_weight_recovers_on_the_ring_and_not_by_plain_hashes() {
    let ring = ring_of(&[4, 4]);
    for (strategy, expected) in
        [(Strategy::Hash, 0), (Strategy::IpHash, 0), (Strategy::HashConsistent, 1)]
    {
        let mut peers = group(&[4, 4]);
        for peer in &mut peers {
            peer.effective_weight = 0;
        }
        let index = tries(strategy, &mut peers.clone(), Some(&ring), b"key")[0];
        let mut walk = Walk::start();
        let request = &mut Request {
            client: CLIENT,
            key: b"key",
            ring: Some(&ring),
            dice: &mut Dice::seeded(1),
            tried: 0,
            walk: &mut walk,
            now_s: 0,
        };
        assert_eq!(pick(strategy, &mut peers, request), Some(index));
        assert_eq!(peers[index].effective_weight, expected, "{strategy:?}");
        assert!(peers.iter().all(|peer| peer.current_weight == 0), "{strategy:?}");
    }
}

#[test]
fn a_failed_peers_keys_come_back_after_its_window() {
    let ring = ring_of(&[1, 1, 1]);
    for strategy in [Strategy::Hash, Strategy::HashConsistent] {
        let mut peers = group(&[1, 1, 1]);
        let ask = |peers: &mut [Peer], now_s| {
            let request = &mut Request {
                client: CLIENT,
                key: b"/some/path",
                ring: Some(&ring),
                dice: &mut Dice::seeded(1),
                tried: 0,
                walk: &mut Walk::start(),
                now_s,
            };
            pick(strategy, peers, request).unwrap()
        };
        let own = ask(&mut peers, 100);
        failure::fail(&mut peers, own, 100);
        assert_ne!(ask(&mut peers, 110), own, "{strategy:?}: within its window");
        assert_eq!(ask(&mut peers, 111), own, "{strategy:?}: its probe");
        assert_ne!(ask(&mut peers, 111), own, "{strategy:?}: one probe is risked");
    }
}

#[test]
fn shares_of_a_ring_are_what_keys_find() {
    let weights = [5, 1, 2];
    let ring = ring_of(&weights);
    for open in [0b111, 0b101, 0b010, 0] {
        let shares = ring.shares(open, 3);
        let mut found = [0_u32; 3];
        let mut peers = group(&weights);
        for (index, peer) in peers.iter_mut().enumerate() {
            if open & (1 << index) == 0 {
                peer.standing = Standing::Closed;
            }
        }
        for key in 0..4000_u32 {
            let order = tries(
                Strategy::HashConsistent,
                &mut peers,
                Some(&ring),
                key.to_string().as_bytes(),
            );
            if let Some(first) = order.first() {
                found[*first] += 1;
            }
        }
        for (share, found) in shares.iter().zip(found) {
            let off = (share - f64::from(found) / 4000.0).abs();
            assert!(off < 0.04, "{open:b}: {shares:?} {found:?}");
        }
    }
}

proptest! {
    // Each case makes rings, of up to ten thousand points.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn hashes_are_as_the_naive_reading_has_them(
        weights in prop::collection::vec(1u32..6, 2..7),
        closed in prop::collection::vec(0usize..7, 0..3),
        key in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let ring = ring_of(&weights);
        let readings: [(Strategy, Naive); 2] =
            [(Strategy::Hash, naive_hash), (Strategy::HashConsistent, naive_ring)];
        for (strategy, naive) in readings {
            let mut peers = group(&weights);
            for index in closed.iter().filter(|index| **index < weights.len()) {
                peers[*index].standing = Standing::Closed;
            }
            let expected = naive(&weights, &closed, &key);
            let found = tries(strategy, &mut peers, Some(&ring), &key);
            // Behind what hashing decides come, by turns, those it has not met.
            prop_assert!(found.starts_with(&expected), "{:?}: {:?} {:?}", strategy, found, expected);
            let open = (0..weights.len()).filter(|index| !closed.contains(index)).count();
            prop_assert_eq!(found.len(), open);
        }
    }

    #[test]
    fn on_a_ring_only_the_keys_of_who_left_move(
        count in 2usize..8, gone in any::<prop::sample::Index>(), keys in prop::collection::vec(any::<u64>(), 1..60),
    ) {
        let gone = gone.index(count);
        let whole = ring_of(&vec![1; count]);
        let addresses: Vec<String> = (0..count).map(|index| format!("10.0.0.{}:80", index + 1)).collect();
        let rest: Vec<ring::Member> = (0..count).filter(|index| *index != gone).enumerate()
            .map(|(index, was)| ring::Member { index, address: &addresses[was], weight: 1 }).collect();
        let rest = Ring::new(&rest);
        for key in keys {
            let key = key.to_be_bytes();
            let before = tries(Strategy::HashConsistent, &mut group(&vec![1; count]), Some(&whole), &key)[0];
            if before != gone && count > 2 {
                let after = tries(Strategy::HashConsistent, &mut group(&vec![1; count - 1]), Some(&rest), &key)[0];
                prop_assert_eq!(before, after + usize::from(after >= gone));
            }
        }
    }

    #[test]
    fn a_key_finds_somebody_usable_if_there_is_anybody(
        peers in peers(), tried in any::<u64>(), key in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let ring = ring_of(&vec![1; peers.len()]);
        let tried = if failure::is_sole(&peers) { 0 } else { tried };
        let is_usable = |(index, peer): (usize, &Peer)| {
            peer.standing != Standing::Closed
                && tried & (1 << index) == 0
                && (failure::is_sole(&peers) || !failure::is_ejected(peer, 20))
        };
        let usable: Vec<bool> = peers.iter().enumerate().map(is_usable).collect();
        for strategy in [Strategy::Hash, Strategy::HashConsistent] {
            let request = &mut Request {
                client: CLIENT, key: &key, ring: Some(&ring), dice: &mut Dice::seeded(7), tried,
                walk: &mut Walk::start(), now_s: 20,
            };
            match pick(strategy, &mut peers.clone(), request) {
                Some(index) => prop_assert!(usable[index]),
                None => prop_assert!(!usable.contains(&true)),
            }
        }
    }

    /// Any walk on any group, whatever was left in it, ends and panics nowhere.
    #[test]
    fn a_walk_may_change_its_strategy(
        mut peers in peers(), order in prop::collection::vec(0usize..8, 1..30), key in any::<[u8; 3]>(),
    ) {
        let ring = ring_of(&vec![1; peers.len()]);
        let all = [
            Strategy::RoundRobin, Strategy::LeastConn, Strategy::IpHash, Strategy::Random,
            Strategy::RandomTwo, Strategy::Hash, Strategy::HashConsistent, Strategy::LeastTime,
        ];
        let (mut walk, mut tried) = (Walk::start(), 0);
        for strategy in order {
            let request = &mut Request {
                client: CLIENT, key: &key, ring: Some(&ring), dice: &mut Dice::seeded(7), tried,
                walk: &mut walk, now_s: 20,
            };
            if let Some(index) = pick(all[strategy], &mut peers, request) {
                prop_assert_eq!(tried & (1 << index), 0);
                tried |= 1 << index;
            }
        }
    }
}
