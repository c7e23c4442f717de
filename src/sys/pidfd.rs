//! Processes by descriptor: a pid can be reused while one looks, a pidfd can not.
#![allow(unsafe_code, reason = "signals by raw number need the plain system calls")]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};

/// The error number of a signal to a process that has been reaped.
pub(crate) const GONE: i32 = libc::ESRCH;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal(number) => write!(f, "killed by {}", super::signal::name(*number)),
        }
    }
}

/// Becomes readable when the process has ended. Close on exec; non-blocking.
pub(crate) fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?)
}

/// Sends a signal by number to exactly this process; the error is `GONE` once it is reaped.
pub(crate) fn signal(process: impl AsFd, number: i32) -> io::Result<()> {
    // SAFETY: plain system call on a descriptor we borrow; no pointer is passed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_fd().as_raw_fd(),
            number,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The error of `try_wait` for a process that is somebody else's child.
pub(crate) fn is_not_child(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ECHILD)
}

/// Sends a signal to every process of the group that this leader's `setsid` made. No such group
/// is not an error: that is what the caller wants.
pub(crate) fn signal_group(leader: u32, number: i32) -> io::Result<()> {
    let leader = i32::try_from(leader).map_err(|_| io::ErrorKind::InvalidInput)?;
    if leader <= 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: plain system call without pointers; the negative pid names the group.
    if unsafe { libc::kill(-leader, number) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        error => Err(error),
    }
}

/// Whether nobody, zombies included, is left of the group that this leader made.
pub(crate) fn is_group_empty(leader: u32) -> bool {
    let Ok(leader @ 2..) = i32::try_from(leader) else { return true };
    // SAFETY: plain system call without pointers; signal 0 only asks.
    let found = unsafe { libc::kill(-leader, 0) };
    found != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

/// Reaps this child of ours if it has ended. Not our child: an ECHILD error.
pub(crate) fn try_wait(process: impl AsFd) -> io::Result<Option<Exit>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let status = rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::PidFd(process.as_fd()), options)
    })?;
    Ok(status.as_ref().and_then(exit))
}

/// Reaps any one child of ours that has ended: its pid and how. `None`: none has.
pub(crate) fn try_wait_any() -> Option<(u32, Exit)> {
    let mut status = 0;
    // SAFETY: `status` outlives the call; no other pointer is passed.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    let pid = u32::try_from(pid).ok().filter(|&pid| pid > 0)?;
    Some((pid, decode(status)))
}

/// Sends SIGKILL to every child of this process, and to the group of each that leads one. For a
/// subreaper, whose grandchildren become its children as their parents end: call it until it
/// returns `false`, nobody is left.
pub(crate) fn kill_children() -> io::Result<bool> {
    while try_wait_any().is_some() {}
    let children = super::proc::children_of(std::process::id());
    for pid in &children {
        // Not reaped yet, so the number is still theirs.
        signal_group(*pid, libc::SIGKILL)?;
        signal(open(*pid)?, libc::SIGKILL)?;
    }
    Ok(!children.is_empty())
}

/// Makes descendants whose parent ends ours, instead of init's.
pub(crate) fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

fn exit(status: &WaitIdStatus) -> Option<Exit> {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(Exit::Code(code)),
        (None, Some(number)) => Some(Exit::Signal(number)),
        (None, None) => None,
    }
}

fn decode(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}
