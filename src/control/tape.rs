//! What every row of the last quarter of an hour was: who was there, in which state, since when,
//! and why.
//!
//! Pure. Figures that move by themselves are left out, since the samples have them: a second in
//! which nothing happens takes no room. The master keeps one for consoles that attach late, and each
//! console goes on with its own from there.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::delta::{self, Delta, Table};
use super::explain::{Fit, Promise};
use super::wire::{
    Backend, BackendRow, Connections, Head, Latency, Program, ProgramRow, Responses, Snapshot,
    UpstreamRow, Worker,
};

/// As far back as the samples go.
pub(crate) const KEPT_MS: u64 = 15 * 60 * 1000;
/// Changed rows kept at most, of some hundred bytes each: where more happens, the tape is shorter.
const ROWS_MAX: usize = 8_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Tape {
    /// From when on `base` held.
    base_ms: u64,
    base: Box<Snapshot>,
    /// Oldest first.
    changes: VecDeque<Change>,
    /// After the last change; empty: to be worked out.
    #[serde(skip)]
    latest: Option<Box<Snapshot>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Change {
    wall_ms: u64,
    delta: Delta,
}

impl Tape {
    /// Notes what is different from what was recorded last.
    pub(crate) fn record(&mut self, wall_ms: u64, snapshot: &Snapshot) {
        let still = Box::new(still(snapshot));
        if self.base_ms == 0 {
            self.base_ms = wall_ms.max(1);
            self.base.clone_from(&still);
            self.latest = Some(still);
            return;
        }
        let before = match self.latest.take() {
            Some(latest) => latest,
            None => Box::new(self.at(u64::MAX)),
        };
        let delta = delta::diff(&before, &still);
        if delta != Delta::default() {
            self.changes.push_back(Change { wall_ms, delta });
        }
        self.latest = Some(still);
        self.forget(wall_ms.saturating_sub(KEPT_MS));
    }

    /// The first moment that can be told of; none: nothing was recorded yet.
    pub(crate) fn since_ms(&self) -> Option<u64> {
        (self.base_ms > 0).then_some(self.base_ms)
    }

    /// The rows of that moment, without figures; of one before the first, those of the first.
    pub(crate) fn at(&self, wall_ms: u64) -> Snapshot {
        let mut snapshot = Snapshot::clone(&self.base);
        for change in self.changes.iter().take_while(|change| change.wall_ms <= wall_ms) {
            delta::apply(&mut snapshot, change.delta.clone());
        }
        snapshot
    }

    /// What is older, or too much, becomes part of the base.
    fn forget(&mut self, before_ms: u64) {
        let mut rows: usize = self.changes.iter().map(|change| rows_of(&change.delta)).sum();
        while let Some(oldest) = self.changes.front() {
            if oldest.wall_ms >= before_ms && rows <= ROWS_MAX {
                break;
            }
            let Some(Change { wall_ms, delta }) = self.changes.pop_front() else { break };
            rows -= rows_of(&delta);
            delta::apply(&mut self.base, delta);
            self.base_ms = wall_ms;
        }
        self.base_ms = self.base_ms.max(before_ms);
    }
}

fn rows_of(delta: &Delta) -> usize {
    // Rows are still here, so nothing of them has moved.
    let Delta { head, workers, upstreams, backends, programs, moved: _, firewall } = delta;
    let single = usize::from(head.is_some()) + usize::from(firewall.is_some());
    single + len(workers) + len(upstreams) + len(backends) + len(programs)
}

/// An empty table takes some room, too.
fn len<Row>(table: &Table<Row>) -> usize {
    match table {
        Table::Same => 0,
        Table::Changed(rows) | Table::All(rows) => rows.len() + 1,
    }
}

/// A snapshot without what moves by itself.
pub(crate) fn still(snapshot: &Snapshot) -> Snapshot {
    Snapshot {
        head: Head { uptime_ms: 0, wall_ms: 0, ..snapshot.head.clone() },
        workers: snapshot.workers.iter().map(still_worker).collect(),
        upstreams: snapshot.upstreams.iter().map(still_upstream).collect(),
        backends: snapshot.backends.iter().map(|row| still_backend(row, snapshot)).collect(),
        programs: snapshot.programs.iter().map(still_program).collect(),
        firewall: None,
    }
}

fn still_worker(row: &Worker) -> Worker {
    Worker {
        uptime_ms: 0,
        cpu_percent: 0.0,
        rss_bytes: 0,
        connections: Connections::default(),
        requests: 0,
        lag_us: 0,
        log: None,
        ..row.clone()
    }
}

fn still_upstream(row: &UpstreamRow) -> UpstreamRow {
    let mut admission = row.admission.clone();
    if let Some(queue) = &mut admission.queue {
        (queue.queued, queue.overflows, queue.timeouts) = (0, 0, 0);
    }
    let mut names = row.names.clone();
    for name in &mut names {
        (name.ttl_ms, name.next_ms) = (0, 0);
    }
    UpstreamRow {
        requests: 0,
        retries: 0,
        retries_withheld: 0,
        refused: 0,
        overflows: 0,
        top_client_share: 0.0,
        fit: Fit { promise: row.fit.promise, ..Fit::default() },
        names,
        desperate: 0,
        admission,
        ..row.clone()
    }
}

fn still_backend(row: &BackendRow, snapshot: &Snapshot) -> BackendRow {
    // Where weights decide; elsewhere it is another one every second.
    let is_by_weight = |upstream: &UpstreamRow| {
        upstream.name == row.upstream
            && matches!(upstream.fit.promise, Promise::Exact | Promise::Even)
    };
    let is_steady = snapshot.upstreams.iter().any(is_by_weight);
    let expected_share = if is_steady { row.backend.expected_share } else { 0.0 };
    let backend = Backend {
        active: 0,
        requests: 0,
        expected_share,
        actual_share: 0.0,
        responses: Responses::default(),
        failures: 0,
        latency_us: Latency::default(),
        bytes_in: 0,
        bytes_out: 0,
        check: None,
        ..row.backend.clone()
    };
    BackendRow {
        backend,
        window_picks: 0,
        window_weight_start: 0,
        current_weight: 0,
        active_by_worker: Vec::new(),
        check: String::new(),
        ..row.clone()
    }
}

fn still_program(row: &ProgramRow) -> ProgramRow {
    let program = Program {
        uptime_ms: 0,
        cpu_percent: 0.0,
        rss_bytes: 0,
        log_lost_bytes: 0,
        ..row.program.clone()
    };
    ProgramRow { program, last_line: String::new(), ..row.clone() }
}
