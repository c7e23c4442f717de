//! One holder per file: an advisory lock that ends with its process, whatever way that ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
        Self::acquire_for(path, std::process::id())
    }

    /// The same with the pid of the process that it is taken for.
    pub(crate) fn acquire_for(path: &Path, pid: u32) -> Result<Self, LockError> {
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
        let mut lock = Self { file };
        lock.sign(pid).map_err(io)?;
        Ok(lock)
    }

    /// Goes on with a lock that another process had taken and left to this one.
    pub(crate) fn inherited(descriptor: OwnedFd) -> Self {
        let mut lock = Self { file: File::from(descriptor) };
        if let Err(error) = lock.sign(std::process::id()) {
            super::log::warning!("sys", "write our pid into the lock: {error}");
        }
        lock
    }

    fn sign(&mut self, pid: u32) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{pid}")
    }
}

impl From<Lock> for OwnedFd {
    fn from(lock: Lock) -> Self {
        lock.file.into()
    }
}

/// Whether the path leads to the file that this lock is on.
pub(crate) fn is_at(lock: impl AsFd, path: &Path) -> bool {
    let held = rustix::fs::fstat(lock);
    let found = rustix::fs::stat(path);
    let id = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
    held.ok().map(id) == found.ok().map(id)
}

/// The pid in the file, for people: whether the lock is held, `acquire` tells.
pub(crate) fn holder_pid(path: &Path) -> Option<String> {
    pid_in(&mut File::open(path).ok()?)
}

fn holder(file: &mut File) -> String {
    // The holder may be between taking the lock and writing its pid.
    pid_in(file).unwrap_or_else(|| "unknown".to_owned())
}

fn pid_in(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty()).then(|| pid.to_owned())
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
        let lock = Lock::acquire_for(&path, 7).unwrap();
        assert!(is_at(&lock, &path) && holder_pid(&path).as_deref() == Some("7"));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&lock, &path));
        Lock::acquire(&path).unwrap();
        assert!(!is_at(&lock, &path));
    }
}
