//! Processes by descriptor: a pid can be reused while one looks, a pidfd can not.
#![allow(unsafe_code, reason = "signals by raw number need the plain system calls")]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use rustix::process::{Pid, PidfdFlags};

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

/// How a process ended that somebody else has reaped: the kernel keeps it with the pidfd, from
/// Linux 6.15 on. `None`: it has not been reaped yet, or this kernel does not tell.
pub(crate) fn exit_info(process: impl AsFd) -> Option<Exit> {
    /// The kernel's `struct pidfd_info` in its first version.
    #[repr(C)]
    struct Info {
        mask: u64,
        cgroup: u64,
        ids: [u32; 11],
        exit_code: i32,
    }
    const _: () = assert!(size_of::<Info>() == 64);
    /// `_IOWR(0xFF, 11, struct pidfd_info)`.
    const GET_INFO: libc::Ioctl = 0xC040_FF0B_u32 as libc::Ioctl;
    const INFO_EXIT: u64 = 1 << 3;
    let mut info = Info { mask: INFO_EXIT, cgroup: 0, ids: [0; 11], exit_code: 0 };
    // SAFETY: `info` outlives the call and has the size that the request's number promises.
    let done =
        unsafe { libc::ioctl(process.as_fd().as_raw_fd(), GET_INFO, (&raw mut info).cast::<u8>()) };
    (done == 0 && info.mask & INFO_EXIT != 0).then(|| decode(info.exit_code))
}

/// How a process of this user ended that nobody has reaped yet, whoever should. `None`: it runs, is
/// gone, or is somebody else's.
pub(crate) fn unreaped_exit(pid: u32) -> Option<Exit> {
    super::proc::zombie_status(pid).map(decode)
}

/// Becomes readable when the process has ended. Close on exec; non-blocking.
pub(crate) fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let opened = match rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK) {
        // Before Linux 5.10 there is no such flag, and nothing here waits by it anyway.
        Err(rustix::io::Errno::INVAL) => rustix::process::pidfd_open(pid, PidfdFlags::empty()),
        opened => opened,
    };
    Ok(super::lifted::lift(opened?))
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

/// Sends a signal to every process of the group that this leader's `setsid` made, be the leader gone
/// or not. No such group is not an error: that is what the caller wants.
pub(crate) fn signal_group_of(leader: impl AsFd, pid: u32, number: i32) -> io::Result<()> {
    /// From Linux 6.9 on; `libc` does not name it for every target.
    const PROCESS_GROUP: libc::c_uint = 1 << 2;
    // SAFETY: plain system call on a descriptor we borrow; no pointer is passed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            leader.as_fd().as_raw_fd(),
            number,
            std::ptr::null::<libc::siginfo_t>(),
            PROCESS_GROUP,
        )
    };
    let error = io::Error::last_os_error();
    match (done, error.raw_os_error()) {
        (0, _) | (_, Some(GONE)) => Ok(()),
        // An older kernel knows groups by their numbers only, and those are the leader's while it is
        // there; a stranger's group is not to be hit in its place.
        (_, Some(libc::EINVAL)) if signal(&leader, 0).is_ok() => signal_group(pid, number),
        (_, Some(libc::EINVAL)) => Ok(()),
        _ => Err(error),
    }
}

/// The same by number: only for a leader that is not reaped, so that the number is its own.
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

/// Reaps this child of ours if it has ended. Not our child: an ECHILD error. `None` for one that has
/// ended, too, as long as somebody else traces it.
pub(crate) fn try_wait(process: impl AsFd) -> io::Result<Option<Exit>> {
    wait(process, libc::WEXITED | libc::WNOHANG)
}

/// The same, and it stays to be reaped.
pub(crate) fn ended(process: impl AsFd) -> io::Result<Option<Exit>> {
    wait(process, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
}

fn wait(process: impl AsFd, options: i32) -> io::Result<Option<Exit>> {
    // SAFETY: zeroes are a valid record, which outlives the calls; its fields are read only after a
    // call that has filled them in.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let process = process.as_fd().as_raw_fd();
        while libc::waitid(libc::P_PIDFD, process.cast_unsigned(), &raw mut info, options) != 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        if info.si_pid() == 0 {
            return Ok(None);
        }
        Ok(Some(match info.si_code {
            libc::CLD_EXITED => Exit::Code(info.si_status()),
            _ => Exit::Signal(info.si_status()),
        }))
    }
}

/// Reaps any one child of ours that has ended: its pid and how. `None`: none has.
pub(crate) fn try_wait_any() -> Option<(u32, Exit)> {
    let mut status = 0;
    // SAFETY: `status` outlives the call; no other pointer is passed.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    let pid = u32::try_from(pid).ok().filter(|&pid| pid > 0)?;
    Some((pid, decode(status)))
}

/// Makes descendants whose parent ends ours, instead of init's.
pub(crate) fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

fn decode(status: i32) -> Exit {
    if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = look() {
                return found;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn an_end_is_known_before_and_after_somebody_else_has_reaped_it() {
        for (script, expected) in [("exit 42", Exit::Code(42)), ("kill -9 $$", Exit::Signal(9))] {
            let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
            let process = open(child.id()).unwrap();
            assert_eq!(until(|| unreaped_exit(child.id())), expected);
            assert_eq!(exit_info(&process), None, "not reaped yet");
            child.wait().unwrap();
            assert_eq!(unreaped_exit(child.id()), None);
            // An older kernel says nothing; it never says something else.
            assert!(exit_info(&process).is_none_or(|exit| exit == expected));
        }
        let own = open(std::process::id()).unwrap();
        assert_eq!((exit_info(&own), unreaped_exit(std::process::id())), (None, None));
    }
}
