//! A bell that several processes share: whoever rings it is heard by all that listen.
//!
//! An eventfd that nobody reads. Every write wakes every edge-triggered listener, so that none can
//! take the news from another; the count it keeps would need centuries to be full.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

use super::watched::Watched;

/// A new one, to be handed to all who ring or listen.
pub(crate) fn create() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

#[derive(Debug)]
pub(crate) struct Bell(Watched);

impl Bell {
    /// Needs a running reactor.
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self(Watched::new(descriptor)?))
    }

    /// A bell that cannot be rung is one that rings already.
    pub(crate) fn ring(&self) {
        let _it_rings = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Calls `heard` whenever it was rung, for ever; an error is the reactor's end.
    pub(crate) async fn listen(&self, mut heard: impl FnMut()) -> io::Error {
        let heard = |_: BorrowedFd<'_>| -> io::Result<io::Error> {
            heard();
            // Nothing is taken: to the reactor, that is having read all there was.
            Err(io::ErrorKind::WouldBlock.into())
        };
        match self.0.read(heard).await {
            Ok(error) | Err(error) => error,
        }
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
