//! Starting the engine behind the caller's back: in a session of its own, its output in a log file,
//! and back when it answers. What stops it from starting is shown, not hidden in that file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::engine;
use super::failure::Failure;
use super::place::Place;
use crate::config::Dates;
use crate::config::source::{Foreign, Source};
use crate::control::client::ClientError;
use crate::sys::{clock, folders, pidfd, spawn};

/// For the engine to answer once it was started.
const START_TIMEOUT_US: u64 = 15_000_000;
/// After our engine gave up: another one, started at the same time, may be the reason.
const RIVAL_TIMEOUT_US: u64 = 500_000;
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Of a failed start's output, what is shown.
const LOG_SHOWN_BYTES: u64 = 8 * 1024;

/// Makes sure an engine answers at this place, and returns when one does.
pub(crate) async fn ensure(place: &Place) -> Result<(), Failure> {
    match place.client().status().await {
        Ok(_) => Ok(()),
        Err(ClientError::NoEngine { .. }) if !place.is_socket_explicit => {
            start(place, Birth { words: words(place), log: None }).await
        }
        Err(error) => Err(place.explain(error)),
    }
}

/// How an engine is started.
pub(crate) struct Birth {
    /// After this binary.
    pub(crate) words: Vec<OsString>,
    /// Where it logs; else beside its socket.
    pub(crate) log: Option<PathBuf>,
}

/// Returns when the engine answers.
pub(crate) async fn start(place: &Place, birth: Birth) -> Result<(), Failure> {
    engine::load(place, Dates::Passed)?;
    let folder = folders::make_runtime_dir(&place.engine)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let log = Log::open(birth.log.unwrap_or_else(|| folder.join("engine.log")))?;
    let child = spawn(birth.words, &log)?;

    let mut deadline_us = clock::monotonic_us() + START_TIMEOUT_US;
    let mut ended = None;
    loop {
        match place.client().status().await {
            Ok(_) => return Ok(()),
            Err(error @ ClientError::NotPermitted(_)) => return Err(place.explain(error)),
            // Not there yet, or not ready yet.
            Err(
                ClientError::NoEngine { .. }
                | ClientError::Refused(_)
                | ClientError::Protocol { .. },
            ) => {}
        }
        let now_us = clock::monotonic_us();
        if ended.is_none() {
            ended = pidfd::try_wait(&child.pidfd).ok().flatten();
            if ended.is_some() {
                deadline_us = now_us + RIVAL_TIMEOUT_US;
            }
        }
        if now_us >= deadline_us {
            let what = match ended {
                Some(exit) => format!("the engine did not start ({exit})"),
                None => format!("the engine (pid {}) does not answer yet", child.pid),
            };
            return Err(Failure::Failed(log.explain(&what)));
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn words(place: &Place) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("run")];
    let mut name = |flag: &str, path: &Path| {
        arguments.extend([OsString::from(flag), path.as_os_str().to_owned()]);
    };
    match &place.source {
        Source::File(path) => name("-c", path),
        Source::Foreign(Foreign { files, .. }) => {
            files.nginx.iter().for_each(|path| name("--nginx", path));
            files.supervisor.iter().for_each(|path| name("--supervisor", path));
        }
        Source::Embedded => {}
    }
    arguments
}

fn spawn(words: Vec<OsString>, log: &Log) -> Result<spawn::Child, Failure> {
    let arguments = [vec![engine::own_program()?], words].concat();
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let order = spawn::Order {
        arguments: &arguments,
        environment: &environment,
        directory: None,
        identity: None,
    };
    let null =
        File::open("/dev/null").map_err(|error| cannot_open(Path::new("/dev/null"), &error))?;
    spawn::Recipe::of_this_image(&order)
        .and_then(|recipe| recipe.start(&[null.as_fd(), log.file.as_fd(), log.file.as_fd()]))
        .map_err(|error| Failure::Failed(error.to_string()))
}

/// The background engine's output, and where this start's part of it begins.
struct Log {
    path: PathBuf,
    file: File,
    start: u64,
}

impl Log {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        let file = file.map_err(|error| cannot_open(&path, &error))?;
        let start = file.metadata().map_err(|error| cannot_open(&path, &error))?.len();
        Ok(Self { path, file, start })
    }

    /// `what`, with the engine's own words since the start.
    fn explain(&self, what: &str) -> String {
        match self.since_start() {
            Ok(words) if words.trim().is_empty() => {
                format!("{what} and said nothing (log: {})", self.path.display())
            }
            Ok(words) => format!("{what}:\n{}", words.trim_end()),
            Err(error) => format!("{what} (read {}: {error})", self.path.display()),
        }
    }

    fn since_start(&self) -> io::Result<String> {
        let mut file = &self.file;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(self.start.max(end.saturating_sub(LOG_SHOWN_BYTES))))?;
        let mut bytes = Vec::new();
        file.take(LOG_SHOWN_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("open {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Log;

    #[test]
    fn only_this_starts_words_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engine.log");
        std::fs::write(&path, "an earlier engine's words\n").unwrap();
        let mut log = Log::open(path).unwrap();
        assert!(log.explain("it ended").starts_with("it ended and said nothing (log: "));
        log.file.write_all(b"bind 127.0.0.1:80: address in use\n").unwrap();
        assert_eq!(log.explain("it ended"), "it ended:\nbind 127.0.0.1:80: address in use");
    }
}
