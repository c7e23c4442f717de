//! A body of HTTP/1.1 as it is written, sent on as the DATA of an HTTP/2 stream, and its trailer
//! section as trailers.
//!
//! Takes no more than the other side has room for, so that nothing is held here but a trailer
//! section that is not whole.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use h2::SendStream;

use super::outbox::{Outbox, Piece};
use super::source::broken;
use crate::config::limits;
use crate::http::chunk::{Decoder, Step};
use crate::http::framing::Body;
use crate::http::http2::fields;
use crate::http::trailers::{self, Section};

pub(crate) struct Sink {
    stream: SendStream<Piece>,
    /// Of all streams of the connection.
    outbox: Rc<Outbox>,
    framing: Framing,
}

enum Framing {
    Length {
        left: u64,
    },
    Chunked {
        decoder: Decoder,
        /// The beginning of a trailer section.
        section: Vec<u8>,
    },
    UntilClose,
    Over,
}

impl Sink {
    /// For the rest of a message whose head was sent. One without a body is over.
    pub(super) fn new(stream: SendStream<Piece>, outbox: Rc<Outbox>, body: Body) -> Self {
        let framing = match body {
            Body::None | Body::Length(0) => Framing::Over,
            Body::Length(left) => Framing::Length { left },
            Body::Chunked => Framing::Chunked { decoder: Decoder::default(), section: Vec::new() },
            Body::UntilClose => Framing::UntilClose,
        };
        Self { stream, outbox, framing }
    }

    /// Whether the message is all there.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.framing, Framing::Over)
    }

    pub(super) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(|_| ())
    }

    /// What ends with its connection has ended.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if let Framing::UntilClose = self.framing {
            self.framing = Framing::Over;
            self.stream.send_data(self.outbox.put(Bytes::new()), true).map_err(broken)?;
        }
        Ok(())
    }

    /// Takes some of the bytes; how many.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.framing {
            Framing::Over => Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            Framing::UntilClose => {
                let room = ready!(poll_room(&mut self.stream, &self.outbox, cx, bytes.len()))?;
                let count = room.min(bytes.len());
                let piece = self.outbox.put(Bytes::copy_from_slice(&bytes[..count]));
                let sent = self.stream.send_data(piece, false);
                Poll::Ready(sent.map(|()| count).map_err(broken))
            }
            Framing::Length { left } => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let room = ready!(poll_room(&mut self.stream, &self.outbox, cx, wanted))?;
                let count = room.min(wanted);
                *left -= count as u64;
                let is_end = *left == 0;
                if is_end {
                    self.framing = Framing::Over;
                }
                let piece = self.outbox.put(Bytes::copy_from_slice(&bytes[..count]));
                let sent = self.stream.send_data(piece, is_end);
                Poll::Ready(sent.map(|()| count).map_err(broken))
            }
            Framing::Chunked { .. } => self.poll_write_chunks(cx, bytes),
        }
    }

    fn poll_write_chunks(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, outbox, framing } = self;
        let Framing::Chunked { decoder, section } = framing else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        let mut rest = bytes;
        let mut payload = BytesMut::new();
        let mut room = None;
        let mut trailers = None;
        while !rest.is_empty() {
            let mut next = *decoder;
            match next.step(rest).map_err(malformed)? {
                Step::Framing(length) => {
                    *decoder = next;
                    rest = &rest[length..];
                }
                Step::Payload(length) => {
                    let room = match room {
                        Some(room) => room,
                        None => match poll_room(stream, outbox, cx, rest.len()) {
                            Poll::Ready(Ok(found)) => *room.insert(found),
                            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                            Poll::Pending => 0,
                        },
                    };
                    let length = length.min(room - payload.len());
                    if length == 0 {
                        break;
                    }
                    // Once more, for as much as is taken.
                    decoder.step(&rest[..length]).map_err(malformed)?;
                    payload.extend_from_slice(&rest[..length]);
                    rest = &rest[length..];
                }
                Step::Trailers => {
                    let before = section.len();
                    section.extend_from_slice(rest);
                    let found = trailers::section(section).map_err(malformed)?;
                    let Section::Complete { length } = found else {
                        rest = &[];
                        break;
                    };
                    rest = &rest[length - before..];
                    section.truncate(length);
                    trailers = Some(std::mem::take(section));
                    break;
                }
            }
        }
        let taken = bytes.len() - rest.len();
        let payload = outbox.put(payload.freeze());
        match trailers {
            Some(section) => {
                *framing = Framing::Over;
                finish(stream, payload, section)?;
            }
            None if payload.has_remaining() => {
                stream.send_data(payload, false).map_err(broken)?;
                // Framing took some of what was asked for; other streams may have that.
                stream.reserve_capacity(0);
            }
            None => {}
        }
        // Without room, whoever asks again is heard of it.
        if taken > 0 { Poll::Ready(Ok(taken)) } else { Poll::Pending }
    }
}

/// Sends the last of a body, and the trailers of its section.
fn finish(stream: &mut SendStream<Piece>, payload: Piece, mut section: Vec<u8>) -> io::Result<()> {
    let kept = trailers::filter(&mut section);
    let map = map_of(fields::of_section(&section[..kept]))?;
    if map.is_empty() {
        return stream.send_data(payload, true).map_err(broken);
    }
    if payload.has_remaining() {
        stream.send_data(payload, false).map_err(broken)?;
    }
    stream.send_trailers(map).map_err(broken)
}

/// How many of `wanted` bytes the other side has room for, and those that go there together; at least
/// one.
fn poll_room(
    stream: &mut SendStream<Piece>,
    outbox: &Outbox,
    cx: &mut Context<'_>,
    wanted: usize,
) -> Poll<io::Result<usize>> {
    // Who waits for this holds nothing of the connection's window.
    let wanted = wanted.min(limits::http2::PIECE_BYTES).min(ready!(outbox.poll_room(cx)));
    stream.reserve_capacity(wanted);
    loop {
        let room = stream.capacity();
        if room > 0 {
            return Poll::Ready(Ok(room.min(wanted)));
        }
        match ready!(stream.poll_capacity(cx)) {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Poll::Ready(Err(broken(error))),
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

/// Fields of a head or of trailers, as the protocol's crate wants them.
pub(super) fn map_of<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> io::Result<::http::HeaderMap> {
    let mut map = ::http::HeaderMap::new();
    for (name, value) in fields {
        let name = ::http::HeaderName::from_bytes(name).map_err(malformed)?;
        let value = ::http::HeaderValue::from_bytes(value).map_err(malformed)?;
        map.append(name, value);
    }
    Ok(map)
}

pub(super) fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Hands pieces over one after another until one is not taken; how many bytes were.
pub(super) fn in_turn(
    pieces: [&[u8]; 2],
    mut take: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let mut taken = 0;
    for mut rest in pieces {
        while !rest.is_empty() {
            match take(rest) {
                Poll::Ready(Ok(count)) => {
                    taken += count;
                    rest = &rest[count..];
                }
                // What is wrong is met again when there is nothing else to say.
                Poll::Ready(Err(_)) | Poll::Pending if taken > 0 => {
                    return Poll::Ready(Ok(taken));
                }
                refused => return refused,
            }
        }
    }
    Poll::Ready(Ok(taken))
}
