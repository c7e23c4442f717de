//! Reading and writing sockets by polling, in fewer steps than `AsyncRead` and `AsyncWrite` take: while the
//! reactor has heard nothing against it the kernel is asked at once, and the reactor when the kernel says no.
//!
//! Whoever gets less than he asked for has got all there was: the socket counts as not ready from then on, as
//! tokio's own reads have it, so that the next one costs no system call. Each success is taken from the task's
//! budget, so that no connection keeps the others waiting.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::coop;

use crate::sys;

/// Sockets of the reactor.
pub(super) trait Socket: AsFd {
    /// Calls `io` unless the socket is not ready, which it counts as once that would block.
    fn try_io(&self, interest: Interest, io: impl FnOnce() -> io::Result<()>) -> io::Result<()>;

    fn poll_ready(&self, cx: &mut Context<'_>, interest: Interest) -> Poll<io::Result<()>>;
}

macro_rules! socket {
    ($stream:ty) => {
        impl Socket for $stream {
            fn try_io(
                &self,
                interest: Interest,
                io: impl FnOnce() -> io::Result<()>,
            ) -> io::Result<()> {
                <$stream>::try_io(self, interest, io)
            }

            fn poll_ready(&self, cx: &mut Context<'_>, interest: Interest) -> Poll<io::Result<()>> {
                if interest.is_readable() {
                    self.poll_read_ready(cx)
                } else {
                    self.poll_write_ready(cx)
                }
            }
        }
    };
}

socket!(TcpStream);
socket!(UnixStream);

/// Reads into `space`, which is not empty; 0 is the end.
pub(super) fn poll_read(
    socket: &impl Socket,
    cx: &mut Context<'_>,
    space: &mut [u8],
) -> Poll<io::Result<usize>> {
    let room = space.len();
    poll(socket, cx, (Interest::READABLE, room), || sys::socket::receive(socket, space))
}

/// Writes of `bytes`, which are not none, what there is room for.
pub(super) fn poll_write(
    socket: &impl Socket,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    poll(socket, cx, (Interest::WRITABLE, bytes.len()), || sys::socket::send(socket, bytes))
}

/// The same of several pieces.
pub(super) fn poll_write_pieces(
    socket: &impl Socket,
    cx: &mut Context<'_>,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let bytes = pieces.iter().map(|piece| piece.len()).sum();
    poll(socket, cx, (Interest::WRITABLE, bytes), || sys::socket::send_pieces(socket, pieces))
}

fn poll(
    socket: &impl Socket,
    cx: &mut Context<'_>,
    (interest, asked_for): (Interest, usize),
    mut io: impl FnMut() -> io::Result<Option<usize>>,
) -> Poll<io::Result<usize>> {
    let budget = ready!(coop::poll_proceed(cx));
    loop {
        let mut done = None;
        let _as_noted = socket.try_io(interest, || {
            done = io().transpose();
            let is_exhausted = match &done {
                None => true,
                Some(Ok(count)) => (1..asked_for).contains(count),
                Some(Err(_)) => false,
            };
            if is_exhausted { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        if let Some(done) = done {
            budget.made_progress();
            return Poll::Ready(done);
        }
        ready!(socket.poll_ready(cx, interest))?;
    }
}
