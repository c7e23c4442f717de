//! What a request does between two guards when one lets it wait: nothing, in its connection's own
//! time, until it may go on, its client has left or its worker's time is over.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::super::connection::Connection;
use super::super::exchange::Exchange;
use super::{Gauntlet, Passage, Refusal, Wait, advance};
use crate::config::limits::{DELAY_GRACE_MS, HEADER_READ_TIMEOUT_MS};
use crate::config::model::HalfClose;
use crate::scoreboard::refusal::Reason;

/// Why a request does not reach its action after all.
pub(crate) enum End {
    Refused(Refusal),
    ClientGone,
}

/// Waits, and asks the guards that are left, until the request is through.
pub(crate) async fn wait(
    connection: &mut Connection,
    exchange: &mut Exchange,
    gauntlet: Gauntlet<'_>,
    (mut at, mut wait): (usize, Wait),
) -> Result<(), End> {
    let route = gauntlet.ground.route;
    let half_close = route.map_or(HalfClose::Cancel, |route| route.limits.client.half_close);
    loop {
        match wait {
            Wait::Delay { ms } => delay(connection, exchange, ms, half_close).await?,
        }
        connection.shared.refresh();
        match advance(connection, exchange, gauntlet, at + 1) {
            Passage::Through => return Ok(()),
            Passage::Refused(refusal) => return Err(End::Refused(refusal)),
            Passage::Held { at: next, wait: longer } => (at, wait) = (next, longer),
        }
    }
}

async fn delay(
    connection: &mut Connection,
    exchange: &mut Exchange,
    ms: u64,
    half_close: HalfClose,
) -> Result<(), End> {
    let mut over = pin!(tokio::time::sleep(Duration::from_millis(ms)));
    let seat = Rc::clone(&connection.seat);
    connection.limit(ms.saturating_add(DELAY_GRACE_MS));
    poll_fn(|cx| {
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if connection.poll_left(cx, exchange, half_close).is_ready() {
            return Poll::Ready(Err(End::ClientGone));
        }
        if seat.is_late() {
            // The worker's time is over before the request's has come.
            let refusal = Refusal { reason: Reason::Rate, status: 503 };
            return Poll::Ready(Err(End::Refused(refusal)));
        }
        Poll::Pending
    })
    .await?;
    // What comes next sets its own.
    connection.limit(HEADER_READ_TIMEOUT_MS);
    Ok(())
}
