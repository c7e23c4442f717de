//! The control socket as a file: made, found stale, put back when somebody removes it.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::keeper_link::Held;

#[derive(Debug, thiserror::Error)]
pub(super) enum SocketError {
    #[error("control socket {path}: another process answers on it")]
    Alive { path: String },
    #[error("control socket {path}: {cause}")]
    Io { path: String, cause: io::Error },
}

/// What the keeper holds the listener under, before its file's number: whoever asks while there is no
/// master waits for the next one.
const KEY: &str = "control ";

/// The file behind the listener, so that its loss is noticed.
#[derive(Debug)]
pub(super) struct ControlSocket {
    path: PathBuf,
    inode: u64,
}

impl ControlSocket {
    /// Listens at the path, over a socket file that nobody answers on any more. For the owner only.
    pub(super) fn listen(path: &Path) -> Result<(Self, UnixListener), SocketError> {
        let failed = |cause| SocketError::Io { path: path.display().to_string(), cause };
        match UnixStream::connect(path) {
            Ok(_) => return Err(SocketError::Alive { path: path.display().to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // Whatever else is wrong with it, it answers nobody.
            Err(_) => fs::remove_file(path).map_err(failed)?,
        }
        // Whoever reaches it between bind and chmod is asked who it is, as everybody.
        let listener = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let inode = fs::metadata(path).map_err(failed)?.ino();
        Ok((Self { path: path.to_owned(), inode }, listener))
    }

    /// Takes back what an earlier master listened on, if the path still leads there.
    pub(super) fn recover(held: &mut Held, path: &Path) -> Option<(Self, UnixListener)> {
        held.take_all(KEY).into_iter().find_map(|(inode, listener)| {
            let socket = Self { path: path.to_owned(), inode: inode.parse().ok()? };
            let listener = listener.into_iter().next().filter(|_| socket.is_there())?;
            Some((socket, UnixListener::from(listener)))
        })
    }

    pub(super) fn key(&self) -> String {
        format!("{KEY}{}", self.inode)
    }

    /// Whether the path still leads to our listener.
    pub(super) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless it is somebody else's by now.
    pub(super) fn remove(&self) {
        if self.is_there() {
            let _gone_either_way = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        let (socket, _listener) = ControlSocket::listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(ControlSocket::listen(&path), Err(SocketError::Alive { .. })));
        assert!(socket.is_there());
        fs::remove_file(&path).unwrap();
        assert!(!socket.is_there());
        ControlSocket::listen(&path).unwrap();
        socket.remove();
        assert!(path.exists(), "not ours to remove");
    }
}
