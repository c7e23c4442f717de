//! Listening sockets that are made here and accepted from by another program.
//!
//! Blocking, as such programs expect, and alone on their address. Who hands them over, and when they
//! are closed, is the caller's.
#![allow(unsafe_code, reason = "a socket's file is given to its owner by a plain system call")]

use std::ffi::CString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::socket::{self, BindError};

/// Who may connect to a socket in the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) mode: u32,
    /// User and group; as the engine's own without.
    pub(crate) owner: Option<(u32, u32)>,
}

/// Listens on an address of this machine.
pub(crate) fn tcp(address: SocketAddr, backlog: i32) -> Result<OwnedFd, BindError> {
    let made = socket::open(address).and_then(|socket| {
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, backlog)?;
        rustix::fs::fcntl_setfl(&socket, OFlags::empty())?;
        Ok(socket)
    });
    made.map_err(|cause| socket::refused(address, cause))
}

/// Listens on a path. A file that is left of a socket nobody listens on any more is replaced.
pub(crate) fn unix(path: &Path, access: Access, backlog: i32) -> io::Result<OwnedFd> {
    remove_stale(path)?;
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Nobody can connect before `listen`, so nobody slips in before the owner and mode are right.
    if let Some((uid, gid)) = access.owner {
        give(path, uid, gid)?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(access.mode))?;
    rustix::net::listen(socket.as_fd(), backlog)?;
    Ok(socket)
}

/// Removes the file of a socket that is closed; one that is something else by now stays.
pub(crate) fn forget(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
        && let Err(error) = fs::remove_file(path)
    {
        super::log::warning!("sys", "remove {}: {error}", path.display());
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        // A stranger's file is bind's error to tell.
        Ok(_) | Err(_) => return Ok(()),
    }
    match UnixStream::connect(path) {
        Ok(_answered) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn give(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: a C string that lives through the call, and numbers.
    match unsafe { libc::lchown(path.as_ptr(), uid, gid) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;

    const OPEN: Access = Access { mode: 0o640, owner: None };

    #[test]
    fn a_path_is_taken_over_from_the_dead_but_not_from_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = unix(&path, OPEN, 8).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        let living = unix(&path, OPEN, 8).unwrap_err();
        assert_eq!(living.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        let again = unix(&path, OPEN, 8).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        let (mut served, _) = UnixListener::from(again).accept().unwrap();
        served.read_exact(&mut [0]).unwrap();
        forget(&path);
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        assert!(unix(&path, OPEN, 8).is_err());
        forget(&path);
        assert!(path.exists(), "a file that is no socket is a stranger's");
    }

    #[test]
    fn an_address_has_one_owner() {
        let socket = tcp("127.0.0.1:0".parse().unwrap(), 8).unwrap();
        let address = socket::local_address(&socket).unwrap();
        assert!(matches!(tcp(address, 8), Err(BindError::InUse { .. })));
        let _client = std::net::TcpStream::connect(address).unwrap();
        std::net::TcpListener::from(socket).accept().unwrap();
    }
}
