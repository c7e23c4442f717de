//! What the operator decided, as a file that outlives the engine.
//!
//! Written whole beside the old one and renamed over it, so that a crash leaves one or the other; by a
//! thread, since the folder may be on a file system that does not answer.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{membership, programs};
use crate::sys;
use crate::sys::blocking::{Begun, Late, Pool};

const RETRY_US: u64 = 1_000_000;
/// A file larger than this is not ours.
const FILE_BYTES_MAX: u64 = 4 << 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Decisions {
    pub(super) membership: membership::Saved,
    pub(super) intent: programs::handoff::Intent,
}

pub(super) struct DecisionsFile {
    path: PathBuf,
    written: Decisions,
    /// When they could not be written; they are not given up.
    failed_us: Option<u64>,
    pool: Pool,
    /// What a thread is writing, longer than is waited for.
    underway: Option<(Decisions, Late<io::Result<()>>)>,
}

impl DecisionsFile {
    /// Reads what an earlier engine left. A file that can not be read is set aside with a warning:
    /// starting without the decisions is better than not starting.
    pub(super) fn open(folder: &Path) -> Self {
        let path = folder.join("decisions.json");
        let written = match read(&path) {
            Ok(decisions) => decisions,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Decisions::default(),
            Err(error) => {
                sys::log::warning!("master", "read {}: {error}", path.display());
                let _kept_for_whoever_looks = fs::rename(&path, path.with_extension("unreadable"));
                Decisions::default()
            }
        };
        Self { path, written, failed_us: None, pool: Pool::default(), underway: None }
    }

    pub(super) fn decisions(&self) -> Decisions {
        self.written.clone()
    }

    /// Writes them if they differ from what the file says.
    pub(super) fn keep(&mut self, decisions: Decisions) {
        if let Some((written, late)) = self.underway.take() {
            let Some(result) = late.answer() else {
                self.underway = Some((written, late));
                return;
            };
            self.has_written(written, result);
        }
        if decisions == self.written {
            return;
        }
        let now_us = sys::clock::monotonic_us();
        if self.failed_us.is_some_and(|failed_us| now_us < failed_us + RETRY_US) {
            return;
        }
        let (path, told) = (self.path.clone(), decisions.clone());
        match self.pool.call(move || sys::apart::run(|| write(&path, &told)).and_then(|done| done))
        {
            Ok(Begun::Done(result)) => self.has_written(decisions, result),
            Ok(Begun::Late(late)) => {
                let path = self.path.display();
                sys::log::warning!("master", "write {path}: its file system does not answer yet");
                self.underway = Some((decisions, late));
            }
            Err(error) => self.has_written(decisions, Err(error)),
        }
    }

    fn has_written(&mut self, decisions: Decisions, result: io::Result<()>) {
        match result {
            Ok(()) => {
                self.written = decisions;
                self.failed_us = None;
            }
            Err(error) => {
                self.failed_us = Some(sys::clock::monotonic_us());
                sys::log::error!("master", "write {}: {error}", self.path.display());
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Decisions> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn write(path: &Path, decisions: &Decisions) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut text = serde_json::to_vec_pretty(decisions)?;
    text.push(b'\n');
    let mut file = fs::File::create(&beside)?;
    file.write_all(&text)?;
    // Otherwise the name may reach the disk before the bytes, and a power cut leaves an empty file.
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_before_something_is_decided_and_rubbish_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.json");
        let mut file = DecisionsFile::open(folder.path());
        file.keep(Decisions::default());
        assert!(!path.exists());
        fs::write(&path, "{ not json").unwrap();
        assert_eq!(DecisionsFile::open(folder.path()).decisions(), Decisions::default());
        assert!(folder.path().join("decisions.unreadable").exists());
    }
}
