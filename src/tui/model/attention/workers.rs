//! Workers that were replaced a moment ago, or lose lines of their logs.

use crate::control::wire::{Severity, Worker};

use super::super::Model;
use super::super::key::Key;
use super::Attention;

/// A respawned worker is worth a line for this long.
const RESPAWN_SHOWN_MS: u64 = 60_000;

pub(super) fn workers(model: &Model, list: &mut Vec<Attention>) {
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
            name: Key::Worker { slot: worker.slot }.label(),
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
        name: Key::Worker { slot: worker.slot }.label(),
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
