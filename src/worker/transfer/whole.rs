//! A pump that first reads its body whole: what fits stays behind the head, the rest goes to a file,
//! and both can be sent as often as it takes.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::task::{Context, Poll, ready};

use super::super::buffer::{Buffer, Buffers};
use super::super::spool::Spool;
use super::super::stream::Stream;
use super::{Broken, Coding, End, Kept, Pump};
use crate::config::limits;
use crate::http::framing::{Body, Reader};
use crate::http::rewrite;

/// Why a body was not kept.
pub(crate) enum Unkept {
    Broken(Broken),
    /// The file could not be made, or could not be written.
    Spool(io::Error),
}

impl Pump {
    /// Reads the body to its end. Files are made in `folder`.
    pub(crate) fn poll_keep(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Stream,
        folder: &Path,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Unkept>> {
        loop {
            ready!(self.poll_store(cx, folder)).map_err(Unkept::Spool)?;
            if self.is_read() {
                return match &mut self.spool {
                    Some(spool) => spool.poll_flush(cx).map_err(Unkept::Spool),
                    None => Poll::Ready(Ok(())),
                };
            }
            ready!(self.poll_refill(cx, source, buffers)).map_err(Unkept::Broken)?;
        }
    }

    /// Reads as much of the body as memory holds of one, or all of it. What is behind that stays with
    /// the source.
    pub(crate) fn poll_hold(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Stream,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Broken>> {
        loop {
            if let Some(body) = self.body.as_mut().filter(|_| self.ready > 0) {
                let room = limits::REQUEST_BUFFER_BYTES_MAX.saturating_sub(self.head.len());
                let stored = self.ready.min(room);
                self.head.extend_from_slice(&body.content()[..stored]);
                body.consume(stored);
                self.ready -= stored;
            }
            if self.ready > 0 || self.is_read() {
                break;
            }
            // One body may come to just that.
            if self.head.len() >= limits::REQUEST_BUFFER_BYTES_MAX {
                break;
            }
            ready!(self.poll_refill(cx, source, buffers))?;
        }
        if self.ready == 0 {
            // All that was read can be sent again.
            self.kept = Kept::All;
        }
        Poll::Ready(Ok(()))
    }

    /// A body of so many bytes is to be in memory.
    pub(crate) fn keep_in_memory(&mut self, payload_bytes: usize) {
        self.kept_bytes_max = self.body_at + payload_bytes;
    }

    /// Gives back what only a body took that was to be in memory.
    pub(crate) fn shed(&mut self) {
        if self.head.capacity() > 2 * limits::REQUEST_BUFFER_BYTES_MAX {
            self.head = Vec::new();
        }
    }

    /// What memory holds of the body: behind the head, before anything was sent.
    pub(crate) fn kept_body(&self) -> &[u8] {
        self.head.get(self.body_at..).unwrap_or_default()
    }

    /// Whether that is all of it.
    pub(crate) fn is_kept_body_whole(&self) -> bool {
        self.is_read() && self.ready == 0 && self.spool.is_none() && self.kept_bytes_max > 0
    }

    /// Takes what there is out of the buffer.
    fn poll_store(&mut self, cx: &mut Context<'_>, folder: &Path) -> Poll<io::Result<()>> {
        while let Some(body) = self.body.as_mut().filter(|_| self.ready > 0) {
            let bytes = &body.content()[..self.ready];
            let room = self.kept_bytes_max.saturating_sub(self.head.len());
            let stored = match &mut self.spool {
                Some(spool) => ready!(spool.poll_write(cx, bytes))?,
                None if room > 0 => {
                    let stored = bytes.len().min(room);
                    self.head.extend_from_slice(&bytes[..stored]);
                    stored
                }
                None if self.coding == Coding::LeftOut => {
                    self.kept_bytes_max = 0;
                    bytes.len()
                }
                None => {
                    self.spool = Some(Box::new(Spool::create(folder)?));
                    0
                }
            };
            body.consume(stored);
            self.ready -= stored;
        }
        Poll::Ready(Ok(()))
    }

    /// The body of `payload_bytes` is whole, and is sent from here on with its length in the head.
    /// What was read behind it is the caller's.
    pub(crate) fn settle(
        &mut self,
        payload_bytes: u64,
        buffers: &RefCell<Buffers>,
    ) -> Option<Buffer> {
        debug_assert!(self.is_read() && self.ready == 0, "all of it was read and stored");
        let spooled = self.spool.as_ref().map_or(0, |spool| spool.bytes());
        let is_sent = self.coding != Coding::LeftOut;
        if let (Reader::Chunked(_), true) = (&self.reader, is_sent) {
            let head_bytes = self.head.len() - (payload_bytes - spooled) as usize;
            rewrite::set_length(&mut self.head, head_bytes, payload_bytes);
            self.body_at = self.head.len() - (payload_bytes - spooled) as usize;
        }
        self.kept = Kept::Whole;
        if is_sent {
            self.coding = Coding::Same;
        }
        self.payload_left = u64::MAX;
        let rest = self.body.take().filter(|body| !body.is_empty());
        self.replay(buffers);
        rest
    }

    /// Begins anew with what the file holds.
    pub(super) fn replay(&mut self, buffers: &RefCell<Buffers>) {
        if let Some(buffer) = self.body.take() {
            buffers.borrow_mut().give(buffer);
        }
        self.ready = 0;
        let spooled = self.spool.as_mut().map_or(0, |spool| {
            spool.rewind();
            spool.bytes()
        });
        self.reader = Reader::new(Body::Length(spooled));
        self.end = if self.reader.is_end() { End::Reached } else { End::Ahead };
    }

    /// Whether the body is to be read whole first: no other request changes its coding. Once it is
    /// `settle`d it is sent as it is, unless nothing of it is sent, which `leave_out` ends.
    pub(crate) fn is_to_be_kept(&self) -> bool {
        matches!(self.coding, Coding::Dechunk | Coding::LeftOut)
    }

    /// Lets go of a body that was only to be looked at.
    pub(crate) fn leave_out(&mut self) {
        if self.coding == Coding::LeftOut {
            self.head.truncate(self.body_at);
            self.coding = Coding::Same;
        }
    }

    /// What the body may still have; falls as it is read.
    pub(crate) fn payload_left(&self) -> u64 {
        self.payload_left
    }

    /// Whether nothing more is to come from the source.
    pub(crate) fn is_source_done(&self) -> bool {
        self.is_read() || self.kept == Kept::Whole
    }
}
