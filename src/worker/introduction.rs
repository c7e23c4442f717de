//! The PROXY protocol at a connection's beginning: whom we are told the client is, and whom we tell
//! a backend it is.
//!
//! Told only where the configuration says so, and required there: a connection without a header, or
//! with a malformed one, is closed without a word, as nginx does.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use super::connection::Connection;
use super::peer_text::PeerText;
use super::stream::Stream;
use crate::config::limits;
use crate::config::model::ProxyProtocol;
use crate::http::client_ip;
use crate::http::proxy_header::{self, Endpoints, Header};
use crate::scoreboard::backend::Failure;
use crate::sys;

const _: () = assert!(proxy_header::V2_BYTES_MAX <= limits::BODY_BUFFER_BYTES_MIN);

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Introduction {
    Made,
    /// Not what the configuration requires.
    Botched,
    /// Not a byte came: somebody only looked whether we are there.
    Silence,
}

/// Reads the header; from then on the connection's client is the one it speaks for.
pub(crate) async fn read(connection: &mut Connection) -> Introduction {
    let told = poll_fn(|cx| poll_header(cx, connection)).await;
    match told {
        Ok(header) => {
            // Nobody is there who has no address.
            let is_sound = |it: &Endpoints| it.source.ip() != client_ip::NO_ADDRESS;
            if let Some(endpoints) = header.endpoints.filter(is_sound) {
                let source = endpoints.source;
                connection.peer = source.ip().to_canonical();
                connection.peer_port = source.port();
                connection.peer_text = PeerText::new(connection.peer);
                connection.introduced = Some(Box::new(endpoints));
            }
            Introduction::Made
        }
        Err(_) if connection.unread.is_none() => Introduction::Silence,
        Err(why) => {
            if connection.shared.may_complain() {
                let (listener, peer) = (&connection.listener, connection.peer);
                sys::log::error!("worker", "PROXY header on {listener} from {peer}: {why}");
            }
            Introduction::Botched
        }
    }
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Botch {
    #[error(transparent)]
    Malformed(#[from] proxy_header::Malformed),
    #[error("broken off")]
    Gone,
    #[error("not there in time")]
    Late,
}

/// What follows the header stays in `connection.unread`; so does what was read in vain.
fn poll_header(cx: &mut Context<'_>, connection: &mut Connection) -> Poll<Result<Header, Botch>> {
    let mut buffer = connection.take_unread();
    let polled = loop {
        match buffer.poll_fill(cx, &mut connection.client, usize::MAX) {
            Poll::Ready(Ok(count)) if count > 0 => match proxy_header::parse(buffer.content()) {
                Ok(Some(header)) => {
                    buffer.consume(header.bytes);
                    break Poll::Ready(Ok(header));
                }
                Ok(None) => {}
                Err(malformed) => break Poll::Ready(Err(malformed.into())),
            },
            Poll::Ready(_) => break Poll::Ready(Err(Botch::Gone)),
            Poll::Pending if connection.seat.is_late() => break Poll::Ready(Err(Botch::Late)),
            Poll::Pending => break Poll::Pending,
        }
    };
    connection.hold_unread(buffer);
    polled
}

/// Tells a backend, on a fresh connection, that it talks to `client`.
pub(crate) async fn write(
    connection: &Connection,
    client: IpAddr,
    version: ProxyProtocol,
    backend: &mut Stream,
) -> Result<(), Failure> {
    let endpoints = endpoints(connection, client);
    let header = match version {
        ProxyProtocol::V1 => proxy_header::v1(endpoints),
        ProxyProtocol::V2 => proxy_header::v2(endpoints),
    };
    let mut unsent = &header[..];
    poll_fn(|cx| {
        while !unsent.is_empty() {
            match backend.poll_write(cx, unsent, &[]) {
                Poll::Ready(Ok(count)) if count > 0 => unsent = &unsent[count..],
                Poll::Ready(_) => return Poll::Ready(Err(Failure::Closed)),
                Poll::Pending if connection.seat.is_late() => {
                    return Poll::Ready(Err(Failure::TimedOut));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// The client's end, as far as it is known, and the end it reached. A client that a header of the
/// request named has no port.
fn endpoints(connection: &Connection, client: IpAddr) -> Option<Endpoints> {
    let port = if client == connection.peer { connection.peer_port } else { 0 };
    let destination = match &connection.introduced {
        Some(introduced) => introduced.destination,
        None => connection.client.local_address()?,
    };
    Some(Endpoints { source: SocketAddr::new(client, port), destination: canonical(destination) })
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
