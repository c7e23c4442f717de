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
use super::http2::trunks::Fresh;
use super::introduction;
use super::offer::Fault;
use super::pick::Picked;
use super::shared::Shared;
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
    /// It is one request's way on a connection that others made.
    pub(crate) is_shared: bool,
    /// Given back with the connection, whichever way it ends.
    _place: Option<Place>,
}

impl Link {
    /// After a response: whether another request may follow. nginx's rules: neither age nor count
    /// ends a connection before its request does. One that speaks for a client is that client's.
    pub(crate) fn outlasts(&mut self, links: &Links, now_us: u64) -> bool {
        self.served += 1;
        // Of a connection that carries many, what served is spent.
        !links.http2
            && links.proxy_protocol.is_none()
            && self.served < links.requests_max
            && now_us.saturating_sub(self.opened_us) < links.age_max_ms * 1000
    }
}

/// A request's way on a connection that carries many, where there is one with room.
pub(crate) fn on_trunk(
    connection: &Connection,
    upstream: &Upstream,
    picked: &Picked,
) -> Option<Link> {
    let (shared, tongue) = (&connection.shared, upstream.speech.tongue());
    let stream = shared.trunks.take(shared, picked, tongue, &upstream.links)?;
    let opened_us = shared.now_us();
    Some(Link { stream, tongue, opened_us, served: 0, is_shared: true, _place: None })
}

/// The same, on one that is there by now, or that others are making, as long as they do.
async fn await_trunk(
    connection: &Connection,
    upstream: &Upstream,
    picked: &Picked,
) -> Option<Link> {
    let (trunks, tongue) = (&connection.shared.trunks, upstream.speech.tongue());
    loop {
        if let Some(link) = on_trunk(connection, upstream, picked) {
            return Some(link);
        }
        if !trunks.wait(&connection.seat, picked, tongue).await {
            return None;
        }
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
    let dialing = if links.http2 {
        connection.limit(timeout_ms);
        // Boxed, since it is seldom.
        match Box::pin(await_trunk(connection, upstream, picked)).await {
            Some(link) => return Ok(link),
            None => Some(shared.trunks.dial(picked, upstream.speech.tongue())),
        }
    } else {
        None
    };
    let Some(place) = place(shared, links, picked) else {
        shared.picker.borrow_mut().overflowed(picked.upstream());
        return Err(Fault::Full);
    };
    connection.limit(timeout_ms);
    let mut connecting = pin!(Stream::connect(&address, links));
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
                Speech::Plain(_) => stream,
                // Boxed, since it is seldom: whoever connects in plain would hold room for it.
                Speech::Tls(dialer) => Box::pin(dialer.dial(connection, &address, stream))
                    .await
                    .map_err(|failure| fault(connection, failure))?,
                Speech::Mute => return Err(Fault::Backend(Failure::Insecure)),
            };
            let (opened_us, tongue) = (shared.refresh(), upstream.speech.tongue());
            if !links.http2 {
                let (is_shared, place) = (false, Some(place));
                return Ok(Link { stream, tongue, opened_us, served: 0, is_shared, _place: place });
            }
            let fresh = Fresh { stream, place, tongue, links };
            // Boxed, since it is seldom.
            let begun = Box::pin(shared.trunks.begin(shared, &connection.seat, picked, fresh));
            let stream = begun.await.map_err(|failure| fault(connection, failure))?;
            if let Some(dialing) = dialing {
                dialing.succeed();
            }
            Ok(Link { stream, tongue, opened_us, served: 0, is_shared: false, _place: None })
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

/// Room for one more connection, which an idle one may make.
fn place(shared: &Shared, links: &Links, picked: &Picked) -> Option<Place> {
    let place = || shared.pool.borrow_mut().place(picked.upstream(), links.connections_max);
    place().or_else(|| {
        let has_given_way = links.http2 && shared.trunks.give_way(picked.upstream());
        has_given_way.then(place).flatten()
    })
}

/// What a failure comes to on a connection that was made: what was cut here is no fault of theirs.
fn fault(connection: &Connection, failure: Failure) -> Fault {
    match failure {
        _ if connection.seat.is_cut() => Fault::Cut,
        _ if connection.shared.is_cutting() => Fault::Full,
        failure => Fault::Backend(failure),
    }
}
