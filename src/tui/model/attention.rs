//! What is wrong or in transition, worst first: the list that opens the console.
//!
//! Derived anew from the snapshot each time, so it can never disagree with the rows it is about.

use crate::control::wire::{BackendState, ProgramState, Severity};

use super::key::Key;
use super::{Model, drain};

/// A respawned worker is worth a line for this long.
const RESPAWN_SHOWN_MS: u64 = 60_000;

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
    pub(crate) text: String,
    /// Wall clock; zero when not known.
    pub(crate) since_ms: u64,
    rank: u8,
}

/// Worst first; among equals the one that began last comes first.
pub(crate) fn list(model: &Model) -> Vec<Attention> {
    let mut list = Vec::new();
    config(model, &mut list);
    upstreams(model, &mut list);
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

fn config(model: &Model, list: &mut Vec<Attention>) {
    let error = &model.live.head.config_error;
    if error.is_empty() {
        return;
    }
    let first_line = error.lines().next().unwrap_or_default();
    list.push(Attention {
        key: Key::Config,
        severity: Severity::Bad,
        word: "REFUSED",
        kind: "config",
        name: model.live.head.config.clone(),
        text: format!("{first_line}; generation {} goes on", model.live.head.generation),
        since_ms: 0,
        rank: 2,
    });
}

fn upstreams(model: &Model, list: &mut Vec<Attention>) {
    for upstream in &model.live.upstreams {
        let mut members = model.backends_of(&upstream.name).peekable();
        if members.peek().is_none() || members.any(|row| takes_requests(row.backend.state)) {
            continue;
        }
        list.push(Attention {
            key: Key::Upstream { name: upstream.name.clone() },
            severity: Severity::Bad,
            word: "NO BACKEND",
            kind: "upstream",
            name: upstream.name.clone(),
            text: format!("every request is answered 502; {} so far", upstream.refused),
            since_ms: model
                .backends_of(&upstream.name)
                .map(|row| row.since_ms)
                .max()
                .unwrap_or_default(),
            rank: 0,
        });
    }
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
    for row in &model.live.programs {
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
        let last = exit_text(row.program.exit_code, row.program.exit_signal);
        let text = match row.program.state {
            ProgramState::Backoff => {
                let wait_s = row.retry_at_ms.saturating_sub(model.now_ms).div_ceil(1000);
                format!(
                    "{last}; start {} of {} in {wait_s} s",
                    row.start_failures + 1,
                    row.start_retries + 1
                )
            }
            ProgramState::Fatal if row.program.reason.is_empty() => {
                format!("{last}; {} starts, gave up", row.start_failures)
            }
            ProgramState::Fatal
            | ProgramState::Unknown
            | ProgramState::Stopped
            | ProgramState::Starting
            | ProgramState::Running
            | ProgramState::Stopping
            | ProgramState::Exited => row.program.reason.clone(),
        };
        list.push(Attention {
            key: Key::of_program(row),
            severity,
            word,
            kind: "program",
            name: format!("{}:{}", row.program.name, row.program.instance),
            text,
            since_ms: row.since_ms,
            rank,
        });
    }
}

fn backends(model: &Model, list: &mut Vec<Attention>) {
    for row in &model.live.backends {
        let (severity, word, rank) = match row.backend.state {
            BackendState::Failed => (Severity::Bad, "FAILED", 3),
            BackendState::Draining => (Severity::Warn, "DRAINING", 5),
            BackendState::Down => (Severity::Info, "DOWN", 7),
            BackendState::Drained => (Severity::Info, "DRAINED", 8),
            BackendState::Up | BackendState::Starting => continue,
        };
        let text = match (row.backend.state, drain::progress(model, row)) {
            (BackendState::Draining, Some(progress)) => progress.sentence(),
            (BackendState::Drained, _) if row.reason.is_empty() => {
                "no requests until enabled".to_owned()
            }
            _ => row.reason.clone(),
        };
        list.push(Attention {
            key: Key::of_backend(row),
            severity,
            word,
            kind: "backend",
            name: format!("{}/{}", row.upstream, row.backend.name),
            text,
            since_ms: row.since_ms,
            rank,
        });
    }
}

fn workers(model: &Model, list: &mut Vec<Attention>) {
    for worker in &model.live.workers {
        if worker.restarts == 0 || worker.uptime_ms > RESPAWN_SHOWN_MS {
            continue;
        }
        list.push(Attention {
            key: Key::Worker { slot: worker.slot },
            severity: Severity::Warn,
            word: "RESPAWNED",
            kind: "worker",
            name: format!("worker {}", worker.slot),
            text: format!("pid {}, restart {}", worker.pid, worker.restarts),
            since_ms: model.live.head.wall_ms.saturating_sub(worker.uptime_ms),
            rank: 6,
        });
    }
}

/// `exit 1`, `signal 9`, or what to say when neither is known.
pub(crate) fn exit_text(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => format!("exit {code}"),
        (None, None) => "did not start".to_owned(),
    }
}
