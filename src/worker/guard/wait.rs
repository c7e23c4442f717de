//! What a request does between two guards when one lets it wait: nothing, in its connection's own
//! time, until it may go on, its client has left or its worker's time is over.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::super::connection::Connection;
use super::super::exchange::Exchange;
use super::basic::Question;
use super::{Gauntlet, Guard, Passage, Refusal, Verdict, Wait, advance, book};
use crate::config::limits::HEADER_READ_TIMEOUT_MS;
use crate::config::limits::guards::{DELAY_GRACE_MS, VERIFY_TIMEOUT_MS};
use crate::config::model::HalfClose;
use crate::scoreboard::refusal::Reason;

/// Why a request does not reach its action after all.
pub(crate) enum End {
    Refused(Refusal),
    /// By a guard, with that status.
    Answered(u16),
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
        let verdict = match (&wait, gauntlet.gate.guards.get(at)) {
            (Wait::Delay { ms }, _) => delay(connection, exchange, *ms, half_close).await?,
            (Wait::Verify(question), Some(Guard::Basic(basic))) => {
                let answer = verify(connection, exchange, question, half_close).await?;
                basic.answered(exchange, answer)
            }
            (Wait::Ask, Some(Guard::Ask(ask))) => ask.ask(connection, exchange, gauntlet).await,
            (Wait::Core(asked), Some(Guard::Firewall(firewall))) => {
                let refusal = firewall.ask(connection, exchange, asked).await;
                refusal.map_or(Verdict::Pass, Verdict::Refuse)
            }
            // No other guard lets a request wait for these.
            (Wait::Verify(_) | Wait::Ask | Wait::Core(_), _) => Verdict::Abstain,
        };
        connection.shared.refresh();
        // What comes next sets its own.
        connection.limit(HEADER_READ_TIMEOUT_MS);
        gauntlet.gate.weigh(exchange, at, &verdict).map_err(End::Refused)?;
        match advance(connection, exchange, gauntlet, at + 1) {
            Passage::Through => return Ok(()),
            Passage::Refused(refusal) => return Err(End::Refused(refusal)),
            Passage::Answered(status) => return Err(End::Answered(status)),
            Passage::Held { at: next, wait: longer } => (at, wait) = (next, longer),
        }
    }
}

async fn delay(
    connection: &mut Connection,
    exchange: &mut Exchange,
    ms: u64,
    half_close: HalfClose,
) -> Result<Verdict, End> {
    let mut over = pin!(tokio::time::sleep(Duration::from_millis(ms)));
    let seat = Rc::clone(&connection.seat);
    connection.limit(ms.saturating_add(DELAY_GRACE_MS));
    poll_fn(|cx| {
        if over.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(Verdict::Pass));
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
    .await
}

/// Whether the password is right; `None` when nobody could tell.
async fn verify(
    connection: &mut Connection,
    exchange: &mut Exchange,
    question: &Question,
    half_close: HalfClose,
) -> Result<Option<bool>, End> {
    let mut verified = pin!(book::verify(question));
    let seat = Rc::clone(&connection.seat);
    connection.limit(VERIFY_TIMEOUT_MS);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = verified.as_mut().poll(cx) {
            return Poll::Ready(Ok(answer));
        }
        if connection.poll_left(cx, exchange, half_close).is_ready() {
            return Poll::Ready(Err(End::ClientGone));
        }
        if seat.is_late() { Poll::Ready(Ok(None)) } else { Poll::Pending }
    })
    .await
}
