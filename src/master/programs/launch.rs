//! From a definition to a running process: the port, the variables, the pipes, the spawn.
//!
//! Decides nothing about when; remembers nothing about the process. A `Plan` holds all that a start
//! needs, since what it reads may lie on a file system that does not answer: it is carried out in a
//! thread of its own (`starts`).

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::definition::{Definition, Ports, loopback};
use super::tree;
use super::tree::ladder::Ladder;
use crate::config;
use crate::config::limits::PROGRAM_PORTS_TRIED_MAX;
use crate::config::model::process::{EnvFile, Process, Rlimit, Socket, Stdin};
use crate::config::model::program::Program;
use crate::config::model::vitals::Vitals;
use crate::supervise::step::SpawnError;
use crate::sys;
use crate::sys::cgroup::Cgroup;
use crate::sys::spawn::attributes::Attributes;
use crate::sys::spawn::birth::Birth;

/// What every program is told about the engine.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// This binary, as `${PILOTHOUSE}`.
    pub(crate) binary: PathBuf,
    /// The control socket, as `${PILOTHOUSE_SOCKET}`.
    pub(crate) socket: PathBuf,
    /// How what they start is kept hold of.
    pub(crate) ladder: Ladder,
}

pub(super) struct Launched {
    pub(super) child: sys::spawn::Child,
    /// The end to write to, of one that is open.
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// The control group it runs in.
    pub(super) leaf: Option<Cgroup>,
    /// Where it says that it is ready, when it does so on a descriptor.
    pub(super) ready: Option<OwnedFd>,
}

pub(super) struct Plan {
    name: String,
    command: Vec<String>,
    process: Process,
    stderr: Stderr,
    /// On which it says that it is ready.
    ready: Option<u32>,
    variables: Vec<(&'static str, String)>,
    leaf: Option<Cgroup>,
    sockets: Vec<OwnedFd>,
}

/// Where descriptor 2 leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stderr {
    Own,
    /// Into the pipe of stdout.
    Redirected,
}

impl Plan {
    /// `variables`: see [`variables`].
    pub(super) fn new(
        definition: &Definition,
        variables: Vec<(&'static str, String)>,
        leaf: Option<Cgroup>,
        sockets: &[BorrowedFd<'_>],
    ) -> Result<Self, SpawnError> {
        let program = &definition.program;
        let sockets = sockets.iter().map(BorrowedFd::try_clone_to_owned).collect();
        Ok(Self {
            name: program.name.clone(),
            command: program.command.clone(),
            process: program.process.clone(),
            stderr: if program.output.redirect_stderr { Stderr::Redirected } else { Stderr::Own },
            ready: program.vitals.descriptor(),
            variables,
            leaf,
            sockets: io::Result::map_err(sockets, |cause| pipe_error(&cause))?,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn leaf(&self) -> Option<&Cgroup> {
        self.leaf.as_ref()
    }

    /// Waits for whatever the start needs, unless the child is ended by its birth.
    pub(super) fn carry_out(self, birth: &Birth) -> Result<Launched, SpawnError> {
        let recipe = self.recipe()?;
        let sockets: Vec<BorrowedFd<'_>> = self.sockets.iter().map(OwnedFd::as_fd).collect();
        let pipe = |cause: io::Error| pipe_error(&cause);
        let (stdin_reader, stdin) = stdin(self.process.stdin, &sockets).map_err(pipe)?;
        let (stdout, stdout_writer) = sys::pipe::pair().map_err(pipe)?;
        let (stderr, stderr_writer) = sys::pipe::pair().map_err(pipe)?;
        // Whatever redirects it, the reader of the other pipe then finds the end at once.
        let stderr_writer = match self.stderr {
            Stderr::Redirected => stdout_writer.as_fd(),
            Stderr::Own => stderr_writer.as_fd(),
        };
        let standard = [stdin_reader.as_fd(), stdout_writer.as_fd(), stderr_writer];
        let ready = self.ready.map(|_| sys::pipe::pair()).transpose().map_err(pipe)?;
        let writer = ready.as_ref().map(|(_, writer)| writer.as_fd());
        let descriptors = descriptors(&[&standard, &sockets[..]].concat(), self.ready.zip(writer));
        let (child, leaf) = tree::start(&recipe, self.leaf, &descriptors, birth)
            .map_err(|error| spawn_error(&error.cause, &error))?;
        let ready = ready.map(|(reader, _)| reader);
        Ok(Launched { child, stdin, stdout, stderr, leaf, ready })
    }

    fn recipe(&self) -> Result<sys::spawn::Recipe, SpawnError> {
        let mut environment = environment(&self.process, &self.variables)?;
        if !self.sockets.is_empty() {
            set(&mut environment, "LISTEN_FDS", self.sockets.len().to_string());
            set(&mut environment, "LISTEN_FDNAMES", socket_names(&self.name, &self.process));
        }
        let lookup = |name: &str| find(&environment, name);
        let mut arguments = Vec::with_capacity(self.command.len());
        for word in &self.command {
            arguments.push(OsString::from(expand(word, &lookup)?));
        }
        let directory = self.process.directory.as_deref().map(|path| expand_path(path, &lookup));
        let identity = identity(&self.process)?;
        let recipe = sys::spawn::Recipe::new(&sys::spawn::Order {
            arguments: &arguments,
            environment: &environment,
            directory: directory.transpose()?.as_deref(),
            identity: identity.as_ref(),
        })
        .map_err(|error| spawn_error(&error.cause, &error))?
        .with(attributes(&self.process));
        let is_plain = self.sockets.is_empty();
        Ok(if is_plain { recipe } else { recipe.telling_pid_as("LISTEN_PID") })
    }
}

fn pipe_error(cause: &io::Error) -> SpawnError {
    spawn_error(cause, &format_args!("make a pipe: {cause}"))
}

/// What the child gets: a child's descriptors have no gaps.
fn descriptors<'a>(
    first: &[BorrowedFd<'a>],
    ready: Option<(u32, BorrowedFd<'a>)>,
) -> Vec<BorrowedFd<'a>> {
    let mut descriptors = first.to_vec();
    if let Some((number, writer)) = ready {
        // The configuration was checked for room: the number is behind the sockets.
        descriptors.resize(number as usize, first[0]);
        descriptors.push(writer);
    }
    descriptors
}

/// What `LISTEN_FDNAMES` calls each of them.
fn socket_names(program: &str, process: &Process) -> String {
    let name = |socket: &Socket| socket.name.clone().unwrap_or_else(|| program.to_owned());
    process.sockets.iter().map(name).collect::<Vec<_>>().join(":")
}

/// What the child reads, and the end of it that is ours.
fn stdin(stdin: Stdin, sockets: &[BorrowedFd<'_>]) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    match stdin {
        Stdin::Null => Ok((OpenOptions::new().read(true).open("/dev/null")?.into(), None)),
        Stdin::Socket => {
            let first = sockets.first().ok_or(io::ErrorKind::NotConnected)?;
            Ok((first.try_clone_to_owned()?, None))
        }
        Stdin::Open => sys::pipe::input().map(|(reader, writer)| (reader, Some(writer))),
    }
}

pub(super) fn identity(process: &Process) -> Result<Option<sys::user::Identity>, SpawnError> {
    let Some(name) = &process.user else { return Ok(None) };
    match sys::user::identity(name) {
        Some(identity) => Ok(Some(identity)),
        None => Err(SpawnError::Hopeless(format!("change user to {name}: no such user"))),
    }
}

fn attributes(process: &Process) -> Attributes {
    let limit = |limit: &Rlimit| sys::rlimit::Limit {
        resource: limit.resource,
        soft: limit.soft,
        hard: limit.hard,
    };
    Attributes {
        umask: process.umask,
        nice: process.nice,
        oom_score_adj: process.oom_score_adj,
        limits: process.limits.iter().map(limit).collect(),
        no_new_privileges: process.no_new_privileges,
        capabilities: process.capabilities.map(sys::capability::Capabilities),
    }
}

/// What an instance is told beyond the engine's environment: our own words, and Supervisor's, which
/// its event listeners find the way back by.
pub(super) fn variables(
    surroundings: &Surroundings,
    program: &Program,
    instance: u32,
    port: Option<u16>,
) -> Vec<(&'static str, String)> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let mut variables = vec![
        ("PILOTHOUSE", text(&surroundings.binary)),
        ("PILOTHOUSE_SOCKET", text(&surroundings.socket)),
        ("PROGRAM", program.name.clone()),
        ("INSTANCE", program.number(instance).to_string()),
    ];
    variables.extend(port.map(|port| ("PORT", port.to_string())));
    variables.extend([
        ("SUPERVISOR_ENABLED", "1".to_owned()),
        ("SUPERVISOR_PROCESS_NAME", program.supervisor_name(instance)),
        ("SUPERVISOR_GROUP_NAME", program.group_name().to_owned()),
        ("SUPERVISOR_SERVER_URL", format!("unix://{}", surroundings.socket.display())),
    ]);
    variables
}

/// What tells a program where and how often to say how it is.
pub(super) fn notify_variables(vitals: &Vitals, socket: &Path) -> Vec<(&'static str, String)> {
    let socket = socket.to_string_lossy().into_owned();
    let watchdog =
        vitals.watchdog_ms.map(|silent_ms| ("WATCHDOG_USEC", (silent_ms * 1000).to_string()));
    [("NOTIFY_SOCKET", socket)].into_iter().chain(watchdog).collect()
}

/// One variable as the instance sees it.
pub(super) fn variable(
    definition: &Definition,
    variables: &[(&'static str, String)],
    name: &str,
) -> Option<String> {
    let process = &definition.program.process;
    let is_set = |(known, _): &&(String, String)| known == name;
    let told = variables.iter().find(|(known, _)| *known == name);
    match (process.environment.iter().find(is_set), told) {
        // Files do not change what it is told.
        (None, Some((_, value))) => Some(value.clone()),
        (Some(_), _) | (None, None) => find(&environment(process, variables).ok()?, name),
    }
}

/// A port nobody listens on: the configured one, or for the embedded default the next one that is
/// neither taken nor `promised` to another instance.
pub(super) fn free_port(
    wanted: u16,
    ports: Ports,
    promised: impl Fn(u16) -> bool,
) -> Result<u16, SpawnError> {
    let later = match ports {
        Ports::AsConfigured => 0,
        Ports::NextFree => PROGRAM_PORTS_TRIED_MAX,
    };
    let next = (1..=later).filter_map(|step| wanted.checked_add(step));
    let free = std::iter::once(wanted)
        .chain(next.filter(|port| !promised(*port)))
        .find(|port| sys::socket::is_free(loopback(*port)));
    match free {
        Some(port) => Ok(port),
        // Who holds it is only looked up when it is said.
        None => sys::socket::claim(loopback(wanted))
            .map(|()| wanted)
            .map_err(|error| SpawnError::Failed(error.to_string())),
    }
}

/// Meant for the engine itself by whoever started it.
const OURS: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "FDSTORE",
];

/// The engine's own environment, what files of variables say, what the instance is told, and the
/// program's settings, which may refer to all of it: the later wins.
pub(super) fn environment(
    process: &Process,
    variables: &[(&'static str, String)],
) -> Result<Vec<(OsString, OsString)>, SpawnError> {
    let mut environment: Vec<(OsString, OsString)> =
        std::env::vars_os().filter(|(name, _)| !OURS.iter().any(|ours| name == ours)).collect();
    let told = |name: &str| {
        let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
        Some(value.clone())
    };
    for file in &process.env_files {
        let path =
            expand_path(&file.path, &|name: &str| told(name).or_else(|| find(&environment, name)))?;
        for (name, value) in read(&path, file)? {
            set(&mut environment, &name, value);
        }
    }
    if let Some(identity) = identity(process)? {
        for name in ["USER", "LOGNAME"] {
            set(&mut environment, name, identity.name.clone());
        }
        set(&mut environment, "HOME", identity.home);
    }
    for (name, value) in variables {
        set(&mut environment, name, value.clone());
    }
    for (name, value) in &process.environment {
        // Without the value: it may be a password.
        let value =
            config::expand(value, &|name: &str| find(&environment, name)).map_err(|error| {
                SpawnError::Hopeless(format!("expand the variable \"{name}\": {error}"))
            })?;
        set(&mut environment, name, value);
    }
    Ok(environment)
}

fn read(path: &Path, file: &EnvFile) -> Result<Vec<(String, String)>, SpawnError> {
    let read = sys::apart::run(|| config::env_file(path));
    match read.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(Some(variables)) => Ok(variables),
        Ok(None) if file.is_optional => Ok(Vec::new()),
        Ok(None) => Err(format!("{}: no such file", path.display())),
        Err(error) => Err(error),
    }
    .map_err(|error| SpawnError::Failed(format!("environment of {error}")))
}

fn expand_path(
    path: &Path,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<PathBuf, SpawnError> {
    expand(&path.to_string_lossy(), lookup).map(PathBuf::from)
}

fn set(environment: &mut Vec<(OsString, OsString)>, name: &str, value: String) {
    environment.retain(|(known, _)| known != name);
    environment.push((name.into(), value.into()));
}

pub(super) fn find(environment: &[(OsString, OsString)], name: &str) -> Option<String> {
    let (_, value) = environment.iter().find(|(known, _)| known == name)?;
    value.to_str().map(str::to_owned)
}

pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, SpawnError> {
    config::expand(text, lookup)
        .map_err(|error| SpawnError::Hopeless(format!("expand \"{text}\": {error}")))
}

/// What the machine is short of is the machine's trouble, not the program's; what is wrong with a file
/// stays so until somebody puts it right.
fn spawn_error(cause: &io::Error, error: &dyn std::fmt::Display) -> SpawnError {
    if sys::spawn::is_busy(cause) {
        SpawnError::Busy(error.to_string())
    } else if sys::spawn::is_lasting(cause) {
        SpawnError::Hopeless(error.to_string())
    } else {
        SpawnError::Failed(error.to_string())
    }
}
