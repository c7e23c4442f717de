//! What is wrong or in transition, worst first: the list that opens the console.
//!
//! Derived anew from the snapshot each time, so it can never disagree with the rows it is about.

mod names;
mod starts;

use crate::control::wire::{
    BackendRow, BackendState, EventRecord, ProgramRow, ProgramState, Severity, UpstreamRow, Worker,
};

use super::key::Key;
use super::{Link, Model, drain, traffic};

/// A respawned worker is worth a line for this long.
const RESPAWN_SHOWN_MS: u64 = 60_000;
/// Tries that failed are looked for in the last so many seconds, and told of from this share on.
const FAILING_SECONDS: usize = 30;
const FAILING_SHARE_MIN: f64 = 0.05;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attention {
    /// The thing itself: actions on the line act on it.
    pub(crate) key: Key,
    pub(crate) severity: Severity,
    /// `FATAL`, `FAILED`, `DRAINING` ...
    pub(crate) word: &'static str,
    /// `program`, `backend` ...
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// What matters most comes first: a narrow terminal shows no more than that.
    pub(crate) text: String,
    /// Wall clock; zero when not known.
    pub(crate) since_ms: u64,
    rank: u8,
}

/// Worst first; among equals the one that began last comes first.
pub(crate) fn list(model: &Model) -> Vec<Attention> {
    let mut list = Vec::new();
    engine(model, &mut list);
    upstreams(model, &mut list);
    names::names(model, &mut list);
    programs(model, &mut list);
    backends(model, &mut list);
    workers(model, &mut list);
    list.sort_by(|a, b| {
        (a.rank, std::cmp::Reverse(a.since_ms), &a.name).cmp(&(
            b.rank,
            std::cmp::Reverse(b.since_ms),
            &b.name,
        ))
    });
    list
}

/// A lost engine hides what its configuration says: the last word on that may be old.
fn engine(model: &Model, list: &mut Vec<Attention>) {
    let head = &model.moment.head;
    let matter = match &model.link {
        Link::Stale { since_ms, why } => Attention {
            key: Key::Config,
            severity: Severity::Bad,
            word: "STALE",
            kind: "engine",
            name: head.name.clone(),
            text: format!("{why}; all below is as it was then"),
            since_ms: *since_ms,
            rank: 0,
        },
        Link::Live if !head.config_error.is_empty() => {
            let first_line = head.config_error.lines().next().unwrap_or_default();
            let what = first_line.strip_prefix("error: ").unwrap_or(first_line);
            Attention {
                key: Key::Config,
                severity: Severity::Bad,
                word: "REFUSED",
                kind: "config",
                name: file_name(&head.config).to_owned(),
                text: format!("{what}; generation {} goes on", head.generation),
                since_ms: refused_reload(model).map_or(0, |event| event.wall_ms),
                rank: 0,
            }
        }
        Link::Live | Link::Connecting { .. } => return,
    };
    list.push(matter);
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The reload whose refusal still holds, while one does.
pub(crate) fn refused_reload(model: &Model) -> Option<&EventRecord> {
    model.events.iter().rev().find(|event| event.verb == "reload")
}

fn upstreams(model: &Model, list: &mut Vec<Attention>) {
    for upstream in &model.moment.upstreams {
        let mut members = model.backends_of(&upstream.name).peekable();
        if members.peek().is_none() || members.any(|row| takes_requests(row.backend.state)) {
            continue;
        }
        list.push(Attention {
            key: Key::Upstream { name: upstream.name.clone() },
            severity: Severity::Bad,
            word: "NONE UP",
            kind: "upstream",
            name: upstream.name.clone(),
            text: none_up(model, upstream),
            since_ms: model
                .backends_of(&upstream.name)
                .map(|row| row.since_ms)
                .max()
                .unwrap_or_default(),
            rank: 0,
        });
    }
}

/// What becomes of requests meanwhile: the file's choice, which only failed backends fall under.
fn none_up(model: &Model, upstream: &UpstreamRow) -> String {
    let mut members = model.backends_of(&upstream.name);
    let has_failed = members.any(|row| row.backend.state == BackendState::Failed);
    if has_failed && upstream.all_down == "use_all" {
        let count = upstream.desperate;
        return format!("asks failed backends, {count} times so far; none is up");
    }
    format!("answers 502, {} so far; no backend is up", upstream.refused)
}

/// Whether a backend in this state is offered new requests.
pub(crate) fn takes_requests(state: BackendState) -> bool {
    match state {
        BackendState::Up => true,
        BackendState::Starting
        | BackendState::Draining
        | BackendState::Drained
        | BackendState::Down
        | BackendState::Failed => false,
    }
}

fn programs(model: &Model, list: &mut Vec<Attention>) {
    for row in &model.moment.programs {
        let (severity, word, rank) = match row.program.state {
            ProgramState::Fatal => (Severity::Bad, "FATAL", 1),
            ProgramState::Unknown => (Severity::Bad, "UNKNOWN", 1),
            ProgramState::Backoff => (Severity::Warn, "BACKOFF", 4),
            ProgramState::Stopped
            | ProgramState::Starting
            | ProgramState::Running
            | ProgramState::Stopping
            | ProgramState::Exited => continue,
        };
        list.push(Attention {
            key: Key::of_program(row),
            severity,
            word,
            kind: "program",
            name: format!("{}:{}", row.program.name, row.program.instance),
            text: program_text(model, row),
            since_ms: row.since_ms,
            rank,
        });
    }
}

fn program_text(model: &Model, row: &ProgramRow) -> String {
    let last = exit_text(row.program.exit_code, row.program.exit_signal);
    match row.program.state {
        ProgramState::Backoff => {
            let wait_s = row.retry_at_ms.saturating_sub(model.seen_ms()).div_ceil(1000);
            format!("{last}, again in {wait_s}s{}", starts::next(row))
        }
        ProgramState::Fatal if is_exit_known(row) => {
            let words = row.last_line.trim();
            let said = if words.is_empty() { String::new() } else { format!("; \"{words}\"") };
            format!("gave up: {last}, {} starts{said}", row.start_failures)
        }
        // `gave up after 2 starts: exec /srv/x: No such file` names the cause at its end.
        ProgramState::Fatal => match row.program.reason.split_once(": ") {
            Some((what, cause)) if what.starts_with("gave up") => format!("{cause}; {what}"),
            Some(_) | None => row.program.reason.clone(),
        },
        ProgramState::Unknown
        | ProgramState::Stopped
        | ProgramState::Starting
        | ProgramState::Running
        | ProgramState::Stopping
        | ProgramState::Exited => row.program.reason.clone(),
    }
}

fn is_exit_known(row: &ProgramRow) -> bool {
    row.program.exit_code.is_some() || row.program.exit_signal.is_some()
}

fn backends(model: &Model, list: &mut Vec<Attention>) {
    for row in &model.moment.backends {
        let (severity, word, rank) = match row.backend.state {
            BackendState::Failed => (Severity::Bad, "FAILED", 3),
            BackendState::Draining => (Severity::Warn, "DRAINING", 5),
            BackendState::Down => (Severity::Info, "DOWN", 7),
            BackendState::Drained => (Severity::Info, "DRAINED", 8),
            BackendState::Up => {
                list.extend(failing(model, row));
                continue;
            }
            BackendState::Starting => continue,
        };
        list.push(Attention {
            key: Key::of_backend(row),
            severity,
            word,
            kind: "backend",
            name: format!("{}/{}", row.upstream, row.backend.name),
            text: backend_text(model, row),
            since_ms: row.since_ms,
            rank,
        });
    }
}

fn backend_text(model: &Model, row: &BackendRow) -> String {
    match (row.backend.state, drain::progress(model, row)) {
        (BackendState::Draining, Some(progress)) => progress.sentence(),
        (BackendState::Drained, _) if row.reason.is_empty() => {
            "no requests until enabled".to_owned()
        }
        // The state stands beside it: `down in the configuration`, `drained by root (uid 0)`.
        _ => ["taken down ", "drained ", "down "]
            .into_iter()
            .find_map(|state| row.reason.strip_prefix(state))
            .unwrap_or(&row.reason)
            .to_owned(),
    }
}

/// A backend that stays in rotation although requests to it fail: the only one of its upstream is
/// never taken out, and a few failures may be allowed.
fn failing(model: &Model, row: &BackendRow) -> Option<Attention> {
    let mut tries = 0_u64;
    let mut failures = 0_u64;
    let mut since_ms = 0;
    for (at_ms, sample) in traffic::latest_of_backend(model, row.key, FAILING_SECONDS) {
        tries += u64::from(sample.requests) + u64::from(sample.failures);
        failures += u64::from(sample.failures);
        if sample.failures > 0 && since_ms == 0 {
            since_ms = at_ms;
        }
    }
    let share = failures as f64 / tries.max(1) as f64;
    if failures == 0 || share < FAILING_SHARE_MIN {
        return None;
    }
    let is_most = share >= 0.5;
    Some(Attention {
        key: Key::of_backend(row),
        severity: if is_most { Severity::Bad } else { Severity::Warn },
        word: "FAILING",
        kind: "backend",
        name: format!("{}/{}", row.upstream, row.backend.name),
        text: format!("{failures} of {tries} tries fail, still in rotation"),
        since_ms,
        rank: if is_most { 2 } else { 4 },
    })
}

fn workers(model: &Model, list: &mut Vec<Attention>) {
    for worker in &model.moment.workers {
        list.extend(log_failing(model, worker));
        if worker.restarts == 0 || worker.uptime_ms > RESPAWN_SHOWN_MS {
            continue;
        }
        list.push(Attention {
            key: Key::Worker { slot: worker.slot },
            severity: Severity::Warn,
            word: "REPLACED",
            kind: "worker",
            name: format!("worker {}", worker.slot),
            text: respawn_text(model, worker),
            since_ms: model.moment.head.wall_ms.saturating_sub(worker.uptime_ms),
            rank: 6,
        });
    }
}

/// Lines of access logs that are lost: no request is harmed by it.
fn log_failing(model: &Model, worker: &Worker) -> Option<Attention> {
    let log = worker.log.as_ref().filter(|log| log.is_failing)?;
    Some(Attention {
        key: Key::Worker { slot: worker.slot },
        severity: Severity::Warn,
        word: "LOG LOST",
        kind: "worker",
        name: format!("worker {}", worker.slot),
        text: format!("{}; {} lines of access logs lost", log.last_error, log.dropped),
        since_ms: model.moment.head.wall_ms,
        rank: 5,
    })
}

fn respawn_text(model: &Model, worker: &Worker) -> String {
    let target = Key::Worker { slot: worker.slot }.label();
    let mut events = model.events.iter().rev();
    let cause = events
        .find(|event| event.verb == "replace" && event.target == target)
        .map_or_else(String::new, |event| format!("{}; ", event.result));
    format!("{cause}pid {}, restart {}", worker.pid, worker.restarts)
}

/// `exit 1`, `SIGKILL`, or what to say when neither is known.
pub(crate) fn exit_text(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (_, Some(signal)) => signal_name(signal),
        (Some(code), None) => format!("exit {code}"),
        (None, None) => "no start".to_owned(),
    }
}

/// Linux's numbers for the signals that end programs.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use crate::control::wire::{
        Backend, BackendRow, BackendSample, BackendState, EventRecord, Latency, Program,
        ProgramRow, ProgramState, Responses, Sample, UpstreamRow, Worker,
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
        let told: Vec<(&str, &str)> =
            list.iter().map(|row| (row.word, row.text.as_str())).collect();
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
            let word =
                if program.program.state == ProgramState::Fatal { "FATAL" } else { "BACKOFF" };
            model.moment.programs = vec![program];
            check(&model, &[(word, expected)]);
        }
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
            model.history.push_back(Sample {
                wall_ms,
                backends: vec![sample],
                ..Sample::default()
            });
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
}
