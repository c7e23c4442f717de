//! A request's body, kept before a backend is asked: the whole of it (`request_buffering`), or as much
//! of its beginning as the firewall looks at.
//!
//! A slow client of a whole body holds no backend, the body's length is known, and the request can be
//! sent again. Memory holds the body up to a bound, a file the rest.

use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;

use super::connection::{Connection, Next};
use super::exchange::{ClientFault, Exchange};
use super::guard::Refusal;
use super::guard::firewall::inspecting::Framing;
use super::server::Route;
use super::transfer::Coding;
use super::transfer::whole::Unkept;
use crate::config::model::{Delivery, RequestLimits};
use crate::http::framing::Body;
use crate::http::head::Version;
use crate::sys;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The answer when no file could be had.
const NO_FILE: u16 = 500;

/// Why a body could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Client(ClientFault),
    /// No file could be had, or it took no more: our own trouble, and logged.
    Spool,
    Refused(Refusal),
}

/// How much of a body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Beginning,
}

impl Exchange {
    /// How the body is read, and what changes in the head of one that is sent only when it is whole:
    /// nobody is to be asked to continue, and its length will be told instead of its coding.
    pub(crate) fn deliver(&mut self, delivery: Delivery) -> (Body, Coding) {
        let body = self.request.body;
        if self.inspecting.is_body_due() {
            self.request.drop_expectation();
        }
        let is_streamed = delivery == Delivery::Streamed && self.copies.is_empty();
        if is_streamed || body == Body::None {
            return (body, Coding::Same);
        }
        self.request.drop_expectation();
        if body == Body::Chunked {
            self.request.body = Body::None;
        }
        (body, Coding::Dechunk)
    }

    /// The same for a body of which backends get nothing: it is read to its end, so that the next
    /// request begins where it should, and looked at and copied as any other.
    pub(crate) fn swallow(&mut self) -> (Body, Coding) {
        let body = std::mem::take(&mut self.request.body);
        if body == Body::None {
            return (body, Coding::Same);
        }
        self.request.drop_expectation();
        (body, Coding::LeftOut)
    }
}

/// Reads the body; files are made in `folder`. If that fails, or the firewall has something against
/// it, the request is over.
pub(crate) async fn run(
    connection: &mut Connection,
    exchange: &mut Exchange,
    route: &Route,
    folder: &Path,
) -> Result<(), Next> {
    let Err(fault) = keep(connection, exchange, route, folder).await else { return Ok(()) };
    Err(match fault {
        Fault::Client(fault) => exchange.blame(connection, fault).await,
        Fault::Spool => connection.answer(exchange, NO_FILE, Next::Linger).await,
        Fault::Refused(refusal) => {
            exchange.refused_by = Some(refusal.reason);
            connection.shared.refused(refusal.reason);
            let next = exchange.next_if_read(connection);
            connection.answer(exchange, refusal.status, next).await
        }
    })
}

async fn keep(
    connection: &mut Connection,
    exchange: &mut Exchange,
    route: &Route,
    folder: &Path,
) -> Result<(), Fault> {
    let limits = &route.limits.client;
    let is_whole = exchange.to_backend.is_to_be_kept();
    let extent = if is_whole { Extent::Whole } else { Extent::Beginning };
    read(connection, exchange, limits, (extent, folder)).await?;
    if exchange.inspecting.is_body_due()
        && let Some(firewall) = route.gate.firewall()
    {
        let is_chunked = extent == Extent::Beginning && exchange.request.body == Body::Chunked;
        let framing = if is_chunked { Framing::Chunks } else { Framing::Plain };
        if let Some(refusal) = exchange.inspect_body(connection, firewall, framing) {
            return Err(Fault::Refused(refusal));
        }
        if let Some(asked) = exchange.inspecting.take_asked()
            && let Some(refusal) = firewall.ask(connection, exchange, &Arc::from(asked)).await
        {
            return Err(Fault::Refused(refusal));
        }
    }
    if extent == Extent::Whole {
        // What came behind the body is the next request's.
        let payload_bytes = limits.body_bytes_max - exchange.to_backend.payload_left();
        let rest = exchange.to_backend.settle(payload_bytes, &connection.shared.buffers);
        debug_assert!(rest.is_none() || connection.unread.is_none(), "only one of them read on");
        connection.unread = rest.or(connection.unread.take());
    }
    Ok(())
}

async fn read(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &RequestLimits,
    (extent, folder): (Extent, &Path),
) -> Result<(), Fault> {
    let is_waiting = exchange.request.expects_continue
        && exchange.request.version == Version::Http11
        && exchange.to_backend.payload_left() == limits.body_bytes_max
        && !exchange.to_backend.is_read();
    if is_waiting {
        tell_to_continue(connection, exchange, limits).await?;
    }
    // The backend has nothing to say to it: it takes the whole request as it comes.
    exchange.request.expects_continue = false;
    let mut seen = None;
    poll_fn(|cx| {
        let Connection { shared, client, seat, .. } = &mut *connection;
        let pump = &mut exchange.to_backend;
        let kept = match extent {
            Extent::Whole => pump.poll_keep(cx, client, folder, &shared.buffers),
            Extent::Beginning => {
                pump.poll_hold(cx, client, &shared.buffers).map_err(Unkept::Broken)
            }
        };
        if kept.is_pending() && seat.is_late() {
            return Poll::Ready(Err(Fault::Client(ClientFault::Late)));
        }
        if seen.replace(pump.payload_left()) != Some(pump.payload_left()) {
            seat.limit(shared.now_us(), limits.body_timeout_ms);
        }
        kept.map_err(|unkept| match unkept {
            Unkept::Broken(broken) => Fault::Client(ClientFault::of(broken)),
            Unkept::Spool(error) => {
                if shared.may_complain() {
                    sys::log::error!("worker", "keep a request's body: {error}; answering 500");
                }
                Fault::Spool
            }
        })
    })
    .await
}

/// No backend is asked yet, so the word that the body is wanted is ours.
async fn tell_to_continue(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &RequestLimits,
) -> Result<(), Fault> {
    let pump = exchange.start_answer();
    pump.head.extend_from_slice(CONTINUE);
    connection.limit(limits.send_timeout_ms);
    poll_fn(|cx| match pump.poll_flush(cx, &mut connection.client) {
        Poll::Pending if connection.seat.is_late() => Poll::Ready(false),
        sent => sent.map(|sent| sent.is_ok()),
    })
    .await
    .then_some(())
    .ok_or(Fault::Client(ClientFault::Gone))
}
