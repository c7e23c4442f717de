//! Waiting for a request of a client: until its head is there, whole, or will not come.

use std::task::{Context, Poll};

use super::super::buffer::Buffer;
use super::super::exchange::Exchange;
use super::super::generation::Generation;
use super::super::watch::Phase;
use super::Connection;
use crate::config::model::{Address, HeadLimits};
use crate::http::head;
use crate::http::repeats::Repeats;
use crate::http::request::{self, Parsed, Request};

/// How waiting for a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Request,
    Refused {
        status: u16,
    },
    Gone,
    /// The connection has come to be idle.
    Quiet,
}

impl Connection {
    /// Reads until a whole head is there. `exchange` is filled in with the first byte. `is_early`: nothing is
    /// expected yet, so that no buffer is taken before the reactor has heard of something.
    pub(super) fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &mut Option<Box<Exchange>>,
        is_early: bool,
    ) -> Poll<Arrival> {
        loop {
            if let Some(buffer) = &mut self.unread {
                let limits = head_limits(self.generation.as_deref(), &self.listener);
                let exchange = exchange.get_or_insert_with(|| {
                    self.seat.limit(self.shared.now_us(), limits.timeout_ms);
                    self.shared.seats.enter(&self.seat, Phase::Active);
                    self.shared.take_exchange()
                });
                let known = &mut self.shared.repeats.borrow_mut();
                if let Some(arrival) = parse(exchange, buffer, (limits, known)) {
                    return Poll::Ready(arrival);
                }
                if buffer.is_full() {
                    buffer.compact();
                }
                if buffer.is_full() || buffer.content().len() >= limits.bytes_max {
                    return Poll::Ready(Arrival::Refused { status: 431 });
                }
            }
            let is_idle = is_early && self.unread.is_none();
            let more = if is_idle && self.client.poll_readable(cx).is_pending() {
                Poll::Pending
            } else {
                self.poll_more(cx)
            };
            match more {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Arrival::Gone),
                Poll::Pending if self.seat.is_late() && exchange.is_some() => {
                    return Poll::Ready(Arrival::Refused { status: 408 });
                }
                Poll::Pending if self.seat.is_late() => {
                    let is_over = self.is_out_of_words();
                    return if is_over { Poll::Ready(Arrival::Gone) } else { Poll::Pending };
                }
                Poll::Pending if self.is_quiet() => return Poll::Ready(Arrival::Quiet),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether it does without what serving takes. Nobody knows yet of one with a single request whether
    /// it will send another: thousands that come at once and stay are not to hold that until a sweep.
    fn is_quiet(&self) -> bool {
        self.seat.is_idle() || (self.served == 1 && self.seat.is_between_requests())
    }
}

/// What the bytes so far amount to; `None` when the head is not complete.
pub(crate) fn parse(
    exchange: &mut Exchange,
    buffer: &Buffer,
    (limits, known): (HeadLimits, &mut Repeats),
) -> Option<Arrival> {
    let content = buffer.content();
    let seen = std::mem::replace(&mut exchange.head_seen_bytes, content.len());
    // A target that never ends is refused as soon as it is too long, and looked for only then.
    let outgrows_target = request::outgrows_target(seen, content.len(), limits.target_bytes_max);
    if seen > 0 && !outgrows_target && !head::may_be_complete(content, seen) {
        return None;
    }
    match exchange.request.parse_again(content, limits.target_bytes_max, known) {
        Ok(Parsed::Complete) if is_within(&exchange.request, limits) => Some(Arrival::Request),
        Ok(Parsed::Complete) => Some(Arrival::Refused { status: 431 }),
        Ok(Parsed::Partial) => None,
        Err(error) => Some(Arrival::Refused { status: error.status() }),
    }
}

fn is_within(request: &Request, limits: HeadLimits) -> bool {
    request.head_bytes <= limits.bytes_max && request.headers.len() <= limits.lines_max
}

pub(crate) fn head_limits(generation: Option<&Generation>, listener: &Address) -> HeadLimits {
    let server = generation.and_then(|generation| generation.default_server(listener));
    server.map_or_else(HeadLimits::default, |server| server.client.head)
}
