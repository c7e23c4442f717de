//! Why a request on a backend's HTTP/2 connection got no answer, and what follows from it.
//!
//! A stream that ends is not its connection's end: only where that ended is the request asked on
//! another one as if nothing had been. All else is the backend's doing, and the rules of retries hold.

use h2::Reason;

use super::super::exchange::{ClientFault, Exchange, Uptake};
use super::super::offer::Fault;
use super::super::stream::Stream;
use super::outbound::Outbound;
use crate::scoreboard::backend::Failure;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The request cannot be said in HTTP/2, to whomever.
    Unspeakable,
    /// The backend takes no more at present, and has done nothing with it.
    Refused,
    /// The connection ended before it, and nothing was done with it: another one may do.
    Unmet,
    /// The connection broke.
    Broken,
    /// The backend has ended this request, and nothing else.
    Reset,
    /// What it answered is not HTTP/2.
    Malformed,
}

/// A request that was not looked at was refused by itself, or is beyond the last one of a GOAWAY
/// (RFC 9113, 8.7), which is the end of those alone.
pub(super) fn of(error: &h2::Error) -> Silence {
    if error.is_io() {
        return Silence::Broken;
    }
    if !error.is_remote() {
        return Silence::Malformed;
    }
    match error.reason() {
        _ if error.is_go_away() => Silence::Unmet,
        Some(Reason::REFUSED_STREAM) => Silence::Refused,
        _ => Silence::Reset,
    }
}

/// Whether a kept connection that brought nothing was at its end, rather than the one request on it.
pub(crate) fn was_dead(stream: &Stream) -> bool {
    match stream {
        Stream::Outbound(outbound) => {
            matches!(outbound.silence(), Some(Silence::Unmet | Silence::Broken))
        }
        Stream::Tcp(_)
        | Stream::Unix(_)
        | Stream::Tls(_)
        | Stream::Inbound(_)
        | Stream::Copy(_) => true,
    }
}

/// Whether the connection ended before the request, with nothing done.
pub(crate) fn is_unmet(stream: &Stream) -> bool {
    match stream {
        Stream::Outbound(outbound) => outbound.silence() == Some(Silence::Unmet),
        Stream::Tcp(_)
        | Stream::Unix(_)
        | Stream::Tls(_)
        | Stream::Inbound(_)
        | Stream::Copy(_) => false,
    }
}

/// What is known better of a request that got no answer than how reading it ended.
pub(crate) fn explained(exchange: &mut Exchange, outbound: &Outbound, fault: Fault) -> Fault {
    if fault == Fault::Backend(Failure::TimedOut) {
        outbound.distrust();
    }
    let Some(silence) = outbound.silence() else { return fault };
    match silence {
        Silence::Refused | Silence::Unmet => exchange.uptake = Uptake::Refused,
        Silence::Unspeakable | Silence::Broken | Silence::Reset | Silence::Malformed => {}
    }
    if matches!(silence, Silence::Unmet | Silence::Broken) {
        outbound.distrust();
    }
    match (silence, fault) {
        (Silence::Unspeakable, Fault::Backend(_)) => Fault::Client(ClientFault::Malformed),
        (Silence::Malformed, Fault::Backend(Failure::Closed)) => Fault::Backend(Failure::Malformed),
        _ => fault,
    }
}
