//! The file that says which process a service manager or a script sends signals to.
//!
//! It appears whole, once the engine listens, and goes with it. What it cannot be at the start is an
//! error; what it cannot become later is said, and the engine goes on. A file system that does not
//! answer holds up nobody: it is an error like others.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::WHO;
use crate::sys::blocking::{Begun, Pool};
use crate::sys::{apart, log};

const MODE: u32 = 0o644;

#[derive(Debug, thiserror::Error)]
#[error("write {}: {cause}", path.display())]
pub(super) struct PidFileError {
    path: PathBuf,
    cause: io::Error,
}

/// The file that is there, if there is one, and what it says.
#[derive(Default)]
pub(super) struct PidFile {
    written: Option<(PathBuf, u32)>,
    pool: Pool,
}

/// What becomes of it, with everything done that can fail.
#[derive(Debug)]
pub(super) enum Prepared {
    /// There is to be none.
    Nothing,
    Same,
    New(Fresh),
}

/// Written beside the place that it is for; gone when it does not come there.
#[derive(Debug)]
pub(super) struct Fresh {
    path: PathBuf,
    beside: PathBuf,
    pid: u32,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _moved_or_gone = fs::remove_file(&self.beside);
    }
}

impl PidFile {
    /// At the start.
    pub(super) fn written(prepared: Prepared) -> Self {
        let mut file = Self::default();
        file.commit(prepared);
        file
    }

    /// Nobody sees a new one yet.
    pub(super) fn prepare(&self, path: Option<&Path>, pid: u32) -> Result<Prepared, PidFileError> {
        let Some(path) = path else { return Ok(Prepared::Nothing) };
        if self.written.as_ref().is_some_and(|(known, said)| known == path && *said == pid) {
            return Ok(Prepared::Same);
        }
        let told = path.to_owned();
        let fresh = match self
            .pool
            .call(move || apart::run(|| Fresh::write(told, pid)).and_then(|fresh| fresh))
        {
            Ok(Begun::Done(fresh)) => fresh,
            Ok(Begun::Late(_)) => Err(silent()),
            Err(error) => Err(error),
        };
        fresh.map(Prepared::New).map_err(|cause| PidFileError { path: path.to_owned(), cause })
    }

    /// In place of the one before, which goes unless it has the same name.
    pub(super) fn commit(&mut self, prepared: Prepared) {
        match prepared {
            Prepared::Same => {}
            Prepared::Nothing => self.remove(),
            Prepared::New(fresh) => {
                if self.written.as_ref().is_some_and(|(path, _)| *path != fresh.path) {
                    self.remove();
                }
                let (path, pid) = (fresh.path.clone(), fresh.pid);
                match self.do_now(move || fs::rename(&fresh.beside, &fresh.path)) {
                    Ok(()) => self.written = Some((path, pid)),
                    Err(error) => log::error!(WHO, "write {}: {error}", path.display()),
                }
            }
        }
    }

    /// Unless it has become somebody else's.
    pub(super) fn remove(&mut self) {
        let Some((path, pid)) = self.written.take() else { return };
        let shown = path.display().to_string();
        let removed = self.do_now(move || {
            if fs::read_to_string(&path).is_ok_and(|text| text.trim() == pid.to_string()) {
                fs::remove_file(&path)
            } else {
                Ok(())
            }
        });
        if let Err(error) = removed {
            log::warning!(WHO, "remove {shown}: {error}");
        }
    }

    /// Also when the answer is not waited for, it is done as soon as the file system answers.
    fn do_now(&self, call: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        match self.pool.call(move || apart::run(call).and_then(|done| done))? {
            Begun::Done(done) => done,
            Begun::Late(_) => Err(silent()),
        }
    }
}

impl Fresh {
    fn write(path: PathBuf, pid: u32) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        // One that an engine has left which was killed is of no use to anybody.
        let _none_left = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(MODE).open(&beside)?;
        // Whatever becomes of it from here on, it does not stay.
        let fresh = Self { path, beside, pid };
        writeln!(file, "{pid}").map(|()| fresh)
    }
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "its file system does not answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appears_whole_moves_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one.pid", "other.pid"].map(|name| folder.path().join(name));
        let mut file = PidFile::default();
        let said = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        let prepared = file.prepare(Some(&one), 7).unwrap();
        assert!(!one.exists(), "nobody sees it before it is meant");
        file.commit(prepared);
        assert_eq!(said(&one), "7\n");
        assert!(matches!(file.prepare(Some(&one), 7), Ok(Prepared::Same)));
        let prepared = file.prepare(Some(&one), 8).unwrap();
        file.commit(prepared);
        assert_eq!(said(&one), "8\n");
        drop(file.prepare(Some(&other), 8).unwrap());
        assert!(said(&one) == "8\n" && !other.exists(), "it was not taken");
        let prepared = file.prepare(Some(&other), 8).unwrap();
        file.commit(prepared);
        assert!(!one.exists() && other.exists());
        file.commit(Prepared::Nothing);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(file.prepare(Some(&folder.path().join("none/x.pid")), 7).is_err());
        let prepared = file.prepare(Some(&one), 7).unwrap();
        file.commit(prepared);
        fs::write(&one, "9\n").unwrap();
        file.remove();
        assert_eq!(said(&one), "9\n", "another's now");
    }
}
