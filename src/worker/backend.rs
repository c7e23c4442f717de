//! Talking to one picked backend: connection, request out, response in, response on to the client.
//!
//! Both directions run at once, in one task: a backend may answer before it has read the request,
//! and a client that leaves is noticed while the backend works. Knows nothing of other backends.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::compress::Choice;
use super::connection::{Connection, Next};
use super::exchange::{ClientFault, Exchange, Uptake};
use super::generation::Upstream;
use super::http2::silence;
use super::link::{self, Link};
use super::offer::Fault;
use super::pick::Picked;
use super::server::{Limits, Site};
use super::stream::Stream;
use super::transfer::throttle::Throttle;
use super::transfer::{Broken, Coding, Wait};
use super::tunnel;
use crate::config::limits;
use crate::http::framing::Body;
use crate::http::head::{self, Persistence, Version};
use crate::http::request::{Method, Parsed};
use crate::http::response::Asked;
use crate::http::rewrite::{self, Reply};
use crate::scoreboard::backend::Failure;

/// Interim responses (100, 103) one request may get.
const INTERIMS_MAX: u32 = 16;

/// Sends the request and waits for the head of its response; a dead pooled connection is replaced
/// once by a fresh one.
pub(crate) async fn ask(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: &Site<'_>,
    picked: &Picked,
) -> Result<Link, Fault> {
    let errand = exchange.errand(site.upstream.retry.on);
    let shared = &connection.shared;
    let is_http2 = site.upstream.links.http2;
    let pooled = match site.upstream.links.proxy_protocol {
        None if is_http2 => link::on_trunk(connection, site.upstream, picked),
        None => {
            let tongue = site.upstream.speech.tongue();
            shared.pool.borrow_mut().take(picked, tongue, errand, shared.now_us())
        }
        // A reload may have left some that speak for nobody.
        Some(_) => None,
    };
    if let Some(mut link) = pooled {
        exchange.attempts.pooled();
        match converse(connection, exchange, site, &mut link.stream).await {
            // Not a byte came: it was dead before.
            Err(Fault::Backend(Failure::Closed))
                if exchange.head_seen_bytes == 0
                    && !exchange.has_replied
                    && silence::was_dead(&link.stream) =>
            {
                if !is_http2 {
                    connection.shared.pool.borrow_mut().found_closed(picked);
                }
                if !exchange.is_repeatable(site.upstream.retry.on) {
                    return Err(Fault::Stale);
                }
                exchange.rewind(&connection.shared.buffers);
            }
            Err(fault) => return Err(fault),
            Ok(()) => {
                if !is_http2 {
                    connection.shared.pool.borrow_mut().served_again(picked);
                }
                return Ok(link);
            }
        }
    }
    let timeout_ms = site.route.limits.connect_timeout_ms;
    for _ in 0..limits::http2::AWAITED_MAX {
        let client = exchange.client;
        let connecting = link::connect(connection, site.upstream, picked, client, timeout_ms);
        // Boxed, since it is seldom: every idle client would hold room for it.
        let mut link = Box::pin(connecting).await?;
        exchange.attempts.connected(connection.shared.now_us());
        match converse(connection, exchange, site, &mut link.stream).await {
            Ok(()) => return Ok(link),
            // Others made it, and it ended in order before this one's turn: nobody is to blame.
            Err(Fault::Backend(Failure::Closed))
                if link.is_shared && silence::is_unmet(&link.stream) =>
            {
                if !exchange.is_repeatable(site.upstream.retry.on) {
                    return Err(Fault::Stale);
                }
                exchange.rewind(&connection.shared.buffers);
            }
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::Stale)
}

/// Sends and reads until the final response's head is parsed; interim ones are passed on.
async fn converse(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: &Site<'_>,
    stream: &mut Stream,
) -> Result<(), Fault> {
    for _ in 0..INTERIMS_MAX {
        let mut talk =
            Talk { connection, exchange, site, stream, waits: None, is_sink_broken: false };
        let talked = poll_fn(|cx| talk.poll(cx)).await;
        if let Err(fault) = talked {
            return Err(match &*stream {
                Stream::Outbound(outbound) => silence::explained(exchange, outbound, fault),
                Stream::Tcp(_)
                | Stream::Unix(_)
                | Stream::Tls(_)
                | Stream::Inbound(_)
                | Stream::Copy(_) => fault,
            });
        }
        if !exchange.response.is_interim() {
            let now_us = connection.shared.refresh();
            exchange.attempts.headed(exchange.response.status, now_us);
            return Ok(());
        }
        pass_interim(connection, exchange, &site.route.limits).await?;
    }
    Err(Fault::Backend(Failure::Malformed))
}

/// What a conversation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    ClientBody,
    BackendRoom,
    Response,
}

struct Talk<'a> {
    connection: &'a mut Connection,
    exchange: &'a mut Exchange,
    site: &'a Site<'a>,
    stream: &'a mut Stream,
    /// With the count of bytes sent when the wait began: progress begins a new wait.
    waits: Option<(Waits, u64)>,
    /// The backend takes no more. What it said before may still be read, once the reactor has heard
    /// of it; if it said nothing, reading tells the end.
    is_sink_broken: bool,
}

impl Talk<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
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
        if let Poll::Ready(head) = poll_head(cx, connection, exchange, (site.upstream, stream)) {
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
fn poll_head(
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

/// HTTP/1.0 knows no interim responses; such a client is not sent any.
async fn pass_interim(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &Limits,
) -> Result<(), Fault> {
    let Some(buffer) = &mut exchange.reply else { return Ok(()) };
    let head_bytes = exchange.response.head_bytes;
    if exchange.request.version == Version::Http10 {
        buffer.consume(head_bytes);
        return Ok(());
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
    connection.limit(limits.client.send_timeout_ms);
    poll_fn(|cx| match exchange.to_client.poll_flush(cx, &mut connection.client) {
        Poll::Pending if connection.seat.is_late() => Poll::Ready(Err(Broken::Sink)),
        sent => sent,
    })
    .await
    .map_err(|_| Fault::Client(ClientFault::Gone))
}

/// How the relay of a response ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relayed {
    pub(crate) end: RelayEnd,
    pub(crate) next: Next,
    pub(crate) fate: Fate,
}

/// What the backend's connection is good for afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Another request can follow on it.
    Reusable,
    Spent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayEnd {
    Through,
    /// The backend broke off in the middle; the client sees it by its connection's end.
    Cut,
    ClientGone,
}

/// Sends the response that `begin_reply` has begun on to the client.
pub(crate) async fn relay(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: &Site<'_>,
    stream: &mut Stream,
    persistence: Persistence,
) -> Relayed {
    if exchange.response.status == 101 {
        // Boxed, since it is seldom: every idle client would hold room for it.
        return Box::pin(tunnel::run(connection, exchange, &site.route.limits, stream)).await;
    }
    let mut relay =
        Relay { connection, exchange, site, stream, waits: None, request: RequestSide::Sending };
    let end = poll_fn(|cx| relay.poll(cx)).await;
    if end == RelayEnd::Cut && exchange.to_client.ends_by_close() {
        connection.client.reset_when_closed();
    }
    let next = match (end, persistence) {
        (RelayEnd::Cut | RelayEnd::ClientGone, _) => Next::Close,
        (RelayEnd::Through, Persistence::KeepAlive) => Next::Request,
        (RelayEnd::Through, Persistence::Close) if !exchange.to_backend.is_source_done() => {
            Next::Linger
        }
        (RelayEnd::Through, Persistence::Close) => connection.after_last(exchange),
    };
    let is_reusable = end == RelayEnd::Through
        && exchange.uptake == Uptake::Whole
        && exchange.response.persistence == Persistence::KeepAlive
        && !exchange.to_client.is_overrun();
    Relayed { end, next, fate: if is_reusable { Fate::Reusable } else { Fate::Spent } }
}

/// Whether the backend has read the request to its end, as far as can be known when its response
/// begins. One that answers earlier, or without the 100 it was asked for, may take the body for its
/// next request.
fn uptake(exchange: &Exchange) -> Uptake {
    let is_wanted = !exchange.request.expects_continue || exchange.uptake == Uptake::Asked;
    if is_wanted && exchange.to_backend.is_through() { Uptake::Whole } else { Uptake::Unknown }
}

/// Writes the client's head and decides how body and connection are to go on. An error is a body
/// whose very beginning is broken; nothing was sent to the client then.
pub(crate) fn begin_reply(
    connection: &Connection,
    exchange: &mut Exchange,
    site: &Site<'_>,
    picked: &Picked,
) -> Result<Persistence, Fault> {
    exchange.uptake = uptake(exchange);
    if exchange.is_head() && exchange.method_sent != Method::Head {
        // The body that another method brings is nobody's, and the connection ends with it.
        exchange.response.body = Body::None;
        exchange.uptake = Uptake::Unknown;
    }
    let version = exchange.request.version;
    let choice = exchange.choose_for_reply(connection, site);
    let (body, coding) = match (exchange.response.body, version) {
        (Body::Length(_) | Body::Chunked | Body::UntilClose, _) if choice.is_compressed() => {
            (Body::Chunked, Coding::Encode)
        }
        (Body::UntilClose, Version::Http11) => (Body::Chunked, Coding::Enchunk),
        (Body::Chunked, Version::Http10) => (Body::UntilClose, Coding::Dechunk),
        (body, _) => (body, Coding::Same),
    };
    let persistence = match exchange.request.persistence {
        // An early answer: the rest of the request is not waited for.
        _ if !exchange.to_backend.is_source_done()
            || !connection.may_persist(exchange.keepalive) =>
        {
            Persistence::Close
        }
        _ if body == Body::UntilClose => Persistence::Close,
        wanted => wanted,
    };
    let body_read = match exchange.response.status {
        101 => Body::UntilClose,
        _ => exchange.response.body,
    };
    let pump = &mut exchange.to_client;
    pump.start(body_read, coding, u64::MAX);
    pump.throttle(Throttle::new(&connection.shared, site.route.limits.client.rate));
    if let Some(mut buffer) = exchange.reply.take() {
        let head = &buffer.content()[..exchange.response.head_bytes];
        exchange.change_reply(connection, site, head);
        exchange.mark_reply(&choice, head);
        if let Some(token) = &site.upstream.sticky {
            exchange.note_token(connection, token, picked, head);
        }
        let reply = Reply {
            client_version: version,
            persistence,
            body,
            date: &connection.shared.date(),
            lines: &exchange.kept.lines,
        };
        let pump = &mut exchange.to_client;
        rewrite::response(&mut pump.head, head, &exchange.response, reply);
        if let (Choice::Compressed(_, encoder), Coding::Encode) = (choice, coding) {
            pump.encode_with(encoder);
        }
        buffer.consume(exchange.response.head_bytes);
        let buffers = &connection.shared.buffers;
        if pump.take_over(buffer, buffers).is_err() {
            if let Some(broken) = pump.finish(buffers) {
                buffers.borrow_mut().give(broken);
            }
            return Err(Fault::Backend(Failure::Malformed));
        }
    }
    exchange.has_replied = true;
    Ok(persistence)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestSide {
    Sending,
    /// The backend takes no more of it, or it is broken. The response goes on; its head said that
    /// the connection ends with it.
    Stopped,
}

struct Relay<'a> {
    connection: &'a mut Connection,
    exchange: &'a mut Exchange,
    site: &'a Site<'a>,
    stream: &'a mut Stream,
    /// With the count of bytes carried when the wait began.
    waits: Option<(Wait, u64)>,
    request: RequestSide,
}

impl Relay<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RelayEnd> {
        let Self { connection, exchange, site, stream, .. } = self;
        let buffers = &connection.shared.buffers;
        if self.request == RequestSide::Sending && !exchange.to_backend.is_through() {
            match exchange.to_backend.poll(cx, &mut connection.client, stream, buffers) {
                Poll::Pending | Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(Broken::Source)) => return Poll::Ready(RelayEnd::ClientGone),
                Poll::Ready(Err(Broken::Sink | Broken::Framing | Broken::TooLarge)) => {
                    self.request = RequestSide::Stopped;
                }
            }
        }
        match exchange.to_client.poll(cx, stream, &mut connection.client, buffers) {
            Poll::Ready(Ok(())) => return Poll::Ready(RelayEnd::Through),
            Poll::Ready(Err(Broken::Sink)) => return Poll::Ready(RelayEnd::ClientGone),
            Poll::Ready(Err(Broken::Source | Broken::Framing | Broken::TooLarge)) => {
                return Poll::Ready(RelayEnd::Cut);
            }
            Poll::Pending => {}
        }
        let wait = exchange.to_client.wait();
        // A client that left is not heard of by writing while the backend has nothing to say.
        if wait == Wait::Source
            && exchange.to_backend.is_source_done()
            && connection.poll_gone(cx, exchange, site.route.limits.client.half_close).is_ready()
        {
            return Poll::Ready(RelayEnd::ClientGone);
        }
        if connection.seat.is_late() && self.waits.is_some() {
            return Poll::Ready(match wait {
                Wait::Source => RelayEnd::Cut,
                Wait::Sink if connection.seat.is_cut() => RelayEnd::Cut,
                Wait::Sink => RelayEnd::ClientGone,
            });
        }
        let moved = exchange.to_client.moved() + exchange.to_backend.moved();
        if self.waits.replace((wait, moved)) != Some((wait, moved)) {
            let limits = &site.route.limits;
            connection.limit(match wait {
                Wait::Source => limits.between_bytes_timeout_ms,
                Wait::Sink => limits.client.send_timeout_ms,
            });
        }
        Poll::Pending
    }
}
