//! A descriptor that the reactor watches for something to read, or for room to write.
#![allow(unsafe_code, reason = "the reactor wants a promise about the descriptor")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Gives out its descriptor by shared reference only, which is what keeps the promise below.
#[derive(Debug)]
pub(crate) struct Watched(AsyncFd<OwnedFd>);

impl Watched {
    /// Needs a running reactor. The descriptor should be non-blocking, or read by calls that do not
    /// wait.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        // SAFETY: an owned descriptor stays open and the same until it is dropped, and nothing here
        // moves it out of the registration or lends it mutably.
        let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
        Ok(Self(watched?))
    }

    /// Waits until there is something to read, or the end.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Waits until `read` gives something else than `WouldBlock`.
    pub(crate) async fn read<R>(
        &self,
        mut read: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.0.async_io(Interest::READABLE, |descriptor| read(descriptor.as_fd())).await
    }
}

/// A descriptor that the reactor watches for room to write.
#[derive(Debug)]
pub(crate) struct Writable(AsyncFd<OwnedFd>);

impl Writable {
    /// Needs a running reactor, and a non-blocking descriptor.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        // SAFETY: as for `Watched`: the descriptor stays open and the same, and is lent by shared
        // reference only.
        let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::WRITABLE) };
        Ok(Self(watched?))
    }

    /// Waits until `write` gives something else than `WouldBlock`.
    pub(crate) async fn write<R>(
        &self,
        mut write: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        self.0.async_io(Interest::WRITABLE, |descriptor| write(descriptor.as_fd())).await
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
