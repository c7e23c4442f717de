//! A datagram socket in a file whose messages say which process sent them.

use std::fs;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{self as unix_fs, PermissionsExt as _};
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SocketAddrUnix, SocketFlags, SocketType,
};

use super::user::Identity;

/// Descriptors that a stranger's message may bring along; they are closed at once.
const DESCRIPTORS_MAX: usize = 8;

/// Binds at the path, in place of what is there. Anybody who reaches the folder may send.
pub(crate) fn bind(path: &Path) -> io::Result<OwnedFd> {
    bind_as(path, 0o666)
}

fn bind_as(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    // Before anybody can send: the kernel notes the sender only when it was asked to by then.
    rustix::net::sockopt::set_socket_passcred(&socket, true)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(socket)
}

/// The same for one other user alone. Only we may write to the folder, so that nobody can put another
/// file in the socket's place before it is given away.
pub(crate) fn bind_for(path: &Path, user: &Identity) -> io::Result<OwnedFd> {
    let socket = bind_as(path, 0o600)?;
    unix_fs::chown(path, Some(user.uid), Some(user.gid))?;
    Ok(socket)
}

/// The length of the next message and the process that sent it; `WouldBlock` when there is none.
/// A message that does not fit, or whose sender the kernel does not name, has no sender.
pub(crate) fn receive(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
    let mut space =
        [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let mut room = [IoSliceMut::new(&mut *bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        rustix::net::recvmsg(socket.as_fd(), &mut room, &mut ancillary, flags)
    })?;
    let mut sender = None;
    for message in ancillary.drain() {
        match message {
            RecvAncillaryMessage::ScmCredentials(credentials) => {
                sender = u32::try_from(credentials.pid.as_raw_nonzero().get()).ok();
            }
            // Closing them is what `sd_notify_barrier` waits for.
            RecvAncillaryMessage::ScmRights(descriptors) => drop(descriptors),
            _ => {}
        }
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        sender = None;
    }
    Ok((received.bytes, sender))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_message_comes_with_its_sender_and_a_long_one_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify.sock");
        fs::write(&path, "stale").unwrap();
        let socket = bind(&path).unwrap();
        let mut bytes = [0; 16];
        let none = receive(&socket, &mut bytes).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"READY=1", &path).unwrap();
        sender.send_to(&[b'x'; 17], &path).unwrap();
        assert_eq!(receive(&socket, &mut bytes).unwrap(), (7, Some(std::process::id())));
        assert_eq!(&bytes[..7], b"READY=1");
        assert_eq!(receive(&socket, &mut bytes).unwrap().1, None);
    }
}
