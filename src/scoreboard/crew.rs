//! A worker's own slot: who it is, what it holds, how late it runs.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use super::account::{add, class_of};
use super::layout::{MIRROR_COUNTS, MultiplexWords, WorkerWords};
use super::{Board, WorkerSlot};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// No worker lives in the slot.
    #[default]
    Vacant,
    Starting,
    Running,
    /// Accepts nothing, finishes what it has.
    Stopping,
}

impl WorkerState {
    fn of(word: u32) -> Self {
        match word {
            1 => Self::Starting,
            2 => Self::Running,
            3 => Self::Stopping,
            _ => Self::Vacant,
        }
    }
}

/// A copy of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerFigures {
    pub(crate) pid: u32,
    pub(crate) generation: u32,
    pub(crate) state: WorkerState,
    pub(crate) lag_us: u32,
    pub(crate) connections_active: u32,
    pub(crate) connections_idle: u32,
    pub(crate) accepted: u64,
    pub(crate) requests: u64,
    pub(crate) responses: [u64; 5],
    pub(crate) heartbeat_us: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// By `Handshake`.
    pub(crate) handshakes: [u64; 3],
}

/// How a handshake with a client went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    Full,
    /// An earlier session goes on.
    Resumed,
    Failed,
}

/// What the workers beside one hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Others {
    pub(crate) workers: u64,
    pub(crate) connections: u64,
}

/// What all of them hold and have done together, those that are gone among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct All {
    /// Connections with a request under way, and without.
    pub(crate) active: u64,
    pub(crate) idle: u64,
    pub(crate) accepted: u64,
    /// Requests.
    pub(crate) answered: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Worker {
    board: Board,
    slot: WorkerSlot,
}

impl Worker {
    pub(super) fn new(board: Board, slot: WorkerSlot) -> Self {
        Self { board, slot }
    }

    pub(crate) fn slot(self) -> WorkerSlot {
        self.slot
    }

    pub(super) fn multiplex(self) -> &'static MultiplexWords {
        &self.board.layout.multiplexed[self.slot.index()].0
    }

    pub(super) fn mirror(self) -> &'static [AtomicU64; MIRROR_COUNTS] {
        &self.board.layout.mirrored[self.slot.index()].0
    }

    fn words(self) -> &'static WorkerWords {
        &self.board.layout.workers[self.slot.index()].0
    }

    /// Gives the slot to a process; by the master before the worker runs, or by the worker itself.
    pub(crate) fn occupy(self, pid: u32) {
        let words = self.words();
        words.pid.store(pid, Ordering::Relaxed);
        words.state.store(WorkerState::Starting as u32, Ordering::Release);
        // Readers that see the slot in use see what is stored above. Raised by the master or by a
        // worker itself, hence the read-modify-write.
        let used = self.slot.index() as u32 + 1;
        self.board.layout.header.0.workers_used.fetch_max(used, Ordering::AcqRel);
    }

    pub(crate) fn set_state(self, state: WorkerState) {
        self.words().state.store(state as u32, Ordering::Release);
    }

    pub(crate) fn set_generation(self, generation: u32) {
        self.words().generation.store(generation, Ordering::Relaxed);
    }

    pub(crate) fn set_lag_us(self, lag_us: u32) {
        self.words().lag_us.store(lag_us, Ordering::Relaxed);
    }

    pub(crate) fn set_heartbeat_us(self, now_us: u64) {
        self.words().heartbeat_us.store(now_us, Ordering::Relaxed);
    }

    pub(crate) fn heartbeat_us(self) -> u64 {
        self.words().heartbeat_us.load(Ordering::Relaxed)
    }

    /// Connections with a request under way, and without.
    pub(crate) fn set_connections(self, active: u32, idle: u32) {
        self.words().connections_active.store(active, Ordering::Relaxed);
        self.words().connections_idle.store(idle, Ordering::Relaxed);
    }

    /// The other workers that accept: who has not been heard of since `since_us` hangs, and is
    /// nobody to leave a connection to.
    pub(crate) fn others(self, since_us: u64) -> Others {
        // Orders a `set_state` of the caller before the reading: of two that stop at once, at least
        // one sees the other stop.
        fence(Ordering::SeqCst);
        let mut others = Others::default();
        for worker in self.board.workers().filter(|worker| worker.slot != self.slot) {
            let words = worker.words();
            if WorkerState::of(words.state.load(Ordering::Acquire)) == WorkerState::Running
                && words.heartbeat_us.load(Ordering::Relaxed) >= since_us
            {
                others.workers += 1;
                others.connections += u64::from(words.connections_active.load(Ordering::Relaxed));
                others.connections += u64::from(words.connections_idle.load(Ordering::Relaxed));
            }
        }
        others
    }

    pub(crate) fn all(self) -> All {
        self.board.workers().map(Self::words).fold(All::default(), |sum, words| All {
            active: sum.active + u64::from(words.connections_active.load(Ordering::Relaxed)),
            idle: sum.idle + u64::from(words.connections_idle.load(Ordering::Relaxed)),
            accepted: sum.accepted + words.accepted.load(Ordering::Relaxed),
            answered: sum.answered + words.requests.load(Ordering::Relaxed),
        })
    }

    pub(crate) fn accepted(self) {
        add(&self.words().accepted, 1);
    }

    pub(crate) fn shook_hands(self, handshake: Handshake) {
        add(&self.words().handshakes[handshake as usize], 1);
    }

    /// A request was answered, whoever answered it; bytes from the client and to it.
    pub(crate) fn answered(self, status: u16, bytes_in: u64, bytes_out: u64) {
        let words = self.words();
        add(&words.requests, 1);
        add(&words.responses[class_of(status)], 1);
        add(&words.bytes_in, bytes_in);
        add(&words.bytes_out, bytes_out);
    }

    /// Bytes of a connection that goes on.
    pub(crate) fn carried(self, bytes_in: u64, bytes_out: u64) {
        add(&self.words().bytes_in, bytes_in);
        add(&self.words().bytes_out, bytes_out);
    }

    pub(super) fn settle(self) {
        let words = self.words();
        let gauges: [&AtomicU32; 4] =
            [&words.pid, &words.connections_active, &words.connections_idle, &words.lag_us];
        for gauge in gauges {
            gauge.store(0, Ordering::Relaxed);
        }
        self.set_state(WorkerState::Vacant);
    }

    pub(crate) fn figures(self) -> WorkerFigures {
        let words = self.words();
        let narrow = |word: &AtomicU32| word.load(Ordering::Relaxed);
        let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
        WorkerFigures {
            pid: narrow(&words.pid),
            generation: narrow(&words.generation),
            state: WorkerState::of(words.state.load(Ordering::Acquire)),
            lag_us: narrow(&words.lag_us),
            connections_active: narrow(&words.connections_active),
            connections_idle: narrow(&words.connections_idle),
            accepted: wide(&words.accepted),
            requests: wide(&words.requests),
            responses: words.responses.each_ref().map(wide),
            heartbeat_us: wide(&words.heartbeat_us),
            bytes_in: wide(&words.bytes_in),
            bytes_out: wide(&words.bytes_out),
            handshakes: words.handshakes.each_ref().map(wide),
        }
    }
}
