//! Bytes both ways, unlooked at, until both sides have ended: a TCP route's connection, or what
//! follows a backend's 101.
//!
//! Nothing is read while something is unsent, so a slow side holds the other one back. The end of
//! what one side says is passed on, and the other goes on. A side that takes no more is heard out,
//! and what it is still sent is dropped for a while. A side that is reset resets the other: a
//! transfer that broke off must not look complete.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use super::buffer::Buffers;
use super::connection::Connection;
use super::stream::Stream;
use super::transfer::{Broken, Pump};
use crate::config::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Backend,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Through,
    /// Neither side said anything for too long.
    Idle,
    /// That side was reset, or took no more.
    Broken(Side),
}

/// What bytes are carried between. The pumps are begun, and may hold the first bytes.
pub(crate) struct Carry<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) backend: &'a mut Stream,
    pub(crate) to_backend: &'a mut Pump,
    pub(crate) to_client: &'a mut Pump,
    pub(crate) idle_timeout_ms: u64,
}

/// Carries until the end; `moved` is told each time how many more bytes went to the backend and to
/// the client.
pub(crate) async fn run(mut carry: Carry<'_>, mut moved: impl FnMut(u64, u64)) -> End {
    let mut ways = Ways { up: Way::Open, down: Way::Open };
    let mut told = (0, 0);
    ways.limit(&carry);
    poll_fn(|cx| {
        let end = ways.poll(cx, &mut carry);
        let so_far = (carry.to_backend.moved(), carry.to_client.moved());
        if so_far != told {
            moved(so_far.0 - told.0, so_far.1 - told.1);
            told = so_far;
            ways.limit(&carry);
        }
        end
    })
    .await
}

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    /// The source takes no more itself: it is heard out, and any end is its end.
    LastWords,
    /// The source has ended; the sink is being told.
    Ending,
    Over,
    /// The sink takes no more; what the source says is dropped until its end.
    Dropping,
    /// Over, but not all of it was taken.
    Lost,
}

/// The source of a way was reset.
struct Reset;

struct Ways {
    up: Way,
    down: Way,
}

impl Ways {
    fn poll(&mut self, cx: &mut Context<'_>, carry: &mut Carry<'_>) -> Poll<End> {
        let Carry { connection, backend, to_backend, to_client, .. } = carry;
        let Connection { shared, client, .. } = &mut **connection;
        let buffers = &shared.buffers;
        let before = (self.up, self.down);
        if let Poll::Ready(Err(Reset)) = self.up.poll(cx, to_backend, (client, backend), buffers) {
            backend.reset_when_closed();
            return Poll::Ready(End::Broken(Side::Client));
        }
        if self.up.is_cut() && self.down == Way::Open {
            self.down = Way::LastWords;
        }
        if let Poll::Ready(Err(Reset)) = self.down.poll(cx, to_client, (backend, client), buffers) {
            client.reset_when_closed();
            return Poll::Ready(End::Broken(Side::Backend));
        }
        if self.down.is_cut() && self.up == Way::Open {
            self.up = Way::LastWords;
        }
        let is_over = self.up.is_over() && self.down.is_over();
        if is_over || connection.seat.is_late() {
            return Poll::Ready(if self.up.is_cut() {
                End::Broken(Side::Backend)
            } else if self.down.is_cut() {
                End::Broken(Side::Client)
            } else if is_over {
                End::Through
            } else {
                End::Idle
            });
        }
        if before != (self.up, self.down) {
            self.limit(carry);
        }
        Poll::Pending
    }

    /// How long from here on nothing may happen.
    fn limit(&self, carry: &Carry<'_>) {
        let is_dropping = [self.up, self.down].contains(&Way::Dropping);
        carry.connection.limit(if is_dropping {
            carry.idle_timeout_ms.min(limits::LINGER_TIMEOUT_MS)
        } else {
            carry.idle_timeout_ms
        });
    }
}

impl Way {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        pump: &mut Pump,
        (source, sink): (&mut Stream, &mut Stream),
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Reset>> {
        if matches!(self, Self::Open | Self::LastWords) {
            *self = match ready!(pump.poll(cx, source, sink, buffers)) {
                Ok(()) => Self::Ending,
                Err(Broken::Sink) => Self::Dropping,
                Err(_) if *self == Self::LastWords => Self::Ending,
                Err(_) => return Poll::Ready(Err(Reset)),
            };
        }
        if *self == Self::Ending {
            let told = ready!(sink.poll_shutdown(cx));
            *self = if told.is_ok() { Self::Over } else { Self::Lost };
        }
        if *self == Self::Dropping {
            ready!(poll_drop(cx, source, buffers));
            *self = Self::Lost;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether its sink takes no more.
    fn is_cut(self) -> bool {
        match self {
            Self::Dropping | Self::Lost => true,
            Self::Open | Self::LastWords | Self::Ending | Self::Over => false,
        }
    }

    fn is_over(self) -> bool {
        match self {
            Self::Over | Self::Lost => true,
            Self::Open | Self::LastWords | Self::Ending | Self::Dropping => false,
        }
    }
}

/// Reads what comes and forgets it, until the end.
fn poll_drop(cx: &mut Context<'_>, source: &mut Stream, buffers: &RefCell<Buffers>) -> Poll<()> {
    let mut buffer = buffers.borrow_mut().take();
    let ended = loop {
        buffer.clear();
        match buffer.poll_fill(cx, source, usize::MAX) {
            Poll::Ready(Ok(count)) if count > 0 => {}
            Poll::Ready(_) => break Poll::Ready(()),
            Poll::Pending => break Poll::Pending,
        }
    };
    buffers.borrow_mut().give(buffer);
    ended
}
