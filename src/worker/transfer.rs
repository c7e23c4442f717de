//! One direction of an exchange: a head, then a body, from one socket to another.
//!
//! One buffer at a time: nothing is read while something is unsent, so a slow receiver slows the
//! sender and memory stays bounded. The body's framing is followed and validated as it passes; what
//! lies behind its end is never sent.

pub(crate) mod answer;
mod progress;
pub(crate) mod throttle;
pub(crate) mod whole;

use std::cell::RefCell;
use std::task::{Context, Poll, ready};

use super::buffer::{Buffer, Buffers};
use super::encoder::Encoder;
use super::files;
use super::spool::Spool;
use super::stream::Stream;
use crate::config::limits;
use crate::http;
use crate::http::framing::{Body, Reader, Taken};
use throttle::Throttle;

/// How the body changes on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Coding {
    #[default]
    Same,
    /// The sender ends with its connection, the receiver is to keep its own.
    Enchunk,
    /// The receiver speaks HTTP/1.0.
    Dechunk,
    /// The payload goes through the pump's encoder.
    Encode,
    /// The payload is read, and goes nowhere.
    LeftOut,
}

/// Whom a pump waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wait {
    #[default]
    Source,
    Sink,
}

/// Why a body did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Closed or failed before the body's end.
    Source,
    Sink,
    Framing,
    TooLarge,
}

/// What of the source's bytes was sent on, as far as a repetition is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kept {
    /// All that was read is in `head` and can be sent again.
    #[default]
    All,
    Some,
    /// The whole body is in `head` and in the spool, and the source is not asked any more.
    Whole,
}

/// How far the body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ahead,
    Reached,
    /// Bytes came behind it.
    Overrun,
}

/// Whether a body ends with what is given to its encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Here,
    Later,
}

pub(crate) struct Pump {
    /// Sent first: the head, and the body's beginning when it is short.
    pub(crate) head: Vec<u8>,
    head_sent: usize,
    /// Where in `head` the body begins.
    body_at: usize,
    body: Option<Buffer>,
    /// Of the buffer's content, what may be sent.
    ready: usize,
    reader: Reader,
    coding: Coding,
    end: End,
    wants_large: bool,
    kept: Kept,
    /// As much of a body that is kept whole is in `head`, which counts, too; 0: some of it was let go.
    kept_bytes_max: usize,
    /// What of a body that is kept whole does not fit `head`.
    spool: Option<Box<Spool>>,
    /// Where the body comes from, when it is no stream.
    file: Option<files::body::Body>,
    encoder: Option<Box<Encoder>>,
    /// How fast it may go.
    throttle: Option<Box<Throttle>>,
    payload_left: u64,
    wait: Wait,
    moved: u64,
    taken: u64,
}

impl Default for Pump {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            head_sent: 0,
            body_at: 0,
            body: None,
            ready: 0,
            reader: Reader::new(Body::None),
            coding: Coding::Same,
            end: End::Reached,
            wants_large: false,
            kept: Kept::All,
            kept_bytes_max: limits::REQUEST_BUFFER_BYTES_MAX,
            spool: None,
            file: None,
            encoder: None,
            throttle: None,
            payload_left: 0,
            wait: Wait::Source,
            moved: 0,
            taken: 0,
        }
    }
}

impl Pump {
    /// Makes ready for a message; its head is to be written to `head`, which is empty.
    pub(crate) fn start(&mut self, body: Body, coding: Coding, payload_bytes_max: u64) {
        debug_assert!(self.body.is_none(), "the last message's buffer was given back");
        self.head.clear();
        self.head_sent = 0;
        self.body_at = 0;
        self.ready = 0;
        self.reader = Reader::new(body);
        self.end = if self.reader.is_end() { End::Reached } else { End::Ahead };
        self.coding = coding;
        self.wants_large = false;
        self.kept = Kept::All;
        self.kept_bytes_max = limits::REQUEST_BUFFER_BYTES_MAX;
        self.spool = None;
        self.file = None;
        self.encoder = None;
        self.throttle = None;
        self.payload_left = payload_bytes_max;
        self.wait = Wait::Source;
        self.moved = 0;
        self.taken = 0;
    }

    /// The head is written; the body follows.
    pub(crate) fn head_ends(&mut self) {
        self.body_at = self.head.len();
    }

    /// Takes the beginning of the body from what was read together with the head; keeps it with the
    /// head, so that it can be sent again.
    pub(crate) fn absorb(&mut self, buffer: &mut Buffer) -> Result<(), Broken> {
        if self.is_read() {
            return Ok(());
        }
        let taken = self.follow(buffer)?;
        self.count(taken.payload)?;
        if taken.is_end {
            self.end = End::Reached;
        }
        self.head.extend_from_slice(&buffer.content()[..taken.kept]);
        buffer.consume(taken.bytes);
        Ok(())
    }

    /// Takes over what `absorb` may have left of the body: the beginning of trailers that are not
    /// all there.
    pub(crate) fn hold(&mut self, rest: Option<Buffer>) {
        debug_assert!(self.body.is_none() && !self.is_read(), "more of the body is to come");
        self.body = rest;
    }

    /// Takes over the buffer that holds the beginning of the body.
    pub(crate) fn take_over(
        &mut self,
        mut buffer: Buffer,
        buffers: &RefCell<Buffers>,
    ) -> Result<(), Broken> {
        if self.is_read() || buffer.is_empty() {
            if !buffer.is_empty() {
                self.end = End::Overrun;
            }
            buffers.borrow_mut().give(buffer);
            return Ok(());
        }
        if self.is_short_and_whole(&buffer) {
            let absorbed = self.absorb(&mut buffer);
            buffers.borrow_mut().give(buffer);
            return absorbed;
        }
        let prepared = self.prepare(&mut buffer);
        if prepared.is_ok() && self.ready <= limits::BODY_COPY_BYTES_MAX {
            self.head.extend_from_slice(&buffer.content()[..self.ready]);
            buffer.consume(self.ready);
            self.ready = 0;
        }
        self.body = Some(buffer);
        self.release(buffers);
        prepared
    }

    /// Whether all of a body that is sent as it comes is there, and nothing behind it, and little enough
    /// to be sent with the head.
    fn is_short_and_whole(&self, buffer: &Buffer) -> bool {
        let bytes = buffer.content().len();
        matches!(self.reader, Reader::Length { left } if left == bytes as u64)
            && self.coding == Coding::Same
            && bytes <= limits::BODY_COPY_BYTES_MAX
    }

    /// Sends and reads until the message is through; `Pending` says in `wait` for whom.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Stream,
        sink: &mut Stream,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Broken>> {
        loop {
            ready!(self.poll_flush(cx, sink))?;
            if self.is_read() {
                self.release(buffers);
                return Poll::Ready(Ok(()));
            }
            match self.poll_refill(cx, source, buffers) {
                // What was read must not wait for what is yet to come.
                Poll::Pending if self.let_out()? => {}
                refilled => ready!(refilled)?,
            }
        }
    }

    /// Sends what there is.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut Stream,
    ) -> Poll<Result<(), Broken>> {
        loop {
            let (mut head, mut body) = (&self.head[self.head_sent..], self.unsent());
            if head.is_empty() && body.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if self.throttle.is_some() {
                let room = ready!(self.poll_room(cx));
                (head, body) = (&self.head[self.head_sent..], self.unsent());
                head = &head[..head.len().min(room)];
                body = &body[..body.len().min(room - head.len())];
            }
            match sink.poll_write(cx, head, body) {
                Poll::Pending => {
                    self.wait = Wait::Sink;
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Broken::Sink)),
                Poll::Ready(Ok(count)) => {
                    let is_all = count == head.len() + body.len();
                    self.sent(count);
                    if is_all && self.is_plain() {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }

    /// Whether all that may be sent was shown at once: it comes from nowhere else, at any speed.
    fn is_plain(&self) -> bool {
        self.encoder.is_none() && self.file.is_none() && self.throttle.is_none()
    }

    /// From here on no faster than that.
    pub(crate) fn throttle(&mut self, throttle: Option<Box<Throttle>>) {
        self.throttle = throttle;
    }

    /// How much may be sent at this moment.
    #[inline]
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        let Some(throttle) = &mut self.throttle else { return Poll::Ready(usize::MAX) };
        self.wait = Wait::Sink;
        throttle.poll_room(cx, self.moved)
    }

    /// What of the body may be sent and is in memory.
    #[inline]
    fn unsent(&self) -> &[u8] {
        match (&self.encoder, &self.file, &self.body) {
            (Some(encoder), _, _) => encoder.unsent(),
            (None, _, Some(body)) if self.ready > 0 => &body.content()[..self.ready],
            (None, Some(file), _) => file.in_memory(),
            (None, None, _) => b"",
        }
    }

    fn sent(&mut self, count: usize) {
        self.moved += count as u64;
        let of_head = count.min(self.head.len() - self.head_sent);
        self.head_sent += of_head;
        let of_body = count - of_head;
        match (&mut self.encoder, &mut self.file, &mut self.body) {
            (Some(encoder), _, _) => encoder.sent(of_body),
            (None, _, Some(body)) if self.ready > 0 => {
                body.consume(of_body);
                self.ready -= of_body;
            }
            (None, Some(file), _) => file.advance(of_body),
            (None, None, _) => {}
        }
    }

    fn poll_refill(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Stream,
        buffers: &RefCell<Buffers>,
    ) -> Poll<Result<(), Broken>> {
        let mut buffer = self.roomy_buffer(buffers);
        let bytes_max = match self.reader {
            Reader::Length { left } => usize::try_from(left).unwrap_or(usize::MAX),
            Reader::Chunked(_) | Reader::UntilClose => usize::MAX,
        };
        let filled = match (self.kept, &mut self.spool) {
            (Kept::Whole, Some(spool)) => {
                buffer.poll_fill_with(bytes_max, |space| spool.poll_read(cx, space))
            }
            (Kept::All | Kept::Some | Kept::Whole, _) => buffer.poll_fill(cx, source, bytes_max),
        };
        let result = match filled {
            Poll::Pending => {
                self.wait = Wait::Source;
                self.body = Some(buffer);
                self.release(buffers);
                return Poll::Pending;
            }
            Poll::Ready(Ok(0)) => self.end_of_source(&mut buffer),
            Poll::Ready(Ok(_)) => {
                if self.kept == Kept::All {
                    self.kept = Kept::Some;
                }
                self.wants_large = buffer.is_full() && self.encoder.is_none();
                self.prepare(&mut buffer)
            }
            Poll::Ready(Err(_)) => Err(Broken::Source),
        };
        self.body = Some(buffer);
        Poll::Ready(result)
    }

    /// The buffer to read into, empty but for the beginning of trailers. Bodies that filled a small
    /// buffer go on in a large one.
    fn roomy_buffer(&mut self, buffers: &RefCell<Buffers>) -> Buffer {
        let mut buffers = buffers.borrow_mut();
        match self.body.take() {
            Some(mut begun) if !begun.is_empty() => {
                begun.compact();
                begun
            }
            Some(buffer) if !self.wants_large || buffer.is_large() => buffer,
            Some(small) => match buffers.take_large() {
                Some(large) => {
                    buffers.give(small);
                    large
                }
                None => small,
            },
            None => buffers.take(),
        }
    }

    fn end_of_source(&mut self, buffer: &mut Buffer) -> Result<(), Broken> {
        match (&self.reader, self.coding) {
            (Reader::Length { .. } | Reader::Chunked(_), _) => return Err(Broken::Source),
            (Reader::UntilClose, Coding::Enchunk) => buffer.append(http::chunk::LAST),
            (Reader::UntilClose, Coding::Encode) => self.encode(b"", Ends::Here)?,
            (Reader::UntilClose, Coding::Same | Coding::Dechunk | Coding::LeftOut) => {}
        }
        self.end = End::Reached;
        self.ready = buffer.content().len();
        Ok(())
    }

    /// Follows the body through what was read and gives it the receiver's coding.
    fn prepare(&mut self, buffer: &mut Buffer) -> Result<(), Broken> {
        let taken = self.follow(buffer)?;
        self.count(taken.payload)?;
        self.end = match (taken.is_end, taken.bytes < buffer.content().len()) {
            (false, _) => End::Ahead,
            (true, false) => End::Reached,
            (true, true) => End::Overrun,
        };
        self.ready = match self.coding {
            Coding::Same | Coding::Dechunk | Coding::LeftOut => {
                buffer.cut(taken.kept, taken.bytes);
                taken.kept
            }
            Coding::Enchunk => {
                buffer.cut(taken.kept, taken.bytes);
                buffer.enclose_in_chunk();
                buffer.content().len()
            }
            Coding::Encode => {
                let ends = if taken.is_end { Ends::Here } else { Ends::Later };
                self.encode(&buffer.content()[..taken.kept], ends)?;
                buffer.consume(taken.bytes);
                0
            }
        };
        Ok(())
    }

    fn follow(&mut self, buffer: &mut Buffer) -> Result<Taken, Broken> {
        let taken = match self.coding {
            Coding::Same | Coding::Enchunk => self.reader.advance(buffer.content_mut()),
            Coding::Dechunk | Coding::Encode | Coding::LeftOut => {
                self.reader.strip(buffer.content_mut())
            }
        };
        let taken = taken.map_err(|_| Broken::Framing)?;
        // What is read from the file was counted when it came.
        if self.kept != Kept::Whole {
            self.taken += taken.bytes as u64;
        }
        Ok(taken)
    }

    fn count(&mut self, payload: usize) -> Result<(), Broken> {
        self.payload_left =
            self.payload_left.checked_sub(payload as u64).ok_or(Broken::TooLarge)?;
        Ok(())
    }

    /// Gives the buffer back, unless bytes of what comes next are in it.
    #[inline]
    fn release(&mut self, buffers: &RefCell<Buffers>) {
        if self.body.is_some() {
            self.give_back(buffers);
        }
    }

    fn give_back(&mut self, buffers: &RefCell<Buffers>) {
        if let Some(buffer) = self.body.take_if(|buffer| buffer.is_empty()) {
            buffers.borrow_mut().give(buffer);
        }
    }

    /// Whether there is anything to give back.
    #[inline]
    pub(crate) fn is_holding(&self) -> bool {
        self.body.is_some() || self.spool.is_some() || !self.is_plain()
    }

    /// Ends whatever state the message is in; what was read behind its end is the caller's.
    pub(crate) fn finish(&mut self, buffers: &RefCell<Buffers>) -> Option<Buffer> {
        if let Some(buffer) = &mut self.body {
            buffer.consume(self.ready);
        }
        self.ready = 0;
        self.spool = None;
        self.file = None;
        self.encoder = None;
        self.throttle = None;
        self.release(buffers);
        self.body.take()
    }
}
