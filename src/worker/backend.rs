//! Talking to one picked backend: connection, request out, response in, response on to the client.
//!
//! Knows nothing of other backends.

mod relay;
mod talk;

use std::future::poll_fn;

use super::compress::Choice;
use super::connection::Connection;
use super::exchange::{Exchange, Uptake};
use super::http2::silence;
use super::link::{self, Link};
use super::offer::Fault;
use super::pick::Picked;
use super::server::Site;
use super::transfer::Coding;
use super::transfer::throttle::Throttle;
use crate::config::limits;
use crate::http::framing::Body;
use crate::http::head::{Persistence, Version};
use crate::http::request::Method;
use crate::http::rewrite::{self, Reply};
use crate::scoreboard::backend::Failure;
pub(crate) use relay::{Fate, Relay, RelayEnd, Relayed, relayed};
use talk::Talk;

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
        let mut talk = Talk::new(connection, exchange, site, &mut link.stream);
        match poll_fn(|cx| talk.poll(cx)).await {
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
        let mut link = connecting.await?;
        exchange.attempts.connected(connection.shared.now_us());
        let mut talk = Talk::new(connection, exchange, site, &mut link.stream);
        match poll_fn(|cx| talk.poll(cx)).await {
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
