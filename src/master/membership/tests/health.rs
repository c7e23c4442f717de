//! Members that checks find unfit, and what becomes of that in a reload and after a master's death.

use super::*;
use crate::balance;
use crate::config::model::health::{Check, CheckKind, Pace};
use crate::master::checks::{self, Checked};

const CHECK: Check = Check {
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

fn result(port: u16, health: balance::health::Health, passes: u32, text: &str) -> Checked {
    let result = checks::Result {
        text: text.to_owned(),
        wall_ms: 7,
        latency_us: 1_500,
        passes,
        fails: u32::from(passes == 0),
    };
    Checked { upstream: "api".to_owned(), backend: address(port), health, result }
}

fn bad(port: u16, text: &str) -> Checked {
    result(port, balance::health::Health::Failed, 0, text)
}

fn good(port: u16) -> Checked {
    result(port, balance::health::Health::Good, 2, "ok, 200")
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
    let on_its_way = result(9001, balance::health::Health::Failed, 1, "ok, 200");
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
    use balance::health::Health;
    assert_eq!(healths, [Health::Failed, Health::Good], "its check begins with that");
    assert_eq!(state(&next, board, 9001, at(2)), BackendState::Failed);
}

#[test]
fn instances_are_checked_while_they_are_ready() {
    let checked = model::Upstream { backends: Vec::new(), ..checked_upstream(0) };
    let (mut membership, _) = applied(&config(&[checked], &[program("web", 2, 9001)]));
    assert_eq!(membership.subjects(), []);
    let joining = Joining {
        address: address(9002),
        weight: 1,
        max_fails: 1,
        fail_timeout_s: 10,
        program: Some("web:1".to_owned()),
    };
    membership.join("api", joining, at(1)).unwrap();
    let backends: Vec<_> =
        membership.subjects().into_iter().map(|subject| subject.backend).collect();
    assert_eq!(backends, [address(9002)]);
    membership.leave("api", &address(9002), at(2));
    assert_eq!(membership.subjects(), []);
}
