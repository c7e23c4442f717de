//! What is done with a request: its route's action, from the head to the answer.
//!
//! The order of a request's path is this file: route, guards, action. What an action does has a file
//! of its own.

use super::answer::Written;
use super::connection::{Connection, Next};
use super::exchange::{ClientFault, Exchange, METHOD_NOT_ALLOWED, NOT_FOUND, OWN_WORD};
use super::files::{self, Served};
use super::generation::Generation;
use super::guard::wait::{self, End};
use super::guard::{self, Gauntlet, Passage};
use super::keep;
use super::offer;
use super::routing::Found;
use super::server::{Action, Ground, Lead, Route, Site};
use super::steps::{Answer, Walk};

/// Serves the request whose head is at the front of `connection.unread`.
pub(crate) async fn run(connection: &mut Connection, exchange: &mut Exchange) -> Next {
    exchange.begin(connection);
    let Some(generation) = connection.generation() else { return Next::Close };
    let (ground, route) = match exchange.route(connection, &generation) {
        Ok(Found::Route(ground, route)) => (ground, route),
        Ok(Found::Answer(ground, answer)) => {
            let next = exchange.pass_over(connection);
            let written = match answer {
                Answer::Respond(respond) => {
                    connection.write_response(exchange, ground, respond, next)
                }
                Answer::Redirect(redirect) => {
                    Some(connection.write_redirect(exchange, ground, redirect, next))
                }
            };
            return sent(connection, exchange, written).await;
        }
        Err(status) => {
            // A request that is only unknown here says nothing against the next one.
            let next = match status {
                NOT_FOUND | METHOD_NOT_ALLOWED | OWN_WORD => exchange.pass_over(connection),
                _ => Next::Linger,
            };
            return connection.answer(exchange, status, next).await;
        }
    };
    if !route.gate.is_empty() {
        let gauntlet = Gauntlet { generation: &generation, ground, gate: &route.gate };
        let passed = match guard::advance(connection, exchange, gauntlet, 0) {
            Passage::Through => Ok(()),
            Passage::Refused(refusal) => Err(End::Refused(refusal)),
            Passage::Answered(status) => Err(End::Answered(status)),
            // In a box, since few requests wait and all connections have this future.
            Passage::Held { at, wait } => {
                Box::pin(wait::wait(connection, exchange, gauntlet, (at, wait))).await
            }
        };
        if let Err(end) = passed {
            return turn_away(connection, exchange, end).await;
        }
    }
    let written = match &route.action {
        Action::Proxy(lead) => {
            let site = site(connection, exchange, &generation, (ground, route, lead));
            return proxy(connection, exchange, &generation, site).await;
        }
        Action::Respond(respond) => {
            let next = exchange.pass_over(connection);
            connection.write_response(exchange, ground, respond, next)
        }
        Action::Redirect(redirect) => {
            let next = exchange.pass_over(connection);
            Some(connection.write_redirect(exchange, ground, redirect, next))
        }
        Action::Files(files) => match files::serve(connection, exchange, ground, files).await {
            Served::Written(written) => Some(written),
            Served::Status(status) => {
                let next = exchange.pass_over(connection);
                return connection.answer(exchange, status, next).await;
            }
            Served::Elsewhere(lead) => {
                let site = site(connection, exchange, &generation, (ground, route, lead));
                return proxy(connection, exchange, &generation, site).await;
            }
        },
    };
    sent(connection, exchange, written).await
}

/// `None`: the answer is that there is none.
async fn sent(
    connection: &mut Connection,
    exchange: &mut Exchange,
    written: Option<Written>,
) -> Next {
    match written {
        Some(written) => connection.send(exchange, written).await,
        None => Next::Close,
    }
}

/// A guard lets it go no further, or its client has left before one would.
async fn turn_away(connection: &mut Connection, exchange: &mut Exchange, end: End) -> Next {
    match end {
        End::Refused(refusal) => {
            exchange.refused_by = Some(refusal.reason);
            connection.shared.refused(refusal.reason);
            let next = exchange.pass_over(connection);
            connection.answer(exchange, refusal.status, next).await
        }
        End::Answered(status) => {
            let next = exchange.pass_over(connection);
            connection.answer(exchange, status, next).await
        }
        End::ClientGone => exchange.blame(connection, ClientFault::Gone).await,
    }
}

/// Chooses the upstream; the request's head is still at the front of `connection.unread`.
fn site<'g>(
    connection: &Connection,
    exchange: &mut Exchange,
    generation: &'g Generation,
    (ground, route, lead): (Ground<'g>, &'g Route, &'g Lead),
) -> Site<'g> {
    let unread = connection.unread.as_ref().map_or(&b""[..], |buffer| buffer.content());
    let head = unread.get(..exchange.request.head_bytes).unwrap_or_default();
    let upstream = lead.choose(exchange, Walk { connection, ground, head });
    if let Some(place) = &mut exchange.place {
        place.upstream = Some(upstream);
    }
    Site { server: ground.server, route, upstream: generation.upstream(upstream) }
}

/// Sends it on to a backend.
async fn proxy(
    connection: &mut Connection,
    exchange: &mut Exchange,
    generation: &Generation,
    site: Site<'_>,
) -> Next {
    if let Err(status) = exchange.forward(connection, site) {
        return connection.answer(exchange, status, Next::Linger).await;
    }
    if exchange.to_backend.is_to_be_kept() || exchange.inspecting.is_body_due() {
        // In a box, since few requests are kept and all connections have this future.
        let folder = &generation.temp_folder;
        let kept = Box::pin(keep::run(connection, exchange, site.route, folder)).await;
        if let Err(over) = kept {
            return over;
        }
    }
    offer::run(connection, exchange, site).await
}
