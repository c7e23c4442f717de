//! A line to an engine on another machine: the system's own `ssh`, which joins a socket here to the
//! control socket there.
//!
//! Opened once before the screen is, so that ssh can ask for a password or about a host's key on the
//! terminal; opened again by itself when it is lost, and then it asks nothing (`BatchMode`). One
//! connection carries everything, compressed; what is asked of the host beside the forwarding goes
//! over it too (`ControlMaster`). ssh's configuration, keys and agent are the user's own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::watch;

use crate::control::text;
use crate::sys::companion::Companion;
use crate::sys::lock::Lock;
use crate::sys::{clock, folders};

use super::route::Route;
use super::target::{Far, Which};

/// In place of `ssh`, with options before ours; words are parted by spaces.
pub(crate) const VARIABLE: &str = "PILOTHOUSE_SSH";
/// What the binary there answers with the path of an engine's socket.
pub(crate) const WHERE: &str = "__where";

/// Ctrl-C at a question of ssh's.
pub(crate) const INTERRUPTED: &str = "interrupted";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// For a line that nobody is asked about.
const OPEN_MS: u64 = 20_000;
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// A path is no longer, and more of what ssh complains of is not read.
const SAID_BYTES_MAX: u64 = 4_096;

/// Whether ssh may ask on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    Allowed,
    Never,
}

pub(crate) struct Tunnel {
    far: Far,
    folder: Folder,
    line: Option<Companion>,
    /// Of the engine there, once it was asked for.
    socket: Option<String>,
    /// Why there is no line; empty while there is one.
    standing: watch::Sender<String>,
}

/// Goes with the console; where that is killed, with the next one's start.
struct Folder {
    path: PathBuf,
    /// While it is held, somebody is there.
    _lock: Lock,
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _only_sockets_are_left = fs::remove_dir_all(&self.path);
    }
}

impl Tunnel {
    pub(crate) fn new(far: Far) -> Result<Self, String> {
        let (path, lock) = folders::make_own().map_err(|error| error.to_string())?;
        let folder = Folder { path, _lock: lock };
        let (standing, _) = watch::channel(String::new());
        Ok(Self { far, folder, line: None, socket: None, standing })
    }

    pub(crate) fn route(&self) -> Route {
        Route::through(&self.far, self.near_end(), self.complaints(), self.standing.subscribe())
    }

    /// The path of the engine's socket on its host, as far as it is known.
    pub(crate) fn socket(&self) -> Option<&str> {
        self.socket.as_deref()
    }

    /// Returns when the socket here leads to the one there, or with ssh's own words why it does not.
    pub(crate) async fn open(&mut self, asking: Asking) -> Result<(), String> {
        let opened = tokio::select! {
            opened = self.try_open(asking) => opened,
            // Before there is a screen, this is how one changes one's mind at a question of ssh's.
            _ = tokio::signal::ctrl_c(), if asking == Asking::Allowed => {
                Err(INTERRUPTED.to_owned())
            }
        };
        self.standing.send_replace(opened.clone().err().unwrap_or_default());
        if opened.is_err() {
            self.line = None;
        }
        opened
    }

    /// Opens the line again whenever it ends, ever less often, until the console leaves.
    pub(crate) async fn keep(mut self) {
        let mut backoff = BACKOFF_MIN;
        loop {
            if self.has_ended() {
                let why = self.complained().unwrap_or_else(|| "the line was lost".to_owned());
                self.standing.send_replace(why);
                tokio::time::sleep(backoff).await;
                backoff = match self.open(Asking::Never).await {
                    Ok(()) => BACKOFF_MIN,
                    Err(_why) => (backoff * 2).min(BACKOFF_MAX),
                };
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.line {
            None => true,
            Some(line) => !matches!(line.ended(), Ok(None)),
        }
    }

    async fn try_open(&mut self, asking: Asking) -> Result<(), String> {
        self.line = None;
        for path in [self.near_end(), self.control()] {
            // Left there by the line before, if there was one.
            let _there_may_be_none = fs::remove_file(path);
        }
        let mut line = self.start("line", &self.line_words(asking))?;
        let started_us = clock::monotonic_us();
        while !self.control().exists() {
            let has_ended = line.ended().map_err(|error| error.to_string())?.is_some();
            if has_ended {
                return Err(self.refusal(asking));
            }
            let elapsed_ms = (clock::monotonic_us() - started_us) / 1000;
            if asking == Asking::Never && elapsed_ms > OPEN_MS {
                return Err(format!(
                    "ssh has no line to {} in {} s",
                    self.far.host,
                    OPEN_MS / 1000
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let socket = self.far_end().await?;
        let ends = format!("{}:{socket}", self.near_end().display());
        let forward = [words(&["-O", "forward", "-L"]), vec![ends.into()], self.place()].concat();
        if !self.run("forward", &forward).await?.success() {
            return Err(self
                .said_of("forward")
                .unwrap_or_else(|| "ssh forwards nothing".to_owned()));
        }
        self.line = Some(line);
        self.socket = Some(socket);
        Ok(())
    }

    /// The path of the engine's socket there, which only that host knows when it was not given.
    async fn far_end(&self) -> Result<String, String> {
        let name = match &self.far.which {
            Which::Socket(path) => return Ok(path.clone()),
            Which::Named(name) => name.as_str(),
            Which::Default => "",
        };
        let asked = format!("pilothouse {WHERE} {name}");
        let asking = [words(&["-T"]), self.place(), vec![asked.into()]].concat();
        let ended = self.run("where", &asking).await?;
        let path = read(&self.folder.path.join("where.out")).trim().to_owned();
        if ended.success() && path.starts_with('/') {
            return Ok(path);
        }
        let why = match ended.code() {
            Some(127) => "pilothouse is not in its PATH".to_owned(),
            Some(2) => "its pilothouse is older and does not say".to_owned(),
            _ => self.said_of("where").unwrap_or_else(|| "it does not say".to_owned()),
        };
        let host = &self.far.host;
        Err(format!(
            "which socket on {host}? {why}; name it: ssh://{host}/run/pilothouse/default/control.sock"
        ))
    }

    fn line_words(&self, asking: Asking) -> Vec<OsString> {
        // Nothing of what the user's configuration forwards or runs there in earnest.
        let mut line = words(&["-M", "-N", "-T", "-C", "-x", "-a"]);
        let options = [
            "ControlPersist=no",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "ConnectTimeout=10",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
        ];
        for option in options {
            line.extend(words(&["-o", option]));
        }
        if asking == Asking::Never {
            line.extend(words(&["-o", "BatchMode=yes"]));
        }
        line.extend(self.place());
        line
    }

    /// What each call of ssh needs: the shared line, and where it leads.
    fn place(&self) -> Vec<OsString> {
        let mut place = words(&["-o", "RemoteCommand=none", "-S"]);
        place.push(self.control().into());
        if let Some(user) = &self.far.user {
            place.extend(words(&["-l", user]));
        }
        if let Some(port) = self.far.port {
            place.extend(words(&["-p", &port.to_string()]));
        }
        place.extend(words(&["--", &self.far.host]));
        place
    }

    /// Starts ssh; what it says lies in the folder by this name.
    fn start(&self, name: &str, arguments: &[OsString]) -> Result<Companion, String> {
        let program = std::env::var(VARIABLE).unwrap_or_default();
        let mut program = program.split_whitespace();
        let ssh = program.next().unwrap_or("ssh").to_owned();
        let arguments = [program.map(OsString::from).collect(), arguments.to_vec()].concat();
        let file = |end: &str| File::create(self.folder.path.join(format!("{name}.{end}")));
        let started = file("out").and_then(|said| {
            let complained = file("err")?;
            Companion::start(ssh.as_ref(), &arguments, said, complained)
        });
        started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{ssh} is not installed here"),
            _ => format!("start {ssh}: {error}"),
        })
    }

    async fn run(&self, name: &str, arguments: &[OsString]) -> Result<ExitStatus, String> {
        let mut companion = self.start(name, arguments)?;
        loop {
            if let Some(status) = companion.ended().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Why ssh gave up before there was a line.
    fn refusal(&self, asking: Asking) -> String {
        let why = self.complained().unwrap_or_else(|| "ssh ended and said nothing".to_owned());
        match asking {
            Asking::Never if why.contains("Permission denied") => {
                format!("{why} If it asks for a password: leave, attach again, and answer it.")
            }
            Asking::Never | Asking::Allowed => why,
        }
    }

    fn complained(&self) -> Option<String> {
        self.said_of("line")
    }

    fn said_of(&self, name: &str) -> Option<String> {
        last_line(&self.folder.path.join(format!("{name}.err")))
    }

    fn near_end(&self) -> PathBuf {
        self.folder.path.join("engine.sock")
    }

    fn control(&self) -> PathBuf {
        self.folder.path.join("ctl")
    }

    fn complaints(&self) -> PathBuf {
        self.folder.path.join("line.err")
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        io::Read::read_to_end(&mut io::Read::take(file, SAID_BYTES_MAX), &mut bytes)
    });
    // What can not be read was not said.
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

/// The last thing that was said there, which is why it ended.
pub(super) fn last_line(path: &Path) -> Option<String> {
    let said = read(path);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(text::plain(&cause_first(last)).into_owned())
}

/// `ssh: connect to host edge1 port 22: Connection refused` with what matters at its beginning, which
/// is all that a narrow terminal shows.
fn cause_first(line: &str) -> String {
    let parts = line.strip_prefix("ssh: ").and_then(|rest| rest.rsplit_once(": "));
    parts.map_or_else(|| line.to_owned(), |(what, cause)| format!("{cause} (ssh: {what})"))
}

#[cfg(test)]
mod tests {
    use super::cause_first;

    #[test]
    fn the_cause_comes_first() {
        for (line, expected) in [
            (
                "ssh: connect to host edge1 port 22: Connection refused",
                "Connection refused (ssh: connect to host edge1 port 22)",
            ),
            (
                "ana@edge1: Permission denied (publickey).",
                "ana@edge1: Permission denied (publickey).",
            ),
        ] {
            assert_eq!(cause_first(line), expected);
        }
    }
}
