//! One holder per file: an advisory lock that ends with its process, whatever way that ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;

/// Held for as long as it lives, or as long as a child that inherited it does.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    #[error("lock {path}: held by pid {pid}")]
    Held { path: String, pid: String },
    #[error("lock {path}: {cause}")]
    Io { path: String, cause: io::Error },
}

impl Lock {
    /// Takes the lock and writes our pid into the file, or says who holds it.
    pub(crate) fn acquire(path: &Path) -> Result<Self, LockError> {
        let io = |cause| LockError::Io { path: path.display().to_string(), cause };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LockError::Held {
                    path: path.display().to_string(),
                    pid: holder(&mut file),
                });
            }
            Err(error) => return Err(io(error.into())),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(32).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        // The holder is between taking the lock and writing its pid.
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_the_pid_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::acquire(&path).unwrap();
        let text = Lock::acquire(&path).unwrap_err().to_string();
        assert!(text.ends_with(&format!("held by pid {}", std::process::id())), "{text}");
        drop(first);
        Lock::acquire(&path).unwrap();
    }
}
