//! Several workers on one board: strategies hold across all of them, and a drain or a death in one
//! is seen by the rest.

mod capacity;
mod level;
mod strategies;

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::scoreboard::account::{self, Outcome};
use crate::scoreboard::backend::{About, Failure, Times};
use crate::scoreboard::gate::{Bound, Gate, Standing};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ASKER: Asker<'_> = Asker { client: CLIENT, key: b"" };
const SECOND_US: u64 = 1_000_000;

fn upstream() -> UpstreamId {
    UpstreamId::new(0).unwrap()
}

fn id(index: usize) -> BackendId {
    BackendId::new(index).unwrap()
}

fn set(board: Board, index: usize, standing: Standing, weight: u16) {
    let gate = Gate { standing, ..Gate::open(1, weight) };
    board.backend(id(index)).set_gate(gate);
}

/// An upstream of backends in the slots from 0 on.
fn board(strategy: Strategy, weights: &[u16]) -> Board {
    board_and_descriptor(strategy, weights).0
}

fn board_and_descriptor(strategy: Strategy, weights: &[u16]) -> (Board, OwnedFd) {
    let (board, fd) = Board::create().unwrap();
    let publication = board.upstream(upstream()).publish();
    publication.name("api");
    publication.strategy(strategy);
    let members: Vec<BackendId> = (0..weights.len()).map(id).collect();
    for (index, weight) in weights.iter().enumerate() {
        set(board, index, Standing::Open, *weight);
        let about = About {
            address: format!("127.0.0.1:{}", 9001 + index),
            incarnation: 1,
            max_fails: 1,
            fail_timeout_s: 10,
            max_conns: 0,
            priority: 0,
            is_backup: false,
            label: String::new(),
            sticky: String::new(),
        };
        publication.about(members[index], &about);
    }
    publication.members(&members);
    drop(publication);
    (board, fd)
}

fn pickers(board: Board, count: usize) -> Vec<Picker> {
    let picker = |index| {
        let slot = WorkerSlot::new(index).unwrap();
        board.worker(slot).occupy(1);
        Picker::new(board, slot)
    };
    (0..count).map(picker).collect()
}

fn pick(picker: &mut Picker) -> Result<Picked, Refusal> {
    picker.pick(upstream(), ASKER, &mut Tried::none(), SECOND_US)
}

/// Picks and answers at once; the backend's number from one.
fn serve(picker: &mut Picker) -> usize {
    let picked = pick(picker).unwrap();
    let number = picked.backend().index() + 1;
    picker.finished(picked, &Outcome { status: 200, ..Outcome::default() });
    number
}

#[test]
fn workers_in_turn_continue_one_sequence() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastConn] {
        let mut pickers = pickers(board(strategy, &[3, 1, 1]), 3);
        let served: String =
            (0..60).map(|turn| serve(&mut pickers[turn % 3]).to_string()).collect();
        assert_eq!(served, "12131".repeat(12), "{strategy:?}");
    }
}

#[test]
fn workers_at_once_share_exactly() {
    const PICKS: u64 = 5_000;
    let weights = [3, 1, 1];
    let board = board(Strategy::RoundRobin, &weights);
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for mut picker in pickers(board, 4) {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                (0..PICKS).for_each(|_| {
                    serve(&mut picker);
                });
            });
        }
    });
    let picks: Vec<u64> = (0..3).map(|index| board.backend(id(index)).picks()).collect();
    assert_eq!(picks, [PICKS * 4 * 3 / 5, PICKS * 4 / 5, PICKS * 4 / 5]);
    assert_eq!(serve(&mut pickers(board, 1)[0]), 1, "the round is closed");
    assert!((0..3).all(|index| board.backend(id(index)).active() == 0));
}

#[test]
fn least_conn_counts_every_workers_requests() {
    let board = board(Strategy::LeastConn, &[1, 1]);
    let mut pickers = pickers(board, 2);
    let held = pick(&mut pickers[0]).unwrap();
    assert_eq!(held.backend(), id(0));
    assert_eq!([serve(&mut pickers[1]), serve(&mut pickers[1]), serve(&mut pickers[0])], [2; 3]);
    drop(held);
}

#[test]
fn a_closed_gate_holds_from_the_next_pick_without_a_new_epoch() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    serve(&mut picker);
    set(board, 1, Standing::Draining, 1);
    assert!((0..10).all(|_| serve(&mut picker) == 1));
    assert!(!picker.is_usable(id(1), 1));
    set(board, 0, Standing::Down, 1);
    assert_eq!(pick(&mut picker).err(), Some(Refusal::NoBackend));
    assert_eq!(crate::scoreboard::account::upstream_counts(board, upstream()).refused, 1);
}

#[test]
fn a_drain_under_load_ends_at_zero_for_good() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut picker in pickers(board, 2) {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    serve(&mut picker);
                }
            });
        }
        for _ in 0..500 {
            set(board, 1, Standing::Draining, 1);
            while board.backend(id(1)).active() > 0 {
                std::hint::spin_loop();
            }
            // A worker may still reserve for an instant, but it looks again and goes elsewhere.
            let picks = board.backend(id(1)).picks();
            std::thread::yield_now();
            assert_eq!(board.backend(id(1)).picks(), picks);
            set(board, 1, Standing::Open, 1);
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_failure_in_one_worker_ejects_for_all_and_a_probe_readmits() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut pickers = pickers(board, 2);
    let picked = pick(&mut pickers[0]).unwrap();
    assert_eq!(picked.backend(), id(0));
    pickers[0].failed(&picked, Failure::Refused, SECOND_US);
    drop(picked);
    assert_eq!([serve(&mut pickers[1]), serve(&mut pickers[1]), serve(&mut pickers[0])], [2; 3]);
    assert_eq!(board.backend(id(0)).last_failure(), Some(Failure::Refused));
    let later_us = 13 * SECOND_US;
    let mut served = Vec::new();
    for _ in 0..4 {
        let picked = pickers[1].pick(upstream(), ASKER, &mut Tried::none(), later_us).unwrap();
        served.push(picked.backend().index() + 1);
        pickers[1].finished(picked, &Outcome { status: 200, ..Outcome::default() });
    }
    assert!(served.contains(&1), "{served:?}");
    assert_eq!(board.backend(id(0)).fails(), 0, "the probe's success forgives");
}

#[test]
fn a_retry_goes_elsewhere_until_all_were_tried() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastConn, Strategy::IpHash] {
        let mut picker = pickers(board(strategy, &[1, 1, 1]), 1).remove(0);
        let mut tried = Tried::none();
        let mut seen = Vec::new();
        while let Ok(picked) = picker.pick(upstream(), ASKER, &mut tried, SECOND_US) {
            seen.push(picked.backend());
            drop(picked);
        }
        seen.sort_unstable();
        assert_eq!(seen, [id(0), id(1), id(2)], "{strategy:?}");
    }
}

#[test]
fn a_slot_given_to_another_life_is_not_picked_from_an_old_copy() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    serve(&mut picker);
    let gate = Gate::open(2, 1);
    board.backend(id(0)).set_gate(gate);
    assert!((0..4).all(|_| serve(&mut picker) == 2));
    // Nor does the old copy's pick write into the new life's words.
    assert_eq!(board.backend(id(0)).words().current_weight, -1);
}

#[test]
fn a_backend_replaced_while_one_picks_costs_no_request() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    let picks = AtomicU32::new(0);
    let mut refused = 0;
    std::thread::scope(|scope| {
        let flips = scope.spawn(|| {
            for flip in 0..5000 {
                let (comes, goes) = if flip % 2 == 0 { (1, 0) } else { (0, 1) };
                set(board, comes, Standing::Open, 1);
                board.upstream(upstream()).publish().members(&[id(comes)]);
                set(board, goes, Standing::Draining, 1);
                // At most one replacement during one pick.
                let seen = picks.load(Ordering::Relaxed);
                while picks.load(Ordering::Relaxed) == seen {
                    std::thread::yield_now();
                }
            }
        });
        while !flips.is_finished() {
            match pick(&mut picker) {
                Ok(picked) => drop(picked),
                Err(_) => refused += 1,
            }
            picks.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(refused, 0);
}

#[test]
fn slow_start_takes_its_part_of_the_turns() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    let gate = Gate { ramp: 51, ..Gate::open(1, 1) };
    board.backend(id(0)).set_gate(gate);
    let served = (0..6000).filter(|_| serve(&mut picker) == 1).count();
    assert!((900..=1100).contains(&served), "a fifth of its weight beside a whole one: {served}");
    set(board, 1, Standing::Down, 1);
    assert!((0..10).all(|_| serve(&mut picker) == 1), "alone it takes every turn");
}

#[test]
fn a_new_strategy_holds_from_the_next_pick() {
    let board = board(Strategy::RoundRobin, &[1, 1]);
    let mut picker = pickers(board, 1).remove(0);
    serve(&mut picker);
    board.upstream(upstream()).publish().strategy(Strategy::IpHash);
    let first = serve(&mut picker);
    assert!((0..5).all(|_| serve(&mut picker) == first));
}

#[test]
fn a_worker_killed_in_its_turn_stalls_nobody_once_settled() {
    let board = board(Strategy::RoundRobin, &[3, 1, 1]);
    let mut pickers = pickers(board, 2);
    serve(&mut pickers[0]);
    let dead = WorkerSlot::new(0).unwrap();
    std::mem::forget(board.upstream(upstream()).take_turn(Owner::Worker(dead)));
    let _in_flight = pick(&mut pickers[1]).unwrap();
    board.settle_worker(dead);
    assert_eq!(board.backend(id(1)).active() + board.backend(id(0)).active(), 1);
    let served: String = (0..5).map(|_| serve(&mut pickers[1]).to_string()).collect();
    assert_eq!(served, "12131");
}

/// Where the child below finds the board.
const BOARD_VARIABLE: &str = "PILOTHOUSE_TEST_BOARD";

#[test]
#[ignore = "the child of the test below, which kills it"]
fn hold_the_turn_until_killed() {
    // Nothing to hold when it is started by hand.
    let Ok(path) = std::env::var(BOARD_VARIABLE) else { return };
    let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
    let board = Board::open(file).unwrap();
    let mut picker = pickers(board, 1).remove(0);
    let _in_flight = pick(&mut picker).unwrap();
    let _turn = board.upstream(upstream()).take_turn(Owner::Worker(picker.slot));
    println!("held");
    loop {
        std::thread::park();
    }
}

#[test]
fn kill_9_of_a_holder_stalls_nobody() {
    let (board, fd) = board_and_descriptor(Strategy::RoundRobin, &[3, 1, 1]);
    let path = format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd());
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("worker::pick::tests::hold_the_turn_until_killed")
        .env(BOARD_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.ends_with("held")));
    holder.kill().unwrap();
    holder.wait().unwrap();

    let mut picker = pickers(board, 2).remove(1);
    serve(&mut picker);
    assert_eq!(board.backend(id(0)).active(), 1, "what the dead had in flight");
    board.settle_worker(WorkerSlot::new(0).unwrap());
    assert_eq!(board.backend(id(0)).active(), 0);
    let served: String = (0..10).map(|_| serve(&mut picker).to_string()).collect();
    assert_eq!(served, "1213112131");
}

#[test]
fn a_panic_leaves_nothing_in_flight() {
    let board = board(Strategy::LeastConn, &[1]);
    let mut picker = pickers(board, 1).remove(0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _picked = pick(&mut picker).unwrap();
        assert_eq!(board.backend(id(0)).active(), 1);
        panic!("a bug while the request is in flight");
    }));
    assert!(panicked.is_err());
    assert_eq!(board.backend(id(0)).active(), 0);
}

fn use_all(board: Board) {
    board.upstream(upstream()).publish().all_down(AllDown::UseAll);
}

#[test]
fn failed_backends_serve_only_where_they_may_and_while_there_are_no_others() {
    for strategy in [Strategy::RoundRobin, Strategy::LeastConn, Strategy::IpHash] {
        let board = board(strategy, &[1, 1, 1]);
        let mut picker = pickers(board, 1).remove(0);
        (0..2).for_each(|index| set(board, index, Standing::Failed, 1));
        use_all(board);
        assert!((0..6).all(|_| serve(&mut picker) == 3), "{strategy:?}: one is well");
        // A request that the only good one failed is not given to a failed one either.
        let mut tried = Tried::none();
        let picked = picker.pick(upstream(), ASKER, &mut tried, SECOND_US).unwrap();
        assert!(picker.pick_another(upstream(), ASKER, &mut tried, SECOND_US).is_err());
        drop(picked);
        let desperate = || account::upstream_counts(board, upstream()).desperate;
        assert_eq!(desperate(), 0);
        // The operator's word stands, whatever else.
        set(board, 2, Standing::Drained, 1);
        let mut served: Vec<usize> = (0..6).map(|_| serve(&mut picker)).collect();
        served.sort_unstable();
        served.dedup();
        let expected: &[usize] = if strategy == Strategy::IpHash { &served[..1] } else { &[1, 2] };
        assert_eq!(served, expected, "{strategy:?}");
        assert!(!served.contains(&3) && desperate() == 6);
        board.upstream(upstream()).publish().all_down(AllDown::Refuse);
        assert!(pick(&mut picker).is_err(), "{strategy:?}: the default refuses");
    }
}

#[test]
fn failures_of_requests_are_overlooked_and_not_forgotten() {
    let board = board(Strategy::RoundRobin, &[3, 1]);
    let mut picker = pickers(board, 1).remove(0);
    for _ in 0..2 {
        let picked = pick(&mut picker).unwrap();
        picker.failed(&picked, Failure::Refused, SECOND_US);
    }
    assert!(pick(&mut picker).is_err());
    use_all(board);
    let mut tried = Tried::none();
    let mut seen = Vec::new();
    while let Ok(picked) = picker.pick_another(upstream(), ASKER, &mut tried, SECOND_US) {
        seen.push(picked.backend());
    }
    seen.sort_unstable();
    assert_eq!(seen, [id(0), id(1)], "each once for one request");
    assert!((0..2).all(|index| board.backend(id(index)).fails() == 1));
}

#[test]
fn the_only_backend_is_asked_though_its_checks_fail() {
    let board = board(Strategy::RoundRobin, &[1]);
    let mut picker = pickers(board, 1).remove(0);
    set(board, 0, Standing::Failed, 1);
    assert!(pick(&mut picker).is_err());
    use_all(board);
    assert_eq!(serve(&mut picker), 1);
    set(board, 0, Standing::Starting, 1);
    assert!(pick(&mut picker).is_err(), "a program that is not ready is no failed one");
}
