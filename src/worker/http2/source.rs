//! What an HTTP/2 stream brings, as HTTP/1.1 has it: DATA as a body of a known length or as chunks,
//! trailers as the section behind them.
//!
//! The other side is given room for more as bytes are taken out, so a slow reader slows the sender
//! down and what waits here is bounded by the stream's window.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use h2::RecvStream;

use crate::http::chunk;
use crate::http::http2::fields::{self, Framed};

pub(crate) struct Source {
    stream: RecvStream,
    framed: Framed,
    /// Framing that is to be read first: a size line, the end of a chunk, a trailer section.
    ahead: Vec<u8>,
    /// How much of it was.
    ahead_read: usize,
    data: Bytes,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Data,
    /// A chunk was begun.
    Chunk,
    Trailers,
    End,
}

impl Source {
    pub(super) fn new(stream: RecvStream, framed: Framed) -> Self {
        let (ahead, data) = (Vec::new(), Bytes::new());
        Self { stream, framed, ahead, ahead_read: 0, data, at: At::Data }
    }

    /// Puts `head` before what is to come.
    pub(super) fn lead(&mut self, head: Vec<u8>) {
        debug_assert!(self.ahead.is_empty(), "a head comes first");
        self.ahead = head;
        self.ahead_read = 0;
    }

    /// Reads into `space`, which is not empty; `Ok(0)` is the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut count = 0;
        while count < space.len() {
            let room = &mut space[count..];
            if self.ahead_read < self.ahead.len() {
                let unread = &self.ahead[self.ahead_read..];
                let taken = unread.len().min(room.len());
                room[..taken].copy_from_slice(&unread[..taken]);
                self.ahead_read += taken;
                count += taken;
                continue;
            }
            self.ahead.clear();
            self.ahead_read = 0;
            if self.data.is_empty() {
                match self.poll_next(cx) {
                    Poll::Ready(Ok(())) if self.at == At::End && self.ahead.is_empty() => break,
                    Poll::Ready(Ok(())) => continue,
                    // What there is is not held back by what is to come, or by what is wrong with it.
                    _ if count > 0 => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            let taken = self.data.len().min(room.len());
            room[..taken].copy_from_slice(&self.data[..taken]);
            self.data.advance(taken);
            count += taken;
            self.stream.flow_control().release_capacity(taken).map_err(broken)?;
        }
        Poll::Ready(Ok(count))
    }

    /// Comes to the next data or framing, or to the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.at {
                At::Chunk => {
                    self.ahead.extend_from_slice(chunk::PAYLOAD_END);
                    self.at = At::Data;
                    return Poll::Ready(Ok(()));
                }
                At::Data => match ready!(self.stream.poll_data(cx)) {
                    Some(Ok(data)) if data.is_empty() => {}
                    Some(Ok(data)) => {
                        if self.framed == Framed::Chunked {
                            self.begin_chunk(data.len());
                        }
                        self.data = data;
                        return Poll::Ready(Ok(()));
                    }
                    Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                    None => self.at = At::Trailers,
                },
                At::Trailers => {
                    let trailers = ready!(self.stream.poll_trailers(cx)).map_err(broken)?;
                    self.at = At::End;
                    if self.framed == Framed::Length {
                        // Where the length is told beforehand there is no place for them.
                        return Poll::Ready(Ok(()));
                    }
                    self.ahead.extend_from_slice(b"0\r\n");
                    let none = ::http::HeaderMap::new();
                    let lines = trailers.as_ref().unwrap_or(&none).iter();
                    let lines = lines.map(|(name, value)| (name.as_ref(), value.as_bytes()));
                    fields::section(&mut self.ahead, lines)
                        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                    return Poll::Ready(Ok(()));
                }
                At::End => return Poll::Ready(Ok(())),
            }
        }
    }

    fn begin_chunk(&mut self, bytes: usize) {
        let mut line = [0; chunk::SIZE_LINE_BYTES_MAX];
        let start = chunk::write_size(&mut line, chunk::SIZE_LINE_BYTES_MAX, bytes);
        self.ahead.extend_from_slice(&line[start..]);
        self.at = At::Chunk;
    }
}

/// A stream that has ended as it should not.
pub(super) fn broken(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
