//! Time limits without timers, and the count of connections.
//!
//! Each connection has a seat with one deadline word; a coarse sweep marks the seats that are late
//! and wakes their tasks. A limit therefore fires up to one sweep late and never early. The sweep
//! is also how a drain and a full house reach idle connections.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use crate::config::limits;
use crate::scoreboard::gate::Standing;
use crate::scoreboard::{BackendId, Board};

/// No limit runs.
const NEVER: u64 = u64::MAX;
const SWEEP_US: u64 = limits::SWEEP_INTERVAL_MS * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has just come: what it said may not have been heard of yet.
    Fresh,
    /// Between requests, for a while or since it came.
    Idle,
    /// Between requests since the last sweep, or nearly so.
    Resting,
    /// A request is under way, or its head is arriving.
    Active,
    /// So it was at a sweep already.
    Lasting,
}

impl Phase {
    fn is_busy(self) -> bool {
        match self {
            Self::Fresh | Self::Idle | Self::Resting => false,
            Self::Active | Self::Lasting => true,
        }
    }
}

/// What a connection has in flight at a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) backend: BackendId,
    /// Which life of the backend's slot.
    pub(crate) incarnation: u16,
    /// When its request began; `UPGRADED` when it is no request any more.
    pub(crate) since_us: u64,
}

/// An upgraded connection lasts as long as it pleases: its age says nothing.
pub(crate) const UPGRADED: u64 = u64::MAX;

/// Whose seat it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sitter {
    Connection,
    /// One of a connection that carries several: bounded like connections, and not counted as one.
    Stream,
}

pub(crate) struct Seat {
    sitter: Sitter,
    due_us: Cell<u64>,
    held: Cell<Option<Held>>,
    is_late: Cell<bool>,
    is_cut: Cell<bool>,
    phase: Cell<Phase>,
    place: Cell<usize>,
    waker: RefCell<Option<Waker>>,
}

impl Seat {
    /// Sets the limit `timeout_ms` from `now_us`, which may be as old as the last sweep.
    pub(crate) fn limit(&self, now_us: u64, timeout_ms: u64) {
        self.is_late.set(false);
        self.due_us
            .set(now_us.saturating_add(timeout_ms.saturating_mul(1000)).saturating_add(SWEEP_US));
    }

    pub(crate) fn is_late(&self) -> bool {
        self.is_late.get()
    }

    /// What is in flight from here on. A new attempt is not cut by what cut the last one.
    pub(crate) fn hold(&self, held: Held) {
        self.held.set(Some(held));
        self.is_cut.set(false);
    }

    pub(crate) fn let_go(&self) {
        self.held.set(None);
    }

    /// Whether it is late because the time of its backend's drain is over.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    fn cut(&self) {
        self.is_cut.set(true);
        self.call();
    }

    /// Whom to wake when late: the connection's task, whose waker never changes.
    pub(crate) fn wakes(&self, waker: &Waker) {
        *self.waker.borrow_mut() = Some(waker.clone());
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.phase.get() == Phase::Idle
    }

    /// Whether the request has lasted until a sweep: only then its client's leaving is looked out for,
    /// so that short requests do without.
    pub(crate) fn is_lasting(&self) -> bool {
        self.phase.get() == Phase::Lasting
    }

    pub(crate) fn is_between_requests(&self) -> bool {
        !self.phase.get().is_busy()
    }

    /// Makes it late, at once.
    pub(crate) fn call(&self) {
        self.due_us.set(NEVER);
        self.is_late.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

/// All connections of a worker.
#[derive(Default)]
pub(crate) struct Seats {
    taken: RefCell<Vec<Rc<Seat>>>,
    /// Of them, those of streams.
    streams: Cell<usize>,
    active: Cell<u32>,
    resting: Cell<u32>,
    seats_max: Cell<usize>,
    /// Woken when somebody leaves a full house.
    left: tokio::sync::Notify,
}

impl Seats {
    /// How many connections there may be; those beyond a new bound stay until they leave.
    pub(crate) fn set_max(&self, seats_max: usize) {
        self.seats_max.set(seats_max);
        self.left.notify_waiters();
    }

    pub(crate) fn take(&self, now_us: u64, timeout_ms: u64) -> Rc<Seat> {
        self.give(Sitter::Connection, now_us, timeout_ms)
    }

    /// For a stream, which begins with a request.
    pub(crate) fn take_for_stream(&self, now_us: u64, timeout_ms: u64) -> Rc<Seat> {
        self.streams.set(self.streams.get() + 1);
        let seat = self.give(Sitter::Stream, now_us, timeout_ms);
        self.enter(&seat, Phase::Active);
        seat
    }

    fn give(&self, sitter: Sitter, now_us: u64, timeout_ms: u64) -> Rc<Seat> {
        let mut taken = self.taken.borrow_mut();
        let seat = Rc::new(Seat {
            sitter,
            due_us: Cell::new(NEVER),
            held: Cell::new(None),
            is_late: Cell::new(false),
            is_cut: Cell::new(false),
            phase: Cell::new(Phase::Fresh),
            place: Cell::new(taken.len()),
            waker: RefCell::new(None),
        });
        seat.limit(now_us, timeout_ms);
        taken.push(Rc::clone(&seat));
        seat
    }

    pub(crate) fn leave(&self, seat: &Seat) {
        self.enter(seat, Phase::Idle);
        let mut taken = self.taken.borrow_mut();
        let place = seat.place.get();
        taken.swap_remove(place);
        if seat.sitter == Sitter::Stream {
            self.streams.set(self.streams.get() - 1);
        }
        if let Some(moved) = taken.get(place) {
            moved.place.set(place);
        }
        self.left.notify_one();
    }

    pub(crate) fn enter(&self, seat: &Seat, phase: Phase) {
        let before = seat.phase.replace(phase);
        if seat.sitter == Sitter::Stream {
            return;
        }
        let count = |counted: &Cell<u32>, was: bool, is: bool| match (was, is) {
            (false, true) => counted.set(counted.get() + 1),
            (true, false) => counted.set(counted.get() - 1),
            (false, false) | (true, true) => {}
        };
        count(&self.active, before.is_busy(), phase.is_busy());
        count(&self.resting, before == Phase::Resting, phase == Phase::Resting);
    }

    /// Between requests. What serving takes is held by so many at the most, however fast they come:
    /// it would be left behind in the heap among what idle connections need.
    pub(crate) fn rest(&self, seat: &Seat) {
        let is_room = self.resting.get() < limits::RESTING_MAX;
        self.enter(seat, if is_room { Phase::Resting } else { Phase::Idle });
    }

    pub(crate) fn free(&self) -> usize {
        self.seats_max.get().saturating_sub(self.connections())
    }

    /// As many streams as connections: each may need one to a backend.
    pub(crate) fn free_streams(&self) -> usize {
        self.seats_max.get().saturating_sub(self.streams.get())
    }

    fn connections(&self) -> usize {
        self.taken.borrow().len() - self.streams.get()
    }

    pub(crate) fn active(&self) -> u32 {
        self.active.get()
    }

    pub(crate) fn idle(&self) -> u32 {
        self.connections() as u32 - self.active.get()
    }

    /// Waits until nobody is left.
    pub(crate) async fn emptied(&self) {
        while !self.taken.borrow().is_empty() {
            self.left.notified().await;
        }
    }

    /// Marks and wakes whoever is late, and whoever has come to be idle or has lasted.
    pub(crate) fn sweep(&self, now_us: u64) {
        for seat in self.taken.borrow().iter() {
            if seat.due_us.get() <= now_us {
                seat.call();
                continue;
            }
            let phase = match seat.phase.get() {
                Phase::Fresh | Phase::Resting => Phase::Idle,
                Phase::Active => Phase::Lasting,
                Phase::Idle | Phase::Lasting => continue,
            };
            self.enter(seat, phase);
            seat.wake();
        }
        // Who waits for a seat may find somebody idle now, or a seat.
        self.left.notify_waiters();
    }

    /// Looks at what is in flight at backends that drain: notes by backend slot when the oldest
    /// request began, and ends what is to be cut. `oldest_us` holds zeros before.
    pub(crate) fn look_at_drains(&self, board: Board, oldest_us: &mut [u64]) {
        for seat in self.taken.borrow().iter() {
            let Some(held) = seat.held.get() else { continue };
            let gate = board.backend(held.backend).gate();
            if gate.incarnation != held.incarnation {
                continue;
            }
            match gate.standing {
                Standing::Cut => seat.cut(),
                Standing::Draining if held.since_us != UPGRADED => {
                    let oldest_us = &mut oldest_us[held.backend.index()];
                    if *oldest_us == 0 || held.since_us < *oldest_us {
                        *oldest_us = held.since_us;
                    }
                }
                Standing::Draining
                | Standing::Vacant
                | Standing::Open
                | Standing::Starting
                | Standing::Drained
                | Standing::Down
                | Standing::Failed => {}
            }
        }
    }

    /// Gives idle connections at most `grace_ms` from `now_us` on: a request that is already on its
    /// way still gets its answer.
    pub(crate) fn hurry_idle(&self, now_us: u64, grace_ms: u64) {
        let due_us = now_us + grace_ms * 1000;
        for seat in self.taken.borrow().iter() {
            if seat.is_between_requests() {
                seat.due_us.set(seat.due_us.get().min(due_us));
            }
            // One that carries streams has something to tell its client.
            seat.wake();
        }
    }

    pub(crate) fn call_all(&self) {
        self.taken.borrow().iter().for_each(|seat| seat.call());
    }

    /// One at a time: who was called is still seated until its task has run.
    fn call_longest_idle(&self) {
        let taken = self.taken.borrow();
        let is_callable =
            |seat: &&Rc<Seat>| seat.is_between_requests() && seat.phase.get() != Phase::Fresh;
        let idle = || taken.iter().filter(is_callable);
        if idle().any(|seat| seat.is_late.get()) {
            return;
        }
        if let Some(seat) = idle().min_by_key(|seat| seat.due_us.get()) {
            seat.call();
        }
    }

    /// Waits for a free seat; a full house asks the connection that has been idle longest to leave.
    pub(crate) async fn room(&self) {
        while self.connections() >= self.seats_max.get() {
            self.call_longest_idle();
            self.left.notified().await;
        }
    }
}
