//! The fork itself: plain, or straight into a control group.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use crate::sys::cgroup::Entrance;

/// Who one is after a fork.
pub(super) enum Side<'a> {
    Parent {
        pid: u32,
    },
    /// Has yet to enter the group that is named here.
    Child {
        must_enter: Option<&'a Entrance>,
    },
}

/// The kernel's record of how to clone, as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// # Safety
///
/// Until exec or `_exit` the child may only make async-signal-safe calls.
pub(super) unsafe fn fork(entrance: Option<&Entrance>) -> io::Result<Side<'_>> {
    let Some(entrance) = entrance else {
        // SAFETY: the caller's promise.
        return side(unsafe { libc::fork() }.into(), None);
    };
    // A child that is born in its group costs a tenth of one that moves there: moving stops every
    // fork of the machine for a moment.
    let arguments = CloneArguments {
        flags: CLONE_INTO_CGROUP,
        exit_signal: libc::SIGCHLD.cast_unsigned().into(),
        cgroup: entrance.as_fd().as_raw_fd().cast_unsigned().into(),
        ..CloneArguments::default()
    };
    // SAFETY: the record outlives the call and its size is given with it; without a shared memory
    // or stack the child is a fork, and the caller's promise holds for it.
    let cloned = unsafe {
        libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>())
    };
    match side(cloned, None) {
        // An older kernel, or a sandbox that hides the call.
        Err(error)
            if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::E2BIG | libc::EINVAL)) =>
        {
            // SAFETY: the caller's promise.
            side(unsafe { libc::fork() }.into(), Some(entrance))
        }
        other => other,
    }
}

fn side(forked: libc::c_long, must_enter: Option<&Entrance>) -> io::Result<Side<'_>> {
    match forked {
        0 => Ok(Side::Child { must_enter }),
        pid => match u32::try_from(pid) {
            Ok(pid) => Ok(Side::Parent { pid }),
            Err(_) => Err(io::Error::last_os_error()),
        },
    }
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
