//! Members that checks find unfit, and what becomes of that in a reload and after a master's death.

use super::*;
use crate::balance::health::Health as Concluded;
use crate::config::model::health::{Check, CheckKind, Outlier, Pace};
use crate::master::checks::{self, Checked};

pub(super) const CHECK: Check = Check {
    bind: None,
    proxy_protocol: None,
    kind: CheckKind::Tcp,
    port: None,
    pace: Pace { interval_ms: 1000, interval_down_ms: 1000, jitter_percent: 0 },
    timeout_ms: 1000,
    fall: 1,
    rise: 2,
};

fn checked_upstream(slow_start_ms: u64) -> model::Upstream {
    model::Upstream { check: Some(CHECK), slow_start_ms, ..two().upstreams[0].clone() }
}

fn result(port: u16, health: Concluded, passes: u32, text: &str) -> Checked {
    let result = checks::Result {
        text: text.to_owned(),
        wall_ms: 7,
        latency_us: 1_500,
        passes,
        fails: u32::from(passes == 0),
    };
    Checked { upstream: "api".to_owned(), backend: address(port), health, result }
}

pub(super) fn bad(port: u16, text: &str) -> Checked {
    result(port, Concluded::Failed, 0, text)
}

pub(super) fn good(port: u16) -> Checked {
    result(port, Concluded::Good, 2, "ok, 200")
}

#[test]
fn checks_take_out_and_bring_back_with_a_slow_start() {
    let (mut membership, board) = applied(&config(&[checked_upstream(10_000)], &[]));
    let shown = row(&membership, board, 9001, at(0));
    assert_eq!(shown.backend.state, BackendState::Up, "no ramp at the first start");
    assert_eq!(shown.check, "not checked yet");
    assert!(membership.checked(&bad(9001, "status 503"), at(1)));
    let shown = row(&membership, board, 9001, at(1));
    assert_eq!((shown.backend.state, shown.reason.as_str()), (BackendState::Failed, "status 503"));
    // One of the two good results that it needs: it is not out for being good.
    let on_its_way = result(9001, Concluded::Failed, 1, "ok, 200");
    assert!(membership.checked(&on_its_way, at(1)));
    let shown = row(&membership, board, 9001, at(1));
    assert_eq!((shown.reason.as_str(), shown.check.as_str()), ("status 503", "ok, 200"));
    assert!(membership.checked(&good(9001), at(2)));
    assert_eq!(state(&membership, board, 9001, at(2)), BackendState::Starting);
    membership.tick(at(7));
    assert_eq!(board.backend(id(&membership, 9001)).gate().ramp, 127);
    membership.tick(at(12));
    assert_eq!(state(&membership, board, 9001, at(12)), BackendState::Up);
    assert!(!membership.checked(&good(1), at(2)));
    let check = row(&membership, board, 9001, at(12)).backend.check.unwrap();
    assert_eq!((check.passes, check.fails, check.latency_us, check.at_ms), (2, 0, 1_500, 7));
    assert!(check.is_good);
}

#[test]
fn a_check_that_is_gone_leaves_nobody_out() {
    let (mut membership, board) = applied(&config(&[checked_upstream(0)], &[]));
    membership.checked(&bad(9001, "status 503"), at(1));
    membership.apply_config(&config(&[checked_upstream(0)], &[]), at(2)).unwrap();
    assert_eq!(state(&membership, board, 9001, at(2)), BackendState::Failed, "a reload is no cure");
    membership.apply_config(&two(), at(3)).unwrap();
    let shown = row(&membership, board, 9001, at(3));
    assert_eq!((shown.backend.state, shown.backend.check), (BackendState::Up, None));
    assert!(!membership.checked(&bad(9001, "late"), at(4)), "nobody asked");
    assert_eq!(state(&membership, board, 9001, at(4)), BackendState::Up);
}

#[test]
fn a_successor_goes_on_with_what_was_concluded() {
    let config = config(&[checked_upstream(0)], &[]);
    let (mut membership, board) = applied(&config);
    membership.checked(&bad(9001, "status 503"), at(1));
    let mut next = Membership::new(board);
    next.restore(Saved::default(), at(2));
    next.apply_config(&config, at(2)).unwrap();
    let healths: Vec<_> = next.subjects().into_iter().map(|subject| subject.health).collect();
    assert_eq!(healths, [Concluded::Failed, Concluded::Good], "its check begins with that");
    assert_eq!(state(&next, board, 9001, at(2)), BackendState::Failed);
}

#[test]
fn instances_are_checked_while_they_are_ready() {
    let checked = model::Upstream { backends: Vec::new(), ..checked_upstream(0) };
    let (mut membership, _) = applied(&config(&[checked], &[program("web", 2, 9001)]));
    assert_eq!(membership.subjects(), []);
    membership.join("api", joining(9002, "web:1"), at(1)).unwrap();
    let backends: Vec<_> =
        membership.subjects().into_iter().map(|subject| subject.backend).collect();
    assert_eq!(backends, [address(9002)]);
    membership.leave("api", &address(9002), at(2));
    assert_eq!(membership.subjects(), []);
}

const OUTLIER: Outlier = Outlier {
    error_percent: Some(50),
    latency_hundredths: Some(300),
    interval_ms: 10_000,
    requests_min: 20,
    eject_for_ms: 30_000,
    eject_max_percent: 50,
};

fn compared(backends: &[model::Backend]) -> Config {
    config(&[model::Upstream { outlier: Some(OUTLIER), ..upstream("api", backends) }], &[])
}

/// So many answers of one backend, all like this.
fn serve(board: Board, id: BackendId, count: usize, (status, service_us): (u16, u32)) {
    let account = worker(board);
    account.meet_backend(id, 1);
    for _ in 0..count {
        let outcome = account::Outcome { status, service_us, ..account::Outcome::default() };
        account.finished(UpstreamId::new(0).unwrap(), id, &outcome);
    }
}

#[test]
fn an_outlier_is_left_alone_and_comes_back_and_longer_each_time() {
    let backends = [backend(9001, 1), backend(9002, 1)];
    let (mut membership, board) = applied(&compared(&backends));
    let (bad, well) = (id(&membership, 9001), id(&membership, 9002));
    let interval = |from: u64, membership: &mut Membership| {
        serve(board, bad, 63, (503, 1000));
        serve(board, bad, 37, (200, 1000));
        serve(board, well, 100, (200, 1000));
        membership.tick(at(from + 10))
    };
    assert_eq!(membership.outliers_due_us(), 10_000_000);
    let notices = interval(0, &mut membership);
    assert!(
        matches!(&notices[..], [Notice::Turned { backend, to: BackendState::Failed, reason, .. }]
            if backend == "127.0.0.1:9001" && reason == "ejected: 63% errors, back in 30s"),
        "{notices:?}"
    );
    assert_eq!(board.backend(bad).gate().standing, Standing::Failed);
    let shown = row(&membership, board, 9001, at(20));
    assert_eq!(shown.reason, "ejected: 63% errors, back in 20s");
    // Alone it is nobody's outlier, however it serves.
    serve(board, well, 100, (503, 1000));
    assert_eq!(membership.tick(at(20)), []);
    let notices = membership.tick(at(40));
    assert!(matches!(&notices[..], [Notice::Turned { to: BackendState::Up, .. }]), "{notices:?}");
    assert_eq!(membership.tick(at(41)), [], "what it did before is not held against it");
    assert_eq!(membership.tick(at(50)), []);
    interval(50, &mut membership);
    let reason = row(&membership, board, 9001, at(60)).reason;
    assert_eq!(reason, "ejected: 63% errors, back in 60s");
    let shown = rows(&membership, board, at(60));
    assert!(shown[0].backend.expected_share < f64::EPSILON);
    // The operator may know better.
    let (outcome, _) = order(&mut membership, 9001, BackendVerb::Enable, at(61));
    assert_eq!(outcome, Outcome::Changed);
    assert_eq!(state(&membership, board, 9001, at(61)), BackendState::Up);
}

#[test]
fn a_slow_one_is_an_outlier_and_a_reload_without_the_rule_takes_it_back() {
    let backends = [backend(9001, 1), backend(9002, 1), backend(9003, 1)];
    let (mut membership, board) = applied(&compared(&backends));
    let ids = [9001, 9002, 9003].map(|port| id(&membership, port));
    for (id, service_us) in ids.into_iter().zip([2_000, 2_000, 20_000]) {
        serve(board, id, 50, (200, service_us));
    }
    membership.tick(at(10));
    let shown = row(&membership, board, 9003, at(10));
    assert_eq!(shown.backend.state, BackendState::Failed);
    assert!(shown.reason.ends_with("times the others' latency, back in 30s"), "{}", shown.reason);
    let without = config(&[upstream("api", &backends)], &[]);
    membership.apply_config(&without, at(11)).unwrap();
    assert_eq!(state(&membership, board, 9003, at(11)), BackendState::Up);
    assert_eq!(membership.outliers_due_us(), u64::MAX);
}

#[test]
fn a_failed_backend_has_a_share_where_all_are_asked() {
    let upstream = model::Upstream { all_down: AllDown::UseAll, ..checked_upstream(0) };
    let (mut membership, board) = applied(&config(&[upstream], &[]));
    let shares = |membership: &Membership| {
        rows(membership, board, at(1)).iter().map(|row| row.backend.expected_share).collect()
    };
    membership.checked(&bad(9001, "status 503"), at(1));
    let one: Vec<f64> = shares(&membership);
    assert_eq!(one, [0.0, 1.0]);
    membership.checked(&bad(9002, "status 503"), at(1));
    let all: Vec<f64> = shares(&membership);
    assert_eq!(all, [0.75, 0.25]);
}
