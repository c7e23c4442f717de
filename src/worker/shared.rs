//! What all connections of a worker share, on its one thread.
//!
//! `RefCell`s here are borrowed within one poll and never across an await, so they are a check, not
//! a lock. The clock is read when something happens to a request, and by the sweep; time limits
//! live from the value kept here.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::buffer::Buffers;
use super::exchange::Exchange;
use super::files::store::Store;
use super::generation::Generation;
use super::guard::aside::Aside;
use super::guard::book::Opened;
use super::guard::firewall::core_rules::Loaded;
use super::handed::Handed;
use super::http2::trunks::Trunks;
use super::log::Logs;
use super::mirror::Copies;
use super::pick::Picker;
use super::pool::Pool;
use super::queue::Queues;
use super::share;
use super::tls::under_way::UnderWay;
use super::watch::Seats;
use crate::config::limits;
use crate::config::limits::firewall::{CORE_AT_ONCE_MAX, CORE_WAITING_MAX};
use crate::config::limits::guards::{VERIFIED_AT_ONCE_MAX, VERIFIED_WAITING_MAX};
use crate::config::model::Address;
use crate::config::template::OfAll;
use crate::firewall::known::Known;
use crate::http::date;
use crate::http::repeats::Repeats;
use crate::scoreboard::layout::BACKENDS_MAX;
use crate::scoreboard::refusal::Reason;
use crate::scoreboard::server::{self, Counter, Moved};
use crate::scoreboard::{Board, WorkerSlot, crew};
use crate::scoreboard::{access_log, recent, refusal};
use crate::sys;

/// Spare exchanges kept for reuse.
const EXCHANGES_SPARE_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Serving,
    /// Each connection ends after its request.
    Draining,
    /// Each ends at once.
    Cutting,
}

pub(crate) struct Shared {
    board: Board,
    slot: WorkerSlot,
    /// What earlier workers of the slot wrote down.
    logged_before: access_log::Figures,
    pub(crate) crew: crew::Worker,
    pub(crate) picker: RefCell<Picker>,
    pub(crate) pool: RefCell<Pool>,
    pub(crate) trunks: Trunks,
    pub(crate) queues: Rc<Queues>,
    /// What requests' header lines came to.
    pub(crate) repeats: RefCell<Repeats>,
    pub(crate) buffers: RefCell<Buffers>,
    pub(crate) files: RefCell<Store>,
    /// Answers that are compressed.
    pub(crate) compressions: Rc<Cell<u32>>,
    pub(crate) seats: Seats,
    pub(crate) handshakes: UnderWay,
    /// Passwords that are verified.
    pub(crate) verifying: Rc<Aside>,
    /// Requests that are held against core rules, and the rules, by their files.
    pub(crate) core: Rc<Aside>,
    pub(crate) core_rules: RefCell<Loaded>,
    /// Of what firewalls have looked at.
    pub(crate) known_clean: RefCell<Known>,
    /// Files that were opened for us: those that nobody uses yet, and of users.
    pub(crate) handed: RefCell<Handed>,
    pub(crate) users: Rc<Opened>,
    pub(crate) logs: Logs,
    pub(crate) copies: Copies,
    #[expect(clippy::vec_box, reason = "an exchange is large and changes hands at every request")]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    generation: RefCell<Option<Rc<Generation>>>,
    /// The one before: who is queued at a listener that the newest one lacks was promised it.
    last_generation: RefCell<Option<Rc<Generation>>>,
    stage: Cell<Stage>,
    now_us: Cell<u64>,
    /// What to add to `now_us` for the wall clock, as of the last sweep.
    wall_ahead_us: Cell<u64>,
    date: Cell<[u8; date::DATE_BYTES]>,
    complained_us: Cell<u64>,
    connections: Cell<u32>,
    /// By backend slot, when the oldest request at a draining one began.
    oldest_us: RefCell<Vec<u64>>,
    /// Whether the last sweep wrote something into it.
    has_looked_at_drains: Cell<bool>,
    /// The state of what request ids are drawn from.
    dice: Cell<u64>,
    pub(crate) hostname: String,
}

impl Shared {
    pub(crate) fn new(board: Board, slot: WorkerSlot) -> Self {
        // The slot's lines go on, as its requests do; what failed is over.
        let earlier = access_log::figures(board, slot);
        let logged_before = access_log::Figures { failing: 0, last_error: 0, ..earlier };
        access_log::publish(board, slot, &logged_before);
        // Without one that nobody can guess, what is unique serves.
        let key = sys::random::secret::<16>()
            .unwrap_or_else(|_| u128::from(sys::random::seed()).to_le_bytes());
        let shared = Self {
            board,
            slot,
            logged_before,
            crew: board.worker(slot),
            picker: RefCell::new(Picker::new(board, slot)),
            pool: RefCell::new(Pool::new()),
            trunks: Trunks::default(),
            queues: Rc::new(Queues::new(board, slot)),
            repeats: RefCell::default(),
            buffers: RefCell::default(),
            files: RefCell::default(),
            compressions: Rc::default(),
            seats: Seats::default(),
            handshakes: UnderWay::default(),
            verifying: Rc::new(Aside::new(VERIFIED_AT_ONCE_MAX, VERIFIED_WAITING_MAX)),
            core: Rc::new(Aside::new(CORE_AT_ONCE_MAX, CORE_WAITING_MAX)),
            core_rules: RefCell::default(),
            known_clean: RefCell::new(Known::new(&key)),
            handed: RefCell::default(),
            users: Rc::default(),
            logs: Logs::default(),
            copies: Copies::default(),
            exchanges: RefCell::default(),
            generation: RefCell::default(),
            last_generation: RefCell::default(),
            stage: Cell::new(Stage::Serving),
            now_us: Cell::new(0),
            wall_ahead_us: Cell::new(0),
            date: Cell::new([0; date::DATE_BYTES]),
            complained_us: Cell::new(0),
            connections: Cell::new(0),
            oldest_us: RefCell::new(vec![0; BACKENDS_MAX]),
            has_looked_at_drains: Cell::new(false),
            dice: Cell::new(sys::random::seed()),
            hostname: sys::host::name(),
        };
        shared.read_clocks();
        shared
    }

    pub(crate) fn board(&self) -> Board {
        self.board
    }

    /// Takes in files that were opened for this worker, until somebody is told to use them.
    pub(crate) fn hand(&self, first: u16, opened: u64, files: Vec<std::os::fd::OwnedFd>) {
        self.handed.borrow_mut().add(first, opened, files);
    }

    /// Reads the monotonic clock for everything that happens next.
    pub(crate) fn refresh(&self) -> u64 {
        let now_us = sys::clock::monotonic_us();
        self.now_us.set(now_us);
        now_us
    }

    /// As of the last `refresh`.
    pub(crate) fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    fn read_clocks(&self) {
        let wall_ms = sys::clock::wall_ms();
        self.wall_ahead_us.set((wall_ms * 1000).saturating_sub(self.refresh()));
        self.date.set(date::imf_fixdate(wall_ms / 1000));
    }

    pub(crate) fn date(&self) -> [u8; date::DATE_BYTES] {
        self.date.get()
    }

    /// Whether to log what may happen to every request: once in a while is enough.
    pub(crate) fn may_complain(&self) -> bool {
        let due_us = self.complained_us.get() + limits::COMPLAINT_PAUSE_MS * 1000;
        let is_due = self.complained_us.get() == 0 || self.now_us() >= due_us;
        if is_due {
            self.complained_us.set(self.now_us());
        }
        is_due
    }

    pub(crate) fn wall_us(&self) -> u64 {
        self.now_us() + self.wall_ahead_us.get()
    }

    /// A connection's number, from one; after four thousand million of them, once more.
    pub(crate) fn next_connection(&self) -> u32 {
        let number = self.connections.get().wrapping_add(1);
        self.connections.set(number);
        number
    }

    /// The next word of a sequence (splitmix64) that is this worker's own.
    pub(crate) fn draw(&self) -> u64 {
        let state = self.dice.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.dice.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.stage.get() != Stage::Serving
    }

    /// Whether who is called has been called because the worker's time is over.
    pub(crate) fn is_cutting(&self) -> bool {
        self.stage.get() == Stage::Cutting
    }

    /// Calls everybody who is left: what is under way ends, and is counted and logged as it is.
    pub(crate) fn cut(&self) {
        self.stage.set(Stage::Cutting);
        self.refresh();
        self.seats.call_all();
    }

    pub(crate) fn drain(&self) {
        self.stage.set(Stage::Draining);
        self.seats.hurry_idle(self.refresh(), limits::DRAIN_IDLE_GRACE_MS);
    }

    pub(crate) fn generation(&self) -> Option<Rc<Generation>> {
        self.generation.borrow().clone()
    }

    /// The configuration for who comes in by `listener`.
    pub(crate) fn generation_at(&self, listener: &Address) -> Option<Rc<Generation>> {
        let last = self.last_generation.borrow();
        let knows = |it: &&Rc<Generation>| it.has_listener(listener);
        self.generation()
            .filter(|newest| knows(&newest))
            .or_else(|| last.as_ref().filter(knows).cloned())
    }

    /// Requests that begin from here on are served by `generation`.
    pub(crate) fn swap(&self, generation: Generation) {
        self.crew.set_generation(generation.number);
        self.seats.set_max(seats_max(generation.connections_max));
        let last = self.generation.replace(Some(Rc::new(generation)));
        self.last_generation.replace(last);
    }

    /// The coarse beat of the worker: time limits, idle backends' connections, its own figures.
    pub(crate) fn sweep(&self, lag_us: u64) {
        self.read_clocks();
        let now_us = self.now_us();
        self.seats.sweep(now_us);
        if self.board.has_drains() || self.has_looked_at_drains.get() {
            self.look_at_drains();
        }
        self.pool.borrow_mut().sweep(&self.picker.borrow(), now_us);
        self.trunks.sweep(&self.picker.borrow(), now_us);
        self.queues.wake_fronts();
        self.publish();
        self.crew.set_lag_us(u32::try_from(lag_us).unwrap_or(u32::MAX));
        self.crew.set_heartbeat_us(now_us);
    }

    /// Once more after the last drain, so that nothing of it stays behind.
    fn look_at_drains(&self) {
        let mut oldest_us = self.oldest_us.borrow_mut();
        oldest_us.fill(0);
        self.has_looked_at_drains.set(self.board.has_drains());
        if self.board.has_drains() {
            self.seats.look_at_drains(self.board, &mut oldest_us);
        }
        self.board.account(self.slot).set_oldest(&oldest_us);
    }

    /// Whether this worker accepts the next connection itself.
    pub(crate) fn takes_next(&self) -> bool {
        let own = self.seats.active() + self.seats.idle();
        share::takes_next(u64::from(own), self.others())
    }

    /// The workers that accept beside this one.
    pub(crate) fn others(&self) -> crew::Others {
        let since_us = self.refresh().saturating_sub(limits::ACCEPT_HEARTBEAT_MS * 1000);
        self.crew.others(since_us)
    }

    /// What all workers count together, this one as it is now.
    pub(crate) fn of_all(&self, count: OfAll) -> u64 {
        self.crew.set_connections(self.seats.active(), self.seats.idle());
        let all = self.crew.all();
        match count {
            OfAll::Active => all.active + all.idle,
            OfAll::Waiting => all.idle,
            OfAll::Writing => all.active,
            OfAll::Reading => 0,
            OfAll::Accepted => all.accepted,
            OfAll::Requests => all.answered + all.active,
        }
    }

    pub(crate) fn publish(&self) {
        if let Some(figures) = self.logs.sweep() {
            access_log::publish(self.board, self.slot, &figures.after(&self.logged_before));
        }
        self.crew.set_connections(self.seats.active(), self.seats.idle());
    }

    pub(crate) fn take_exchange(&self) -> Box<Exchange> {
        self.exchanges.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_exchange(&self, exchange: Box<Exchange>) {
        let mut spare = self.exchanges.borrow_mut();
        if spare.len() < EXCHANGES_SPARE_MAX {
            spare.push(exchange);
        }
    }

    /// Counts a request that was answered, and shows it among the recent ones.
    pub(crate) fn record(&self, entry: recent::Entry, bytes_in: u64) {
        self.crew.answered(entry.status, bytes_in, entry.bytes);
        self.note(entry);
    }

    /// Counts a request for its server, if that is counted.
    pub(crate) fn served(&self, counter: Option<Counter>, status: u16, moved: Moved) {
        if let Some(counter) = counter {
            server::count(self.board, self.slot, counter, status, moved);
        }
    }

    /// Counts a request that a guard let go no further.
    pub(crate) fn refused(&self, reason: Reason) {
        refusal::count(self.board, self.slot, reason);
    }

    /// Shows a request among the recent ones.
    pub(crate) fn note(&self, mut entry: recent::Entry) {
        entry.wall_ms = self.wall_us() / 1000;
        recent::push(self.board, self.slot, &entry);
    }
}

/// As many connections as were asked for, or as the descriptors of this process are for: each may
/// need one to a backend, too.
fn seats_max(asked: Option<u32>) -> usize {
    let open_files = sys::rlimit::open_files().unwrap_or(u64::MAX);
    let affordable = (open_files.saturating_sub(limits::DESCRIPTORS_RESERVED) / 2).max(1);
    if let Some(asked) = asked.filter(|asked| u64::from(*asked) > affordable) {
        sys::log::warning!(
            "worker",
            "serving {affordable} connections instead of {asked}: only {open_files} files may be open"
        );
    }
    u64::from(asked.unwrap_or(limits::CONNECTIONS_PER_WORKER)).min(affordable) as usize
}
