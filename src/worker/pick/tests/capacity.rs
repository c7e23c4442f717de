//! Bounds on what is in flight, and the line of those that wait: exact whoever races.

use super::*;
use crate::scoreboard::account;
use crate::scoreboard::queue::Queues;

fn bound(board: Board, index: usize, max_conns: u32) {
    let about = About { max_conns, ..board.backend(id(index)).about() };
    board.upstream(upstream()).publish().about(id(index), &about);
}

fn slot(index: usize) -> WorkerSlot {
    WorkerSlot::new(index).unwrap()
}

/// The line's front, as a worker publishes it.
fn front(board: Board, worker: usize, ticket: Option<u64>) {
    Queues::new(board, slot(worker)).set_front(upstream(), ticket);
}

fn in_line(picker: &mut Picker, ticket: u64) -> Result<Picked, Refusal> {
    picker.pick_in_line((upstream(), ticket), ASKER, &mut Tried::none(), SECOND_US)
}

fn behind(picker: &mut Picker) -> Result<Picked, Refusal> {
    picker.pick_behind(upstream(), ASKER, &mut Tried::none(), SECOND_US)
}

#[test]
fn no_race_exceeds_a_bound() {
    const BOUND: u32 = 3;
    for strategy in [
        Strategy::RoundRobin,
        Strategy::LeastConn,
        Strategy::IpHash,
        Strategy::RandomTwo,
        Strategy::LeastTimeHeader,
    ] {
        let board = board(strategy, &[2, 1]);
        (0..2).for_each(|index| bound(board, index, BOUND));
        // Raised after a pick and lowered before its end: never more than what is in flight.
        let held: [AtomicU32; 2] = Default::default();
        let most: [AtomicU32; 2] = Default::default();
        std::thread::scope(|scope| {
            for mut picker in pickers(board, 4) {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for round in 0..1_000_usize {
                        let mut taken = Vec::new();
                        while let Ok(picked) = pick(&mut picker) {
                            let at = picked.backend().index();
                            let now = held[at].fetch_add(1, Ordering::SeqCst) + 1;
                            most[at].fetch_max(now, Ordering::SeqCst);
                            taken.push(picked);
                            // Now and then more than there are.
                            if taken.len() > round % 8 {
                                break;
                            }
                        }
                        for picked in taken {
                            held[picked.backend().index()].fetch_sub(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        let most = most.map(AtomicU32::into_inner);
        assert_eq!(most, [BOUND; 2], "{strategy:?}");
        assert!((0..2).all(|index| board.backend(id(index)).active() == 0));
    }
}

#[test]
fn full_is_told_from_gone() {
    for weights in [&[1][..], &[1, 1]] {
        let board = board(Strategy::RoundRobin, weights);
        (0..weights.len()).for_each(|index| bound(board, index, 1));
        let mut pickers = pickers(board, 2);
        let held: Vec<_> = weights.iter().map(|_| pick(&mut pickers[0]).unwrap()).collect();
        assert_eq!(pick(&mut pickers[1]).err(), Some(Refusal::Full));
        (0..weights.len()).for_each(|index| set(board, index, Standing::Down, 1));
        assert_eq!(pick(&mut pickers[1]).err(), Some(Refusal::NoBackend));
        drop(held);
        (0..weights.len()).for_each(|index| set(board, index, Standing::Open, 1));
        assert!(pick(&mut pickers[1]).is_ok());
    }
}

/// Where all are failed and may be asked all the same, bounds and the line hold as ever.
#[test]
fn failed_backends_have_their_bounds_too() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    (0..2).for_each(|index| bound(board, index, 1));
    (0..2).for_each(|index| set(board, index, Standing::Failed, 1));
    let mut pickers = pickers(board, 2);
    assert_eq!(behind(&mut pickers[0]).err(), Some(Refusal::NoBackend));
    use_all(board);
    let held = [behind(&mut pickers[0]).unwrap(), behind(&mut pickers[1]).unwrap()];
    assert_ne!(held[0].backend(), held[1].backend());
    assert_eq!(pick(&mut pickers[0]).err(), Some(Refusal::Full));
    let ticket = pickers[1].join_line(upstream(), 9).unwrap();
    front(board, 1, Some(ticket));
    assert_eq!(in_line(&mut pickers[1], ticket).err(), Some(Refusal::Full));
    drop(held);
    assert_eq!(behind(&mut pickers[0]).err(), Some(Refusal::Full), "others were here first");
    assert!(in_line(&mut pickers[1], ticket).is_ok());
    assert_eq!(account::upstream_counts(board, upstream()).desperate, 3);
    // One that is well and full is no reason to ask a failed one.
    set(board, 0, Standing::Open, 1);
    let _held = pick(&mut pickers[0]).unwrap();
    assert_eq!(pick(&mut pickers[0]).err(), Some(Refusal::Full));
}

#[test]
fn what_the_dead_held_is_free_once_settled() {
    let board = board(Strategy::RoundRobin, &[1]);
    bound(board, 0, 1);
    let mut pickers = pickers(board, 2);
    std::mem::forget(pick(&mut pickers[0]).unwrap());
    assert_eq!(pick(&mut pickers[1]).err(), Some(Refusal::Full));
    board.settle_worker(slot(0));
    assert!(pick(&mut pickers[1]).is_ok());
}

#[test]
fn who_is_not_alone_in_the_turn_leaves_bounded_backends_alone() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    bound(board, 0, 5);
    let mut pickers = pickers(board, 2);
    std::mem::forget(board.upstream(upstream()).take_turn(Owner::Worker(slot(0))));
    let picked = pick(&mut pickers[1]).unwrap();
    assert_eq!(picked.backend(), id(1), "first in turn is the one with a bound");
    assert_eq!(pickers[1].join_line(upstream(), 9), None, "who is not alone cannot count");
}

#[test]
fn the_line_is_one_over_all_workers() {
    let board = board(Strategy::RoundRobin, &[1]);
    bound(board, 0, 1);
    let mut pickers = pickers(board, 2);
    let held = behind(&mut pickers[0]).unwrap();
    assert_eq!(behind(&mut pickers[1]).err(), Some(Refusal::Full));
    let first = pickers[1].join_line(upstream(), 2).unwrap();
    front(board, 1, Some(first));
    let second = pickers[0].join_line(upstream(), 2).unwrap();
    front(board, 0, Some(second));
    assert_eq!(pickers[0].join_line(upstream(), 2), None, "two wait already");
    let counts = account::upstream_counts(board, upstream());
    assert_eq!((counts.queued, counts.queue_overflows), (2, 1));

    drop(held);
    assert_eq!(behind(&mut pickers[0]).err(), Some(Refusal::Full), "others were here first");
    assert_eq!(in_line(&mut pickers[0], second).err(), Some(Refusal::Full));
    assert!(in_line(&mut pickers[1], first).is_ok());

    // The first one's worker dies: nobody waits for it once it is settled.
    board.settle_worker(slot(1));
    assert_eq!(account::upstream_counts(board, upstream()).queued, 1);
    assert!(in_line(&mut pickers[0], second).is_ok());
}

#[test]
fn a_worker_that_hangs_holds_nobody_up() {
    let board = board(Strategy::RoundRobin, &[1]);
    let mut pickers = pickers(board, 2);
    let first = pickers[0].join_line(upstream(), 9).unwrap();
    front(board, 0, Some(first));
    assert_eq!(behind(&mut pickers[1]).err(), Some(Refusal::Full));
    board.worker(slot(0)).set_heartbeat_us(SECOND_US);
    board.worker(slot(1)).set_heartbeat_us(3 * SECOND_US);
    assert!(behind(&mut pickers[1]).is_ok());
}

#[test]
fn the_length_is_exact_under_a_race() {
    const LENGTH: u32 = 50;
    let board = board(Strategy::RoundRobin, &[1]);
    bound(board, 0, 1);
    let mut all = pickers(board, 4);
    let _held = pick(&mut all[0]).unwrap();
    let joined = std::thread::scope(|scope| {
        let join = |mut picker: Picker| {
            let tickets = (0..40).filter_map(|_| {
                assert_eq!(behind(&mut picker).err(), Some(Refusal::Full));
                picker.join_line(upstream(), LENGTH)
            });
            tickets.collect::<Vec<_>>()
        };
        let threads: Vec<_> = all.into_iter().map(|it| scope.spawn(move || join(it))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(joined.len(), LENGTH as usize);
    let different: std::collections::HashSet<_> = joined.iter().collect();
    assert_eq!(different.len(), joined.len(), "a ticket is one request's");
    assert_eq!(account::upstream_counts(board, upstream()).queued, LENGTH);
}

#[test]
fn a_client_comes_back_to_its_backend() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastTimeHeader, Strategy::Random] {
        comes_back(strategy);
    }
}

fn comes_back(strategy: Strategy) {
    let board = board(strategy, &[1, 1, 1]);
    let about = About { sticky: "b".to_owned(), ..board.backend(id(1)).about() };
    board.upstream(upstream()).publish().about(id(1), &about);
    let mut picker = pickers(board, 1).remove(0);
    let mut bound_pick = |value: &[u8]| {
        let mut tried = Tried::none();
        picker.bind(upstream(), value, &mut tried);
        let picked = picker.pick(upstream(), ASKER, &mut tried, SECOND_US).unwrap();
        assert_eq!(picker.sticky(id(1), 1), "b");
        picked.backend().index()
    };
    assert!((0..9).all(|_| bound_pick(b"b") == 1));
    let spread: Vec<usize> = (0..99).map(|_| bound_pick(b"nobody's")).collect();
    assert!(spread.contains(&0) && spread.contains(&2), "{spread:?}");
    set(board, 1, Standing::Draining, 1);
    assert!((0..9).all(|_| bound_pick(b"b") != 1), "moved");
    let gate = board.backend(id(1)).gate();
    board.backend(id(1)).set_gate(Gate { bound: Bound::Served, ..gate });
    assert!((0..9).all(|_| bound_pick(b"b") == 1), "followed");
    assert!((0..9).all(|_| bound_pick(b"") != 1), "and by nobody else");
    set(board, 1, Standing::Down, 1);
    assert!((0..9).all(|_| bound_pick(b"b") != 1));
}
