//! `least_time` as tables.

use super::*;
use crate::balance::least_time::average_ms;

/// Peers by weight, average and requests in flight, asked in this second.
fn timed(peers: &[(u32, u64, u32)], now_s: u64) -> Vec<Peer> {
    let peer = |(weight, time_ms, conns): &(u32, u64, u32)| Peer {
        time_ms: *time_ms,
        conns: *conns,
        checked_s: now_s,
        ..Peer::fresh(*weight)
    };
    peers.iter().map(peer).collect()
}

#[test]
fn the_nearest_answer_wins() {
    for (peers, expected) in [
        (&[(1, 100, 0), (1, 50, 0)][..], 1),
        // (1 + 2) * 60 beside 1 * 120: what is in flight goes first.
        (&[(1, 100, 0), (1, 50, 2)], 0),
        (&[(1, 100, 0), (1, 50, 1)], 0),
        (&[(1, 110, 0), (1, 45, 0)], 1),
        // A weight of three stands for three times the speed.
        (&[(1, 50, 0), (3, 100, 0)], 1),
        (&[(1, 50, 0), (2, 130, 0)], 0),
        // One that was never asked is as near as the nearest.
        (&[(1, 40, 0), (1, 0, 0)], 1),
        // Beyond five seconds all are alike: requests in flight decide.
        (&[(1, 6_000, 1), (1, 60_000, 0)], 1),
        (&[(1, 5_001, 0), (1, 4_990, 0)], 0),
        (&[(1000, u64::MAX, u32::MAX), (1, u64::MAX, u32::MAX)], 0),
    ] {
        let found = pick_of(Strategy::LeastTime, &mut timed(peers, 50), CLIENT, 50);
        assert_eq!(found, Some(expected), "{peers:?}");
    }
}

#[test]
fn peers_of_about_one_speed_take_turns() {
    let mut peers = timed(&[(3, 21, 0), (1, 39, 0), (1, 30, 0)], 0);
    // 40 / 3 is the least: turns are for what is equal in proportion to weight.
    assert_eq!(sequence(Strategy::LeastTime, &mut peers, 5, 0), "11111");
    let mut peers = timed(&[(1, 21, 0), (1, 39, 0), (1, 30, 0), (1, 41, 0)], 0);
    assert_eq!(sequence(Strategy::LeastTime, &mut peers, 6, 0), "123123");
}

#[test]
fn a_peer_nobody_asked_is_thought_faster_window_by_window() {
    // 1000, 500, 250 and 125 come to 1020, 520, 260 and 140 beside 120; then 62 to 80.
    for (idle_s, expected) in
        [(0, 0), (10, 0), (11, 0), (22, 0), (33, 0), (43, 0), (44, 1), (1_000_000, 1)]
    {
        let now_s = 2_000_000;
        let mut peers = timed(&[(1, 100, 0), (1, 1_000, 0)], now_s);
        peers[1].checked_s = now_s - idle_s;
        let found = pick_of(Strategy::LeastTime, &mut peers, CLIENT, now_s);
        assert_eq!(found, Some(expected), "{idle_s}");
    }
}

#[test]
fn an_average_takes_a_twentieth_of_each_new_time() {
    for (average, time, expected) in
        [(0, 80, 80), (100, 100, 100), (100, 0, 95), (100, 300, 110), (10, 0, 10), (9, 19, 10)]
    {
        assert_eq!(average_ms(average, time), expected, "{average} and {time}");
    }
}

#[test]
fn a_backup_waits_for_the_primaries_and_failures_eject() {
    let mut peers = timed(&[(1, 500, 3), (1, 900, 0), (1, 0, 0)], 5);
    peers[2].tier = Tier::Backup;
    assert_eq!(sequence(Strategy::LeastTime, &mut peers, 2, 5), "22");
    failure::fail(&mut peers, 1, 5);
    assert_eq!(sequence(Strategy::LeastTime, &mut peers, 2, 5), "11");
    failure::fail(&mut peers, 0, 5);
    assert_eq!(sequence(Strategy::LeastTime, &mut peers, 2, 5), "33");
}
