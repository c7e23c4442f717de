//! Offering a request to backends, one after another, until one answers or the answer is ours.
//!
//! Decides what a fault means for the request and for the backend. Talks to no backend itself.

use super::backend;
use super::connection::{Connection, Next};
use super::exchange::{ClientFault, Exchange};
use super::generation::{Site, Upstream};
use super::pick::Picked;
use super::stream::Stream;
use crate::scoreboard::backend::Failure;

/// Why no response was relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The backend failed before a byte of its response came.
    Backend(Failure),
    /// A pooled connection turned out dead, and the request cannot be repeated; or what was picked
    /// is no longer there. No fault of the backend.
    Stale,
    Client(ClientFault),
}

impl Fault {
    /// What it comes to for the client, if nothing better is found.
    fn status(self) -> u16 {
        match self {
            Self::Backend(Failure::TimedOut) => 504,
            Self::Backend(
                Failure::Refused | Failure::Unreachable | Failure::Closed | Failure::Malformed,
            )
            | Self::Stale => 502,
            Self::Client(fault) => fault.status(),
        }
    }
}

/// Offers the request to backends until one answers or the answer is ours.
pub(crate) async fn run(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: Site<'_>,
) -> Next {
    let upstream = site.upstream;
    let mut status = 502;
    for attempt in 0..=upstream.retry.more_max {
        let Some(picked) = exchange.pick(connection, upstream, attempt) else { break };
        let fault = match backend::ask(connection, exchange, site, &picked).await {
            Ok(mut stream) => match backend::begin_reply(connection, exchange) {
                Ok(persistence) => {
                    let relayed =
                        backend::relay(connection, exchange, site, &mut stream, persistence).await;
                    if relayed.fate == backend::Fate::Reusable {
                        park(connection, upstream, &picked, stream);
                    }
                    return exchange.finish(connection, picked, relayed);
                }
                Err(fault) => fault,
            },
            Err(fault) => fault,
        };
        exchange.attempts.failed(fault.status(), connection.shared.refresh());
        release(connection, picked, fault);
        match fault {
            Fault::Backend(failure) => {
                status = fault.status();
                // What was answered, though not in HTTP, is not asked of another backend.
                if failure == Failure::Malformed || !exchange.is_repeatable() {
                    break;
                }
            }
            Fault::Stale => break,
            Fault::Client(fault) => return exchange.blame(connection, fault).await,
        }
    }
    let next = exchange.next_if_read(connection);
    connection.answer(exchange, status, next).await
}

/// Keeps the backend's connection for a further request, if the backend takes any.
fn park(connection: &Connection, upstream: &Upstream, picked: &Picked, stream: Stream) {
    let shared = &connection.shared;
    if shared.picker.borrow().is_usable(picked.backend(), picked.incarnation()) {
        shared.pool.borrow_mut().park(stream, picked, upstream.links.idle_max, shared.now_us());
    }
}

/// Gives the reservation back after a fault, and blames the backend if it is its own.
pub(crate) fn release(connection: &Connection, picked: Picked, fault: Fault) {
    let now_us = connection.shared.now_us();
    let mut picker = connection.shared.picker.borrow_mut();
    if let Fault::Backend(failure) = fault {
        picker.failed(&picked, failure, now_us);
    }
    picker.abandoned(picked);
}
