//! Decisions against a real board: what an order, a program or a dead master leads to, and what
//! people are told about it.

mod altered;
mod capacity;
mod draining;
mod fit;
mod health;
mod names;
mod strategies;

use super::*;
use crate::config::model::{self, Config};
use crate::control::call::{BackendTarget, BackendVerb, UpstreamVerb};
use crate::control::wire::{BackendState, Outcome};
use crate::master::history::History;
use crate::scoreboard::backend::{Failure, Words};
use crate::scoreboard::gate::Standing;
use crate::scoreboard::{WorkerSlot, account};

fn at(second: u64) -> Now {
    Now { mono_us: second * 1_000_000, wall_ms: 1_000_000 + second * 1000 }
}

fn address(port: u16) -> Address {
    Address::parse(&format!("127.0.0.1:{port}")).unwrap()
}

fn backend(port: u16, weight: u32) -> model::Backend {
    model::Backend {
        address: model::Location::Fixed(address(port)),
        weight,
        max_fails: 1,
        fail_timeout_s: 10,
        max_conns: 0,
        priority: 0,
        backup: false,
        down: false,
        route: None,
    }
}

fn resolve() -> model::Resolve {
    model::Resolve {
        servers: Vec::new(),
        valid_ms: None,
        timeout_ms: 0,
        family: model::Family::Any,
    }
}

fn upstream(name: &str, backends: &[model::Backend]) -> model::Upstream {
    model::Upstream {
        tls: None,
        kind: model::Kind::Http,
        name: name.to_owned(),
        strategy: Strategy::RoundRobin,
        hash_key: None,
        timing: Timing::default(),
        retry: crate::config::retry::Retry {
            more_max: 1,
            on: crate::config::retry::Conditions::DEFAULT,
            timeout_ms: 0,
            budget_percent: None,
        },
        links: model::Links {
            idle_max: 8,
            idle_timeout_ms: 1000,
            age_max_ms: 1000,
            requests_max: 1000,
            connections_max: 1000,
            tcp_keepalive_ms: 0,
            bind: None,
            proxy_protocol: None,
            http2: false,
        },
        check: None,
        outlier: None,
        all_down: AllDown::Refuse,
        drain_timeout_ms: 30_000,
        slow_start_ms: 0,
        connect_timeout_ms: 1000,
        send_timeout_ms: 1000,
        first_byte_timeout_ms: 1000,
        between_bytes_timeout_ms: 1000,
        resolve: resolve(),
        queue: None,
        sticky: None,
        backends: backends.to_vec(),
    }
}

/// With what the file says when it says nothing else, but for what is served.
fn program(name: &str, instances: u32, port: u16) -> model::program::Program {
    let text = format!(
        "[upstream.api]\n[program.{name}]\ncommand = \"true\"\ninstances = {instances}\n\
         serves = {{ upstream = \"api\", port = {port} }}"
    );
    let mut config = crate::config::parse(&text, "test.toml").unwrap();
    config.programs.remove(0)
}

fn joining(port: u16, label: &str) -> Joining {
    Joining {
        address: address(port),
        weight: 1,
        max_fails: 1,
        fail_timeout_s: 10,
        max_conns: 0,
        priority: 0,
        program: Some(label.to_owned()),
    }
}

fn config(upstreams: &[model::Upstream], programs: &[model::program::Program]) -> Config {
    Config {
        engine: model::Engine {
            name: "test".to_owned(),
            resolve: resolve(),
            ..crate::config::embedded().engine
        },
        streams: Vec::new(),
        limits: Vec::new(),
        tables: Vec::new(),
        servers: Vec::new(),
        upstreams: upstreams.to_vec(),
        programs: programs.to_vec(),
        groups: Vec::new(),
        control: model::control::Control::default(),
        source: String::new(),
        is_embedded: false,
    }
}

/// A membership on a board of its own, under a configuration.
fn applied(config: &Config) -> (Membership, Board) {
    let (board, _) = Board::create().unwrap();
    let mut membership = Membership::new(board);
    membership.apply_config(config, at(0)).unwrap();
    membership.tick(at(0));
    (membership, board)
}

fn two() -> Config {
    config(&[upstream("api", &[backend(9001, 3), backend(9002, 1)])], &[])
}

fn order(membership: &mut Membership, port: u16, verb: BackendVerb, now: Now) -> (Outcome, String) {
    let target =
        BackendTarget { upstream: "api".to_owned(), backend: address(port).to_string(), key: None };
    let answer = membership.backend(&target, verb, "eva (1000)", now);
    (answer.outcome, answer.message)
}

const DRAIN: BackendVerb = BackendVerb::Drain { timeout_ms: None };

fn rows(membership: &Membership, board: Board, now: Now) -> Vec<wire::BackendRow> {
    membership.rows(&History::new(board), now).1
}

fn row(membership: &Membership, board: Board, port: u16, now: Now) -> wire::BackendRow {
    let name = address(port).to_string();
    rows(membership, board, now).into_iter().find(|row| row.backend.name == name).unwrap()
}

fn state(membership: &Membership, board: Board, port: u16, now: Now) -> BackendState {
    row(membership, board, port, now).backend.state
}

fn id(membership: &Membership, port: u16) -> BackendId {
    membership.member(membership.find("api", &address(port).to_string()).unwrap()).id
}

/// A worker's end of the board.
fn worker(board: Board) -> account::Account {
    let slot = WorkerSlot::new(0).unwrap();
    board.worker(slot).occupy(1);
    board.account(slot)
}

fn drained(notices: &[Notice]) -> Option<(u32, bool)> {
    notices.iter().find_map(|notice| match notice {
        Notice::Drained { active_left, has_timed_out, .. } => Some((*active_left, *has_timed_out)),
        Notice::Turned { .. } | Notice::Removed { .. } => None,
    })
}

#[test]
fn orders_are_idempotent_and_say_what_they_did() {
    let (mut membership, _board) = applied(&two());
    for (verb, outcome, text) in [
        (BackendVerb::Enable, Outcome::Unchanged, "127.0.0.1:9001 is already enabled"),
        (BackendVerb::Down, Outcome::Changed, "127.0.0.1:9001 down, nothing in flight"),
        (BackendVerb::Down, Outcome::Unchanged, "127.0.0.1:9001 is already down"),
        (BackendVerb::Enable, Outcome::Changed, "127.0.0.1:9001 enabled"),
        (BackendVerb::Weight { weight: 5 }, Outcome::Changed, "127.0.0.1:9001 weight 5, was 3"),
        (
            BackendVerb::Weight { weight: 5 },
            Outcome::Unchanged,
            "127.0.0.1:9001 already has weight 5",
        ),
        (
            BackendVerb::Weight { weight: 0 },
            Outcome::Refused,
            "weight 0 is not 1 to 1000; drain or down takes a backend out",
        ),
        (
            BackendVerb::Weight { weight: 1001 },
            Outcome::Refused,
            "weight 1001 is not 1 to 1000; drain or down takes a backend out",
        ),
        (
            BackendVerb::MaxConns { max_conns: 64 },
            Outcome::Changed,
            "127.0.0.1:9001 max_conns 64, was no bound",
        ),
        (
            BackendVerb::MaxConns { max_conns: 64 },
            Outcome::Unchanged,
            "127.0.0.1:9001 already has max_conns 64",
        ),
        (
            BackendVerb::MaxConns { max_conns: 1_000_001 },
            Outcome::Refused,
            "max_conns 1000001 is more than 1000000",
        ),
    ] {
        assert_eq!(
            order(&mut membership, 9001, verb, at(1)),
            (outcome, text.to_owned()),
            "{verb:?}"
        );
    }
}

#[test]
fn unknown_names_and_stale_rows_are_told_apart() {
    let (mut membership, board) = applied(&two());
    let key = row(&membership, board, 9001, at(0)).key;
    for (upstream, backend, key, outcome, text) in [
        ("nope", "x", None, Outcome::Unknown, "no upstream nope; there is api"),
        (
            "api",
            "x",
            None,
            Outcome::Unknown,
            "no backend x in upstream api; it has 127.0.0.1:9001, 127.0.0.1:9002",
        ),
        (
            "api",
            "127.0.0.1:9001",
            Some(key ^ 0x1_0000),
            Outcome::Refused,
            "127.0.0.1:9001 was replaced since that row was shown; look again",
        ),
        (
            "api",
            "127.0.0.1:9001",
            Some(key),
            Outcome::Changed,
            "127.0.0.1:9001 draining, nothing in flight",
        ),
    ] {
        let target =
            BackendTarget { upstream: upstream.to_owned(), backend: backend.to_owned(), key };
        let answer = membership.backend(&target, DRAIN, "eva", at(1));
        assert_eq!((answer.outcome, answer.message.as_str()), (outcome, text));
    }
}

#[test]
fn a_strategy_changes_live_and_reset_goes_back_to_the_file() {
    let (mut membership, board) = applied(&two());
    let strategy = |name: &str| UpstreamVerb::Strategy { strategy: name.to_owned() };
    assert_eq!(membership.upstream("api", &strategy("fastest"), at(1)).outcome, Outcome::Refused);
    assert_eq!(membership.upstream("api", &strategy("ip_hash"), at(1)).outcome, Outcome::Changed);
    assert_eq!(membership.upstream("api", &strategy("ip_hash"), at(1)).outcome, Outcome::Unchanged);
    let on_board =
        |board: Board| board.upstream(UpstreamId::new(0).unwrap()).roster().unwrap().strategy;
    assert_eq!(on_board(board), scoreboard::upstream::Strategy::IpHash);
    order(&mut membership, 9002, BackendVerb::Weight { weight: 9 }, at(1));
    order(&mut membership, 9001, BackendVerb::Down, at(1));
    let answer = membership.upstream("api", &UpstreamVerb::Reset, at(2));
    assert_eq!(answer.message, "api back to the file, 3 changes undone");
    assert_eq!(on_board(board), scoreboard::upstream::Strategy::RoundRobin);
    assert_eq!(state(&membership, board, 9001, at(2)), BackendState::Up);
    assert_eq!(row(&membership, board, 9002, at(2)).backend.weight, 1);
    assert_eq!(membership.upstream("api", &UpstreamVerb::Reset, at(2)).outcome, Outcome::Unchanged);
}

#[test]
fn ip_hash_is_refused_where_backups_are() {
    let backup = model::Backend { backup: true, ..backend(9003, 1) };
    let (mut membership, _) =
        applied(&config(&[upstream("api", &[backend(9001, 1), backup])], &[]));
    let verb = UpstreamVerb::Strategy { strategy: "ip_hash".to_owned() };
    assert_eq!(membership.upstream("api", &verb, at(0)).outcome, Outcome::Refused);
}

#[test]
fn a_reload_keeps_what_stays() {
    let (mut membership, board) = applied(&two());
    let kept = id(&membership, 9002);
    order(&mut membership, 9002, DRAIN, at(1));
    membership.tick(at(1));
    let account = worker(board);
    let reservation = account.reserve(id(&membership, 9001));
    let removed = id(&membership, 9001);
    let next = config(&[upstream("api", &[backend(9002, 2), backend(9003, 1)])], &[]);
    membership.apply_config(&next, at(2)).unwrap();
    assert_eq!(id(&membership, 9002), kept);
    assert_eq!(
        state(&membership, board, 9002, at(2)),
        BackendState::Drained,
        "the operator's word"
    );
    assert_eq!(row(&membership, board, 9002, at(2)).backend.weight, 2);
    assert_eq!(rows(&membership, board, at(2)).len(), 2);
    membership.tick(at(3));
    assert_eq!(board.backend(removed).gate().standing, Standing::Draining, "a request is left");
    drop(reservation);
    membership.tick(at(4));
    assert_eq!(board.backend(removed).gate().standing, Standing::Vacant);
}

#[test]
fn a_removed_upstream_serves_until_no_generation_names_it() {
    let (mut membership, board) = applied(&two());
    membership.apply_config(&config(&[upstream("web", &[backend(9001, 1)])], &[]), at(1)).unwrap();
    let old = UpstreamId::new(0).unwrap();
    assert_eq!(board.upstream(old).roster().unwrap().members.len(), 2);
    assert_eq!(membership.rows(&History::new(board), at(1)).0.len(), 1, "but is not shown");
    membership.tick(at(12));
    assert!(!board.upstream(old).is_in_use());
    membership.apply_config(&two(), at(13)).unwrap();
    assert_ne!(board.upstream_named("api"), Some(old), "its slot is the last to be given out");
}

#[test]
fn an_instance_has_its_place_before_it_is_ready() {
    let (mut membership, board) =
        applied(&config(&[upstream("api", &[])], &[program("web", 2, 9001)]));
    let shown = row(&membership, board, 9001, at(0));
    assert_eq!(
        (shown.backend.state, shown.reason.as_str()),
        (BackendState::Starting, "web:0 is not ready")
    );
    let joining = |port| joining(port, "web:1");
    membership.join("api", joining(9002), at(1)).unwrap();
    assert_eq!(state(&membership, board, 9002, at(1)), BackendState::Up);
    assert!(membership.leave("api", &address(9002), at(2)));
    assert_eq!(state(&membership, board, 9002, at(2)), BackendState::Starting);
    assert!(!board.backend(id(&membership, 9002)).gate().is_open());
    // On another port, since its own was taken: the same place.
    membership.join("api", joining(9777), at(3)).unwrap();
    let names: Vec<_> =
        rows(&membership, board, at(3)).into_iter().map(|row| row.backend.name).collect();
    assert_eq!(names, ["127.0.0.1:9001", "127.0.0.1:9777"]);
    assert_eq!(
        membership.join("nope", joining(9002), at(3)),
        Err(apply::Full::NoUpstream("127.0.0.1:9002".to_owned()))
    );
}

#[test]
fn a_restarts_drain_ends_when_its_instance_is_back_and_the_operators_does_not() {
    for (is_operators, expected) in [(false, BackendState::Up), (true, BackendState::Drained)] {
        let (mut membership, board) =
            applied(&config(&[upstream("api", &[backend(9009, 1)])], &[program("web", 1, 9001)]));
        membership.join("api", joining(9001, "web:0"), at(1)).unwrap();
        if is_operators {
            order(&mut membership, 9001, DRAIN, at(1));
        }
        assert!(membership.drain("api", &address(9001), None, at(1)));
        assert_eq!(drained(&membership.tick(at(1))), Some((0, false)));
        membership.leave("api", &address(9001), at(2));
        membership.join("api", joining(9001, "web:0"), at(3)).unwrap();
        assert_eq!(state(&membership, board, 9001, at(3)), expected);
    }
}

#[test]
fn failures_of_requests_are_shown_with_their_reason_and_end() {
    let (mut membership, board) = applied(&two());
    let failing = board.backend(id(&membership, 9001));
    failing.set_words(&Words { fails: 3, accessed_s: 100, checked_s: 100, ..Words::default() });
    failing.set_last_failure(Failure::Refused);
    let notices = membership.tick(at(105));
    assert!(
        matches!(&notices[..], [Notice::Turned { to: BackendState::Failed, reason, .. }]
        if reason == "connection refused x3, out for 10 s"),
        "{notices:?}"
    );
    let shown = rows(&membership, board, at(105));
    assert!(shown[0].backend.expected_share < f64::EPSILON);
    assert!((shown[1].backend.expected_share - 1.0).abs() < f64::EPSILON);
    assert!(matches!(&membership.tick(at(111))[..], [Notice::Turned { to: BackendState::Up, .. }]));
}

#[test]
fn decisions_outlive_the_master_and_the_engine() {
    let (mut membership, board) = applied(&two());
    order(&mut membership, 9001, DRAIN, at(1));
    membership.tick(at(1));
    order(&mut membership, 9002, BackendVerb::Weight { weight: 7 }, at(1));
    let verb = UpstreamVerb::Strategy { strategy: "least_conn".to_owned() };
    membership.upstream("api", &verb, at(1));
    let saved = membership.save();
    let text = serde_json::to_string(&saved).unwrap();
    let saved: Saved = serde_json::from_str(&text).unwrap();
    let fresh = Board::create().unwrap().0;
    for board in [board, fresh] {
        let mut next = Membership::new(board);
        next.restore(saved.clone(), at(2));
        assert!(
            !board
                .upstream_named("api")
                .is_some_and(|_| board.backend(id(&next, 9001)).gate().is_open())
        );
        next.apply_config(&two(), at(2)).unwrap();
        assert_eq!(state(&next, board, 9001, at(2)), BackendState::Drained);
        assert_eq!(row(&next, board, 9001, at(2)).reason, "drained by eva (1000)");
        assert_eq!(row(&next, board, 9002, at(2)).backend.weight, 7);
        assert_eq!(next.rows(&History::new(board), at(2)).0[0].strategy, "least_conn");
        assert_eq!(next.save(), saved);
    }
}

#[test]
fn a_successor_takes_the_board_back_without_closing_a_gate() {
    let config = config(&[upstream("api", &[backend(9009, 1)])], &[program("web", 1, 9001)]);
    let (mut membership, board) = applied(&config);
    membership.join("api", joining(9777, "web:0"), at(1)).unwrap();
    let before = [id(&membership, 9009), id(&membership, 9777)];
    // Died in the middle of a publication, and of a turn.
    let slot = UpstreamId::new(0).unwrap();
    std::mem::forget(board.upstream(slot).publish());
    std::mem::forget(board.upstream(slot).take_turn(Owner::Master));
    let mut next = Membership::new(board);
    next.restore(Saved::default(), at(2));
    assert!(before.iter().all(|id| board.backend(*id).gate().is_open()));
    next.apply_config(&config, at(2)).unwrap();
    assert!(before.iter().all(|id| board.backend(*id).gate().is_open()));
    assert_eq!([id(&next, 9009), id(&next, 9777)], before, "same slots, same counts");
    assert_eq!(row(&next, board, 9777, at(2)).backend.program.as_deref(), Some("web:0"));
}

#[test]
fn shares_start_anew_with_every_change() {
    let (mut membership, board) = applied(&two());
    (0..3).for_each(|_| board.backend(id(&membership, 9001)).count_pick());
    board.backend(id(&membership, 9002)).count_pick();
    let shown = rows(&membership, board, at(1));
    assert!((shown[0].backend.actual_share - 0.75).abs() < f64::EPSILON);
    assert!((shown[0].backend.expected_share - 0.75).abs() < f64::EPSILON);
    order(&mut membership, 9002, BackendVerb::Weight { weight: 3 }, at(2));
    assert!(rows(&membership, board, at(2)).iter().all(|row| row.window_picks == 0));
}
