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
use super::looks::TooMany;
use super::offer;
use super::routing::Found;
use super::server::{Action, Ground, Lead, Route, Site};
use super::steps::{Answer, Walk};
use crate::config::limits;

/// Steps ask for more than they may.
const FAILED: u16 = 500;

/// Serves the request whose head is at the front of `connection.unread`.
pub(crate) async fn run(connection: &mut Connection, exchange: &mut Exchange) -> Next {
    exchange.begin(connection);
    let Some(generation) = connection.generation() else { return Next::Close };
    let mut found = exchange.route(connection, &generation);
    loop {
        let (ground, route) = match found {
            Ok(Found::Route(ground, route)) => (ground, route),
            Ok(Found::Answer(ground, answer)) => {
                return answered(connection, exchange, ground, answer).await;
            }
            Ok(Found::Unseen(from)) => {
                // In a box, since few requests wait and all connections have this future.
                found = match Box::pin(exchange.look()).await {
                    Ok(()) => exchange.resume(connection, &generation, from),
                    Err(TooMany) => Err(FAILED),
                };
                continue;
            }
            Err(status) => return unfound(connection, exchange, status).await,
        };
        let gauntlet = Gauntlet { generation: &generation, ground, gate: &route.gate };
        if !route.gate.is_empty()
            && let Err(end) = passed(connection, exchange, gauntlet).await
        {
            return turn_away(connection, exchange, end).await;
        }
        if let Some(mirror) = &route.mirror {
            exchange.mirror(connection, &generation, mirror);
        }
        let lead = match &route.action {
            Action::Proxy(lead) => lead,
            Action::Respond(respond) => {
                let next = exchange.pass_over(connection);
                let written = connection.write_response(exchange, ground, respond, next);
                return sent(connection, exchange, written).await;
            }
            Action::Redirect(redirect) => {
                let next = exchange.pass_over(connection);
                let written = connection.write_redirect(exchange, ground, redirect, next);
                return connection.send(exchange, written).await;
            }
            Action::Files(files) => match files::serve(connection, exchange, ground, files).await {
                Served::Written(written) => return connection.send(exchange, written).await,
                Served::Status(status) => {
                    let next = exchange.pass_over(connection);
                    return connection.answer(exchange, status, next).await;
                }
                Served::Elsewhere(lead) => lead,
                Served::Again(rewrite) => {
                    found = exchange.again(connection, &generation, rewrite);
                    continue;
                }
            },
        };
        let site = site(connection, exchange, &generation, (ground, route, lead));
        if let Err(status) = exchange.forward(connection, site) {
            return connection.answer(exchange, status, Next::Linger).await;
        }
        // In a box, since few requests are kept and all connections have this future.
        if is_held_up(exchange)
            && let Err(over) = Box::pin(held_up(connection, exchange, site, &generation)).await
        {
            return over;
        }
        return offer::run(connection, exchange, site).await;
    }
}

/// A step is all that there is for it.
async fn answered(
    connection: &mut Connection,
    exchange: &mut Exchange,
    ground: Ground<'_>,
    answer: &Answer,
) -> Next {
    let next = exchange.pass_over(connection);
    let written = match answer {
        Answer::Respond(respond) => connection.write_response(exchange, ground, respond, next),
        Answer::Redirect(redirect) => {
            Some(connection.write_redirect(exchange, ground, redirect, next))
        }
    };
    sent(connection, exchange, written).await
}

/// No route serves it.
async fn unfound(connection: &mut Connection, exchange: &mut Exchange, status: u16) -> Next {
    // A request that is only unknown here says nothing against the next one.
    let next = match status {
        NOT_FOUND | METHOD_NOT_ALLOWED | OWN_WORD => exchange.pass_over(connection),
        _ => Next::Linger,
    };
    connection.answer(exchange, status, next).await
}

/// Asks the guards of its route.
async fn passed(
    connection: &mut Connection,
    exchange: &mut Exchange,
    gauntlet: Gauntlet<'_>,
) -> Result<(), End> {
    match guard::advance(connection, exchange, gauntlet, 0) {
        Passage::Through => Ok(()),
        Passage::Refused(refusal) => Err(End::Refused(refusal)),
        Passage::Answered(status) => Err(End::Answered(status)),
        // In a box, since few requests wait and all connections have this future.
        Passage::Held { at, wait } => {
            Box::pin(wait::wait(connection, exchange, gauntlet, (at, wait))).await
        }
    }
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

/// Whether anything is to be done with it before a backend is asked.
fn is_held_up(exchange: &Exchange) -> bool {
    exchange.to_backend.is_to_be_kept()
        || exchange.inspecting.is_body_due()
        || !exchange.copies.is_empty()
}

/// Takes in its body, where that is to be kept or looked at first, and sends its copies off. An error
/// is how the connection goes on instead.
async fn held_up(
    connection: &mut Connection,
    exchange: &mut Exchange,
    site: Site<'_>,
    generation: &Generation,
) -> Result<(), Next> {
    if !exchange.copies.is_empty() {
        exchange.to_backend.keep_in_memory(limits::mirror::BODY_BYTES_MAX);
    }
    if exchange.to_backend.is_to_be_kept() || exchange.inspecting.is_body_due() {
        keep::run(connection, exchange, site.route, &generation.temp_folder).await?;
        // No copy waits for a body that is not kept.
        exchange.mirror_body(&connection.shared);
        exchange.to_backend.leave_out();
    }
    Ok(())
}
