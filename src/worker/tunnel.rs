//! After a backend's 101: bytes both ways until both sides have ended.
//!
//! Entered only once the backend has switched; whatever the client sent ahead of that is its first
//! bytes in the tunnel.

use super::backend::{Fate, RelayEnd, Relayed};
use super::carry::{self, Carry, End, Side};
use super::connection::{Connection, Next};
use super::exchange::Exchange;
use super::server::Limits;
use super::stream::Stream;
use super::transfer::Coding;
use crate::http::framing::Body;

pub(crate) async fn run(
    connection: &mut Connection,
    exchange: &mut Exchange,
    limits: &Limits,
    stream: &mut Stream,
) -> Relayed {
    let end = if exchange.to_backend.is_through() {
        let _upgraded = exchange.upgrade(connection);
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
    let carry = Carry {
        connection,
        backend: stream,
        to_backend: &mut exchange.to_backend,
        to_client: &mut exchange.to_client,
        idle_timeout_ms: limits.between_bytes_timeout_ms,
    };
    // The exchange counts the bytes of its pumps itself, when it ends.
    match carry::run(carry, |_, _| {}).await {
        End::Through => RelayEnd::Through,
        End::Idle | End::Broken(Side::Backend) => RelayEnd::Cut,
        End::Broken(Side::Client) => RelayEnd::ClientGone,
    }
}
