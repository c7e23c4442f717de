//! Where the engine keeps its socket, its lock and what it must remember.
//!
//! The rules are the design's: an explicit variable, else the system's place for root, else the
//! user's own. A folder somebody else owns is never used.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::lock::Lock;
use super::user::{self, Identity};

#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("folder {path}: belongs to {owner}, not to {own}")]
    Foreign { path: String, owner: String, own: String },
    #[error("folder {path}: others may write to it (mode {mode:o})")]
    Open { path: String, mode: u32 },
    #[error("folder {path} is closed to {user}")]
    Closed { path: String, user: String },
    #[error("folder {path}: {cause}")]
    Io { path: String, cause: io::Error },
}

/// In an engine's runtime folder, what its name is taken by.
pub(crate) const LOCK: &str = "lock";

/// Where the sockets and locks of every engine of this user lie; not created.
pub(crate) fn runtime_root() -> PathBuf {
    if let Some(explicit) = variable("PILOTHOUSE_RUNTIME_DIR") {
        return explicit;
    }
    if user::own_uid() == 0 {
        return PathBuf::from("/run/pilothouse");
    }
    match variable("XDG_RUNTIME_DIR") {
        Some(folder) => folder.join("pilothouse"),
        None => std::env::temp_dir().join(format!("pilothouse-{}", user::own_uid())),
    }
}

/// Where the state of every engine of this user lies; not created.
pub(crate) fn state_root() -> PathBuf {
    if let Some(explicit) = variable("PILOTHOUSE_STATE_DIR") {
        return explicit;
    }
    if user::own_uid() == 0 {
        return PathBuf::from("/var/lib/pilothouse");
    }
    match (variable("XDG_STATE_HOME"), variable("HOME")) {
        (Some(folder), _) => folder.join("pilothouse"),
        (None, Some(home)) => home.join(".local/state/pilothouse"),
        (None, None) => runtime_root().join("state"),
    }
}

/// The runtime folder of one engine, as a path only.
pub(crate) fn runtime_dir(engine: &str) -> PathBuf {
    runtime_root().join(engine)
}

/// The control socket of one engine, as a path only.
pub(crate) fn control_socket(engine: &str) -> PathBuf {
    runtime_dir(engine).join("control.sock")
}

/// The runtime folder of one engine, made (0700) and checked.
pub(crate) fn make_runtime_dir(engine: &str) -> Result<PathBuf, FolderError> {
    make(&runtime_root())?;
    let folder = runtime_dir(engine);
    make(&folder)?;
    Ok(folder)
}

/// Beside the runtime folder: where others reach what is theirs; not created.
pub(crate) fn passage_root() -> PathBuf {
    let mut root = runtime_root().into_os_string();
    root.push("-notify");
    PathBuf::from(root)
}

/// A folder below `passage_root`, made (0711) and checked: everybody passes, only we put files there.
pub(crate) fn make_passage(folder: &Path) -> Result<(), FolderError> {
    for path in [passage_root().as_path(), folder] {
        make(path)?;
        let opened = fs::set_permissions(path, fs::Permissions::from_mode(0o711));
        opened.map_err(|cause| FolderError::Io { path: path.display().to_string(), cause })?;
    }
    Ok(())
}

/// Whether the user gets as far as into this folder.
pub(crate) fn check_passage(folder: &Path, user: &Identity) -> Result<(), FolderError> {
    for path in folder.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let found = fs::metadata(path)
            .map_err(|cause| FolderError::Io { path: path.display().to_string(), cause })?;
        let pass = match found {
            _ if found.uid() == user.uid => 0o100,
            _ if user.groups.contains(&found.gid()) => 0o010,
            _ => 0o001,
        };
        if found.permissions().mode() & pass == 0 {
            let (path, user) = (path.display().to_string(), user.name.clone());
            return Err(FolderError::Closed { path, user });
        }
    }
    Ok(())
}

/// What the folders of single processes begin with.
const OWN: &str = "pilothouse-own-";

/// A new folder of this process alone (0700), for what must not outlive it, and the lock that says
/// so. Those of processes that had no time to remove theirs go.
pub(crate) fn make_own() -> Result<(PathBuf, Lock), FolderError> {
    let root = std::env::temp_dir();
    for left in fs::read_dir(&root).into_iter().flatten().flatten().filter(is_left_behind) {
        let _another_may_do_so_too = fs::remove_dir_all(left.path());
    }
    let folder = root.join(format!("{OWN}{:x}", super::random::seed()));
    let io = |cause| FolderError::Io { path: folder.display().to_string(), cause };
    DirBuilder::new().mode(0o700).create(&folder).map_err(io)?;
    let lock = Lock::acquire(&folder.join(LOCK)).map_err(|error| io(io::Error::other(error)))?;
    Ok((folder, lock))
}

/// One that is just being made has no lock yet.
fn is_left_behind(entry: &fs::DirEntry) -> bool {
    let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(OWN))
        && entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == user::own_uid());
    let lock = entry.path().join(LOCK);
    is_ours && lock.exists() && Lock::acquire(&lock).is_ok()
}

/// The state folder of one engine, made (0700) and checked.
pub(crate) fn make_state_dir(engine: &str) -> Result<PathBuf, FolderError> {
    let folder = state_root().join(engine);
    make(&folder)?;
    Ok(folder)
}

/// Whether an engine could use the folder as it is, or make it; makes nothing.
pub(crate) fn check(path: &Path) -> Result<(), FolderError> {
    let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(path);
    if there == path {
        inspect(path)?;
    }
    let flags = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(there, flags)
        .map_err(|cause| FolderError::Io { path: there.display().to_string(), cause: cause.into() })
}

/// Makes what is missing of the path, then checks that the folder is ours and that nobody else may
/// put files into it: a socket or lock there decides who commands the engine.
fn make(path: &Path) -> Result<(), FolderError> {
    let io = |cause| FolderError::Io { path: path.display().to_string(), cause };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    inspect(path)
}

fn inspect(path: &Path) -> Result<(), FolderError> {
    let io = |cause| FolderError::Io { path: path.display().to_string(), cause };
    // Not following a link: somebody else's link in the temp dir must not lead us elsewhere.
    let found = fs::symlink_metadata(path).map_err(io)?;
    if !found.is_dir() {
        return Err(io(io::ErrorKind::NotADirectory.into()));
    }
    let own = user::own_uid();
    if found.uid() != own {
        return Err(FolderError::Foreign {
            path: path.display().to_string(),
            owner: user::name(found.uid()),
            own: user::name(own),
        });
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(FolderError::Open { path: path.display().to_string(), mode });
    }
    Ok(())
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_folder_is_private_and_an_open_one_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b");
        make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(make(&path), Err(FolderError::Open { mode: 0o777, .. })));
    }

    #[test]
    fn a_link_or_a_file_is_not_a_folder() {
        let place = tempfile::tempdir().unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        assert!(make(&link).is_err());
    }
}
