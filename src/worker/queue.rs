//! Requests that wait for room at an upstream whose backends are all full, or, where the file says so,
//! for a backend at all.
//!
//! First come, first served, over all workers: the order is on the scoreboard (`scoreboard::queue`),
//! and here is who of this worker waits. Nobody polls. Whoever gives a place back wakes the next in
//! line, through its task in this worker and by the bell in another one; what comes of the
//! membership, and a bell that was not heard, is noticed by the sweep. A retry does not wait: it was
//! let in before those that do, and takes what there is.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::connection::Connection;
use super::exchange::Exchange;
use super::generation::Upstream;
use super::pick::{Asker, Picked, Refusal, Tried};
use super::server::Site;
use super::shared::Shared;
use super::watch::Seat;
use crate::config::model::capacity::{Queue, WaitWhen};
use crate::scoreboard::layout::UPSTREAMS_MAX;
use crate::scoreboard::{Board, UpstreamId, WorkerSlot, queue};
use crate::sys::bell::Bell;

struct Waiter {
    ticket: u64,
    waker: Waker,
}

/// All that wait in this worker.
pub(crate) struct Queues {
    published: queue::Queues,
    slot: WorkerSlot,
    /// By upstream slot, the longest waiting first. As long as the upstream's bound at most.
    lines: RefCell<Vec<VecDeque<Waiter>>>,
    /// Of all workers; without one, the others notice with their sweep.
    bell: OnceCell<Rc<Bell>>,
}

impl Queues {
    pub(crate) fn new(board: Board, slot: WorkerSlot) -> Self {
        Self {
            published: queue::Queues::new(board, slot),
            slot,
            lines: RefCell::new((0..UPSTREAMS_MAX).map(|_| VecDeque::new()).collect()),
            bell: OnceCell::new(),
        }
    }

    /// Hears the others from here on; to be given once.
    pub(crate) fn hang(&self, bell: Rc<Bell>) {
        let _one_is_enough = self.bell.set(bell);
    }

    /// Wakes those of this worker that are first of it: each looks whether it is the next of all.
    pub(crate) fn wake_fronts(&self) {
        let lines = self.lines.borrow();
        lines.iter().filter_map(VecDeque::front).for_each(|waiter| waiter.waker.wake_by_ref());
    }

    /// There may be room at the upstream: wakes the next in line, wherever it waits.
    fn nudge(&self, upstream: UpstreamId) {
        match self.published.first(upstream) {
            None => {}
            Some((slot, _)) if slot == self.slot => {
                if let Some(first) = self.lines.borrow()[upstream.index()].front() {
                    first.waker.wake_by_ref();
                }
            }
            Some(_) => {
                if let Some(bell) = self.bell.get() {
                    bell.ring();
                }
            }
        }
    }

    fn enter(self: &Rc<Self>, upstream: UpstreamId, ticket: u64, waker: &Waker) -> Place {
        let line = &mut self.lines.borrow_mut()[upstream.index()];
        line.push_back(Waiter { ticket, waker: waker.clone() });
        if line.len() == 1 {
            self.published.set_front(upstream, Some(ticket));
        }
        Place { queues: Rc::clone(self), upstream, ticket }
    }

    fn leave(&self, upstream: UpstreamId, ticket: u64) {
        let line = &mut self.lines.borrow_mut()[upstream.index()];
        let Ok(at) = line.binary_search_by_key(&ticket, |waiter| waiter.ticket) else { return };
        line.remove(at);
        self.published.leave(upstream);
        if at == 0 {
            self.published.set_front(upstream, line.front().map(|waiter| waiter.ticket));
        }
    }

    fn is_front(&self, upstream: UpstreamId, ticket: u64) -> bool {
        let lines = self.lines.borrow();
        lines[upstream.index()].front().is_some_and(|first| first.ticket == ticket)
    }
}

/// Tells of the end of what it belongs to.
pub(crate) struct Nudge {
    queues: Rc<Queues>,
    upstream: UpstreamId,
}

impl Nudge {
    pub(crate) fn new(queues: &Rc<Queues>, upstream: UpstreamId) -> Self {
        Self { queues: Rc::clone(queues), upstream }
    }
}

impl Drop for Nudge {
    fn drop(&mut self) {
        self.queues.nudge(self.upstream);
    }
}

/// A place in the line, until it ends: then it is the next one's turn.
struct Place {
    queues: Rc<Queues>,
    upstream: UpstreamId,
    ticket: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queues.leave(self.upstream, self.ticket);
        self.queues.nudge(self.upstream);
    }
}

/// Who waits, where and for how long.
pub(crate) struct Wait<'a> {
    pub(crate) shared: &'a Rc<Shared>,
    pub(crate) seat: &'a Seat,
    pub(crate) upstream: (UpstreamId, &'a str),
    pub(crate) queue: Queue,
    pub(crate) asker: Asker<'a>,
    pub(crate) tried: &'a mut Tried,
}

/// Why waiting came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InVain {
    /// As many wait as may.
    Crowded,
    Late,
    /// There is nobody left to wait for.
    NoBackend,
    ClientGone,
}

impl InVain {
    /// What it comes to for the client.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Crowded | Self::Late => 503,
            Self::NoBackend => 502,
            Self::ClientGone => 499,
        }
    }
}

impl Queue {
    /// Whether what there is none of may come.
    fn is_worth_waiting(self, refusal: Refusal) -> bool {
        match (refusal, self.when) {
            (Refusal::Full, WaitWhen::Full | WaitWhen::Unavailable)
            | (Refusal::NoBackend, WaitWhen::Unavailable) => true,
            (Refusal::NoBackend, WaitWhen::Full) => false,
        }
    }
}

impl Upstream {
    /// Whether a request that was refused for this may wait here.
    pub(crate) fn lets_wait(&self, refusal: Refusal) -> bool {
        self.queue.is_some_and(|queue| queue.is_worth_waiting(refusal))
    }
}

/// Waits until there is room for the request and it is the next one; `poll_gone` is ready when its
/// client has left.
pub(crate) async fn wait(
    wait: Wait<'_>,
    mut poll_gone: impl FnMut(&mut Context<'_>) -> Poll<()>,
) -> Result<Picked, InVain> {
    let Wait { shared, seat, upstream: (upstream, name), queue, asker, tried } = wait;
    let Some(ticket) = shared.picker.borrow_mut().join_line(upstream, queue.length) else {
        if shared.may_complain() {
            let length = queue.length;
            crate::sys::log::warning!("worker", "{name}: {length} requests wait; answering 503");
        }
        return Err(InVain::Crowded);
    };
    seat.limit(shared.now_us(), queue.timeout_ms);
    let mut place = None;
    let waited = poll_fn(|cx| {
        place.get_or_insert_with(|| shared.queues.enter(upstream, ticket, cx.waker()));
        if poll_gone(cx).is_ready() {
            return Poll::Ready(Err(InVain::ClientGone));
        }
        if shared.queues.is_front(upstream, ticket) {
            let now_us = shared.refresh();
            let mut picker = shared.picker.borrow_mut();
            match picker.pick_in_line((upstream, ticket), asker, tried, now_us) {
                Ok(picked) => return Poll::Ready(Ok(picked)),
                Err(refusal) if !queue.is_worth_waiting(refusal) => {
                    return Poll::Ready(Err(InVain::NoBackend));
                }
                Err(Refusal::NoBackend | Refusal::Full) => {}
            }
        }
        if seat.is_late() { Poll::Ready(Err(InVain::Late)) } else { Poll::Pending }
    })
    .await;
    if let Err(InVain::Late) = waited {
        shared.picker.borrow_mut().waited_in_vain(upstream);
        if shared.may_complain() {
            let ms = queue.timeout_ms;
            crate::sys::log::warning!("worker", "{name}: waited {ms} ms in vain; answering 503");
        }
    }
    waited.map(|picked| picked.awaited(&shared.queues))
}

impl Exchange {
    /// Waits for room, where the upstream has a queue for that.
    pub(crate) async fn wait(
        &mut self,
        connection: &mut Connection,
        site: &Site<'_>,
    ) -> Result<Picked, InVain> {
        let upstream = site.upstream;
        let (Some(id), Some(queue)) = (upstream.id, upstream.queue) else {
            return Err(InVain::NoBackend);
        };
        let (shared, seat) = (Rc::clone(&connection.shared), Rc::clone(&connection.seat));
        let mut tried = self.tried;
        let key = std::mem::take(&mut self.kept.hash_key);
        let wait = Wait {
            shared: &shared,
            seat: &seat,
            upstream: (id, &upstream.name),
            queue,
            asker: Asker { client: self.client, key: &key },
            tried: &mut tried,
        };
        let half_close = site.route.limits.client.half_close;
        let waited = self::wait(wait, |cx| connection.poll_gone(cx, self, half_close)).await;
        (self.tried, self.kept.hash_key) = (tried, key);
        waited
    }
}
