//! Backends out of rotation or on their way out, and those that stay in it although they fail.

use crate::control::wire::{BackendRow, BackendState, Severity};

use super::super::key::Key;
use super::super::{Model, drain, traffic};
use super::Attention;

/// Tries that failed are looked for in the last so many seconds, and told of from this share on.
const FAILING_SECONDS: usize = 30;
const FAILING_SHARE_MIN: f64 = 0.05;

pub(super) fn backends(model: &Model, list: &mut Vec<Attention>) {
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
