//! TLS on a connection, to a client or to a backend: what is written goes out in records, what is
//! read comes out of them.
//!
//! Knows nothing of HTTP. A write is over once its records are with the kernel, so that nothing is
//! left behind that nobody would send. The end of either side is told by a `close_notify`, unless
//! what was sent broke off.

pub(crate) mod dial;
pub(crate) mod facts;
pub(crate) mod handshake;
pub(crate) mod serving;
pub(crate) mod tickets;
pub(crate) mod under_way;

use std::io::{self, IoSlice, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::Connection as Session;

use super::stream::{Hangup, Stream};

/// Slices of one write; what a session has ready at once is a few records.
const SLICES_MAX: usize = 16;

pub(crate) struct Secured {
    plain: Stream,
    state: State,
    /// Of what the caller writes, the bytes whose records are not all sent.
    taken: usize,
    /// What came is all there is.
    has_ended: bool,
    is_cut: bool,
    /// Certificates that the client's led to, or would have had to.
    authority: Option<Arc<str>>,
    /// As a client that has shown a certificate.
    peer: Option<Rc<facts::Peer>>,
}

/// A client's connection may begin with a PROXY header, which is in plain.
enum State {
    Plain,
    Up(Box<Session>),
}

impl Secured {
    /// In plain until a session begins.
    pub(crate) fn new(plain: Stream) -> Self {
        Self {
            plain,
            state: State::Plain,
            taken: 0,
            has_ended: false,
            is_cut: false,
            authority: None,
            peer: None,
        }
    }

    pub(crate) fn plain(&mut self) -> &mut Stream {
        &mut self.plain
    }

    fn begin(&mut self, session: impl Into<Session>, authority: Option<Arc<str>>) {
        self.state = State::Up(Box::new(session.into()));
        self.authority = authority;
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Plain => None,
            State::Up(session) => Some(session),
        }
    }

    /// Whether both sides have agreed on HTTP/2.
    pub(crate) fn speaks_http2(&self) -> bool {
        self.session().is_some_and(|session| session.alpn_protocol() == Some(serving::HTTP2))
    }

    /// Whether its client was asked for a certificate of these authorities.
    pub(crate) fn answers_to(&self, roots: &Arc<str>) -> bool {
        self.authority.as_ref().is_some_and(|known| known == roots)
    }

    /// Sends and reads until the handshake is over.
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_push(cx))?;
            let State::Up(session) = &self.state else { return Poll::Ready(Ok(())) };
            if !session.is_handshaking() {
                self.peer = facts::Peer::of(session);
                return Poll::Ready(Ok(()));
            }
            if self.has_ended {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            ready!(self.poll_receive(cx))?;
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.state {
                State::Plain => return self.plain.poll_read(cx, space),
                State::Up(session) => match session.reader().read(space) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return Poll::Ready(read),
                },
            }
            ready!(self.poll_receive(cx))?;
        }
    }

    /// The same bytes must come again after `Pending`, as those of a pump do.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let State::Up(session) = &mut self.state else {
            return self.plain.poll_write(cx, first, second);
        };
        if self.taken == 0 {
            let both = [IoSlice::new(first), IoSlice::new(second)];
            self.taken = session.writer().write_vectored(&both)?;
        }
        ready!(self.poll_push(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut self.taken)))
    }

    /// Sends the records there are.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Up(session) = &mut self.state else { return Poll::Ready(Ok(())) };
        while session.wants_write() {
            let mut pipe = Pipe { stream: &mut self.plain, cx };
            match session.write_tls(&mut pipe) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes in what has come, once.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Up(session) = &mut self.state else { return Poll::Ready(Ok(())) };
        let mut pipe = Pipe { stream: &mut self.plain, cx };
        match session.read_tls(&mut pipe) {
            Ok(0) => self.has_ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
        let judged = session.process_new_packets();
        if session.wants_write() {
            // An alert that says why, or an answer that can wait for the next bytes.
            let _with_the_next = self.poll_push(cx);
        }
        Poll::Ready(match judged {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        })
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Up(session) = &mut self.state {
            session.send_close_notify();
        }
        ready!(self.poll_push(cx))?;
        self.plain.poll_shutdown(cx)
    }

    /// What is sent is not whole, and must not look it.
    pub(crate) fn reset_when_closed(&mut self) {
        self.is_cut = true;
        self.plain.reset_when_closed();
    }

    /// Whether nothing has come that is not read yet.
    pub(crate) fn is_quiet(&self) -> bool {
        let is_read = self.session().is_none_or(|session| session.wants_read());
        is_read && self.plain.is_quiet()
    }

    /// Takes in what comes, as far as there is room for it, and looks for the end.
    pub(crate) fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        loop {
            let State::Up(session) = &mut self.state else { return self.plain.poll_hangup(cx) };
            match session.process_new_packets() {
                Err(_) => return Poll::Ready(Hangup::Reset),
                // More requests wait behind this one; they hide a close until they are read.
                Ok(state) if state.plaintext_bytes_to_read() > 0 => return Poll::Pending,
                Ok(state) if state.peer_has_closed() || self.has_ended => {
                    return Poll::Ready(Hangup::End);
                }
                Ok(_) => {}
            }
            if ready!(self.poll_receive(cx)).is_err() {
                return Poll::Ready(Hangup::Reset);
            }
        }
    }

    pub(crate) fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.plain.local_address()
    }
}

impl Drop for Secured {
    /// Without it, the other side could not tell the end from a break.
    fn drop(&mut self) {
        let State::Up(session) = &mut self.state else { return };
        // What was begun and is not whole must not look it.
        if session.is_handshaking() || self.is_cut || self.taken > 0 {
            return;
        }
        session.send_close_notify();
        // As much as the kernel takes: nobody waits for it.
        let mut cx = Context::from_waker(Waker::noop());
        let _told_or_not = self.poll_push(&mut cx);
    }
}

/// The plain connection below, for rustls, which knows no polling.
struct Pipe<'a, 'w> {
    stream: &'a mut Stream,
    cx: &'a mut Context<'w>,
}

impl Read for Pipe<'_, '_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        now(self.stream.poll_read(self.cx, space))
    }
}

impl Write for Pipe<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        now(self.stream.poll_write(self.cx, bytes, &[]))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let slices = &slices[..slices.len().min(SLICES_MAX)];
        now(self.stream.poll_write_slices(self.cx, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn now<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
