//! One HTTP/1.1 connection of the demo, from either end: heads and bodies, piece by piece.
//!
//! Just enough for our own origins, load and tests: no trailers kept, no pipelining promised. The
//! engine's HTTP is in `http` and shares nothing with this, so that one cannot hide the other's
//! mistakes.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HEAD_BYTES_MAX: usize = 64 * 1024;
pub(super) const HEADERS_MAX: usize = 128;
const READ_BYTES: usize = 16 * 1024;

pub(super) struct Conversation {
    stream: TcpStream,
    /// Received and not yet consumed.
    unread: Vec<u8>,
}

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    /// Left of the current chunk; zero: a size line is next.
    Chunked(u64),
    UntilClose,
}

impl Body {
    /// What a head's fields say; `without` is what neither field means.
    pub(super) fn of(headers: &[httparse::Header<'_>], without: Self) -> io::Result<Self> {
        if header(headers, "transfer-encoding").is_some() {
            return Ok(Self::Chunked(0));
        }
        match header(headers, "content-length") {
            None => Ok(without),
            Some(length) => length.parse().map(Self::Length).map_err(|_| bad("a content length")),
        }
    }
}

/// A field's value, if it is text.
pub(super) fn header<'h>(headers: &[httparse::Header<'h>], name: &str) -> Option<&'h str> {
    let field = headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(field.value).ok().map(str::trim)
}

pub(super) fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("cannot make sense of {what}"))
}

impl Conversation {
    pub(super) fn new(stream: TcpStream) -> Self {
        let _latency_only = stream.set_nodelay(true);
        Self { stream, unread: Vec::new() }
    }

    /// The bytes of the next head, blank line included; `None` when the peer is done. Safe to
    /// cancel: what was received stays.
    pub(super) async fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let found = self.unread[searched..].windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                return Ok(Some(self.unread.drain(..searched + at + 4).collect()));
            }
            searched = self.unread.len().saturating_sub(3);
            if self.unread.len() > HEAD_BYTES_MAX {
                return Err(bad("a head that long"));
            }
            if !self.fill().await? {
                return if self.unread.is_empty() { Ok(None) } else { Err(cut_off()) };
            }
        }
    }

    /// The next bytes of a body; `None` at its end.
    pub(super) async fn piece(&mut self, body: &mut Body) -> io::Result<Option<Vec<u8>>> {
        match body {
            Body::Length(0) => Ok(None),
            Body::Length(left) => self.up_to(left).await.map(Some),
            Body::UntilClose => {
                self.fill().await?;
                let piece = std::mem::take(&mut self.unread);
                Ok((!piece.is_empty()).then_some(piece))
            }
            Body::Chunked(left) => {
                if *left == 0 {
                    let line = self.line().await?;
                    let size = line.split(';').next().unwrap_or("").trim();
                    *left = u64::from_str_radix(size, 16).map_err(|_| bad("a chunk's size"))?;
                }
                if *left == 0 {
                    while !self.line().await?.is_empty() {}
                    *body = Body::Length(0);
                    return Ok(None);
                }
                let piece = self.up_to(left).await?;
                if *left == 0 && !self.line().await?.is_empty() {
                    return Err(bad("a chunk's end"));
                }
                Ok(Some(piece))
            }
        }
    }

    /// Reads the rest of a body and forgets it.
    pub(super) async fn skip(&mut self, body: &mut Body) -> io::Result<()> {
        while self.piece(body).await?.is_some() {}
        Ok(())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.unread.is_empty()
    }

    /// At least one byte and at most `left`, which shrinks.
    async fn up_to(&mut self, left: &mut u64) -> io::Result<Vec<u8>> {
        if self.unread.is_empty() && !self.fill().await? {
            return Err(cut_off());
        }
        let taken = self.unread.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= taken as u64;
        Ok(self.unread.drain(..taken).collect())
    }

    /// The next line, without its end.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line = self.unread.drain(..at + 2).take(at).collect();
                return String::from_utf8(line).map_err(|_| bad("a line"));
            }
            if self.unread.len() > HEAD_BYTES_MAX {
                return Err(bad("a line that long"));
            }
            if !self.fill().await? {
                return Err(cut_off());
            }
        }
    }

    /// Receives more; false when the peer is done.
    async fn fill(&mut self) -> io::Result<bool> {
        self.unread.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.unread).await? > 0)
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended within a message")
}
