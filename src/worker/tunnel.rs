//! After a backend's 101: bytes both ways, unlooked at, until both sides have ended.
//!
//! Entered only once the backend has switched; whatever the client sent ahead of that is its first
//! bytes in the tunnel.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::backend::{Fate, RelayEnd, Relayed};
use super::connection::{Connection, Next};
use super::exchange::Exchange;
use super::generation::Limits;
use super::shared::Shared;
use super::stream::Stream;
use super::transfer::{Broken, Coding, Pump};
use crate::http::framing::Body;

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// The source has ended; the sink is being told.
    Ending,
    Over,
}

pub(crate) async fn run(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &Limits,
    stream: &mut Stream,
) -> Relayed {
    let end = if exchange.to_backend.is_through() {
        carry(connection, exchange, limits, stream).await
    } else {
        // A switch in the middle of the request's body leaves no place where the tunnel begins.
        RelayEnd::Cut
    };
    Relayed { end, next: Next::Close, fate: Fate::Spent }
}

async fn carry(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &Limits,
    stream: &mut Stream,
) -> RelayEnd {
    let buffers = &connection.shared.buffers;
    // What was read behind the request is the tunnel's beginning.
    let rest = exchange.to_backend.finish(buffers);
    exchange.to_backend.start(Body::UntilClose, Coding::Same, u64::MAX);
    for mut buffer in [connection.unread.take(), rest].into_iter().flatten() {
        let absorbed = exchange.to_backend.absorb(&mut buffer);
        debug_assert!(absorbed.is_ok(), "raw bytes have no framing to break");
        buffers.borrow_mut().give(buffer);
    }
    let mut tunnel = Tunnel {
        connection,
        exchange,
        limits,
        stream,
        up: Way::Open,
        down: Way::Open,
        moved: None,
    };
    poll_fn(|cx| tunnel.poll(cx)).await
}

struct Tunnel<'a> {
    connection: &'a mut Connection,
    exchange: &'a mut Exchange,
    limits: &'a Limits,
    stream: &'a mut Stream,
    up: Way,
    down: Way,
    /// Bytes carried when the limit was last set.
    moved: Option<u64>,
}

impl Tunnel<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RelayEnd> {
        let Connection { shared, client, .. } = &mut *self.connection;
        let Exchange { to_backend, to_client, .. } = &mut *self.exchange;
        let stream = &mut *self.stream;
        if let Poll::Ready(Err(broken)) = self.up.poll(cx, to_backend, (client, stream), shared) {
            return Poll::Ready(match broken {
                Broken::Sink => RelayEnd::Cut,
                Broken::Source | Broken::Framing | Broken::TooLarge => RelayEnd::ClientGone,
            });
        }
        if let Poll::Ready(Err(broken)) = self.down.poll(cx, to_client, (stream, client), shared) {
            return Poll::Ready(match broken {
                Broken::Sink => RelayEnd::ClientGone,
                Broken::Source | Broken::Framing | Broken::TooLarge => RelayEnd::Cut,
            });
        }
        if (self.up, self.down) == (Way::Over, Way::Over) {
            return Poll::Ready(RelayEnd::Through);
        }
        if self.connection.seat.is_late() {
            return Poll::Ready(RelayEnd::Cut);
        }
        let moved = to_backend.moved() + to_client.moved();
        if self.moved.replace(moved) != Some(moved) {
            self.connection.limit(self.limits.between_bytes_timeout_ms);
        }
        Poll::Pending
    }
}

impl Way {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        pump: &mut Pump,
        (source, sink): (&mut Stream, &mut Stream),
        shared: &Shared,
    ) -> Poll<Result<(), Broken>> {
        if *self == Self::Open {
            ready!(pump.poll(cx, source, sink, &shared.buffers))?;
            *self = Self::Ending;
        }
        if *self == Self::Ending {
            ready!(sink.poll_shutdown(cx)).map_err(|_| Broken::Sink)?;
            *self = Self::Over;
        }
        Poll::Ready(Ok(()))
    }
}
