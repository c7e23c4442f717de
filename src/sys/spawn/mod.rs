//! Starting a process: every child of the engine, whatever its role, starts here.
//!
//! A `Recipe` is prepared in full before the fork; what the child does between fork and exec is
//! `child`'s. A failure there comes back through a pipe that exec closes, with the step and the
//! errno. The child gets its own session, default signal dispositions, an empty mask, the
//! open-files limit that was ours before we raised it, and descriptors `0..n` only; what else it is
//! given is `attributes`'.
#![allow(unsafe_code, reason = "fork and what follows it have no safe wrapper")]

pub(crate) mod attributes;
pub(crate) mod birth;
mod child;
mod closing;
mod fork;
mod own_pid;
mod share;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::cgroup::Entrance;
use super::orphans::{Claim, Expected};
use super::pidfd;
use super::user::Identity;
use attributes::Attributes;
use birth::Birth;
use child::Newborn;
use fork::Memory;
use own_pid::OwnPid;

/// Descriptors a child may be given.
const DESCRIPTORS_MAX: usize = 16;
/// Numbers from here on are never a child's target, so sources and the report pipe are safe there.
const LIFTED: i32 = 64;
/// Resolved by the forked child, which still is this program.
const THIS_IMAGE: &CStr = c"/proc/self/exe";
const _: () = assert!(DESCRIPTORS_MAX < LIFTED as usize);

/// What to start. `arguments[0]` is the program: a path, or a name looked up in the environment's
/// own `PATH`.
#[derive(Clone, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) arguments: &'a [OsString],
    /// The child's whole environment.
    pub(crate) environment: &'a [(OsString, OsString)],
    pub(crate) directory: Option<&'a Path>,
    /// Run as somebody else; needs root.
    pub(crate) identity: Option<&'a Identity>,
}

/// A started child of ours.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    /// Becomes readable at its end; see `pidfd::try_wait`.
    pub(crate) pidfd: OwnedFd,
    /// For whoever takes its status.
    pub(crate) claim: Claim,
}

/// The step that failed, in the words of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Prepare,
    Fork,
    Cgroup,
    Descriptors,
    Nice,
    OomScore,
    Limits,
    Capabilities,
    Identity,
    NoNewPrivileges,
    Directory,
    Exec,
}

impl Step {
    const ALL: [Self; 12] = [
        Self::Prepare,
        Self::Fork,
        Self::Cgroup,
        Self::Descriptors,
        Self::Nice,
        Self::OomScore,
        Self::Limits,
        Self::Capabilities,
        Self::Identity,
        Self::NoNewPrivileges,
        Self::Directory,
        Self::Exec,
    ];

    fn verb(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Fork => "fork for",
            Self::Cgroup => "make a control group for",
            Self::Descriptors => "pass descriptors to",
            Self::Nice => "set the nice value of",
            Self::OomScore => "set the out-of-memory score of",
            Self::Limits => "set limits of",
            Self::Capabilities => "set capabilities of",
            Self::Identity => "change user for",
            Self::NoNewPrivileges => "forbid new privileges to",
            Self::Directory => "change directory for",
            Self::Exec => "exec",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{} {program}: {cause}", step.verb())]
pub(crate) struct SpawnError {
    pub(crate) step: Step,
    pub(crate) program: String,
    pub(crate) cause: io::Error,
}

/// Whether the machine is short of processes, descriptors or memory: later it may work.
pub(crate) fn is_busy(error: &io::Error) -> bool {
    const SHORTAGES: [i32; 4] = [libc::EAGAIN, libc::EMFILE, libc::ENFILE, libc::ENOMEM];
    error.raw_os_error().is_some_and(|errno| SHORTAGES.contains(&errno))
}

/// Whether the same start would fail the same way again: what is to be run is not there, or not to be
/// run, or not by this user.
pub(crate) fn is_lasting(error: &io::Error) -> bool {
    const LASTING: [i32; 9] = [
        libc::ENOENT,
        libc::EACCES,
        libc::ENOEXEC,
        libc::EPERM,
        libc::ENOTDIR,
        libc::EISDIR,
        libc::ELOOP,
        libc::ENAMETOOLONG,
        libc::E2BIG,
    ];
    error.raw_os_error().is_some_and(|errno| LASTING.contains(&errno))
}

/// Everything the child needs, in the form the system calls want it. Starting from it allocates
/// nothing, so a recipe can be used again for as long as the process lives.
#[derive(Debug)]
pub(crate) struct Recipe {
    program: CString,
    directory: Option<CString>,
    identity: Option<Identity>,
    attributes: Attributes,
    own_pid: Option<OwnPid>,
    /// What `program` names by its number.
    image: Option<RawFd>,
    arguments: Strings,
    environment: Strings,
    name: String,
}

impl Recipe {
    pub(crate) fn new(order: &Order<'_>) -> Result<Self, SpawnError> {
        let name = order
            .arguments
            .first()
            .map(|word| word.to_string_lossy().into_owned())
            .unwrap_or_default();
        let failed = |cause| SpawnError { step: Step::Prepare, program: name.clone(), cause };
        let first = order
            .arguments
            .first()
            .ok_or_else(|| failed(io::Error::new(io::ErrorKind::InvalidInput, "empty command")))?;
        let path = order.environment.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value);
        let program = resolve(first, path.map(OsString::as_os_str));
        let environment = order.environment.iter().map(|(key, value)| {
            let mut entry = key.clone();
            entry.push("=");
            entry.push(value);
            entry
        });
        Ok(Self {
            program: c_string(program.into_os_string()).map_err(failed)?,
            directory: match order.directory {
                Some(path) => Some(c_string(path.as_os_str().to_owned()).map_err(failed)?),
                None => None,
            },
            identity: order.identity.cloned(),
            attributes: Attributes::default(),
            own_pid: None,
            image: None,
            arguments: Strings::new(order.arguments.iter().cloned()).map_err(failed)?,
            environment: Strings::new(environment).map_err(failed)?,
            name: name.clone(),
        })
    }

    /// This very program again, in another role: what runs here, even when the file it came from was
    /// replaced or removed meanwhile. `arguments[0]` is what process lists show.
    pub(crate) fn of_this_image(order: &Order<'_>) -> Result<Self, SpawnError> {
        Ok(Self { program: THIS_IMAGE.to_owned(), ..Self::new(order)? })
    }

    /// With these beside the program itself.
    pub(crate) fn with(self, attributes: Attributes) -> Self {
        Self { attributes, ..self }
    }

    /// The program behind the descriptor, which must stay open until the start.
    pub(crate) fn of_image(image: BorrowedFd<'_>, order: &Order<'_>) -> Result<Self, SpawnError> {
        let path = format!("/proc/self/fd/{}", image.as_raw_fd());
        let recipe = Self::new(order)?;
        let failed =
            |cause| SpawnError { step: Step::Prepare, program: recipe.name.clone(), cause };
        let program = c_string(OsString::from(path)).map_err(failed)?;
        Ok(Self { program, image: Some(image.as_raw_fd()), ..recipe })
    }

    /// With a variable of this name in its environment that says the child's own pid.
    pub(crate) fn telling_pid_as(mut self, name: &str) -> Self {
        let own_pid = OwnPid::new(name);
        let end = self.environment.pointers.len() - 1;
        self.environment.pointers.insert(end, own_pid.entry());
        self.own_pid = Some(own_pid);
        self
    }

    /// One that changes its rights must not do so in memory that is ours.
    fn memory(&self) -> Memory {
        match (&self.identity, &self.attributes.capabilities) {
            (None, None) => Memory::Shared,
            (Some(_), _) | (None, Some(_)) => Memory::Copied,
        }
    }

    /// Starts it with these descriptors as its 0, 1, 2 and so on, and no other.
    pub(crate) fn start(&self, descriptors: &[BorrowedFd<'_>]) -> Result<Child, SpawnError> {
        self.start_in(None, descriptors, &Birth::default())
    }

    /// The same, inside a control group from its first instruction on. A file system that hangs holds the
    /// caller up until the child is ended by its birth.
    pub(crate) fn start_in(
        &self,
        cgroup: Option<&Entrance>,
        descriptors: &[BorrowedFd<'_>],
        birth: &Birth,
    ) -> Result<Child, SpawnError> {
        let failed = |step, cause| SpawnError { step, program: self.name.clone(), cause };
        if descriptors.len() > DESCRIPTORS_MAX {
            return Err(failed(Step::Descriptors, io::ErrorKind::InvalidInput.into()));
        }
        let (report, reporter) = report_pipe().map_err(|error| failed(Step::Fork, error.into()))?;
        let newborn = Newborn { recipe: self, descriptors, reporter: &reporter };
        let (pid, claim) = self.fork(cgroup, &newborn, birth)?;
        drop(reporter);
        // The child is ours and unreaped, so its pid can not name anybody else yet.
        let watched = watch(pid, birth).map_err(|cause| {
            // Nobody could watch or signal it safely, so it must not live.
            kill(pid);
            failed(Step::Fork, cause)
        });
        let reported = read_report(&report).map(|(step, cause)| failed(step, cause));
        match watched.and_then(|()| reported.map_or(Ok(()), Err)) {
            Ok(()) => {
                let pidfd = birth.take().expect("put there just now, and taken nowhere else");
                Ok(Child { pid, pidfd, claim })
            }
            Err(error) => {
                reap(pid);
                Err(error)
            }
        }
    }

    /// Its pid, claimed before anybody can take it for an orphan.
    fn fork(
        &self,
        cgroup: Option<&Entrance>,
        newborn: &Newborn<'_>,
        birth: &Birth,
    ) -> Result<(u32, Claim), SpawnError> {
        let failed = |step, cause| SpawnError { step, program: self.name.clone(), cause };
        if !birth.begins() {
            return Err(failed(Step::Fork, io::ErrorKind::Interrupted.into()));
        }
        let expected = Expected::new(birth.pid());
        // SAFETY: a newborn makes only async-signal-safe system calls on memory prepared before.
        match unsafe { fork::fork(cgroup, self.memory(), newborn, birth) } {
            Ok(pid) => Ok((pid, expected.claim(pid))),
            Err(cause) if cgroup.is_some() && !is_busy(&cause) => Err(failed(Step::Cgroup, cause)),
            Err(cause) => Err(failed(Step::Fork, cause)),
        }
    }
}

fn report_pipe() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let (report, reporter) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((report, rustix::io::fcntl_dupfd_cloexec(&reporter, LIFTED)?))
}

/// Waits until exec has closed the child's end (`None`) or the failed step has come.
fn read_report(report: &OwnedFd) -> Option<(Step, io::Error)> {
    let mut bytes = [0u8; child::REPORT_BYTES];
    match rustix::io::retry_on_intr(|| rustix::io::read(report, &mut bytes)) {
        Ok(child::REPORT_BYTES) => {
            let (step, errno) = child::decode_report(bytes);
            Some((step, io::Error::from_raw_os_error(errno)))
        }
        // A child killed before exec says nothing; its exit is seen as any other.
        Ok(_) | Err(_) => None,
    }
}

/// Keeps the descriptor that means the child, unless the kernel has made it with the child.
fn watch(pid: u32, birth: &Birth) -> io::Result<()> {
    if !birth.is_known() {
        birth.put(pidfd::open(pid)?);
    }
    Ok(())
}

fn kill(pid: u32) {
    // SAFETY: a system call on numbers only; the pid is our unreaped child.
    unsafe { libc::kill(pid as i32, libc::SIGKILL) };
}

/// Takes the status of a child that is about to end.
fn reap(pid: u32) {
    let mut status = 0;
    loop {
        // SAFETY: `status` outlives the call; the pid is our unreaped child.
        let reaped = unsafe { libc::waitpid(pid as i32, &raw mut status, 0) };
        if reaped >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// A null-ended array of C strings that owns what it points to.
#[derive(Debug)]
struct Strings {
    pointers: Vec<*const libc::c_char>,
    _owned: Vec<CString>,
}

impl Strings {
    fn new(texts: impl Iterator<Item = OsString>) -> io::Result<Self> {
        let owned = texts.map(c_string).collect::<io::Result<Vec<_>>>()?;
        let pointers = owned.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self { pointers, _owned: owned })
    }
}

fn c_string(text: OsString) -> io::Result<CString> {
    CString::new(text.into_vec())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a zero byte in the text"))
}

/// As `execvp` would find it; a name found nowhere stays as it is, for exec's own error.
fn resolve(program: &OsStr, path: Option<&OsStr>) -> PathBuf {
    if program.as_bytes().contains(&b'/') {
        return PathBuf::from(program);
    }
    let folders = path.unwrap_or_else(|| OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    std::env::split_paths(folders)
        .map(|folder| folder.join(program))
        .find(|candidate| is_program(candidate))
        .unwrap_or_else(|| PathBuf::from(program))
}

/// A file that somebody may run; one that nobody may is passed over, as `execvp` does.
fn is_program(path: &Path) -> bool {
    const RUNNABLE: u32 = 0o111;
    path.metadata().is_ok_and(|found| found.is_file() && found.mode() & RUNNABLE != 0)
}
