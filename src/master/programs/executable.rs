//! Whether a program's command names something that can be run, told before a start is tried: who
//! asks learns of a missing file at once, not from a failed process.
//!
//! A look, no promise: the start itself finds out again.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::launch;
use crate::config::model::process::Process;
use crate::supervise::step::SpawnError;

const EXECUTABLE: u32 = 0o111;

/// In Supervisor's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotExecutable {
    #[error("can't find command '{0}'")]
    Missing(String),
    #[error("command at '{0}' is a directory")]
    Directory(String),
    #[error("command at '{0}' is not executable")]
    NoPermission(String),
    #[error("{0}")]
    Unreadable(String),
}

pub(super) fn check(
    word: &str,
    process: &Process,
    variables: &[(&'static str, String)],
) -> Result<(), NotExecutable> {
    let unreadable = |error: SpawnError| NotExecutable::Unreadable(error.into_text());
    let environment = launch::environment(process, variables).map_err(unreadable)?;
    let lookup = |name: &str| launch::find(&environment, name);
    let word = launch::expand(word, &lookup).map_err(unreadable)?;
    let path = lookup("PATH").unwrap_or_default();
    judge(&word, process.directory.as_deref(), path.as_ref())
}

fn judge(word: &str, directory: Option<&Path>, path: &OsStr) -> Result<(), NotExecutable> {
    let candidates: Vec<PathBuf> = if word.contains('/') {
        vec![directory.map_or_else(|| PathBuf::from(word), |directory| directory.join(word))]
    } else {
        std::env::split_paths(path).map(|folder| folder.join(word)).collect()
    };
    let found = candidates
        .into_iter()
        .find_map(|path| Some((path.metadata().ok()?, path)))
        .ok_or_else(|| NotExecutable::Missing(word.to_owned()));
    let (metadata, path) = found?;
    let shown = path.display().to_string();
    if metadata.is_dir() {
        Err(NotExecutable::Directory(shown))
    } else if metadata.permissions().mode() & EXECUTABLE == 0 {
        Err(NotExecutable::NoPermission(shown))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_can_not_be_run_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        fs::write(&file, "").unwrap();
        let shown = |name: &str| folder.path().join(name).display().to_string();
        let path = folder.path().as_os_str();
        let missing = |word: &str| Err(NotExecutable::Missing(word.to_owned()));
        assert_eq!(judge("no-such", None, path), missing("no-such"));
        assert_eq!(judge("/no/such", None, path), missing("/no/such"));
        assert_eq!(judge("./other", Some(folder.path()), path), missing("./other"));
        assert_eq!(judge("tool", None, path), Err(NotExecutable::NoPermission(shown("tool"))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(judge("tool", None, path), Ok(()));
        assert_eq!(judge(&shown("tool"), None, path), Ok(()));
        assert_eq!(judge("./tool", Some(folder.path()), path), Ok(()));
        let slash = folder.path().display().to_string();
        assert_eq!(judge(&slash, None, path), Err(NotExecutable::Directory(slash.clone())));
    }
}
