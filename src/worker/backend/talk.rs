//! One talk with a backend: the request goes out, its response's head comes in, and what comes before that
//! (100, 103) goes on to the client.
//!
//! Both directions run at once, in one poll: a backend may answer before it has read the request, and
//! a client that leaves is noticed while the backend works.

use std::task::{Context, Poll, ready};

use super::super::connection::Connection;
use super::super::exchange::{ClientFault, Exchange, Uptake};
use super::super::generation::Upstream;
use super::super::http2::silence;
use super::super::offer::Fault;
use super::super::server::Site;
use super::super::stream::Stream;
use super::super::transfer::{Broken, Coding, Wait};
use crate::http::framing::Body;
use crate::http::head::{self, Persistence, Version};
use crate::http::request::{Method, Parsed};
use crate::http::response::Asked;
use crate::http::rewrite::{self, Reply};
use crate::scoreboard::backend::Failure;

/// With so many interim responses (100, 103) to one request, there is no answer to be hoped for.
const INTERIMS_MAX: u32 = 16;

/// What a conversation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    ClientBody,
    BackendRoom,
    Response,
}

pub(super) struct Talk<'a> {
    connection: &'a mut Connection,
    exchange: &'a mut Exchange,
    site: &'a Site<'a>,
    stream: &'a mut Stream,
    /// With the count of bytes sent when the wait began: progress begins a new wait.
    waits: Option<(Waits, u64)>,
    /// The backend takes no more. What it said before may still be read, once the reactor has heard
    /// of it; if it said nothing, reading tells the end.
    is_sink_broken: bool,
    interims: u32,
    /// An interim response is on its way to the client.
    is_passing: bool,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        connection: &'a mut Connection,
        exchange: &'a mut Exchange,
        site: &'a Site<'a>,
        stream: &'a mut Stream,
    ) -> Self {
        Self {
            connection,
            exchange,
            site,
            stream,
            waits: None,
            is_sink_broken: false,
            interims: 0,
            is_passing: false,
        }
    }

    /// Sends and reads until the final response's head is parsed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        loop {
            if self.is_passing {
                ready!(self.poll_passing(cx))?;
            }
            if let Err(fault) = ready!(self.poll_head(cx)) {
                return Poll::Ready(Err(self.explained(fault)));
            }
            if !self.exchange.response.is_interim() {
                let now_us = self.connection.shared.refresh();
                self.exchange.attempts.headed(self.exchange.response.status, now_us);
                return Poll::Ready(Ok(()));
            }
            self.interims += 1;
            if self.interims == INTERIMS_MAX {
                return Poll::Ready(Err(Fault::Backend(Failure::Malformed)));
            }
            self.pass();
        }
    }

    /// By what the connection says of it.
    fn explained(&mut self, fault: Fault) -> Fault {
        match &*self.stream {
            Stream::Outbound(outbound) => silence::explained(self.exchange, outbound, fault),
            Stream::Tcp(_)
            | Stream::Unix(_)
            | Stream::Tls(_)
            | Stream::Inbound(_)
            | Stream::Copy(_) => fault,
        }
    }

    /// Begins to pass an interim response on. HTTP/1.0 knows none; such a client is not sent any.
    fn pass(&mut self) {
        let Self { connection, exchange, site, .. } = self;
        self.waits = None;
        let Some(buffer) = &mut exchange.reply else { return };
        let head_bytes = exchange.response.head_bytes;
        if exchange.request.version == Version::Http10 {
            buffer.consume(head_bytes);
            return;
        }
        exchange.has_replied = true;
        if exchange.response.status == 100 {
            exchange.uptake = Uptake::Asked;
        }
        exchange.to_client.start(Body::None, Coding::Same, 0);
        let reply = Reply {
            client_version: exchange.request.version,
            persistence: Persistence::KeepAlive,
            body: Body::None,
            date: b"",
            lines: b"",
        };
        let head = &buffer.content()[..head_bytes];
        rewrite::response(&mut exchange.to_client.head, head, &exchange.response, reply);
        buffer.consume(head_bytes);
        connection.limit(site.route.limits.client.send_timeout_ms);
        self.is_passing = true;
    }

    fn poll_passing(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Self { connection, exchange, .. } = self;
        let sent = match exchange.to_client.poll_flush(cx, &mut connection.client) {
            Poll::Pending if connection.seat.is_late() => Err(Broken::Sink),
            sent => ready!(sent),
        };
        self.is_passing = false;
        Poll::Ready(sent.map_err(|_| Fault::Client(ClientFault::Gone)))
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Self { connection, exchange, site, stream, .. } = self;
        let buffers = &connection.shared.buffers;
        if !exchange.to_backend.is_through() && !self.is_sink_broken {
            match exchange.to_backend.poll(cx, &mut connection.client, stream, buffers) {
                Poll::Pending | Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(Broken::Sink)) => self.is_sink_broken = true,
                Poll::Ready(Err(broken)) => {
                    return Poll::Ready(Err(Fault::Client(ClientFault::of(broken))));
                }
            }
        }
        let is_sent = exchange.to_backend.is_through();
        // Right after it was asked, a backend has no answer yet: no buffer is taken for that.
        let is_looked_for =
            self.waits.is_some() || exchange.reply.is_some() || stream.poll_readable(cx).is_ready();
        if is_looked_for
            && let Poll::Ready(head) = read_head(cx, connection, exchange, (site.upstream, stream))
        {
            return Poll::Ready(head.map_err(Fault::Backend));
        }
        let half_close = site.route.limits.client.half_close;
        if exchange.to_backend.is_source_done()
            && connection.poll_gone(cx, exchange, half_close).is_ready()
        {
            return Poll::Ready(Err(Fault::Client(ClientFault::Gone)));
        }
        let waits = match exchange.to_backend.wait() {
            _ if is_sent => Waits::Response,
            Wait::Source => Waits::ClientBody,
            Wait::Sink => Waits::BackendRoom,
        };
        // At the first look, it is an earlier wait that is late: of another backend, or for the head.
        if connection.seat.is_late() && self.waits.is_some() {
            if connection.seat.is_cut() {
                return Poll::Ready(Err(Fault::Cut));
            }
            if connection.shared.is_cutting() {
                return Poll::Ready(Err(Fault::Full));
            }
            return Poll::Ready(Err(match waits {
                Waits::ClientBody => Fault::Client(ClientFault::Late),
                Waits::BackendRoom | Waits::Response => Fault::Backend(Failure::TimedOut),
            }));
        }
        let waits = (waits, exchange.to_backend.moved());
        if self.waits != Some(waits) {
            self.waits = Some(waits);
            let limits = &site.route.limits;
            connection.limit(match waits.0 {
                Waits::ClientBody => limits.client.body_timeout_ms,
                Waits::BackendRoom => limits.backend_send_timeout_ms,
                Waits::Response => limits.first_byte_timeout_ms,
            });
        }
        Poll::Pending
    }
}

/// Reads until `exchange.response` is parsed from the front of `exchange.reply`.
fn read_head(
    cx: &mut Context<'_>,
    connection: &Connection,
    exchange: &mut Exchange,
    (upstream, stream): (&Upstream, &mut Stream),
) -> Poll<Result<(), Failure>> {
    let buffers = &connection.shared.buffers;
    let asked = Asked {
        is_head: exchange.method_sent == Method::Head,
        is_upgrade: exchange.request.upgrade.is_some(),
    };
    let mut seen = exchange.head_seen_bytes;
    loop {
        let buffer = exchange.reply.get_or_insert_with(|| buffers.borrow_mut().take());
        if buffer.content().len() > seen
            && (seen == 0 || head::may_be_complete(buffer.content(), seen))
        {
            let known = &mut upstream.answers.borrow_mut();
            match exchange.response.parse_alike(buffer.content(), asked, known) {
                Ok(Parsed::Complete) => {
                    exchange.head_seen_bytes = 0;
                    return Poll::Ready(Ok(()));
                }
                Ok(Parsed::Partial) => {}
                Err(_) => return Poll::Ready(Err(Failure::Malformed)),
            }
        }
        seen = buffer.content().len();
        exchange.head_seen_bytes = seen;
        if buffer.is_full() {
            buffer.compact();
        }
        if buffer.is_full() {
            return Poll::Ready(Err(Failure::Malformed));
        }
        let failure = match buffer.poll_fill(cx, stream, usize::MAX) {
            Poll::Ready(Ok(count)) if count > 0 => continue,
            Poll::Ready(_) => Poll::Ready(Err(Failure::Closed)),
            Poll::Pending => Poll::Pending,
        };
        if let Some(empty) = exchange.reply.take_if(|buffer| buffer.is_empty()) {
            buffers.borrow_mut().give(empty);
        }
        return failure;
    }
}
