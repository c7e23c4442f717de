//! A connection to a backend: how it comes about, and for how long it may be used.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::connection::Connection;
use super::generation::Upstream;
use super::introduction;
use super::offer::Fault;
use super::pick::Picked;
use super::stream::Stream;
use super::tls::dial::{Speech, Tongue};
use crate::config::model::Links;
use crate::scoreboard::backend::Failure;
use crate::sys;

pub(crate) struct Link {
    pub(crate) stream: Stream,
    pub(crate) tongue: Tongue,
    opened_us: u64,
    served: u32,
    /// Given back with the connection, whichever way it ends.
    _place: Place,
}

impl Link {
    /// After a response: whether another request may follow. nginx's rules: neither age nor count
    /// ends a connection before its request does. One that speaks for a client is that client's.
    pub(crate) fn outlasts(&mut self, links: &Links, now_us: u64) -> bool {
        self.served += 1;
        links.proxy_protocol.is_none()
            && self.served < links.requests_max
            && now_us.saturating_sub(self.opened_us) < links.age_max_ms * 1000
    }
}

/// One of a bounded number: of the connections that a worker may have to an upstream, say.
pub(crate) struct Place(Rc<Cell<u32>>);

impl Place {
    /// Takes one of `places_max`, of which `taken` counts those that are.
    pub(crate) fn take(taken: &Rc<Cell<u32>>, places_max: u32) -> Option<Self> {
        (taken.get() < places_max).then(|| {
            taken.set(taken.get() + 1);
            Self(Rc::clone(taken))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Connects to the picked backend within `timeout_ms`, on behalf of `client`.
pub(crate) async fn connect(
    connection: &Connection,
    upstream: &Upstream,
    picked: &Picked,
    client: IpAddr,
    timeout_ms: u64,
) -> Result<Link, Fault> {
    let shared = &connection.shared;
    let address = shared.picker.borrow().address(picked).cloned();
    let Some(address) = address else { return Err(Fault::Stale) };
    let links = &upstream.links;
    let place = shared.pool.borrow_mut().place(picked.upstream(), links.connections_max);
    let Some(place) = place else {
        shared.picker.borrow_mut().overflowed(picked.upstream());
        return Err(Fault::Full);
    };
    connection.limit(timeout_ms);
    let mut connecting = pin!(Stream::connect(&address, links.tcp_keepalive_ms));
    let connected = poll_fn(|cx| match connecting.as_mut().poll(cx) {
        Poll::Pending if connection.seat.is_late() => {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        }
        polled => polled,
    })
    .await;
    match connected {
        Ok(mut stream) => {
            if let Some(version) = links.proxy_protocol {
                let told = introduction::write(connection, client, version, &mut stream);
                told.await.map_err(|failure| fault(connection, failure))?;
            }
            let stream = match &upstream.speech {
                Speech::Plain => stream,
                // Boxed, since it is seldom: whoever connects in plain would hold room for it.
                Speech::Tls(dialer) => Box::pin(dialer.dial(connection, &address, stream))
                    .await
                    .map_err(|failure| fault(connection, failure))?,
                Speech::Mute => return Err(Fault::Backend(Failure::Insecure)),
            };
            let (opened_us, tongue) = (shared.refresh(), upstream.speech.tongue());
            Ok(Link { stream, tongue, opened_us, served: 0, _place: place })
        }
        Err(error) if sys::socket::is_exhaustion(&error) => {
            shared.picker.borrow_mut().overflowed(picked.upstream());
            if shared.may_complain() {
                sys::log::error!("worker", "connect to {address}: {error}; answering 503");
            }
            Err(Fault::Full)
        }
        Err(_) if connection.seat.is_cut() => Err(Fault::Cut),
        Err(_) if shared.is_cutting() => Err(Fault::Full),
        Err(error) => Err(Fault::Backend(match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::Refused,
            io::ErrorKind::TimedOut => Failure::TimedOut,
            _ => Failure::Unreachable,
        })),
    }
}

/// What a failure comes to on a connection that was made: what was cut here is no fault of theirs.
fn fault(connection: &Connection, failure: Failure) -> Fault {
    match failure {
        _ if connection.seat.is_cut() => Fault::Cut,
        _ if connection.shared.is_cutting() => Fault::Full,
        failure => Fault::Backend(failure),
    }
}
