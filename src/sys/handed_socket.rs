//! Listening sockets that are made here and accepted from by another program.
//!
//! Blocking, as such programs expect, and alone on their address. Who hands them over, and when they
//! are closed, is the caller's.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::net::sockopt;

use super::socket::{self, BindError};
use super::socket_file::{self, Access};

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
    let socket = socket_file::bind(path, access)?;
    rustix::net::listen(&socket, backlog)?;
    rustix::fs::fcntl_setfl(&socket, OFlags::empty())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::super::socket_file::forget;
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
