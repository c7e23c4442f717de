//! Two views of one board: what one writes the other reads whole, and what the dead leave behind is
//! made good.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::account::{self, Outcome};
use super::backend::{About, Words};
use super::crew::WorkerState;
use super::gate::{Gate, Standing};
use super::recent::{self, Entry, Host, Method, Path, Protocol};
use super::turn::Owner;
use super::upstream::Strategy;
use super::*;

fn boards() -> (Board, Board) {
    let (board, fd) = Board::create().unwrap();
    (board, Board::open(fd).unwrap())
}

fn slot(index: usize) -> WorkerSlot {
    WorkerSlot::new(index).unwrap()
}

fn upstream() -> UpstreamId {
    UpstreamId::new(0).unwrap()
}

fn backend(index: usize) -> BackendId {
    BackendId::new(index).unwrap()
}

fn about(number: u32) -> About {
    About {
        address: format!("10.0.0.1:{}", 1000 + number),
        incarnation: 1,
        max_fails: number,
        fail_timeout_s: number,
        max_conns: number,
        priority: number as u8,
        is_backup: number % 2 == 1,
        label: format!("web:{number}"),
        sticky: format!("s{number}"),
    }
}

fn open(board: Board, id: BackendId) {
    let gate = Gate::open(1, 1);
    board.backend(id).set_gate(gate);
}

#[test]
fn a_foreign_file_is_refused() {
    let fd = crate::sys::memfd::sized("other", 1 << 20).unwrap();
    assert!(Board::open(&fd).is_err());
    let fd = crate::sys::memfd::sized("zeroes", size_of::<layout::Layout>() as u64).unwrap();
    assert!(Board::open(&fd).is_err());
}

#[test]
fn an_empty_board_takes_little_memory() {
    let (board, fd) = Board::create().unwrap();
    board.worker(slot(0)).occupy(1);
    let blocks =
        std::os::unix::fs::MetadataExt::blocks(&std::fs::File::from(fd).metadata().unwrap());
    assert!(blocks * 512 < 256 * 1024, "{blocks} blocks");
}

#[test]
fn a_published_roster_is_read_whole() {
    let (master, worker) = boards();
    open(master, backend(3));
    let publication = master.upstream(upstream()).publish();
    publication.name("api");
    publication.strategy(Strategy::IpHash);
    publication.about(backend(3), &about(7));
    publication.members(&[backend(3)]);
    assert_eq!(worker.upstream(upstream()).roster(), None, "not while it is written");
    drop(publication);
    assert_eq!(worker.upstream_named("api"), Some(upstream()));
    assert_eq!(worker.upstream_named("ap"), None);
    let roster = worker.upstream(upstream()).roster().unwrap();
    assert_eq!(roster.strategy, Strategy::IpHash);
    assert_eq!(roster.members, [(backend(3), about(7))]);
}

#[test]
fn a_publication_cut_short_is_healed_by_the_next() {
    let (master, worker) = boards();
    std::mem::forget(master.upstream(upstream()).publish());
    assert_eq!(worker.upstream(upstream()).roster(), None);
    drop(master.upstream(upstream()).publish());
    assert!(worker.upstream(upstream()).roster().is_some());
}

#[test]
fn a_reader_never_sees_half_a_roster() {
    let (master, worker) = boards();
    open(master, backend(0));
    master.upstream(upstream()).publish().about(backend(0), &about(0));
    master.upstream(upstream()).publish().members(&[backend(0)]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..200).cycle().take(20_000) {
                master.upstream(upstream()).publish().about(backend(0), &about(number));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) {
            if let Some(roster) = worker.upstream(upstream()).roster() {
                let seen = &roster.members[0].1;
                assert_eq!(*seen, about(seen.max_fails));
            }
        }
    });
}

#[test]
fn turns_exclude_each_other() {
    let (one, other) = boards();
    let sum = |board: Board, owner| {
        for _ in 0..20_000 {
            let _turn = board.upstream(upstream()).take_turn(owner);
            let words = board.backend(backend(0)).words();
            let current_weight = words.current_weight + 1;
            board.backend(backend(0)).set_words(&Words { current_weight, ..words });
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| sum(one, Owner::Worker(slot(0))));
        scope.spawn(|| sum(other, Owner::Worker(slot(1))));
        scope.spawn(|| sum(other, Owner::Master));
    });
    assert_eq!(one.backend(backend(0)).words().current_weight, 60_000);
}

#[test]
fn the_dead_hold_nothing_and_have_nothing_in_flight() {
    let (master, worker) = boards();
    let publication = master.upstream(upstream()).publish();
    publication.name("api");
    publication.members(&[backend(0)]);
    drop(publication);
    worker.worker(slot(1)).occupy(4121);
    worker.worker(slot(1)).set_connections(3, 4);
    let account = worker.account(slot(1));
    account.meet_backend(backend(0), 1);
    account.meet_upstream(upstream(), 1);
    account.finished(upstream(), backend(0), &Outcome { status: 200, ..Outcome::default() });
    // As a worker that is killed leaves it.
    std::mem::forget(account.reserve(backend(0)));
    worker.backend(backend(0)).set_words(&Words { current_weight: 5, ..Words::default() });
    std::mem::forget(worker.upstream(upstream()).take_turn(Owner::Worker(slot(1))));
    assert_eq!(master.backend(backend(0)).active(), 1);

    master.settle_worker(slot(0));
    assert_eq!(master.backend(backend(0)).active(), 1, "another's death changes nothing");
    master.settle_worker(slot(1));
    assert_eq!(master.backend(backend(0)).active(), 0);
    assert_eq!(master.backend(backend(0)).words().current_weight, 0, "a torn round begins anew");
    assert_eq!(account::backend_counts(master, backend(0), 1).requests, 1, "counts stay");
    let figures = master.worker(slot(1)).figures();
    assert_eq!((figures.state, figures.connections_idle), (WorkerState::Vacant, 0));
    // Free: taken without waiting for the bound.
    drop(master.upstream(upstream()).take_turn(Owner::Master));
    assert_eq!(master.upstream(upstream()).turn_words().owner.load(Ordering::Relaxed), 0);
}

#[test]
fn a_dead_holder_delays_but_never_stops_a_pick() {
    let (board, _) = boards();
    std::mem::forget(board.upstream(upstream()).take_turn(Owner::Worker(slot(1))));
    drop(board.upstream(upstream()).take_turn(Owner::Worker(slot(0))));
    let owner = board.upstream(upstream()).turn_words().owner.load(Ordering::Relaxed);
    assert_eq!(owner, 2, "an unguarded turn frees nobody's tag");
}

#[test]
fn counts_belong_to_one_life() {
    let (board, _) = boards();
    for index in 0..2 {
        board.worker(slot(index)).occupy(1);
        let account = board.account(slot(index));
        account.meet_backend(backend(0), 1);
        account.meet_upstream(upstream(), 0);
        let outcome = Outcome { status: 503, bytes_in: 1, bytes_out: 10, service_us: 700 };
        account.finished(upstream(), backend(0), &outcome);
    }
    let counts = account::backend_counts(board, backend(0), 1);
    assert_eq!((counts.requests, counts.responses[4], counts.bytes_out), (2, 2, 20));
    assert_eq!(account::backend_latency(board, backend(0), 1).count(), 2);
    board.account(slot(0)).meet_backend(backend(0), 2);
    assert_eq!(account::backend_counts(board, backend(0), 2), account::Counts::default());
    assert_eq!(account::backend_counts(board, backend(0), 1).requests, 1, "the other worker's");
}

/// A session's latency is the time it took to connect, however long it lasted.
#[test]
fn the_sum_of_latencies_belongs_to_their_counts() {
    let (board, _) = boards();
    board.worker(slot(0)).occupy(1);
    let account = board.account(slot(0));
    account.meet_backend(backend(0), 1);
    account.meet_upstream(upstream(), 0);
    let outcome = Outcome { status: 200, service_us: 700, ..Outcome::default() };
    account.finished(upstream(), backend(0), &outcome);
    account.session_connected(backend(0), 1, 50);
    account.session_ended(upstream(), (backend(0), 1), 200, 9_000_000);
    let counts = account::backend_counts(board, backend(0), 1);
    assert_eq!((counts.requests, counts.service_us, counts.sessions_us), (2, 750, 9_000_000));
    assert_eq!(account::backend_latency(board, backend(0), 1).count(), 2);
}

/// The two halves of a drain: close the gate, then look; reserve, then look. Whatever the timing,
/// one of them sees the other.
#[test]
fn a_drain_never_misses_a_request() {
    const ROUNDS: u64 = 20_000;
    let (master, worker) = boards();
    worker.worker(slot(0)).occupy(1);
    let round = AtomicU64::new(0);
    let missed = AtomicU64::new(0);
    let (seen_open, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=ROUNDS {
                wait_for(&round, 2 * number);
                let reservation = worker.account(slot(0)).reserve(backend(0));
                let is_open = worker.backend(backend(0)).gate().is_open();
                seen_open.store(is_open, Ordering::Relaxed);
                done.store(2 * number, Ordering::Release);
                wait_for(&round, 2 * number + 1);
                drop(reservation);
                done.store(2 * number + 1, Ordering::Release);
            }
        });
        for number in 1..=ROUNDS {
            open(master, backend(0));
            round.store(2 * number, Ordering::Release);
            let gate = master.backend(backend(0)).gate();
            master.backend(backend(0)).set_gate(Gate { standing: Standing::Draining, ..gate });
            let active = master.backend(backend(0)).active();
            wait_for(&done, 2 * number);
            if seen_open.load(Ordering::Relaxed) && active == 0 {
                missed.fetch_add(1, Ordering::Relaxed);
            }
            round.store(2 * number + 1, Ordering::Release);
            wait_for(&done, 2 * number + 1);
        }
    });
    assert_eq!(missed.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_in_flight_is_told_apart_and_a_dead_worker_leaves_nothing_of_it() {
    let (master, worker) = boards();
    for number in 0..2 {
        worker.worker(slot(number)).occupy(1);
    }
    let accounts = [0, 1].map(|number| worker.account(slot(number)));
    let upgraded = accounts.map(|account| account.upgrade(backend(3)));
    let mut since_us = vec![0; layout::BACKENDS_MAX];
    for (account, oldest_us) in accounts.iter().zip([70, 50]) {
        since_us[3] = oldest_us;
        account.set_oldest(&since_us);
    }
    assert_eq!(holding::upgraded(master, backend(3)), 2);
    assert_eq!(holding::oldest_us(master, backend(3)), Some(50));
    assert_eq!(holding::oldest_us(master, backend(4)), None);

    std::mem::forget(upgraded);
    master.settle_worker(slot(1));
    assert_eq!(holding::upgraded(master, backend(3)), 1);
    assert_eq!(holding::oldest_us(master, backend(3)), Some(70));
    assert!(!worker.has_drains());
    master.set_drains(1);
    assert!(worker.has_drains());
}

#[test]
fn cuts_belong_to_one_life_of_a_backend() {
    let (master, worker) = boards();
    worker.worker(slot(0)).occupy(1);
    let account = worker.account(slot(0));
    account.meet_backend(backend(0), 1);
    account.cut(backend(0), 1);
    account.cut(backend(0), 7);
    assert_eq!(account::backend_counts(master, backend(0), 1).cuts, 1);
    account.meet_backend(backend(0), 2);
    assert_eq!(account::backend_counts(master, backend(0), 2).cuts, 0);
}

fn wait_for(word: &AtomicU64, value: u64) {
    while word.load(Ordering::Acquire) < value {
        std::hint::spin_loop();
    }
}

#[test]
fn recent_requests_are_read_once_and_in_order() {
    let (writer, reader) = boards();
    let entry = |status| Entry {
        wall_ms: 17,
        client: "2001:db8::7".parse::<IpAddr>().unwrap(),
        protocol: Protocol::Http2,
        method: Method::of(b"PATCH"),
        host: Host::new(b"example.com"),
        path: Path::new(b"/a/path/that/is/a/good/deal/longer/than/an/entry/holds"),
        status,
        upstream: Some(upstream()),
        backend: Some((backend(3), 9)),
        tries: 2,
        service_us: 12,
        bytes: 1 << 40,
    };
    let read = |from| {
        let mut seen = Vec::new();
        let next = recent::read(reader, slot(0), from, |_, entry| seen.push(entry));
        (next, seen)
    };
    recent::push(writer, slot(0), &entry(200));
    let (next, seen) = read(0);
    assert_eq!(seen, [entry(200)]);
    let (path, host) = (seen[0].path, seen[0].host);
    assert_eq!(path.as_bytes(), b"/a/path/that/is/a/good/deal/longer/than/an/entry");
    assert!(path.is_cut() && !host.is_cut());
    assert_eq!((host.as_bytes(), seen[0].method.name()), (&b"example.com"[..], "PATCH"));
    let tcp = Entry { protocol: Protocol::Tcp, client: IpAddr::from([10, 0, 0, 7]), ..entry(200) };
    recent::push(writer, slot(1), &tcp);
    recent::read(reader, slot(1), 0, |_, entry| assert_eq!(entry, tcp));
    assert_eq!(Method::of(b"BREW").name(), "-");
    assert_eq!((recent::end(reader, slot(0)), recent::end(reader, slot(2))), (1, 0));
    (0..3000).for_each(|number| recent::push(writer, slot(0), &entry(number % 1000)));
    let (next, seen) = read(next);
    assert_eq!((next, seen.len()), (3001, layout::RECENT_MAX));
    assert_eq!(seen.last().map(|entry| entry.status), Some(999));
    assert_eq!(read(next).1, []);
}
