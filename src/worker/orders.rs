//! The worker's line to the master: orders in, two short answers out.
//!
//! An order is obeyed before the next one is read. The end of the line is no order to stop: what is
//! configured goes on being served.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::order::MESSAGE_BYTES_MAX;
use crate::order::worker::{FromWorker, ToWorker};
use crate::sys::seqpacket::{self, Wait};

pub(crate) struct Line {
    socket: AsyncFd<OwnedFd>,
}

impl Line {
    #[expect(
        deprecated,
        reason = "its successor asks the caller to promise what an OwnedFd keeps by itself"
    )]
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self { socket: AsyncFd::with_interest(socket, Interest::READABLE)? })
    }

    /// The next order and the descriptors that it carries; `None` at the end of the line.
    pub(crate) async fn order(&self) -> io::Result<Option<(ToWorker, Vec<OwnedFd>)>> {
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        let mut descriptors = Vec::new();
        let count = self
            .socket
            .async_io(Interest::READABLE, |socket| {
                seqpacket::receive(
                    socket.as_fd(),
                    &mut bytes,
                    |received| descriptors.push(received),
                    Wait::Never,
                )
            })
            .await?;
        if count == 0 {
            return Ok(None);
        }
        let order = ToWorker::decode(&bytes[..count]).map_err(io::Error::other)?;
        Ok(Some((order, descriptors)))
    }

    /// Says it if there is room; a master that reads nothing is not waited for.
    pub(crate) fn say(&self, answer: FromWorker) -> io::Result<()> {
        seqpacket::send(self.socket.get_ref(), answer.encode().as_ref(), &[], Wait::Never)
    }
}
