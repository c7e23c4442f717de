//! Messages with descriptors attached, over a connected pair of unix sockets.
//!
//! A message arrives whole or not at all, so no framing is needed. Every call says whether it may
//! wait: the synchronous keeper waits, a reactor's `async_io` closure never does.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// Descriptors one message may carry; the kernel's own bound is 253.
pub(crate) const DESCRIPTORS_MAX: usize = 64;
/// Bytes one message may carry.
pub(crate) const MESSAGE_BYTES_MAX: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until the message is sent or one has come.
    Block,
    /// `WouldBlock` instead of waiting.
    Never,
}

/// A connected pair; both ends close on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    wait: Wait,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors"));
    }
    let flags = match wait {
        Wait::Block => SendFlags::NOSIGNAL,
        Wait::Never => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    };
    let sent = rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket.as_fd(), &[IoSlice::new(bytes)], &mut ancillary, flags)
    });
    match sent {
        // A peer that died with unread messages is as gone as any other.
        Err(rustix::io::Errno::CONNRESET) => Err(io::ErrorKind::BrokenPipe.into()),
        sent => Ok(sent.map(drop)?),
    }
}

/// The message's bytes go to `bytes`, its descriptors (close on exec) to `take`, one by one.
/// `Ok(0)` is the end: the peer is gone. A message longer than `bytes`, or with more descriptors
/// than fit, is an error, never a silently shortened message.
pub(crate) fn receive(
    socket: impl AsFd,
    bytes: &mut [u8],
    mut take: impl FnMut(OwnedFd),
    wait: Wait,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = match wait {
        Wait::Block => RecvFlags::CMSG_CLOEXEC,
        Wait::Never => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    };
    let mut attempt = || {
        rustix::io::retry_on_intr(|| {
            let mut room = [IoSliceMut::new(&mut *bytes)];
            rustix::net::recvmsg(socket.as_fd(), &mut room, &mut ancillary, flags)
        })
    };
    let received = match attempt() {
        // The peer died with unread messages. That is told once, before what it had sent itself:
        // its last words are still to come, then the same end as an orderly one.
        Err(rustix::io::Errno::CONNRESET) => attempt()?,
        received => received?,
    };
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptors.for_each(&mut take);
        }
    }
    if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message does not fit"));
    }
    Ok(received.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive_all(socket: &OwnedFd, room: usize) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
        let mut bytes = vec![0; room];
        let mut descriptors = Vec::new();
        let count = receive(socket, &mut bytes, |fd| descriptors.push(fd), Wait::Never)?;
        bytes.truncate(count);
        Ok((bytes, descriptors))
    }

    #[test]
    fn bytes_and_descriptors_arrive_together() {
        let (left, right) = pair().unwrap();
        let (read, write) = rustix::pipe::pipe().unwrap();
        send(&left, b"take these", &[read.as_fd(), write.as_fd()], Wait::Never).unwrap();
        let (bytes, descriptors) = receive_all(&right, 64).unwrap();
        assert_eq!(bytes, b"take these");
        rustix::io::write(&descriptors[1], b"x").unwrap();
        let mut one = [0u8; 1];
        assert_eq!(rustix::io::read(&read, &mut one).unwrap(), 1);
    }

    #[test]
    fn nothing_to_read_would_block_and_a_gone_peer_is_the_end() {
        let (left, right) = pair().unwrap();
        assert_eq!(receive_all(&right, 8).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(left);
        assert_eq!(receive_all(&right, 8).unwrap().0, b"");
        let error = send(&right, b"late", &[], Wait::Never).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_last_words_of_a_peer_that_left_messages_unread_are_heard() {
        let (left, right) = pair().unwrap();
        send(&right, b"unread", &[], Wait::Never).unwrap();
        send(&left, b"last words", &[], Wait::Never).unwrap();
        drop(left);
        assert_eq!(receive_all(&right, 16).unwrap().0, b"last words");
        assert_eq!(receive_all(&right, 16).unwrap().0, b"");

        let (left, right) = pair().unwrap();
        send(&right, b"unread", &[], Wait::Never).unwrap();
        drop(left);
        let error = send(&right, b"late", &[], Wait::Never).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(receive_all(&right, 8).unwrap().0, b"");
    }

    #[test]
    fn a_message_that_does_not_fit_is_an_error() {
        let (left, right) = pair().unwrap();
        send(&left, b"twelve bytes", &[], Wait::Never).unwrap();
        assert_eq!(receive_all(&right, 4).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
