//! Drains: what ends them, what is told while they last, and what a successor makes of them.

use super::*;
use crate::control::drain::Drain;
use crate::scoreboard::layout::BACKENDS_MAX;

#[test]
fn a_drain_ends_with_the_last_request_or_its_time() {
    // A request that outlasts its drain is the workers' to end; one that they do not end is left.
    for (finishes, ends_at, expected) in [(true, 1, (0, false)), (false, 35, (1, true))] {
        let (mut membership, board) = applied(&two());
        let account = worker(board);
        let reservation = account.reserve(id(&membership, 9001));
        let (outcome, text) = order(&mut membership, 9001, DRAIN, at(0));
        assert_eq!(
            (outcome, text.as_str()),
            (Outcome::Changed, "127.0.0.1:9001 draining, 1 request in flight")
        );
        assert!(!board.backend(id(&membership, 9001)).gate().is_open());
        assert_eq!(drained(&membership.tick(at(0))), None);
        let shown = row(&membership, board, 9001, at(0));
        assert_eq!(shown.backend.drain.unwrap().by, "eva (1000)");
        assert_eq!(order(&mut membership, 9001, DRAIN, at(0)).0, Outcome::Unchanged);
        let _still_running = Some(reservation).filter(|_| !finishes);
        if !finishes {
            assert_eq!(drained(&membership.tick(at(30))), None);
            let gate = board.backend(id(&membership, 9001)).gate();
            assert_eq!(gate.standing, Standing::Cut);
            assert_eq!(state(&membership, board, 9001, at(30)), BackendState::Draining);
        }
        assert_eq!(drained(&membership.tick(at(ends_at))), Some(expected));
        assert_eq!(state(&membership, board, 9001, at(ends_at)), BackendState::Drained);
        assert_eq!(drained(&membership.tick(at(ends_at + 1))), None, "said once");
        assert_eq!(order(&mut membership, 9001, BackendVerb::Enable, at(36)).0, Outcome::Changed);
        assert_eq!(state(&membership, board, 9001, at(36)), BackendState::Up);
    }
}

fn told(membership: &Membership, board: Board, now: Now) -> Drain {
    row(membership, board, 9001, now).backend.drain.expect("it drains")
}

#[test]
fn what_is_left_is_told_with_its_kinds_its_age_and_its_pace() {
    let (mut membership, board) = applied(&two());
    let (account, slot) = (worker(board), id(&membership, 9001));
    let mut requests: Vec<_> = (0..40).map(|_| account.reserve(slot)).collect();
    assert!(row(&membership, board, 9001, at(0)).backend.drain.is_none());
    order(&mut membership, 9001, DRAIN, at(0));
    assert!(!board.has_drains(), "until the next tick");
    membership.tick(at(0));
    assert!(board.has_drains());
    let mut oldest_us = vec![0; BACKENDS_MAX];
    oldest_us[slot.index()] = at(1).mono_us;
    account.set_oldest(&oldest_us);
    // Ten leave every second.
    for second in 1..=3 {
        requests.truncate(40 - 10 * second as usize);
        membership.tick(at(second));
    }
    let drain = told(&membership, board, at(3));
    assert_eq!((drain.active_at_start, drain.in_flight, drain.upgraded), (40, 10, 0));
    assert_eq!((drain.oldest_ms, drain.picks), (Some(2000), 0));
    assert_eq!((drain.leaving_per_s.round() as u32, drain.eta_ms), (10, Some(1000)));
    assert_eq!(drain.deadline_ms - drain.since_ms, 30_000);
    board.backend(slot).count_pick();
    assert_eq!(told(&membership, board, at(3)).picks, 1, "nothing is hidden");

    // Nobody knows when the upgraded ones end.
    let _upgraded = account.upgrade(slot);
    let drain = told(&membership, board, at(3));
    assert_eq!((drain.in_flight, drain.upgraded, drain.eta_ms), (9, 1, None));
    requests.clear();
    membership.tick(at(4));
    assert_eq!(state(&membership, board, 9001, at(4)), BackendState::Drained);
    assert!(!board.has_drains());
}

#[test]
fn what_the_workers_cut_is_counted_in_the_notice() {
    let (mut membership, board) = applied(&two());
    let (account, slot) = (worker(board), id(&membership, 9001));
    let life = board.backend(slot).gate().incarnation;
    account.meet_backend(slot, life);
    // What an earlier drain has cut is not this one's.
    account.cut(slot, life);
    let busy = account.reserve(slot);
    let at_once = BackendVerb::Drain { timeout_ms: Some(0) };
    order(&mut membership, 9001, at_once, at(1));
    assert_eq!(drained(&membership.tick(at(1))), None);
    let (outcome, text) = order(&mut membership, 9001, DRAIN, at(1));
    assert_eq!(outcome, Outcome::Unchanged);
    assert_eq!(text, "127.0.0.1:9001 is out of time, cut with 1 request in flight");
    account.cut(slot, life);
    drop(busy);
    let notices = membership.tick(at(2));
    let cuts = notices.iter().find_map(|notice| match notice {
        Notice::Drained { cuts, has_timed_out: true, active_left: 0, .. } => Some(*cuts),
        Notice::Drained { .. } | Notice::Turned { .. } | Notice::Removed { .. } => None,
    });
    assert_eq!(cuts, Some(1), "{notices:?}");
    assert_eq!(row(&membership, board, 9001, at(2)).backend.cuts, 2);
}

#[test]
fn a_restarts_drain_is_never_cut() {
    let served = config(&[upstream("api", &[])], &[program("web", 1, 9101)]);
    let (mut membership, board) = applied(&served);
    membership.join("api", joining(9101, "web:0"), at(0)).unwrap();
    let _busy = worker(board).reserve(id(&membership, 9101));
    assert!(membership.drain("api", &address(9101), Some(1000), at(1)));
    assert_eq!(drained(&membership.tick(at(3))), Some((1, true)));
    let gate = board.backend(id(&membership, 9101)).gate();
    assert_eq!(gate.standing, Standing::Drained, "what is left is the program's to end");
}

#[test]
fn what_is_not_ready_any_more_is_left_alone_and_drained_also_when_the_file_forgets_it() {
    let served = config(&[upstream("api", &[])], &[program("web", 1, 9101)]);
    let (mut membership, board) = applied(&served);
    membership.join("api", joining(9101, "web:0"), at(0)).unwrap();
    let id = id(&membership, 9101);
    let busy = worker(board).reserve(id);
    membership.shut("api", &address(9101), at(1));
    assert_eq!(state(&membership, board, 9101, at(1)), BackendState::Starting);
    assert_eq!(board.backend(id).gate().standing, Standing::Starting);
    membership.apply_config(&config(&[upstream("api", &[])], &[]), at(2)).unwrap();
    assert!(membership.drain("api", &address(9101), Some(60_000), at(3)));
    assert_eq!(drained(&membership.tick(at(4))), None, "a request is under way");
    drop(busy);
    assert_eq!(drained(&membership.tick(at(5))), Some((0, false)));
    membership.leave("api", &address(9101), at(6));
    assert!(rows(&membership, board, at(6)).is_empty());

    let (mut membership, board) = applied(&served);
    membership.join("api", joining(9101, "web:0"), at(0)).unwrap();
    membership.shut("api", &address(9101), at(1));
    membership.join("api", joining(9101, "web:0"), at(2)).unwrap();
    assert_eq!(state(&membership, board, 9101, at(2)), BackendState::Up);
}

#[test]
fn a_successor_cuts_what_is_late_by_then() {
    let (mut membership, board) = applied(&two());
    let busy = worker(board).reserve(id(&membership, 9001));
    order(&mut membership, 9001, DRAIN, at(0));
    let saved = membership.save();
    let mut successor = Membership::new(board);
    successor.restore(saved, at(31));
    successor.apply_config(&two(), at(31)).unwrap();
    successor.tick(at(31));
    assert_eq!(board.backend(id(&successor, 9001)).gate().standing, Standing::Cut);
    drop(busy);
    assert_eq!(drained(&successor.tick(at(32))), Some((0, true)));
    assert_eq!(state(&successor, board, 9001, at(32)), BackendState::Drained);
}

#[test]
fn one_that_was_not_ready_any_more_is_drained_by_a_successor_whose_file_lacks_it() {
    let served = config(&[upstream("api", &[])], &[program("web", 1, 9101)]);
    let (mut membership, board) = applied(&served);
    membership.join("api", joining(9101, "web:0"), at(0)).unwrap();
    let busy = worker(board).reserve(id(&membership, 9101));
    membership.shut("api", &address(9101), at(0));
    let mut successor = Membership::new(board);
    successor.apply_config(&config(&[upstream("api", &[])], &[]), at(1)).unwrap();
    assert!(successor.drain("api", &address(9101), None, at(1)), "its requests are waited for");
    assert_eq!(drained(&successor.tick(at(2))), None);
    drop(busy);
    assert_eq!(drained(&successor.tick(at(3))), Some((0, false)));
}
