//! The attention list: what is told of each thing, in words, and in which order.

use crate::control::sample::{BackendSample, Sample};
use crate::control::standing::{Readiness, Standing};
use crate::control::wire::{
    Backend, BackendRow, BackendState, EventRecord, Latency, Program, ProgramRow, ProgramState,
    Responses, UpstreamRow, Worker,
};
use crate::tui::model::{Link, Model, Size};

const NOW_MS: u64 = 1_000_000;

fn backend(state: BackendState, reason: &str) -> BackendRow {
    BackendRow {
        upstream: "app".to_owned(),
        backend: Backend {
            name: "10.0.0.1:80".to_owned(),
            address: "10.0.0.1:80".to_owned(),
            state,
            weight: 1,
            active: 0,
            requests: 0,
            expected_share: 0.0,
            actual_share: 0.0,
            responses: Responses::default(),
            failures: 0,
            latency_us: Latency::default(),
            bytes_in: 0,
            bytes_out: 0,
            program: None,
            host: None,
            capacity: crate::control::capacity::Capacity::default(),
            check: None,
            reason: String::new(),
            drain: None,
            cuts: 0,
        },
        key: 1,
        file_weight: 1,
        since_ms: NOW_MS - 5_000,
        reason: reason.to_owned(),
        window_picks: 0,
        window_weight_start: 0,
        current_weight: 0,
        active_by_worker: Vec::new(),
        check: String::new(),
    }
}

fn model() -> Model {
    let mut model = Model::new(Size { width: 80, height: 24 }, NOW_MS);
    model.link = Link::Live;
    model
}

#[track_caller]
fn check(model: &Model, expected: &[(&str, &str)]) {
    let list = super::list(model);
    let told: Vec<(&str, &str)> = list.iter().map(|row| (row.word, row.text.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_program_says_how_it_died_and_what_comes_next() {
    let mut model = model();
    let row = |state, exit_code, reason: &str, last_line: &str| ProgramRow {
        program: Program {
            name: "mailer".to_owned(),
            state,
            exit_code,
            reason: reason.to_owned(),
            ..Program::default()
        },
        start_failures: 2,
        start_retries: Some(3),
        retry_at_ms: NOW_MS + 1_500,
        last_line: last_line.to_owned(),
        ..ProgramRow::default()
    };
    let reason = "gave up after 2 starts: exec /srv/x: No such file";
    for (program, expected) in [
        (row(ProgramState::Backoff, Some(1), "", ""), "exit 1, again in 2s; start 3 of 4"),
        (row(ProgramState::Fatal, Some(1), "", ""), "gave up: exit 1, 2 starts"),
        (row(ProgramState::Fatal, Some(1), "", "no"), "gave up: exit 1, 2 starts; \"no\""),
        (
            row(ProgramState::Fatal, None, reason, ""),
            "exec /srv/x: No such file; gave up after 2 starts",
        ),
    ] {
        let word = if program.program.state == ProgramState::Fatal { "FATAL" } else { "BACKOFF" };
        model.moment.programs = vec![program];
        check(&model, &[(word, expected)]);
    }
}

#[test]
fn a_program_that_waits_or_is_not_ready_says_for_what() {
    let row = |readiness, state, reason: &str, since_ms| ProgramRow {
        program: Program { state, reason: reason.to_owned(), ..Program::default() },
        since_ms,
        standing: Standing { readiness, ..Standing::default() },
        ..ProgramRow::default()
    };
    let failing = "probe failed 3x: connection refused";
    let waiting = format!("waiting for db: {failing}");
    let unready = format!("not ready: {failing}");
    let (long_ago, just_now) = (NOW_MS - 9_000, NOW_MS - 500);
    let (starting, running) = (ProgramState::Starting, ProgramState::Running);
    let for_db = format!("for db: {failing}");
    for (program, expected) in [
        (row(Readiness::Waiting, starting, &waiting, long_ago), Some(("WAITING", &*for_db))),
        (row(Readiness::Waiting, starting, &waiting, just_now), None),
        (row(Readiness::Asked, starting, failing, long_ago), Some(("STARTING", failing))),
        (row(Readiness::Asked, starting, "", long_ago), None),
        (row(Readiness::Lost, running, &unready, just_now), Some(("UNREADY", failing))),
        (row(Readiness::Plain, running, "reloading", long_ago), None),
    ] {
        let mut model = model();
        model.moment.programs = vec![program];
        check(&model, &expected.into_iter().collect::<Vec<_>>());
    }
    let mut model = model();
    let log_degraded = "no space left on device".to_owned();
    let program = Program { log_degraded, log_lost_bytes: 9, ..Program::default() };
    model.moment.programs = vec![ProgramRow { program, ..ProgramRow::default() }];
    check(&model, &[("LOG LOST", "no space left on device; 9 bytes lost")]);
}

#[test]
fn a_backend_says_why_without_its_state_again() {
    let mut model = model();
    model.moment.backends = vec![backend(BackendState::Down, "down in the configuration")];
    check(&model, &[("DOWN", "in the configuration")]);
    model.moment.backends = vec![backend(BackendState::Drained, "drained by ana (uid 7)")];
    check(&model, &[("DRAINED", "by ana (uid 7)")]);
}

#[test]
fn a_backend_that_fails_in_rotation_is_told_since_when() {
    let mut model = model();
    model.moment.backends = vec![backend(BackendState::Up, "")];
    for (wall_ms, requests, failures) in [(1_000, 9, 0), (2_000, 0, 3), (3_000, 0, 6)] {
        let sample = BackendSample { key: 1, requests, failures, ..BackendSample::default() };
        model.history.push_back(Sample { wall_ms, backends: vec![sample], ..Sample::default() });
    }
    check(&model, &[("FAILING", "9 of 18 tries fail, still in rotation")]);
    assert_eq!(super::list(&model)[0].since_ms, 2_000);
}

#[test]
fn an_upstream_with_nobody_up_is_worst() {
    let mut model = model();
    model.moment.upstreams =
        vec![UpstreamRow { name: "app".to_owned(), refused: 7, ..UpstreamRow::default() }];
    model.moment.backends = vec![backend(BackendState::Failed, "connection refused x3")];
    let expected = [
        ("NONE UP", "answers 502, 7 so far; no backend is up"),
        ("FAILED", "connection refused x3"),
    ];
    check(&model, &expected);
    model.moment.upstreams[0].all_down = "use_all".to_owned();
    assert!(super::list(&model)[0].text.starts_with("asks failed backends, 0 times so far"));
}

#[test]
fn a_replaced_worker_says_what_killed_the_last_one() {
    let mut model = model();
    model.moment.workers =
        vec![Worker { pid: 7, restarts: 1, uptime_ms: 900, ..Worker::default() }];
    model.events.push_back(EventRecord {
        verb: "replace".to_owned(),
        target: "worker 0".to_owned(),
        result: "killed by SIGKILL".to_owned(),
        ..EventRecord::default()
    });
    check(&model, &[("REPLACED", "killed by SIGKILL; pid 7, restart 1")]);
}

#[test]
fn a_lost_engine_comes_before_what_it_said_last() {
    let mut model = model();
    model.moment.head.config_error = "error: unknown key `bogus`\n --> x.toml:1:1".to_owned();
    check(&model, &[("REFUSED", "unknown key `bogus`; generation 0 goes on")]);
    model.link = Link::Stale { since_ms: NOW_MS, why: "it is silent".to_owned() };
    check(&model, &[("STALE", "it is silent; all below is as it was then")]);
}
