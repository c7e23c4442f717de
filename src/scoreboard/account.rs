//! What one worker counts, by backend and by upstream; and the sums that readers see.
//!
//! Every word has the worker as its only writer, so counting is a relaxed load and store. Counts
//! belong to one incarnation: the worker clears a cell when it first meets a new one, and readers
//! skip cells of another.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use super::histogram::{self, Histogram};
use super::layout::{Cell, HoldingWords, UpstreamCell};
use super::{BackendId, Board, UpstreamId, WorkerSlot};

/// The writing end, for the worker of that slot alone.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    board: Board,
    slot: WorkerSlot,
}

/// One request in flight at a backend, for as long as this value lives: whatever becomes of the
/// request, be it a panic, nothing stays behind.
#[must_use = "dropping it gives the reservation back"]
pub(crate) struct Reservation {
    active: &'static AtomicU32,
}

impl Drop for Reservation {
    /// Release: what the request counted is seen by who sees it gone.
    fn drop(&mut self) {
        let count = self.active.load(Ordering::Relaxed);
        debug_assert!(count > 0, "a request leaves a backend once");
        self.active.store(count.saturating_sub(1), Ordering::Release);
    }
}

/// How a request ended, for its backend's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    /// Towards the backend and from it, bodies and heads.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// From the pick to the response's last byte.
    pub(crate) service_us: u32,
}

/// A backend's counts over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) responses: [u64; 5],
    pub(crate) failures: u64,
    /// Ended by a drain's time limit.
    pub(crate) cuts: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// The sum of all latencies.
    pub(crate) service_us: u64,
    /// How long TCP routes' connections lasted, once connected or not.
    pub(crate) sessions_us: u64,
}

impl Counts {
    /// What was added since `earlier`, a reading of the same life.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut responses = self.responses;
        for (class, before) in responses.iter_mut().zip(earlier.responses) {
            *class = class.saturating_sub(before);
        }
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            responses,
            failures: self.failures.saturating_sub(earlier.failures),
            cuts: self.cuts.saturating_sub(earlier.cuts),
            bytes_in: self.bytes_in.saturating_sub(earlier.bytes_in),
            bytes_out: self.bytes_out.saturating_sub(earlier.bytes_out),
            service_us: self.service_us.saturating_sub(earlier.service_us),
            sessions_us: self.sessions_us.saturating_sub(earlier.sessions_us),
        }
    }
}

/// An upstream's counts over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpstreamCounts {
    pub(crate) requests: u64,
    pub(crate) retries: u64,
    /// Retries that the budget did not grant.
    pub(crate) withheld: u64,
    /// No backend could take the request.
    pub(crate) refused: u64,
    /// The request would have needed one connection too many.
    pub(crate) overflows: u64,
    /// Waiting at this moment.
    pub(crate) queued: u32,
    pub(crate) queue_overflows: u64,
    pub(crate) queue_timeouts: u64,
    /// Failed members were asked, since all were.
    pub(crate) desperate: u64,
}

impl Account {
    pub(super) fn new(board: Board, slot: WorkerSlot) -> Self {
        Self { board, slot }
    }

    fn cell(self, id: BackendId) -> &'static Cell {
        &self.board.layout.cells[self.slot.index()][id.index()].0
    }

    fn upstream_cell(self, id: UpstreamId) -> &'static UpstreamCell {
        &self.board.layout.upstream_cells[self.slot.index()].0[id.index()]
    }

    /// Takes the cell for this life of the backend.
    pub(crate) fn meet_backend(self, id: BackendId, incarnation: u16) {
        let cell = self.cell(id);
        let incarnation = u32::from(incarnation);
        if cell.incarnation.load(Ordering::Relaxed) == incarnation {
            return;
        }
        cell.incarnation.store(0, Ordering::Relaxed);
        // A reader that still sees the old life's number must not see the new life's counts.
        fence(Ordering::Release);
        cell.numbers().for_each(|number| number.store(0, Ordering::Relaxed));
        cell.cuts.store(0, Ordering::Relaxed);
        cell.latency.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        cell.incarnation.store(incarnation, Ordering::Release);
    }

    pub(crate) fn meet_upstream(self, id: UpstreamId, incarnation: u32) {
        let cell = self.upstream_cell(id);
        if cell.incarnation.load(Ordering::Relaxed) == incarnation {
            return;
        }
        cell.incarnation.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        for number in cell.numbers() {
            number.store(0, Ordering::Relaxed);
        }
        cell.incarnation.store(incarnation, Ordering::Release);
    }

    /// One more request in flight at the backend. The fence orders it before the second look at the
    /// gate (`Backend::set_gate` holds the other half).
    pub(crate) fn reserve(self, id: BackendId) -> Reservation {
        let active = &self.board.layout.actives[self.slot.index()].0[id.index()];
        active.store(active.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        Reservation { active }
    }

    pub(crate) fn finished(self, upstream: UpstreamId, id: BackendId, outcome: &Outcome) {
        let cell = self.cell(id);
        add(&cell.requests, 1);
        add(&cell.responses[class_of(outcome.status)], 1);
        add(&cell.bytes_in, outcome.bytes_in);
        add(&cell.bytes_out, outcome.bytes_out);
        add(&cell.service_us, u64::from(outcome.service_us));
        histogram::add(&cell.latency, outcome.service_us);
        add(&self.upstream_cell(upstream).requests, 1);
    }

    /// A TCP route's connection stands; it took so long.
    pub(crate) fn session_connected(self, id: BackendId, incarnation: u16, took_us: u32) {
        if let Some(cell) = self.cell_of(id, incarnation) {
            add(&cell.service_us, u64::from(took_us));
            histogram::add(&cell.latency, took_us);
        }
    }

    /// Bytes of a connection that goes on.
    pub(crate) fn carried(self, id: BackendId, incarnation: u16, bytes_in: u64, bytes_out: u64) {
        if let Some(cell) = self.cell_of(id, incarnation) {
            add(&cell.bytes_in, bytes_in);
            add(&cell.bytes_out, bytes_out);
        }
    }

    /// A TCP route's connection is over; its bytes and its latency were counted before.
    pub(crate) fn session_ended(
        self,
        upstream: UpstreamId,
        (id, incarnation): (BackendId, u16),
        status: u16,
        lasted_us: u64,
    ) {
        if let Some(cell) = self.cell_of(id, incarnation) {
            add(&cell.requests, 1);
            add(&cell.responses[class_of(status)], 1);
            add(&cell.sessions_us, lasted_us);
        }
        add(&self.upstream_cell(upstream).requests, 1);
    }

    /// The cell, if it is of that life still: a connection can outlive its backend's place.
    fn cell_of(self, id: BackendId, incarnation: u16) -> Option<&'static Cell> {
        let cell = self.cell(id);
        (cell.incarnation.load(Ordering::Relaxed) == u32::from(incarnation)).then_some(cell)
    }

    /// A drain's time was over, and with it what was in flight here.
    pub(crate) fn cut(self, id: BackendId, incarnation: u16) {
        if let Some(cell) = self.cell_of(id, incarnation) {
            cell.cuts.store(cell.cuts.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    pub(super) fn holdings(self) -> &'static [HoldingWords] {
        &self.board.layout.holdings[self.slot.index()].0
    }

    pub(crate) fn failed(self, id: BackendId) {
        add(&self.cell(id).failures, 1);
    }

    pub(crate) fn retried(self, id: UpstreamId) {
        add(&self.upstream_cell(id).retries, 1);
    }

    pub(crate) fn withheld(self, id: UpstreamId) {
        add(&self.upstream_cell(id).withheld, 1);
    }

    pub(crate) fn refused(self, id: UpstreamId) {
        add(&self.upstream_cell(id).refused, 1);
    }

    pub(crate) fn overflowed(self, id: UpstreamId) {
        add(&self.upstream_cell(id).overflows, 1);
    }

    pub(crate) fn queue_overflowed(self, id: UpstreamId) {
        add(&self.upstream_cell(id).queue_overflows, 1);
    }

    pub(crate) fn queue_timed_out(self, id: UpstreamId) {
        add(&self.upstream_cell(id).queue_timeouts, 1);
    }

    pub(crate) fn despaired(self, id: UpstreamId) {
        add(&self.upstream_cell(id).desperate, 1);
    }
}

impl UpstreamCell {
    fn numbers(&self) -> [&AtomicU64; 8] {
        let Self { requests, retries, withheld, refused, overflows, .. } = self;
        let Self { queue_overflows, queue_timeouts, desperate, .. } = self;
        [
            requests,
            retries,
            withheld,
            refused,
            overflows,
            queue_overflows,
            queue_timeouts,
            desperate,
        ]
    }
}

impl Cell {
    fn numbers(&self) -> impl Iterator<Item = &AtomicU64> {
        [
            &self.requests,
            &self.failures,
            &self.bytes_in,
            &self.bytes_out,
            &self.service_us,
            &self.sessions_us,
        ]
        .into_iter()
        .chain(&self.responses)
    }
}

/// Which of the five counts of responses a status belongs to.
pub(super) fn class_of(status: u16) -> usize {
    usize::from(status / 100).clamp(1, 5) - 1
}

/// Relaxed load and store: the worker is the only writer.
pub(super) fn add(word: &AtomicU64, count: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

/// Sums over all workers of one life of a backend.
pub(crate) fn backend_counts(board: Board, id: BackendId, incarnation: u16) -> Counts {
    let mut sum = Counts::default();
    for cell in cells(board, id, incarnation) {
        sum.requests += cell.requests.load(Ordering::Relaxed);
        for (total, class) in sum.responses.iter_mut().zip(&cell.responses) {
            *total += class.load(Ordering::Relaxed);
        }
        sum.failures += cell.failures.load(Ordering::Relaxed);
        sum.cuts += u64::from(cell.cuts.load(Ordering::Relaxed));
        sum.bytes_in += cell.bytes_in.load(Ordering::Relaxed);
        sum.bytes_out += cell.bytes_out.load(Ordering::Relaxed);
        sum.service_us += cell.service_us.load(Ordering::Relaxed);
        sum.sessions_us += cell.sessions_us.load(Ordering::Relaxed);
    }
    sum
}

/// Latencies over all workers of one life of a backend.
pub(crate) fn backend_latency(board: Board, id: BackendId, incarnation: u16) -> Histogram {
    let mut sum = Histogram::default();
    cells(board, id, incarnation).for_each(|cell| sum.gather(&cell.latency));
    sum
}

fn cells(board: Board, id: BackendId, incarnation: u16) -> impl Iterator<Item = &'static Cell> {
    board
        .workers()
        .map(move |worker| board.account(worker.slot()).cell(id))
        .filter(move |cell| cell.incarnation.load(Ordering::Acquire) == u32::from(incarnation))
}

pub(crate) fn upstream_counts(board: Board, id: UpstreamId) -> UpstreamCounts {
    let incarnation = board.upstream(id).incarnation();
    let mut sum = UpstreamCounts::default();
    for worker in board.workers() {
        let cell = board.account(worker.slot()).upstream_cell(id);
        if cell.incarnation.load(Ordering::Acquire) == incarnation {
            sum.requests += cell.requests.load(Ordering::Relaxed);
            sum.retries += cell.retries.load(Ordering::Relaxed);
            sum.withheld += cell.withheld.load(Ordering::Relaxed);
            sum.refused += cell.refused.load(Ordering::Relaxed);
            sum.overflows += cell.overflows.load(Ordering::Relaxed);
            sum.queued += cell.queued.load(Ordering::Relaxed);
            sum.queue_overflows += cell.queue_overflows.load(Ordering::Relaxed);
            sum.queue_timeouts += cell.queue_timeouts.load(Ordering::Relaxed);
            sum.desperate += cell.desperate.load(Ordering::Relaxed);
        }
    }
    sum
}
