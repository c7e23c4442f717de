//! The connection below HTTP/2, for the crate that speaks it, with an eye on the frames that come in.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::buffer::Buffer;
use super::super::shared::Shared;
use super::super::stream::Stream;
use crate::http::http2::meter::{Flood, Meter};

/// What is heard of the frames that come in.
#[derive(Default)]
pub(super) struct Bell {
    /// Rung once, when there was too much of something.
    flood: Cell<Option<Flood>>,
    has_settings: Cell<bool>,
}

impl Bell {
    pub(super) fn take(&self) -> Option<Flood> {
        self.flood.take()
    }

    /// Whether the other side has said its settings.
    pub(super) fn has_settings(&self) -> bool {
        self.has_settings.get()
    }
}

pub(super) type Alarm = Rc<Bell>;

pub(super) struct Wire<S> {
    stream: S,
    shared: Rc<Shared>,
    /// Read before anybody knew that it is HTTP/2.
    ahead: Option<Buffer>,
    meter: Meter,
    alarm: Alarm,
    is_flooded: bool,
}

impl<S> Wire<S> {
    pub(super) fn new(
        stream: S,
        shared: Rc<Shared>,
        ahead: Option<Buffer>,
        meter: Meter,
    ) -> (Self, Alarm) {
        let alarm = Alarm::default();
        let bell = Rc::clone(&alarm);
        (Self { stream, shared, ahead, meter, alarm, is_flooded: false }, bell)
    }

    /// What was read before comes first.
    fn take_ahead(&mut self, space: &mut [u8]) -> Option<usize> {
        let ahead = self.ahead.as_mut()?;
        let count = ahead.content().len().min(space.len());
        space[..count].copy_from_slice(&ahead.content()[..count]);
        ahead.consume(count);
        if let Some(empty) = self.ahead.take_if(|ahead| ahead.is_empty()) {
            self.shared.buffers.borrow_mut().give(empty);
        }
        Some(count)
    }
}

impl<S: std::borrow::BorrowMut<Stream> + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_flooded {
            return Poll::Pending;
        }
        let space = buffer.initialize_unfilled();
        let count = match self.take_ahead(space) {
            Some(count) => count,
            None => ready!(self.stream.borrow_mut().poll_read(cx, space))?,
        };
        let now_us = self.shared.now_us();
        if let Err(flood) = self.meter.see(&space[..count], now_us) {
            // Nothing more is looked at: whoever rang it in says so to the other side.
            self.is_flooded = true;
            self.alarm.flood.set(Some(flood));
            return Poll::Pending;
        }
        self.alarm.has_settings.set(self.meter.has_settings());
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: std::borrow::BorrowMut<Stream> + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.stream.borrow_mut().poll_write(cx, bytes, &[]))?;
        self.meter.sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().map(|slice| &slice[..]).filter(|slice| !slice.is_empty());
        let (first, second) = (filled.next().unwrap_or(b""), filled.next().unwrap_or(b""));
        let count = ready!(self.stream.borrow_mut().poll_write(cx, first, second))?;
        self.meter.sent(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A write is over once the kernel has it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.borrow_mut().poll_shutdown(cx)
    }
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            self.shared.buffers.borrow_mut().give(ahead);
        }
    }
}
