//! One connection, TCP or unix, in plain or not, read and written by polling.
//!
//! Reads go through `poll_read` only, which clears a socket's readiness after a short one: a later look at
//! an idle connection would lie otherwise.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncWrite as _, Interest, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use super::http2::inbound::Inbound;
use super::http2::outbound::Outbound;
use super::mirror::source::Source;
use super::socket;
use super::tls::Secured;
use crate::config;
use crate::sys;

pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// One of the others, below TLS.
    Tls(Box<Secured>),
    /// One request on a client's connection of HTTP/2.
    Inbound(Box<Inbound>),
    /// One request on a backend's.
    Outbound(Box<Outbound>),
    /// Nobody who waits for an answer, and the body of a request that was copied.
    Copy(Box<Source>),
}

/// What an idle connection looks like from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    Quiet,
    /// Bytes wait to be read, though none are expected.
    Talking,
    Closed,
}

/// How the other side has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// It sends no more; it may still read.
    End,
    /// It does neither.
    Reset,
}

impl Stream {
    /// Silence of `links.tcp_keepalive_ms` and the kernel asks the other side for a sign of life. A unix
    /// socket's other side cannot vanish unheard, and no address is needed to reach it.
    pub(crate) async fn connect(
        address: &config::model::Address,
        links: &config::model::Links,
    ) -> io::Result<Self> {
        match address {
            config::model::Address::Tcp(address) => {
                let stream = match links.bind {
                    None => TcpStream::connect(address).await?,
                    Some(own) => {
                        let socket = TcpSocket::from_std_stream(sys::origin::socket(own)?);
                        socket.connect(*address).await?
                    }
                };
                stream.set_nodelay(true)?;
                if address.ip().is_loopback() {
                    let _cheaper_only = sys::socket::spare_congestion_control(&stream);
                }
                if links.tcp_keepalive_ms > 0 {
                    sys::socket::set_keepalive(&stream, links.tcp_keepalive_ms)?;
                }
                Ok(Self::Tcp(stream))
            }
            config::model::Address::Unix(path) => Ok(Self::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Reads into `space`, which must not be empty; `Ok(0)` is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => socket::poll_read(stream, cx, space),
            Self::Unix(stream) => socket::poll_read(stream, cx, space),
            Self::Tls(stream) => stream.poll_read(cx, space),
            Self::Inbound(stream) => stream.poll_read(cx, space),
            Self::Outbound(stream) => stream.poll_read(cx, space),
            Self::Copy(source) => Poll::Ready(Ok(source.read(space))),
        }
    }

    /// Whether it makes sense to read, as far as the reactor has heard; else it is waited for.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx).map(|_| ()),
            Self::Unix(stream) => stream.poll_read_ready(cx).map(|_| ()),
            Self::Tls(_) | Self::Inbound(_) | Self::Outbound(_) | Self::Copy(_) => Poll::Ready(()),
        }
    }

    /// Writes from both slices in one call; an empty one costs nothing.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let one = match (first, second) {
            ([], one) | (one, []) => one,
            (first, second) => {
                let both = [IoSlice::new(first), IoSlice::new(second)];
                return match self {
                    Self::Tls(stream) => stream.poll_write(cx, first, second),
                    Self::Inbound(stream) => stream.poll_write(cx, first, second),
                    Self::Outbound(stream) => stream.poll_write(cx, first, second),
                    Self::Copy(_) => Poll::Ready(Ok(first.len() + second.len())),
                    Self::Tcp(_) | Self::Unix(_) => self.poll_write_slices(cx, &both),
                };
            }
        };
        match self {
            Self::Tcp(stream) => socket::poll_write(stream, cx, one),
            Self::Unix(stream) => socket::poll_write(stream, cx, one),
            Self::Tls(stream) => stream.poll_write(cx, one, &[]),
            Self::Inbound(stream) => stream.poll_write(cx, one, &[]),
            Self::Outbound(stream) => stream.poll_write(cx, one, &[]),
            Self::Copy(_) => Poll::Ready(Ok(one.len())),
        }
    }

    /// Writes from all slices in one call, to a socket.
    pub(crate) fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => socket::poll_write_pieces(stream, cx, slices),
            Self::Unix(stream) => socket::poll_write_pieces(stream, cx, slices),
            Self::Tls(stream) => stream.poll_write(cx, slices.first().map_or(b"", |one| one), &[]),
            Self::Inbound(stream) => {
                stream.poll_write(cx, slices.first().map_or(b"", |one| one), &[])
            }
            Self::Outbound(stream) => {
                stream.poll_write(cx, slices.first().map_or(b"", |one| one), &[])
            }
            Self::Copy(_) => Poll::Ready(Ok(slices.iter().map(|one| one.len()).sum())),
        }
    }

    /// Whether the kernel can send files on it by itself.
    pub(crate) fn takes_files(&self) -> bool {
        match self {
            Self::Tcp(_) => true,
            Self::Unix(_) | Self::Tls(_) | Self::Inbound(_) | Self::Outbound(_) | Self::Copy(_) => {
                false
            }
        }
    }

    /// Sends up to `bytes` of a file from `offset` on, without reading them; how many. `Ok(0)` is
    /// the file's end.
    pub(crate) fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &OwnedFd,
        offset: u64,
        bytes: usize,
    ) -> Poll<io::Result<usize>> {
        let Self::Tcp(stream) = self else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            ready!(stream.poll_write_ready(cx))?;
            let mut taken = None;
            let sent = stream.try_io(Interest::WRITABLE, || {
                let sent = sys::file::send(&*stream, file, offset, bytes)?;
                // A socket that took less is full, unless it is the file that has ended: to ask it
                // again would cost as much as a send.
                if sent > 0 && sent < bytes && sys::file::reaches(file, offset + bytes as u64) {
                    taken = Some(sent);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(sent)
            });
            match (sent, taken) {
                (_, Some(taken)) => return Poll::Ready(Ok(taken)),
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => {}
                (sent, None) => return Poll::Ready(sent),
            }
        }
    }

    /// What the path of requests begins with.
    pub(crate) fn scheme(&self) -> &'static [u8] {
        match self {
            Self::Tcp(_) | Self::Unix(_) => b"http",
            Self::Tls(_) => b"https",
            Self::Inbound(stream) => stream.scheme(),
            Self::Outbound(stream) => stream.scheme(),
            Self::Copy(source) => source.scheme,
        }
    }

    /// Whether it is part of a connection of HTTP/2.
    pub(crate) fn is_of_http2(&self) -> bool {
        match self {
            Self::Inbound(_) | Self::Outbound(_) => true,
            Self::Tcp(_) | Self::Unix(_) | Self::Tls(_) | Self::Copy(_) => false,
        }
    }

    /// Where this side is, if it has a TCP address.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) | Self::Outbound(_) => None,
            Self::Tls(stream) => stream.local_address(),
            Self::Inbound(stream) => stream.local_address(),
            Self::Copy(source) => source.local_address,
        }
    }

    /// Sends the end of our side; the other side may go on.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => stream.poll_shutdown(cx),
            Self::Inbound(stream) => Poll::Ready(stream.shut_down()),
            Self::Outbound(stream) => Poll::Ready(stream.shut_down()),
            Self::Copy(_) => Poll::Ready(Ok(())),
        }
    }

    /// Lets the socket's end be a reset, so that the other side knows that not all was said. A unix
    /// socket knows no resets.
    pub(crate) fn reset_when_closed(&mut self) {
        match self {
            Self::Tcp(stream) => {
                // A socket that cannot be told has nobody at its other end.
                let _is_gone_otherwise = stream.set_zero_linger();
            }
            // One of HTTP/2 that is not whole is reset in any case.
            Self::Unix(_) | Self::Inbound(_) | Self::Outbound(_) | Self::Copy(_) => {}
            Self::Tls(stream) => stream.reset_when_closed(),
        }
    }

    /// A look that costs no system call unless the reactor has seen something happen, and takes no bytes.
    pub(crate) fn look(&mut self) -> Idle {
        let ended = match self {
            Self::Tcp(stream) => {
                stream.try_io(Interest::READABLE, || sys::socket::has_ended(&*stream))
            }
            Self::Unix(stream) => {
                stream.try_io(Interest::READABLE, || sys::socket::has_ended(&*stream))
            }
            Self::Tls(_) | Self::Inbound(_) | Self::Outbound(_) | Self::Copy(_) => {
                let mut cx = Context::from_waker(Waker::noop());
                let mut byte = [0; 1];
                match self.poll_read(&mut cx, &mut byte) {
                    Poll::Pending => return Idle::Quiet,
                    Poll::Ready(read) => read.map(|count| count == 0),
                }
            }
        };
        match ended {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Idle::Quiet,
            Ok(true) | Err(_) => Idle::Closed,
            Ok(false) => Idle::Talking,
        }
    }

    /// Asks the kernel whether nothing has come: neither bytes nor the end.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Tcp(stream) => sys::socket::is_quiet(stream),
            Self::Unix(stream) => sys::socket::is_quiet(stream),
            Self::Tls(stream) => stream.is_quiet(),
            // It has said all it has to say, and is kept by nobody.
            Self::Inbound(_) | Self::Outbound(_) | Self::Copy(_) => true,
        }
    }

    /// Whether the other side has ended, without taking bytes from it. Only a client is ever asked.
    pub(crate) fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<Hangup> {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => return poll_hangup_of(stream, cx),
            Self::Outbound(_) | Self::Copy(_) => return Poll::Pending,
            Self::Tls(stream) => return stream.poll_hangup(cx),
            Self::Inbound(stream) => return stream.poll_hangup(cx),
        };
        let mut byte = [0; 1];
        match ready!(stream.poll_peek(cx, &mut ReadBuf::new(&mut byte))) {
            Ok(0) => Poll::Ready(Hangup::End),
            Err(_) => Poll::Ready(Hangup::Reset),
            // More requests wait behind this one; they hide a close until they are read.
            Ok(_) => Poll::Pending,
        }
    }
}

fn poll_hangup_of(stream: &UnixStream, cx: &mut Context<'_>) -> Poll<Hangup> {
    loop {
        if ready!(stream.poll_read_ready(cx)).is_err() {
            return Poll::Ready(Hangup::Reset);
        }
        return match stream.try_io(Interest::READABLE, || sys::socket::has_ended(stream)) {
            Ok(true) => Poll::Ready(Hangup::End),
            Ok(false) => Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => Poll::Ready(Hangup::Reset),
        };
    }
}
