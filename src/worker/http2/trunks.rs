//! Connections to backends that speak HTTP/2: each carries many requests, and is kept for the next as
//! long as its upstream keeps idle connections.
//!
//! A worker has one to each backend, and another one only while that is full. A connection belongs to
//! one life of its backend, as those of the pool do.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use h2::client::{self, SendRequest};
use tokio::sync::Notify;

use super::super::link::Place;
use super::super::pick::{Picked, Picker};
use super::super::shared::Shared;
use super::super::stream::Stream;
use super::super::tls::dial::Tongue;
use super::super::watch::Seat;
use super::ALLOWANCES;
use super::outbound::Outbound;
use super::outbox::{Outbox, Piece};
use super::wire::Wire;
use crate::config::limits;
use crate::config::model::Links;
use crate::http::http2::meter::Meter;
use crate::scoreboard::backend::Failure;
use crate::scoreboard::layout::UPSTREAMS_MAX;
use crate::scoreboard::multiplex::Count;
use crate::scoreboard::{BackendId, UpstreamId};
use crate::sys;

/// Requests that are sent before a backend's first settings have come.
const UNGREETED_STREAMS: usize = 1;

/// One connection, as those that it carries know it.
pub(crate) struct Trunk {
    open: Cell<u32>,
    served: Cell<u32>,
    opened_us: u64,
    /// When the last one ended.
    rested_us: Cell<u64>,
    /// Takes no further request.
    is_over: Cell<bool>,
    /// Its backend has said how many requests it takes at a time.
    is_greeted: Cell<bool>,
    /// Of the connections to its upstream; given back when it ends.
    place: RefCell<Option<Place>>,
    outbox: Rc<Outbox>,
}

impl Trunk {
    /// What its requests share on their way out.
    pub(super) fn outbox(&self) -> Rc<Outbox> {
        Rc::clone(&self.outbox)
    }

    pub(crate) fn distrust(&self) {
        self.is_over.set(true);
    }

    fn outlasts(&self, links: &Links, now_us: u64) -> bool {
        !self.is_over.get()
            && self.served.get() < links.requests_max
            && now_us.saturating_sub(self.opened_us) < links.age_max_ms * 1000
    }
}

/// One request that it carries.
pub(crate) struct Rider {
    trunk: Rc<Trunk>,
    shared: Rc<Shared>,
}

impl Rider {
    fn new(trunk: &Rc<Trunk>, shared: &Rc<Shared>) -> Self {
        trunk.open.set(trunk.open.get() + 1);
        trunk.served.set(trunk.served.get().saturating_add(1));
        shared.crew.multiplexed(Count::BackendStreams);
        Self { trunk: Rc::clone(trunk), shared: Rc::clone(shared) }
    }

    pub(super) fn trunk(&self) -> &Rc<Trunk> {
        &self.trunk
    }
}

impl Drop for Rider {
    fn drop(&mut self) {
        self.trunk.open.set(self.trunk.open.get() - 1);
        self.trunk.rested_us.set(self.shared.now_us());
    }
}

struct Kept {
    trunk: Rc<Trunk>,
    sender: SendRequest<Piece>,
    backend: BackendId,
    incarnation: u16,
    tongue: Tongue,
    idle_timeout_ms: u64,
}

impl Kept {
    fn has_room(&self) -> bool {
        let room = if self.trunk.is_greeted.get() {
            self.sender.current_max_send_streams().min(limits::http2::BACKEND_STREAMS_MAX)
        } else {
            // They wait for its word, since it would refuse those that are too many.
            limits::http2::BACKEND_STREAMS
        };
        (self.trunk.open.get() as usize) < room
    }

    /// Whether the other side is known to have ended it.
    fn is_dead(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        matches!(self.sender.poll_ready(&mut cx), Poll::Ready(Err(_)))
    }
}

/// Whom a connection is being made to, and who waits for it.
struct Begun {
    backend: BackendId,
    incarnation: u16,
    tongue: Tongue,
    end: Rc<End>,
}

/// How it came out, once it did.
#[derive(Default)]
struct End {
    is_made: Cell<bool>,
    heard: Notify,
}

/// A connection that is being made, until dropped.
pub(crate) struct Dialing {
    begun: Rc<RefCell<Vec<Begun>>>,
    end: Rc<End>,
}

impl Dialing {
    pub(crate) fn succeed(self) {
        self.end.is_made.set(true);
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        self.begun.borrow_mut().retain(|begun| !Rc::ptr_eq(&begun.end, &self.end));
        self.end.heard.notify_waiters();
    }
}

/// By upstream slot; bounded by its `connections_max`, since each has a place.
pub(crate) struct Trunks {
    shelves: RefCell<Vec<Vec<Kept>>>,
    /// Connections that are being made: those who come meanwhile wait for them.
    begun: Rc<RefCell<Vec<Begun>>>,
}

impl Default for Trunks {
    fn default() -> Self {
        let shelves = RefCell::new((0..UPSTREAMS_MAX).map(|_| Vec::new()).collect());
        Self { shelves, begun: Rc::default() }
    }
}

impl Trunks {
    /// A ride on a connection there is, if one to the picked backend has room.
    pub(crate) fn take(
        &self,
        shared: &Rc<Shared>,
        picked: &Picked,
        tongue: Tongue,
        links: &Links,
    ) -> Option<Stream> {
        let now_us = shared.now_us();
        let mut shelves = self.shelves.borrow_mut();
        let shelf = &mut shelves[picked.upstream().index()];
        shelf.retain_mut(|kept| kept.trunk.outlasts(links, now_us) && !kept.is_dead());
        let kept = shelf.iter_mut().find(|kept| {
            kept.backend == picked.backend()
                && kept.incarnation == picked.incarnation()
                && kept.tongue == tongue
                && kept.has_room()
        })?;
        let rider = Rider::new(&kept.trunk, shared);
        Some(ride(kept.sender.clone(), rider, tongue))
    }

    /// Where somebody else is making a connection to the picked backend, waits for how that goes;
    /// whether one was made.
    pub(crate) async fn wait(&self, seat: &Seat, picked: &Picked, tongue: Tongue) -> bool {
        let is_same = |begun: &&Begun| {
            begun.backend == picked.backend()
                && begun.incarnation == picked.incarnation()
                && begun.tongue == tongue
        };
        let end = self.begun.borrow().iter().find(is_same).map(|it| Rc::clone(&it.end));
        let Some(end) = end else { return false };
        let mut notified = pin!(end.heard.notified());
        poll_fn(|cx| match notified.as_mut().poll(cx) {
            Poll::Pending if seat.is_late() => Poll::Ready(()),
            polled => polled,
        })
        .await;
        end.is_made.get()
    }

    /// A connection to the picked backend is being made from here on.
    pub(crate) fn dial(&self, picked: &Picked, tongue: Tongue) -> Dialing {
        let end = Rc::new(End::default());
        self.begun.borrow_mut().push(Begun {
            backend: picked.backend(),
            incarnation: picked.incarnation(),
            tongue,
            end: Rc::clone(&end),
        });
        Dialing { begun: Rc::clone(&self.begun), end }
    }

    /// Makes a fresh connection one of these, and rides on it. Nothing is waited for but that the
    /// kernel takes a few bytes.
    pub(crate) async fn begin(
        &self,
        shared: &Rc<Shared>,
        seat: &Seat,
        picked: &Picked,
        fresh: Fresh<'_>,
    ) -> Result<Stream, Failure> {
        let Fresh { stream, place, tongue, links } = fresh;
        let meter = Meter::of_backend(ALLOWANCES);
        let (wire, alarm) = Wire::new(stream, Rc::clone(shared), None, meter);
        let mut handshake = Box::pin(
            client::Builder::new()
                .enable_push(false)
                .initial_window_size(limits::http2::BACKEND_WINDOW_BYTES)
                .initial_connection_window_size(limits::http2::BACKEND_CONNECTION_WINDOW_BYTES)
                .max_send_buffer_size(limits::http2::SEND_BYTES_MAX)
                .max_header_list_size(limits::http2::ANSWER_LIST_BYTES_MAX)
                .max_concurrent_reset_streams(limits::http2::RESET_STREAMS_MAX)
                .initial_max_send_streams(UNGREETED_STREAMS)
                .data_frame_budget(limits::http2::BACKEND_SMALL_FRAMES_BYTES)
                .handshake(wire),
        );
        let begun = poll_fn(|cx| match handshake.as_mut().poll(cx) {
            Poll::Ready(begun) => Poll::Ready(begun.map_err(|_| Failure::Closed)),
            Poll::Pending if seat.is_late() => Poll::Ready(Err(Failure::TimedOut)),
            Poll::Pending => Poll::Pending,
        })
        .await;
        let (sender, mut connection) = begun?;
        let now_us = shared.refresh();
        let trunk = Rc::new(Trunk {
            open: Cell::new(0),
            served: Cell::new(0),
            opened_us: now_us,
            rested_us: Cell::new(now_us),
            is_over: Cell::new(false),
            is_greeted: Cell::new(false),
            place: RefCell::new(Some(place)),
            outbox: Rc::default(),
        });
        shared.crew.multiplexed(Count::BackendConnections);
        let (end, backend) = (Rc::clone(&trunk), picked.backend());
        let crew = shared.crew;
        tokio::task::spawn_local(async move {
            let ended = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                if alarm.has_settings() {
                    end.is_greeted.set(true);
                }
                match alarm.take() {
                    Some(flood) => {
                        crew.flooded(flood as usize);
                        let name = flood.name();
                        sys::log::warning!("worker", "HTTP/2 with a backend: a flood of {name}");
                        Poll::Ready(())
                    }
                    None => polled.map(|_| ()),
                }
            });
            ended.await;
            end.is_over.set(true);
            end.place.take();
        });
        let rider = Rider::new(&trunk, shared);
        let kept = Kept {
            trunk,
            sender: sender.clone(),
            backend,
            incarnation: picked.incarnation(),
            tongue,
            idle_timeout_ms: links.idle_timeout_ms,
        };
        self.shelves.borrow_mut()[picked.upstream().index()].push(kept);
        Ok(ride(sender, rider, tongue))
    }

    /// Lets an idle one go, so that its place is another's; whether there was any.
    pub(crate) fn give_way(&self, upstream: UpstreamId) -> bool {
        let mut shelves = self.shelves.borrow_mut();
        let shelf = &mut shelves[upstream.index()];
        let idle = shelf.iter().position(|kept| kept.trunk.open.get() == 0);
        let Some(at) = idle else { return false };
        shelf.swap_remove(at).trunk.place.take();
        true
    }

    /// Ends what is idle for too long, is over, or belongs to a backend that takes no requests; what
    /// it carries is carried to its end.
    pub(crate) fn sweep(&self, picker: &Picker, now_us: u64) {
        for shelf in &mut *self.shelves.borrow_mut() {
            shelf.retain_mut(|kept| {
                let idle_us = now_us.saturating_sub(kept.trunk.rested_us.get());
                let is_idle = kept.trunk.open.get() == 0 && idle_us >= kept.idle_timeout_ms * 1000;
                !is_idle
                    && !kept.trunk.is_over.get()
                    && picker.is_usable(kept.backend, kept.incarnation)
                    && !kept.is_dead()
            });
        }
    }
}

/// A connection that was just made.
pub(crate) struct Fresh<'a> {
    pub(crate) stream: Stream,
    pub(crate) place: Place,
    pub(crate) tongue: Tongue,
    pub(crate) links: &'a Links,
}

fn ride(sender: SendRequest<Piece>, rider: Rider, tongue: Tongue) -> Stream {
    let scheme = if tongue.is_plain() { "http" } else { "https" };
    Stream::Outbound(Box::new(Outbound::new(sender, rider, scheme)))
}
