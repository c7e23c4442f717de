//! What a window holds and why it is uneven: from orders, checks and counts to a verdict with its
//! cause.

use super::*;
use crate::control::explain::{CauseKind, Claim, Verdict};
use crate::scoreboard::account::Outcome;

/// Picks as a worker makes them, its smooth weights with them.
fn pick(membership: &Membership, board: Board, ports: &[u16]) {
    for port in ports {
        board.backend(id(membership, *port)).count_pick();
    }
}

fn fit(membership: &Membership, board: Board, now: Now) -> crate::control::explain::Fit {
    membership.rows(&History::new(board), now).0[0].fit.clone()
}

fn cause(membership: &Membership, board: Board, now: Now) -> Option<(CauseKind, String)> {
    fit(membership, board, now).cause.map(|cause| (cause.kind, cause.backend))
}

/// So many rounds of 3 : 1, then so many picks too many for the second.
fn uneven(membership: &Membership, board: Board, too_many: usize) {
    for _ in 0..20 {
        pick(membership, board, &[9001, 9001, 9002, 9001]);
    }
    pick(membership, board, &vec![9002; too_many]);
}

#[test]
fn turns_fit_or_have_a_cause() {
    let (mut membership, board) = applied(&two());
    assert_eq!(fit(&membership, board, at(1)).verdict, Verdict::TooFew);
    uneven(&membership, board, 0);
    let even = fit(&membership, board, at(1));
    assert_eq!((even.verdict, even.cause), (Verdict::Fits, None));
    uneven(&membership, board, 8);
    let off = fit(&membership, board, at(1));
    assert_eq!(off.verdict, Verdict::Deviates);
    let unexplained = |value: f64| Claim::Unexplained { value, limit: 0.0 };
    assert_eq!(off.findings[1].claim, unexplained(6.0), "eight too many are six beyond its due");
    assert_eq!(off.cause.map(|cause| cause.kind), Some(CauseKind::Unknown));

    order(&mut membership, 9002, BackendVerb::Weight { weight: 2 }, at(2));
    order(&mut membership, 9002, BackendVerb::Weight { weight: 1 }, at(3));
    assert_eq!(fit(&membership, board, at(3)).verdict, Verdict::TooFew, "a window of its own");
    uneven(&membership, board, 8);
    let name = address(9002).to_string();
    assert_eq!(cause(&membership, board, at(4)), Some((CauseKind::WeightChange, name)));
}

#[test]
fn what_was_counted_belongs_to_the_window() {
    let (mut membership, board) = applied(&two());
    let account = worker(board);
    let upstream = membership.upstreams[0].id;
    account.meet_upstream(upstream, board.upstream(upstream).incarnation());
    account.retried(upstream);
    uneven(&membership, board, 8);
    assert_eq!(cause(&membership, board, at(1)).map(|cause| cause.0), Some(CauseKind::Retry));
    order(&mut membership, 9001, BackendVerb::Weight { weight: 2 }, at(2));
    order(&mut membership, 9001, BackendVerb::Weight { weight: 3 }, at(2));
    uneven(&membership, board, 8);
    let name = cause(&membership, board, at(3)).map(|cause| cause.0);
    assert_eq!(name, Some(CauseKind::WeightChange), "the retry was before the window");
    let member = membership.find("api", &address(9002).to_string()).unwrap();
    let life = membership.member(member).incarnation;
    account.meet_backend(id(&membership, 9002), life);
    account.failed(id(&membership, 9002));
    account.finished(
        upstream,
        id(&membership, 9002),
        &Outcome { status: 502, ..Outcome::default() },
    );
    assert_eq!(cause(&membership, board, at(3)).map(|cause| cause.0), Some(CauseKind::Failure));
}

#[test]
fn each_change_is_a_cause_by_its_name() {
    let name = |port| address(port).to_string();
    let check = |act: &dyn Fn(&mut Membership, Board), expected: (CauseKind, String)| {
        let three = [backend(9001, 3), backend(9002, 1), backend(9003, 1)];
        let checked = model::Upstream { check: Some(health::CHECK), ..upstream("api", &three) };
        let (mut membership, board) = applied(&config(&[checked], &[]));
        act(&mut membership, board);
        membership.tick(at(6));
        uneven(&membership, board, 8);
        assert_eq!(cause(&membership, board, at(7)), Some(expected));
    };
    let drain = |membership: &mut Membership, _| {
        order(membership, 9003, DRAIN, at(5));
    };
    check(&drain, (CauseKind::Drain, name(9003)));
    let down = |membership: &mut Membership, _| {
        order(membership, 9003, BackendVerb::Down, at(5));
    };
    check(&down, (CauseKind::Down, name(9003)));
    let failing = |membership: &mut Membership, _| {
        membership.checked(&health::bad(9003, "503"), at(5));
    };
    check(&failing, (CauseKind::CheckFailure, name(9003)));
    let ejected = |membership: &mut Membership, board: Board| {
        let words = Words { fails: 1, accessed_s: 5, checked_s: 5, ..Words::default() };
        board.backend(id(membership, 9003)).set_words(&words);
    };
    check(&ejected, (CauseKind::Ejection, name(9003)));
    let reloaded = |membership: &mut Membership, _| {
        membership.apply_config(&two(), at(5)).unwrap();
    };
    check(&reloaded, (CauseKind::Reload, String::new()));
    let strategy = |membership: &mut Membership, _| {
        for strategy in ["least_conn", "round_robin"] {
            let verb = UpstreamVerb::Strategy { strategy: strategy.to_owned() };
            membership.upstream("api", &verb, at(5));
        }
    };
    check(&strategy, (CauseKind::StrategyChange, String::new()));
}

#[test]
fn an_explanation_knows_what_the_upstream_cannot_use() {
    let mut backup = backend(9002, 1);
    backup.backup = true;
    let (membership, board) =
        applied(&config(&[upstream("api", &[backend(9001, 1), backup])], &[]));
    let history = History::new(board);
    let explained = membership.explained("api", &[], &history, at(1)).unwrap();
    let refused = explained.strategies.iter().filter(|(_, refusal)| refusal.is_some());
    assert_eq!(
        refused.map(|(strategy, _)| strategy.name()).collect::<Vec<_>>(),
        ["ip_hash", "random", "random_two", "hash", "hash_consistent"]
    );
    let unknown = membership.explained("nope", &[], &history, at(1)).err().unwrap();
    assert_eq!(unknown.message, "no upstream nope; there is api");
}
