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

/// Shows a descriptor of this process by its number, for as long as `look_at_it` runs.
pub(crate) fn look<T>(
    number: RawFd,
    look_at_it: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>,
) -> io::Result<T> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: borrowed for this call alone; a number that is not open makes the system calls of
    // `look_at_it` fail, nothing more.
    look_at_it(unsafe { BorrowedFd::borrow_raw(number) })
}

/// The standard descriptors, to give them to a child.
pub(crate) fn standard() -> [BorrowedFd<'static>; 3] {
    [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()]
}
