//! Who waits at an upstream whose backends are all full, in the order of all workers.
//!
//! Each worker publishes how many of its requests wait and the ticket of the first of them; tickets
//! are drawn and requests are added within the upstream's turn, so the bound is exact and the
//! lowest ticket is the next in line. A worker that has not shown itself for a while holds nobody
//! up. Knows no request; the lists themselves are the workers' own.

use std::sync::atomic::{Ordering, fence};

use super::layout::UpstreamCell;
use super::turn::Turn;
use super::{Board, UpstreamId, WorkerSlot};

/// A worker whose heartbeat is this much older than one's own is not waited for.
const SILENCE_US_MAX: u64 = 1_000_000;

/// One worker's end of the queues.
#[derive(Clone, Copy)]
pub(crate) struct Queues {
    board: Board,
    slot: WorkerSlot,
}

impl Queues {
    pub(crate) fn new(board: Board, slot: WorkerSlot) -> Self {
        Self { board, slot }
    }

    fn own(self, id: UpstreamId) -> &'static UpstreamCell {
        cell(self.board, self.slot, id)
    }

    /// Adds a request and gives its ticket; `None` when `length` requests wait already. The caller
    /// publishes the front if it is the first of this worker.
    pub(crate) fn join(self, id: UpstreamId, turn: &Turn, length: u32) -> Option<u64> {
        let incarnation = self.board.upstream(id).incarnation();
        let waiting: u32 = self
            .board
            .workers()
            .map(|worker| cell(self.board, worker.slot(), id))
            .filter(|cell| cell.incarnation.load(Ordering::Acquire) == incarnation)
            .map(|cell| cell.queued.load(Ordering::Acquire))
            .sum();
        // Who is not alone cannot count.
        if waiting >= length || !turn.is_guarded() {
            return None;
        }
        let queued = &self.own(id).queued;
        queued.store(queued.load(Ordering::Relaxed) + 1, Ordering::Release);
        Some(turn.ticket())
    }

    /// A request waits no more.
    pub(crate) fn leave(self, id: UpstreamId) {
        let queued = &self.own(id).queued;
        queued.store(queued.load(Ordering::Relaxed).saturating_sub(1), Ordering::Release);
    }

    /// The first of this worker's. The fence orders it before the look at who is in flight that
    /// follows: whoever gives a place back either is seen there, or sees this one waiting (`first`).
    pub(crate) fn set_front(self, id: UpstreamId, ticket: Option<u64>) {
        self.own(id).front.store(ticket.unwrap_or(0), Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// The next in line, and whose it is. The fence is the other half of `set_front`'s.
    pub(crate) fn first(self, id: UpstreamId) -> Option<(WorkerSlot, u64)> {
        fence(Ordering::SeqCst);
        let now_us = self.board.worker(self.slot).heartbeat_us();
        self.board
            .workers()
            .filter_map(|worker| {
                let ticket = cell(self.board, worker.slot(), id).front.load(Ordering::Acquire);
                (ticket != 0).then_some((worker, ticket))
            })
            .filter(|(worker, _)| {
                worker.slot() == self.slot
                    || worker.heartbeat_us().saturating_add(SILENCE_US_MAX) >= now_us
            })
            .min_by_key(|(_, ticket)| *ticket)
            .map(|(worker, ticket)| (worker.slot(), ticket))
    }
}

fn cell(board: Board, slot: WorkerSlot, id: UpstreamId) -> &'static UpstreamCell {
    &board.layout.upstream_cells[slot.index()].0[id.index()]
}

/// Takes a dead worker's requests out.
pub(super) fn settle(board: Board, slot: WorkerSlot) {
    for id in UpstreamId::all() {
        let cell = cell(board, slot, id);
        // A store to an untouched page would allocate it.
        if cell.queued.load(Ordering::Relaxed) != 0 || cell.front.load(Ordering::Relaxed) != 0 {
            cell.queued.store(0, Ordering::Relaxed);
            cell.front.store(0, Ordering::Relaxed);
        }
    }
}
