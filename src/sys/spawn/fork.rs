//! The fork itself: with shared memory or without, in this control group or straight into another.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::atomic::Ordering;

use super::birth::Birth;
use super::child::Newborn;
use super::share;
use crate::sys::cgroup::Entrance;
use crate::sys::orphans::Claims;

/// What a child has of our memory until exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    Shared,
    /// For one that becomes somebody else before exec: whoever may look into that one must not see
    /// into this process.
    Copied,
}

/// The kernel's record of how to clone, as of Linux 5.7.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct CloneArguments {
    pub(super) flags: u64,
    pub(super) pidfd: u64,
    pub(super) child_tid: u64,
    pub(super) parent_tid: u64,
    pub(super) exit_signal: u64,
    pub(super) stack: u64,
    pub(super) stack_size: u64,
    pub(super) tls: u64,
    pub(super) set_tid: u64,
    pub(super) set_tid_size: u64,
    pub(super) cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;

/// The pid of a new process, whose life is the newborn's. The birth knows it before it runs.
///
/// # Safety
///
/// The newborn's life until exec or `_exit` is made of async-signal-safe calls on memory that is
/// there already.
pub(super) unsafe fn fork(
    entrance: Option<&Entrance>,
    memory: Memory,
    newborn: &Newborn<'_>,
    birth: &Birth,
) -> io::Result<u32> {
    let arguments = arguments(entrance, birth);
    let cloned = match memory {
        // SAFETY: the caller's promise.
        Memory::Shared => unsafe { share::clone(arguments, newborn) },
        // SAFETY: the same.
        Memory::Copied => unsafe { copy(&arguments, newborn) },
    };
    if cloned.is_err() {
        birth.failed();
    }
    match cloned {
        Err(error) if is_unknown(&error) => {
            // Until its number is written down, nobody is to look for orphans.
            let _nobody_reaps = Claims::lock();
            // SAFETY: the same.
            let pid = unsafe { plain(entrance, newborn) }?;
            birth.pid().store(pid, Ordering::Release);
            Ok(pid)
        }
        cloned => cloned,
    }
}

/// The answer of an older kernel, or of a sandbox that hides the call.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::E2BIG | libc::EINVAL))
}

/// A child that is born in its group costs a tenth of one that moves there: moving stops every fork
/// of the machine for a moment.
fn arguments(entrance: Option<&Entrance>, birth: &Birth) -> CloneArguments {
    let (flags, cgroup) = entrance.map_or((0, 0), |entrance| {
        (CLONE_INTO_CGROUP, entrance.as_fd().as_raw_fd().cast_unsigned().into())
    });
    CloneArguments {
        flags: flags | CLONE_PIDFD | CLONE_PARENT_SETTID,
        pidfd: birth.place(),
        parent_tid: birth.pid_place(),
        exit_signal: libc::SIGCHLD.cast_unsigned().into(),
        cgroup,
        ..CloneArguments::default()
    }
}

/// # Safety
///
/// As for [`fork`].
unsafe fn copy(arguments: &CloneArguments, newborn: &Newborn<'_>) -> io::Result<u32> {
    // SAFETY: the record outlives the call and its size is given with it; without a shared memory
    // or stack the child is a fork, and the caller's promise holds for it.
    let cloned = unsafe {
        libc::syscall(libc::SYS_clone3, &raw const *arguments, size_of::<CloneArguments>())
    };
    if cloned == 0 {
        newborn.live(None);
    }
    u32::try_from(cloned).map_err(|_| io::Error::last_os_error())
}

/// # Safety
///
/// As for [`fork`].
unsafe fn plain(must_enter: Option<&Entrance>, newborn: &Newborn<'_>) -> io::Result<u32> {
    // SAFETY: the caller's promise.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        newborn.live(must_enter);
    }
    u32::try_from(forked).map_err(|_| io::Error::last_os_error())
}

/// Moves this process into the group; async-signal-safe.
pub(super) fn enter(entrance: &Entrance) -> Result<(), i32> {
    const THIS_PROCESS: &[u8] = b"0";
    let errno = || {
        // SAFETY: the location of this thread's errno is always valid.
        unsafe { *libc::__errno_location() }
    };
    // SAFETY: system calls on a constant C string, a constant and descriptors we hold; the opened
    // one ends at exec.
    unsafe {
        let file = libc::openat(
            entrance.as_fd().as_raw_fd(),
            c"cgroup.procs".as_ptr(),
            libc::O_WRONLY | libc::O_CLOEXEC,
        );
        if file < 0 {
            return Err(errno());
        }
        match libc::write(file, THIS_PROCESS.as_ptr().cast(), THIS_PROCESS.len()) {
            1.. => Ok(()),
            _ => Err(errno()),
        }
    }
}
