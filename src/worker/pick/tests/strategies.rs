//! Strategies that go by more than balancing words: keys, rings, times and draws, by workers that
//! share one board.

use super::*;
use crate::balance::ring::{Member, Ring};

fn pick_by_key(picker: &mut Picker, key: &[u8]) -> usize {
    let asker = Asker { client: CLIENT, key };
    let picked = picker.pick(upstream(), asker, &mut Tried::none(), SECOND_US).unwrap();
    picked.backend().index()
}

/// Whom the keys go to, each asked of another worker.
fn owners(pickers: &mut [Picker], count: usize) -> Vec<usize> {
    let workers = pickers.len();
    (0..count)
        .map(|key| pick_by_key(&mut pickers[key % workers], format!("/{key}").as_bytes()))
        .collect()
}

#[test]
fn a_key_has_one_backend_whichever_worker_is_asked() {
    for strategy in [Strategy::Hash, Strategy::HashConsistent] {
        let board = board(strategy, &[1, 2, 1]);
        let mut pickers = pickers(board, 3);
        let first = owners(&mut pickers, 60);
        pickers.rotate_left(1);
        assert_eq!(owners(&mut pickers, 60), first, "{strategy:?}");
        assert!((0..3).all(|index| first.contains(&index)), "{strategy:?}");
    }
}

#[test]
fn a_ring_follows_weights_and_members() {
    let board = board(Strategy::HashConsistent, &[1, 1]);
    let mut pickers = pickers(board, 2);
    let ours = |weights: [u32; 2]| {
        let addresses = ["127.0.0.1:9001", "127.0.0.1:9002"];
        let members =
            [0, 1].map(|index| Member { index, address: addresses[index], weight: weights[index] });
        let mut peers = weights.map(balance::Peer::fresh);
        let ring = Ring::new(&members);
        (0..60)
            .map(|key| {
                let key = format!("/{key}");
                let mut request = balance::Request {
                    client: CLIENT,
                    key: key.as_bytes(),
                    ring: Some(&ring),
                    dice: &mut Dice::seeded(0),
                    tried: 0,
                    walk: &mut Walk::start(),
                    now_s: 1,
                };
                let strategy = balance::Strategy::HashConsistent;
                balance::pick(strategy, &mut peers, &mut request).unwrap()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(owners(&mut pickers, 60), ours([1, 1]));
    set(board, 1, Standing::Open, 7);
    assert_eq!(owners(&mut pickers, 60), ours([1, 7]));
    // Closed, it keeps its points: the others' keys stay where they are.
    set(board, 0, Standing::Draining, 1);
    assert_eq!(owners(&mut pickers, 60), [1; 60]);
    set(board, 0, Standing::Open, 1);
    assert_eq!(owners(&mut pickers, 60), ours([1, 7]));
    board.upstream(upstream()).publish().members(&[id(1)]);
    assert_eq!(owners(&mut pickers, 60), [1; 60]);
}

/// The ring is made once for a roster and its weights, not for a pick.
#[test]
fn a_ring_stays_while_nothing_changes() {
    let board = board(Strategy::HashConsistent, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    pick_by_key(&mut picker, b"a");
    let ring = |picker: &Picker| {
        std::ptr::from_ref(picker.rings[upstream().index()].as_deref().unwrap().ring())
    };
    let first = ring(&picker);
    for key in 0..100_u8 {
        pick_by_key(&mut picker, &[key]);
    }
    assert_eq!(ring(&picker), first);
}

#[test]
fn times_are_shared_and_averaged_by_both_ways_of_counting() {
    for strategy in [Strategy::LeastTimeHeader, Strategy::LeastTimeLastByte] {
        let board = board(strategy, &[1, 1]);
        let mut pickers = pickers(board, 2);
        // The first is fast with its head and slow with the rest; the second the other way round.
        for (header_us, last_byte_us) in [(50_000, 900_000), (400_000, 410_000)] {
            let picked = pick(&mut pickers[0]).unwrap();
            pickers[0].timed(&picked, Some(header_us), last_byte_us);
        }
        let expected = usize::from(strategy == Strategy::LeastTimeLastByte);
        for turn in 0..6 {
            let picked = pick(&mut pickers[turn % 2]).unwrap();
            assert_eq!(picked.backend(), id(expected), "{strategy:?}");
        }
        let times = board.backend(id(0)).times();
        assert_eq!((times.header_ms, times.last_byte_ms), (50, 900));
        let picked = pick(&mut pickers[1]).unwrap();
        pickers[1].timed(&picked, None, 7);
        assert_eq!(board.backend(id(0)).times(), times, "an answer without a head has no time");
    }
}

#[test]
fn other_strategies_keep_no_times() {
    let board = board(Strategy::RoundRobin, &[1]);
    let mut picker = pickers(board, 1).remove(0);
    let picked = pick(&mut picker).unwrap();
    picker.timed(&picked, Some(50_000), 50_000);
    assert_eq!(board.backend(id(0)).times(), Times::default());
}

#[test]
fn in_flight_of_all_workers_count_for_the_second_of_two() {
    let board = board(Strategy::RandomTwo, &[1, 1]);
    let mut pickers = pickers(board, 2);
    let held = pick(&mut pickers[0]).unwrap();
    for _ in 0..200 {
        assert_ne!(pick(&mut pickers[1]).unwrap().backend(), held.backend());
    }
}

#[test]
fn each_worker_draws_for_itself() {
    let board = board(Strategy::Random, &[1; 8]);
    let mut pickers = pickers(board, 2);
    let draws = |picker: &mut Picker| -> Vec<usize> {
        (0..64).map(|_| pick(picker).unwrap().backend().index()).collect()
    };
    assert_ne!(draws(&mut pickers[0]), draws(&mut pickers[1]));
}
