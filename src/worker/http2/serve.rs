//! A client's connection that speaks HTTP/2: begins its streams, each in a task of its own, and sees
//! to the connection's own end.
//!
//! It ends as one of HTTP/1.1 does: when nothing was asked for too long, after so many requests, when
//! its worker leaves. The client is told then (GOAWAY), and what it has asked is answered. Whoever
//! floods is told, too, and cut.

use std::cell::Cell;
use std::future::{Future as _, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};

use super::super::connection::{self, Connection};
use super::super::generation::Generation;
use super::super::shared::Shared;
use super::super::stream::Stream;
use super::super::watch::{Phase, Seat};
use super::ALLOWANCES;
use super::grpc;
use super::inbound::{Carrier, Expected, Inbound};
use super::outbox::Piece;
use super::wire::{Alarm, Wire};
use crate::config::limits;
use crate::config::model::{Address, Keepalive};
use crate::http::http2::fields::{self, Ahead, Asked, Framed};
use crate::http::http2::is_preface;
use crate::http::http2::meter::{Flood, Meter};
use crate::http::proxy_header::Endpoints;
use crate::scoreboard::multiplex::Count;
use crate::sys;

const REQUEST_HEADER_FIELDS_TOO_LARGE: u16 = 431;

/// No limit runs: those of the streams do.
const NEVER_MS: u64 = u64::MAX;

/// Reads until it is known whether the client begins with HTTP/2's preface; what was read stays.
pub(crate) async fn is_spoken(connection: &mut Connection) -> bool {
    poll_fn(|cx| {
        loop {
            if let Some(buffer) = &connection.unread
                && let Some(is_spoken) = is_preface(buffer.content())
            {
                return Poll::Ready(is_spoken);
            }
            match connection.poll_more(cx) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                // Whoever reads requests finds the same.
                Poll::Ready(_) => return Poll::Ready(false),
                Poll::Pending if connection.seat.is_late() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Serves the connection until it is over.
pub(crate) async fn run(connection: &mut Connection) {
    if carry(connection).await == Stage::Cut {
        return;
    }
    // Closing at once would take back the last words.
    connection.linger().await;
}

async fn carry(connection: &mut Connection) -> Stage {
    let carrier = Rc::new(Carrier::of(&connection.client));
    let Some(generation) = connection.generation() else { return Stage::Cut };
    let head = connection::head_limits(Some(&generation), &connection.listener);
    let listener = Rc::clone(&connection.listener);
    let parent = Parent {
        shared: Rc::clone(&connection.shared),
        carrier,
        peer: connection.peer,
        peer_port: connection.peer_port,
        introduced: connection.introduced.as_deref().copied(),
        listener,
        number: connection.number,
        served: 0,
    };
    let (shared, seat) = (Rc::clone(&connection.shared), Rc::clone(&connection.seat));
    shared.crew.multiplexed(Count::Connections);
    let (wire, alarm) = Wire::new(
        &mut connection.client,
        Rc::clone(&shared),
        connection.unread.take(),
        Meter::of_client(ALLOWANCES),
    );
    // What a list may be in all is more than a head may be: who comes between is answered by us.
    let list_bytes_max = head.bytes_max + (head.lines_max + 1) * limits::http2::FIELD_BYTES;
    let mut handshake = pin!(
        server::Builder::new()
            .max_concurrent_streams(limits::http2::STREAMS_MAX)
            .initial_window_size(limits::http2::STREAM_WINDOW_BYTES)
            .initial_connection_window_size(limits::http2::CONNECTION_WINDOW_BYTES)
            .max_send_buffer_size(limits::http2::SEND_BYTES_MAX)
            .max_header_list_size(list_bytes_max as u32)
            .max_concurrent_reset_streams(limits::http2::RESET_STREAMS_MAX)
            .max_pending_accept_reset_streams(limits::http2::RESETS_WAITING_MAX)
            .max_local_error_reset_streams(Some(limits::http2::ERRORS_MAX))
            .data_frame_budget(limits::http2::SMALL_FRAMES_BYTES)
            .handshake(wire)
    );
    let begun = poll_fn(|cx| match handshake.as_mut().poll(cx) {
        Poll::Ready(begun) => Poll::Ready(begun.ok()),
        Poll::Pending if seat.is_late() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    let Some(h2) = begun else { return Stage::Leaving };
    let house = Rc::new(House {
        shared,
        seat,
        open: Cell::new(0),
        rest_ms: Cell::new(0),
        is_closed: Cell::new(false),
    });
    let mut driver = Driver { h2, alarm, parent, house, stage: Stage::Serving };
    driver.adapt();
    poll_fn(|cx| driver.poll(cx)).await;
    driver.house.is_closed.set(true);
    driver.stage
}

/// What each stream's own `Connection` is made of.
pub(crate) struct Parent {
    pub(crate) shared: Rc<Shared>,
    carrier: Rc<Carrier>,
    pub(crate) peer: IpAddr,
    pub(crate) peer_port: u16,
    pub(crate) introduced: Option<Endpoints>,
    pub(crate) listener: Rc<Address>,
    pub(crate) number: u32,
    /// Requests so far.
    pub(crate) served: u32,
}

/// The streams that are open, as far as the connection's own seat is concerned.
struct House {
    shared: Rc<Shared>,
    seat: Rc<Seat>,
    open: Cell<u32>,
    /// How long the connection may last without any.
    rest_ms: Cell<u64>,
    /// The connection is over: streams that end later have no say in how long it lingers.
    is_closed: Cell<bool>,
}

/// An open stream.
struct Guest(Rc<House>);

impl Guest {
    fn new(house: &Rc<House>) -> Self {
        house.open.set(house.open.get() + 1);
        if house.open.get() == 1 {
            house.seat.limit(house.shared.now_us(), NEVER_MS);
            house.shared.seats.enter(&house.seat, Phase::Active);
        }
        Self(Rc::clone(house))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let House { shared, seat, open, rest_ms, is_closed } = &*self.0;
        open.set(open.get() - 1);
        // One that was called stays so.
        if open.get() == 0 && !is_closed.get() && !seat.is_late() {
            seat.limit(shared.now_us(), rest_ms.get());
            shared.seats.enter(seat, Phase::Idle);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// The client was told that there is nothing more to be had here.
    Leaving,
    /// It was told why it is cut, or the worker's time is over.
    Cut,
}

struct Driver<'c> {
    h2: server::Connection<Wire<&'c mut Stream>, Piece>,
    alarm: Alarm,
    parent: Parent,
    house: Rc<House>,
    stage: Stage,
}

impl Driver<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.house.seat.is_late() && self.is_over() {
            return Poll::Ready(());
        }
        if self.stage == Stage::Serving && self.parent.shared.is_draining() {
            self.leave();
        }
        loop {
            match self.h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.open(request, respond),
                Poll::Ready(Some(Err(error))) => {
                    let is_ours = error.is_library() && error.is_go_away();
                    if is_ours && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) {
                        self.note(Flood::Other);
                        self.stage = Stage::Cut;
                    }
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending => match self.alarm.take() {
                    Some(flood) => self.cut(flood),
                    None => return Poll::Pending,
                },
            }
        }
    }

    /// Of a connection that is late, or was called.
    fn is_over(&mut self) -> bool {
        let Parent { shared, .. } = &self.parent;
        match self.stage {
            Stage::Serving | Stage::Leaving if shared.is_cutting() => {
                // What is under way is being answered as it is.
                self.h2.graceful_shutdown();
                self.house.seat.limit(shared.now_us(), limits::CUT_GRACE_MS);
                self.stage = Stage::Cut;
                false
            }
            Stage::Serving => {
                self.leave();
                false
            }
            Stage::Leaving if self.house.open.get() > 0 => {
                self.house.seat.limit(shared.now_us(), NEVER_MS);
                false
            }
            // What streams have left behind for a client that reads slowly.
            Stage::Leaving if self.parent.carrier.outbox.is_moving() => {
                self.house.seat.limit(shared.now_us(), limits::LINGER_TIMEOUT_MS);
                false
            }
            Stage::Leaving | Stage::Cut => true,
        }
    }

    /// Lets the client know; what it has asked meanwhile is answered.
    fn leave(&mut self) {
        self.h2.graceful_shutdown();
        self.stage = Stage::Leaving;
        self.house.rest_ms.set(limits::LINGER_TIMEOUT_MS);
        let left_ms = match self.house.open.get() {
            0 => limits::LINGER_TIMEOUT_MS,
            1.. => NEVER_MS,
        };
        self.house.seat.limit(self.parent.shared.now_us(), left_ms);
    }

    fn cut(&mut self, flood: Flood) {
        self.note(flood);
        self.h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        self.stage = Stage::Cut;
        self.house.rest_ms.set(limits::LINGER_TIMEOUT_MS);
        self.house.seat.limit(self.parent.shared.now_us(), limits::LINGER_TIMEOUT_MS);
    }

    fn note(&self, flood: Flood) {
        let Parent { shared, listener, peer, .. } = &self.parent;
        shared.crew.flooded(flood as usize);
        if shared.may_complain() {
            let name = flood.name();
            sys::log::warning!("worker", "HTTP/2 on {listener}: a flood of {name} from {peer}");
        }
    }

    /// What the configuration has to say of the connection as it is; how many requests it may have.
    fn adapt(&mut self) -> u32 {
        let Parent { shared, listener, .. } = &self.parent;
        let generation = shared.generation_at(listener);
        let keepalive = keepalive(generation.as_deref(), listener);
        if self.stage == Stage::Serving {
            self.house.rest_ms.set(keepalive.timeout_ms);
        }
        keepalive.requests_max
    }

    /// Begins a stream.
    fn open(&mut self, request: ::http::Request<RecvStream>, mut respond: SendResponse<Piece>) {
        let shared = Rc::clone(&self.parent.shared);
        shared.refresh();
        if shared.seats.free_streams() == 0 {
            shared.crew.multiplexed(Count::Refused);
            // The client may ask once more, here or elsewhere: nothing was done.
            return respond.send_reset(Reason::REFUSED_STREAM);
        }
        shared.crew.multiplexed(Count::Streams);
        let requests_max = self.adapt();
        self.parent.served = self.parent.served.saturating_add(1);
        if self.parent.served >= requests_max && self.stage == Stage::Serving {
            self.leave();
        }
        let guest = Guest::new(&self.house);
        let (parts, body) = request.into_parts();
        let mut head = Vec::with_capacity(limits::http2::HEAD_BYTES);
        let (framed, mut refusal) = match write_head(&mut head, &parts, &body) {
            Ok(framed) => (framed, None),
            Err(error) => (Framed::Length, Some(error.status())),
        };
        let mut buffer = shared.buffers.borrow_mut().take_for_head();
        if buffer.put(&head) < head.len() {
            refusal = refusal.or(Some(REQUEST_HEADER_FIELDS_TOO_LARGE));
        }
        let carrier = Rc::clone(&self.parent.carrier);
        let content_type = parts.headers.get(::http::header::CONTENT_TYPE);
        let expected = Expected {
            is_head: parts.method == ::http::Method::HEAD,
            is_of_grpc: content_type.is_some_and(|it| grpc::is_grpc(it.as_bytes())),
        };
        let inbound = Inbound::new(carrier, (body, framed), respond, expected);
        let mut connection =
            Connection::of_stream(&self.parent, Stream::Inbound(Box::new(inbound)), buffer);
        tokio::task::spawn_local(async move {
            connection.serve_one(refusal).await;
            drop(connection);
            drop(guest);
        });
    }
}

fn write_head(
    out: &mut Vec<u8>,
    parts: &::http::request::Parts,
    body: &RecvStream,
) -> Result<Framed, crate::http::Error> {
    let asked = Asked {
        method: parts.method.as_str().as_bytes(),
        path: parts.uri.path_and_query().map_or(&b""[..], |path| path.as_str().as_bytes()),
        authority: parts.uri.authority().map(|authority| authority.as_str().as_bytes()),
    };
    let lines = parts.headers.iter();
    let lines = lines.map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let ahead = if body.is_end_stream() { Ahead::Nothing } else { Ahead::Data };
    fields::request(out, asked, lines, ahead)
}

fn keepalive(generation: Option<&Generation>, listener: &Address) -> Keepalive {
    let server = generation.and_then(|generation| generation.default_server(listener));
    server.map_or_else(Keepalive::default, |server| server.client.keepalive)
}
