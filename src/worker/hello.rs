//! The host that a TLS client asks for, where a TCP route goes by it: read at the connection's
//! beginning, and passed on with it.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::connection::Connection;
use crate::config::limits;
use crate::http::client_hello::{self, Hello};

const _: () = assert!(client_hello::HELLO_BYTES_MAX <= limits::BODY_BUFFER_BYTES_MIN);

/// What came of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    For(Box<[u8]>),
    /// It asks for no host, or does not speak TLS.
    ForNone,
    /// It broke off, or took too long.
    Botched,
    /// Not a byte came: somebody only looked whether we are there.
    Silence,
}

/// Reads until it is known; what was read stays in `connection.unread`.
pub(crate) async fn read(connection: &mut Connection) -> Asked {
    connection.seat.limit(connection.shared.now_us(), limits::HELLO_TIMEOUT_MS);
    poll_fn(|cx| poll_hello(cx, connection)).await
}

fn poll_hello(cx: &mut Context<'_>, connection: &mut Connection) -> Poll<Asked> {
    let mut buffer = connection.take_unread();
    let polled = loop {
        match client_hello::look(buffer.content()) {
            Hello::Named(name) => break Poll::Ready(Asked::For(name)),
            Hello::Nameless => break Poll::Ready(Asked::ForNone),
            Hello::Begun(_) => {}
        }
        match buffer.poll_fill(cx, &mut connection.client, usize::MAX) {
            Poll::Ready(Ok(count)) if count > 0 => {}
            Poll::Ready(_) if buffer.is_empty() => break Poll::Ready(Asked::Silence),
            Poll::Ready(_) => break Poll::Ready(Asked::Botched),
            Poll::Pending if connection.seat.is_late() => break Poll::Ready(Asked::Botched),
            Poll::Pending => break Poll::Pending,
        }
    };
    connection.hold_unread(buffer);
    polled
}
