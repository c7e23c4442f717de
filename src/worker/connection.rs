//! One client's connection: its requests one after another, in the order they came.
//!
//! Holds no buffer and no exchange while it waits for a request.

mod arrival;

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::buffer::Buffer;
use super::dispatch;
use super::exchange::Exchange;
use super::generation::Generation;
use super::http2::serve as http2;
use super::introduction::{self, Introduction};
use super::peer_text::PeerText;
use super::shared::Shared;
use super::stream::{Hangup, Stream};
use super::tls::Secured;
use super::tls::handshake::{self, Outcome};
use super::watch::Seat;
use crate::config::limits;
use crate::config::model::{Address, HalfClose, Keepalive};
use crate::http::client_ip;
use crate::http::head::Persistence;
use crate::http::proxy_header::Endpoints;
pub(crate) use arrival::{Arrival, head_limits, parse};

pub(crate) struct Connection {
    pub(crate) shared: Rc<Shared>,
    pub(crate) client: Stream,
    pub(crate) seat: Rc<Seat>,
    /// The client, or whom a PROXY header names in its place.
    pub(crate) peer: IpAddr,
    pub(crate) peer_port: u16,
    pub(crate) peer_text: PeerText,
    /// What the PROXY header said.
    pub(crate) introduced: Option<Box<Endpoints>>,
    /// The configuration's address of the listener it came by.
    pub(crate) listener: Rc<Address>,
    /// Read and not yet used.
    pub(crate) unread: Option<Buffer>,
    /// Requests so far.
    pub(crate) served: u32,
    /// Of this worker's connections, from one.
    pub(crate) number: u32,
    /// Of the last request; kept when a newer one no longer has the listener.
    pub(crate) generation: Option<Rc<Generation>>,
}

/// What becomes of the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Request,
    Close,
    /// Bytes of the client are still to come: they are dropped for a while, since closing at once
    /// would reset the connection and take the answer with it.
    Linger,
}

/// How nginx counts a head whose client left before its end; never sent.
pub(crate) const HEAD_BROKEN_OFF: u16 = 400;

/// Why a connection that served goes on to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Quiet,
    Over,
}

impl Connection {
    pub(crate) fn new(
        shared: Rc<Shared>,
        plain: Stream,
        peer: Option<SocketAddr>,
        listener: Rc<Address>,
    ) -> Self {
        let generation = shared.generation_at(&listener);
        let timeout_ms = head_limits(generation.as_deref(), &listener).timeout_ms;
        let seat = shared.seats.take(shared.now_us(), timeout_ms);
        let peer_port = peer.map_or(0, |peer| peer.port());
        let peer = peer.map_or(client_ip::NO_ADDRESS, |peer| peer.ip().to_canonical());
        let number = shared.next_connection();
        let is_secure = generation.as_ref().is_some_and(|it| it.is_secure(&listener));
        let client = if is_secure { Stream::Tls(Box::new(Secured::new(plain))) } else { plain };
        Self {
            number,
            shared,
            client,
            seat,
            peer,
            peer_port,
            peer_text: PeerText::new(peer),
            introduced: None,
            listener,
            unread: None,
            served: 0,
            generation,
        }
    }

    pub(crate) async fn serve(&mut self) {
        self.begin().await;
        // Boxed, since most listeners know no such thing: every client would hold room for it.
        if self.is_to_be_introduced() && !Box::pin(self.is_introduced_well()).await {
            return;
        }
        if let Stream::Tls(_) = self.client
            && !Box::pin(self.is_secured()).await
        {
            return;
        }
        if self.may_speak_http2() && Box::pin(self.speaks_http2()).await {
            return Box::pin(http2::run(self)).await;
        }
        // What serving takes is held until the connection has come to be idle, so that most
        // requests find it there and idle connections do without.
        while poll_fn(|cx| self.poll_first_bytes(cx)).await.is_continue() {
            if Box::pin(self.serve_on()).await == Pause::Over {
                return;
            }
        }
    }

    fn may_speak_http2(&self) -> bool {
        self.generation.as_ref().is_some_and(|it| it.offers_http2(&self.listener))
    }

    /// By what the handshake came to, or by the client's first words.
    async fn speaks_http2(&mut self) -> bool {
        match &self.client {
            Stream::Tls(secured) => secured.speaks_http2(),
            Stream::Tcp(_) | Stream::Unix(_) => http2::is_spoken(self).await,
            Stream::Inbound(_) | Stream::Outbound(_) | Stream::Copy(_) => false,
        }
    }

    /// Serves requests until the connection is over, or idle.
    async fn serve_on(&mut self) -> Pause {
        let mut next = Next::Request;
        let mut is_waited_for = true;
        while next == Next::Request {
            let mut exchange = None;
            let mut is_just_answered = true;
            let arrival = poll_fn(|cx| {
                let is_early = std::mem::take(&mut is_just_answered);
                let arrival = self.poll_request(cx, &mut exchange, is_early);
                is_waited_for |= arrival.is_pending();
                arrival
            })
            .await;
            let Some(mut exchange) = exchange else {
                return if arrival == Arrival::Quiet { Pause::Quiet } else { Pause::Over };
            };
            exchange.is_pipelined = !std::mem::take(&mut is_waited_for);
            next = match arrival {
                Arrival::Request => {
                    self.served += 1;
                    dispatch::run(self, &mut exchange).await
                }
                Arrival::Refused { status } => {
                    exchange.refuse(self);
                    self.answer(&mut exchange, status, Next::Linger).await
                }
                Arrival::Gone | Arrival::Quiet => {
                    exchange.refuse(self);
                    exchange.record(self, HEAD_BROKEN_OFF);
                    Next::Close
                }
            };
            let timeout_ms = exchange.keepalive.timeout_ms;
            exchange.clear(&self.shared.buffers);
            self.shared.give_exchange(exchange);
            if next == Next::Request {
                self.rest(timeout_ms);
            }
        }
        if next == Next::Linger {
            self.linger().await;
        }
        Pause::Over
    }

    /// To be awaited first, in the connection's own task: the sweep wakes it from here on.
    pub(crate) async fn begin(&self) {
        poll_fn(|cx| {
            self.seat.wakes(cx.waker());
            Poll::Ready(())
        })
        .await;
    }

    /// Whether a PROXY header comes first.
    pub(crate) fn is_to_be_introduced(&self) -> bool {
        self.generation.as_ref().is_some_and(|it| it.is_introduced(&self.listener))
    }

    /// Reads the PROXY header. A bad one is counted and shown like a bad request.
    async fn is_introduced_well(&mut self) -> bool {
        match introduction::read(self).await {
            Introduction::Made => true,
            Introduction::Silence => false,
            Introduction::Botched => {
                let mut exchange = self.shared.take_exchange();
                exchange.refuse(self);
                exchange.record(self, 400);
                exchange.clear(&self.shared.buffers);
                self.shared.give_exchange(exchange);
                false
            }
        }
    }

    /// Begins the session. Who speaks HTTP in plain is to hear that.
    async fn is_secured(&mut self) -> bool {
        match handshake::run(self).await {
            Outcome::Made => {
                let limits = head_limits(self.generation.as_deref(), &self.listener);
                self.limit(limits.timeout_ms);
                true
            }
            Outcome::Failed => false,
            Outcome::Plain => {
                self.linger().await;
                false
            }
        }
    }

    /// The configuration that serves the next request whole. A listener that the newest one lacks
    /// keeps the one it was accepted under.
    pub(crate) fn generation(&mut self) -> Option<Rc<Generation>> {
        let newest = self.shared.generation()?;
        let is_known = self.generation.as_ref().is_some_and(|known| Rc::ptr_eq(known, &newest));
        if !is_known && newest.has_listener(&self.listener) {
            self.generation = Some(newest);
        }
        self.generation.clone()
    }

    /// The configuration, if its listener belongs to a TCP route there.
    pub(crate) fn tcp_generation(&self) -> Option<Rc<Generation>> {
        let serves = |it: &&Rc<Generation>| it.tcp_routes.of(&self.listener).is_some();
        self.generation.as_ref().filter(serves).cloned()
    }

    /// Whether the connection may serve another request after this one.
    pub(crate) fn may_persist(&self, keepalive: Keepalive) -> bool {
        !self.shared.is_draining()
            && self.served < keepalive.requests_max
            && keepalive.timeout_ms > 0
    }

    pub(crate) fn limit(&self, timeout_ms: u64) {
        self.seat.limit(self.shared.now_us(), timeout_ms);
    }

    /// Waits for the beginning of a request; `Break` when none comes.
    fn poll_first_bytes(&mut self, cx: &mut Context<'_>) -> Poll<ControlFlow<()>> {
        if self.unread.is_some() {
            return Poll::Ready(ControlFlow::Continue(()));
        }
        match self.poll_more(cx) {
            Poll::Ready(Ok(count)) if count > 0 => Poll::Ready(ControlFlow::Continue(())),
            Poll::Ready(_) => Poll::Ready(ControlFlow::Break(())),
            Poll::Pending if self.seat.is_late() && self.is_out_of_words() => {
                Poll::Ready(ControlFlow::Break(()))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Of a client that is to leave: whether nothing of it has come. The reactor may not have heard
    /// yet, and closing would reset a request that is already here.
    fn is_out_of_words(&self) -> bool {
        let is_quiet = self.client.is_quiet();
        if !is_quiet {
            self.limit(limits::HEADER_READ_TIMEOUT_MS);
        }
        is_quiet
    }

    /// Reads once.
    pub(crate) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = self.take_unread();
        let read = buffer.poll_fill(cx, &mut self.client, usize::MAX);
        self.hold_unread(buffer);
        read
    }

    /// What the client has sent and nobody has taken, with room for more; `hold_unread` gives it back.
    pub(super) fn take_unread(&mut self) -> Buffer {
        let buffers = &self.shared.buffers;
        self.unread.take().unwrap_or_else(|| buffers.borrow_mut().take_for_head())
    }

    /// A buffer is held only with something in it.
    pub(super) fn hold_unread(&mut self, buffer: Buffer) {
        if buffer.is_empty() {
            self.shared.buffers.borrow_mut().give(buffer);
        } else {
            self.unread = Some(buffer);
        }
    }

    /// Between requests.
    fn rest(&mut self, timeout_ms: u64) {
        let is_draining = self.shared.is_draining();
        self.limit(if is_draining { limits::DRAIN_IDLE_GRACE_MS } else { timeout_ms });
        self.shared.seats.rest(&self.seat);
    }

    /// How to close when all of the request was read: a client that did not ask for the end may have
    /// sent the next request already.
    pub(crate) fn after_last(&self, exchange: &Exchange) -> Next {
        match exchange.request.persistence {
            Persistence::Close if self.unread.is_none() => Next::Close,
            Persistence::Close | Persistence::KeepAlive => Next::Linger,
        }
    }

    /// Whether the client has left while its request is worked on, asked from the first sweep on, which
    /// wakes the connection. That it sends no more is taken
    /// for that, unless the route says otherwise, or it sent several requests: then it has said all
    /// it wanted and reads the answers.
    pub(crate) fn poll_gone(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        half_close: HalfClose,
    ) -> Poll<()> {
        let is_one_of_several =
            exchange.is_pipelined || self.unread.is_some() || exchange.to_backend.is_overrun();
        self.poll_end(cx, half_close, is_one_of_several)
    }

    /// The same while the request's head is still among what is unread.
    pub(crate) fn poll_left(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        half_close: HalfClose,
    ) -> Poll<()> {
        let unread_bytes = self.unread.as_ref().map_or(0, |buffer| buffer.content().len());
        let is_one_of_several = exchange.is_pipelined || unread_bytes > exchange.request.head_bytes;
        self.poll_end(cx, half_close, is_one_of_several)
    }

    fn poll_end(
        &mut self,
        cx: &mut Context<'_>,
        half_close: HalfClose,
        is_one_of_several: bool,
    ) -> Poll<()> {
        if !self.seat.is_lasting() {
            return Poll::Pending;
        }
        match (ready!(self.client.poll_hangup(cx)), half_close) {
            (Hangup::End, HalfClose::Answer) => Poll::Pending,
            (Hangup::End, HalfClose::Cancel) if is_one_of_several => Poll::Pending,
            (Hangup::Reset, _) | (Hangup::End, HalfClose::Cancel) => Poll::Ready(()),
        }
    }

    /// Ends this side and drops what the client still sends, until it ends its own.
    pub(crate) async fn linger(&mut self) {
        let Self { shared, client, seat, .. } = self;
        let over_us = shared.refresh() + limits::LINGER_TIME_MAX_MS * 1000;
        let wait = || seat.limit(shared.now_us(), limits::LINGER_TIMEOUT_MS);
        wait();
        let mut is_ours_over = false;
        poll_fn(|cx| {
            if seat.is_late() || shared.now_us() > over_us {
                return Poll::Ready(());
            }
            if !is_ours_over {
                match client.poll_shutdown(cx) {
                    Poll::Ready(Ok(())) => is_ours_over = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let mut buffer = shared.buffers.borrow_mut().take();
            let ended = loop {
                buffer.clear();
                match buffer.poll_fill(cx, client, usize::MAX) {
                    Poll::Ready(Ok(count)) if count > 0 => wait(),
                    Poll::Ready(_) => break Poll::Ready(()),
                    Poll::Pending => break Poll::Pending,
                }
            };
            shared.buffers.borrow_mut().give(buffer);
            ended
        })
        .await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(buffer) = self.unread.take() {
            self.shared.buffers.borrow_mut().give(buffer);
        }
        self.shared.seats.leave(&self.seat);
        self.shared.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Up to here glibc keeps what is freed by its size, for the next of the same size only.
    const KEPT_BY_SIZE_BYTES_MAX: usize = 1032;

    fn size_of_future<C, F>(_: impl FnOnce(C) -> F) -> usize {
        size_of::<F>()
    }

    /// What idle connections keep is put where what serving took was freed, which leaves no holes.
    #[test]
    fn what_serving_takes_is_freed_for_all() {
        let bytes = size_of_future(|connection: &'static mut Connection| connection.serve_on());
        assert!(bytes > KEPT_BY_SIZE_BYTES_MAX, "{bytes} bytes");
    }
}
