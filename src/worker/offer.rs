//! Offering a request to backends, one after another, until one answers or the answer is ours.
//!
//! The rules are those of nginx's `proxy_next_upstream`, with two differences for the better: what a
//! backend answered is not thrown away before another one has been found, and a dead idle
//! connection is replaced without asking the rules. How a backend is talked to is `backend`'s to know.

use std::future::poll_fn;

use super::backend::{self, Relay};
use super::connection::{Connection, Next};
use super::exchange::{ClientFault, Exchange};
use super::generation::Upstream;
use super::link::Link;
use super::pick::{Picked, Refusal};
use super::queue::InVain;
use super::server::Site;
use super::shared::Shared;
use super::tunnel;
use crate::config::retry::Condition;
use crate::scoreboard::backend::Failure;

/// The connection goes on in another protocol.
const SWITCHING: u16 = 101;

/// Why a backend's response is not relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The backend failed before its response's head was there.
    Backend(Failure),
    /// Its response is one that another backend may better.
    Answered(u16),
    /// A pooled connection turned out dead, and the request cannot be repeated; or what was picked
    /// is no longer there. No fault of the backend.
    Stale,
    /// Its drain is out of time, and nothing was heard of it yet. No fault of the backend.
    Cut,
    /// We have no connection for it: `connections_max` is reached, the system has none left, or the
    /// worker's time is over.
    Full,
    Client(ClientFault),
}

impl Fault {
    /// What it comes to for the client, if nothing better is found.
    fn status(self) -> u16 {
        match self {
            Self::Backend(Failure::TimedOut) | Self::Cut => 504,
            Self::Backend(
                Failure::Refused
                | Failure::Unreachable
                | Failure::Closed
                | Failure::Malformed
                | Failure::Unfit
                | Failure::Insecure,
            )
            | Self::Stale => 502,
            Self::Full => 503,
            Self::Answered(status) => status,
            Self::Client(fault) => fault.status(),
        }
    }

    /// What `retry_on` calls it, if it is a reason to ask another backend.
    fn condition(self) -> Option<Condition> {
        match self {
            Self::Backend(
                Failure::Refused | Failure::Unreachable | Failure::Closed | Failure::Insecure,
            )
            | Self::Cut => Some(Condition::Error),
            Self::Backend(Failure::TimedOut) => Some(Condition::Timeout),
            Self::Backend(Failure::Malformed | Failure::Unfit) => Some(Condition::InvalidHeader),
            Self::Answered(status) => Condition::of_status(status),
            Self::Stale | Self::Full | Self::Client(_) => None,
        }
    }

    /// What counts against the backend.
    fn blame(self) -> Option<Failure> {
        match self {
            Self::Backend(failure) => Some(failure),
            // Another backend may know what this one does not: no failure, in nginx's eyes.
            Self::Answered(403 | 404) | Self::Stale | Self::Cut | Self::Full | Self::Client(_) => {
                None
            }
            Self::Answered(_) => Some(Failure::Unfit),
        }
    }
}

/// Offers the request to backends until one answers or the answer is ours, and passes that on. Flat, since
/// each future within another costs every request.
pub(crate) async fn run(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: Site<'_>,
) -> Next {
    let picked = match exchange.pick(connection, site.upstream) {
        Ok(picked) => Ok(picked),
        // Boxed, since it is seldom: every idle client would hold room for it.
        Err(refusal) if site.upstream.lets_wait(refusal) => {
            Box::pin(exchange.wait(connection, &site)).await
        }
        Err(Refusal::Full | Refusal::NoBackend) => Err(InVain::NoBackend),
    };
    let mut picked = match picked {
        Ok(picked) => picked,
        Err(reason) => return turn_away(connection, exchange, reason).await,
    };
    let mut retries = 0;
    let mut link = loop {
        exchange.offer(connection, &picked);
        let asked = backend::ask(connection, exchange, &site, &picked).await;
        let fault = match &asked {
            Ok(_) => Fault::Answered(exchange.response.status),
            Err(fault) => *fault,
        };
        let another = another(connection, exchange, site.upstream, fault, retries);
        match (another, asked) {
            (Some(another), _) => {
                let left = std::mem::replace(&mut picked, another);
                leave(connection, exchange, left, fault);
                exchange.rewind(&connection.shared.buffers);
            }
            (None, Ok(link)) => break link,
            (None, Err(fault)) => return lose(connection, exchange, picked, fault).await,
        }
        retries += 1;
    };
    if exchange.is_intercepted(&site) {
        let status = connection.intercept(exchange, picked);
        let next = exchange.next_if_read(connection);
        return connection.answer(exchange, status, next).await;
    }
    let relayed = match backend::begin_reply(connection, exchange, &site, &picked) {
        // Boxed, since it is seldom: every idle client would hold room for it.
        Ok(_) if exchange.response.status == SWITCHING => {
            let limits = &site.route.limits;
            Box::pin(tunnel::run(connection, exchange, limits, &mut link.stream)).await
        }
        Ok(persistence) => {
            let mut relay = Relay::new(connection, exchange, &site, &mut link.stream);
            let end = poll_fn(|cx| relay.poll(cx)).await;
            backend::relayed(connection, exchange, end, persistence)
        }
        Err(fault) => return lose(connection, exchange, picked, fault).await,
    };
    if relayed.fate == backend::Fate::Reusable {
        park(connection, site.upstream, &picked, link);
    }
    exchange.finish(connection, picked, relayed)
}

/// There is no backend for the request.
async fn turn_away(connection: &mut Connection, exchange: &mut Exchange, reason: InVain) -> Next {
    exchange.attempts.nobody(reason.status(), connection.shared.now_us());
    if reason == InVain::ClientGone {
        return exchange.blame(connection, ClientFault::Gone).await;
    }
    let next = exchange.next_if_read(connection);
    connection.answer(exchange, reason.status(), next).await
}

/// A further backend for the request, if the rules allow one, the budget has one and there is one.
pub(crate) fn another(
    connection: &Connection,
    exchange: &mut Exchange,
    upstream: &Upstream,
    fault: Fault,
    retries: u32,
) -> Option<Picked> {
    let id = upstream.id?;
    let shared = &connection.shared;
    let so_far = SoFar { retries, since_us: exchange.attempts.since_us() };
    if !is_allowed(shared, upstream, fault, so_far)
        || !exchange.is_repeatable(upstream.retry.on)
        || !is_granted(shared, upstream)
    {
        return None;
    }
    let picked = exchange.pick_another(connection, upstream)?;
    shared.picker.borrow_mut().retried(id);
    Some(picked)
}

/// How often something was offered once more, and since when it has been offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoFar {
    pub(crate) retries: u32,
    pub(crate) since_us: u64,
}

/// Whether the upstream's rules allow a further backend after this fault.
pub(crate) fn is_allowed(
    shared: &Shared,
    upstream: &Upstream,
    fault: Fault,
    so_far: SoFar,
) -> bool {
    let (Some(id), retry) = (upstream.id, &upstream.retry) else { return false };
    let Some(condition) = fault.condition() else { return false };
    let now_us = shared.refresh();
    // Whether or not it is a reason to ask once more.
    if so_far.retries > 0 && fault.blame().is_some() {
        shared.picker.borrow_mut().retried_in_vain(id, now_us);
    }
    if !retry.on.holds(condition) {
        return false;
    }
    let elapsed_us = now_us.saturating_sub(so_far.since_us);
    let is_late = retry.timeout_ms > 0 && elapsed_us >= retry.timeout_ms * 1000;
    so_far.retries < retry.more_max && !is_late
}

/// Whether the budget has a further retry, which is spent then.
pub(crate) fn is_granted(shared: &Shared, upstream: &Upstream) -> bool {
    match (upstream.id, upstream.retry.budget_percent) {
        (Some(id), Some(percent)) => {
            shared.picker.borrow_mut().grants_retry(id, percent, shared.now_us())
        }
        (Some(_), None) => true,
        (None, _) => false,
    }
}

pub(crate) fn leave(
    connection: &Connection,
    exchange: &mut Exchange,
    picked: Picked,
    fault: Fault,
) {
    exchange.attempts.failed(fault.status(), connection.shared.refresh());
    release(connection, picked, fault);
}

/// Gives the reservation back without a response, and blames the backend where it is to blame.
pub(crate) fn release(connection: &Connection, picked: Picked, fault: Fault) {
    let now_us = connection.shared.now_us();
    connection.seat.let_go();
    if fault == Fault::Cut {
        connection.shared.picker.borrow().cut(&picked);
    }
    if let Some(failure) = fault.blame() {
        connection.shared.picker.borrow_mut().failed(&picked, failure, now_us);
    }
    drop(picked);
}

/// Keeps the backend's connection for a further request, if both may have any.
pub(crate) fn park(connection: &Connection, upstream: &Upstream, picked: &Picked, mut link: Link) {
    let (shared, links) = (&connection.shared, &upstream.links);
    let is_usable = shared.picker.borrow().is_usable(picked.backend(), picked.incarnation());
    if link.outlasts(links, shared.now_us()) && is_usable {
        shared.pool.borrow_mut().park(link, picked, links, shared.now_us());
    }
}

/// The last backend asked has failed it.
async fn lose(
    connection: &mut Connection,
    exchange: &mut Exchange,
    picked: Picked,
    fault: Fault,
) -> Next {
    leave(connection, exchange, picked, fault);
    give_up(connection, exchange, fault).await
}

async fn give_up(connection: &mut Connection, exchange: &mut Exchange, fault: Fault) -> Next {
    match fault {
        Fault::Client(fault) => exchange.blame(connection, fault).await,
        Fault::Backend(_) | Fault::Answered(_) | Fault::Stale | Fault::Cut | Fault::Full => {
            let next = exchange.next_if_read(connection);
            connection.answer(exchange, fault.status(), next).await
        }
    }
}
