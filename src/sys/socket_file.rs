//! Sockets in the file system: bound to a path, for those who may open it.
#![allow(unsafe_code, reason = "a socket's file is given to its owner by a plain system call")]

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Who may connect to a socket in the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) mode: u32,
    /// User and group; as the engine's own without.
    pub(crate) owner: Option<(u32, u32)>,
}

/// A socket on a path, non-blocking, that does not listen yet. A file that is left of a socket nobody
/// listens on any more is replaced.
pub(crate) fn bind(path: &Path, access: Access) -> io::Result<OwnedFd> {
    remove_stale(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Nobody can connect before `listen`, so nobody slips in before the owner and mode are right.
    if let Some((uid, gid)) = access.owner {
        give(path, uid, gid)?;
    }
    permit(path, access.mode)?;
    Ok(socket)
}

/// Whether a socket may be made there: nobody listens, and nothing else has the name.
pub(crate) fn claim(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => is_stale(path).and_then(|is_stale| {
            if is_stale { Ok(()) } else { Err(io::ErrorKind::AddrInUse.into()) }
        }),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => Ok(()),
    }
}

/// Lets those connect who may write to the file by this mode.
pub(crate) fn permit(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
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
    if is_stale(path)? { fs::remove_file(path) } else { Err(io::ErrorKind::AddrInUse.into()) }
}

/// Whether nobody listens on a socket's file.
fn is_stale(path: &Path) -> io::Result<bool> {
    match UnixStream::connect(path) {
        Ok(_answered) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
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
