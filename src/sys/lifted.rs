//! Where descriptors are kept that a process has many of, for long.
//!
//! A new one gets the lowest free number, so with these out of the way what a child is given has low
//! numbers, and the table that it is born with can be cut off above them instead of copied.

use std::os::fd::OwnedFd;

/// Below are those that come and go.
const KEPT_FROM: i32 = 1024;

/// The same descriptor under a number that is out of the way; close on exec. Who may not have that
/// many keeps it as it is.
pub(crate) fn lift(descriptor: OwnedFd) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(&descriptor, KEPT_FROM).unwrap_or(descriptor)
}
