//! Descriptors that a parent of ours left at an agreed number.
#![allow(unsafe_code, reason = "a number becomes an owned descriptor")]

use std::ffi::OsString;
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

/// The first descriptor of those that a service manager hands over (`sd_listen_fds(3)`).
const FIRST_HANDED: RawFd = 3;
/// More would be a mistake of somebody's.
const HANDED_MAX: RawFd = 64;
/// What tells of them: for the process of this pid alone, and for no child of its.
const HANDED_VARIABLES: [&str; 3] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// This process's environment, for children who are told of nothing that was handed to it.
pub(crate) fn environment_of_children() -> Vec<(OsString, OsString)> {
    let is_handed = |name: &OsString| HANDED_VARIABLES.iter().any(|handed| name == handed);
    std::env::vars_os().filter(|(name, _)| !is_handed(name)).collect()
}

/// What a service manager has handed to this process, and what it calls each. Call it once, first
/// thing in the process.
pub(crate) fn handed() -> Vec<(String, OwnedFd)> {
    let [pid, count, names] = HANDED_VARIABLES.map(|name| std::env::var(name).unwrap_or_default());
    let is_ours = pid.parse() == Ok(std::process::id());
    let count = count.parse::<RawFd>().ok().filter(|_| is_ours).unwrap_or(0).clamp(0, HANDED_MAX);
    let names = names.split(':').map(str::to_owned).chain(std::iter::repeat(String::new()));
    let numbers = FIRST_HANDED..FIRST_HANDED + count;
    numbers.zip(names).filter_map(|(number, name)| Some((name, take(number).ok()?))).collect()
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
