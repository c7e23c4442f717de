//! Descriptors that a parent of ours left at an agreed number.
#![allow(unsafe_code, reason = "a number becomes an owned descriptor")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Takes over the descriptor at `number` and closes it at the next exec. Call it once per number,
/// first thing in the process: whoever calls it owns the descriptor from then on.
pub(crate) fn take(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: a system call on a number; one that is not open is an error.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number is open, and by the contract above nobody else in the process owns it: it
    // was open before the process ran its first line.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The standard descriptors, to give them to a child.
pub(crate) fn standard() -> [BorrowedFd<'static>; 3] {
    [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()]
}
