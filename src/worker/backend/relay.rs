//! Passing a response on to the client, once its head is written; the rest of the request goes on beside it.

use std::task::{Context, Poll};

use super::super::connection::{Connection, Next};
use super::super::exchange::{Exchange, Uptake};
use super::super::server::Site;
use super::super::stream::Stream;
use super::super::transfer::{Broken, Wait};
use crate::http::head::Persistence;

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

/// What comes of the end of a relay.
pub(crate) fn relayed(
    connection: &mut Connection,
    exchange: &Exchange,
    end: RelayEnd,
    persistence: Persistence,
) -> Relayed {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestSide {
    Sending,
    /// The backend takes no more of it, or it is broken. The response goes on; its head said that
    /// the connection ends with it.
    Stopped,
}

/// Sends the response that has begun on to the client.
pub(crate) struct Relay<'a> {
    connection: &'a mut Connection,
    exchange: &'a mut Exchange,
    site: &'a Site<'a>,
    stream: &'a mut Stream,
    /// With the count of bytes carried when the wait began.
    waits: Option<(Wait, u64)>,
    request: RequestSide,
}

impl<'a> Relay<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        exchange: &'a mut Exchange,
        site: &'a Site<'a>,
        stream: &'a mut Stream,
    ) -> Self {
        let request = RequestSide::Sending;
        Self { connection, exchange, site, stream, waits: None, request }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RelayEnd> {
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
