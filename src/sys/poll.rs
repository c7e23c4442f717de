//! Waiting for descriptors without a reactor.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    ReadOrWrite,
}

/// Waits until one of the descriptors is ready or the time is up. `true` for each that can be read
/// (an end or an error counts: reading tells which). A signal ends the wait early.
pub(crate) fn wait<const N: usize>(
    descriptors: [(BorrowedFd<'_>, Interest); N],
    timeout_us: Option<u64>,
) -> io::Result<[bool; N]> {
    let mut polled = descriptors.map(|(descriptor, interest)| {
        let flags = match interest {
            Interest::Read => PollFlags::IN,
            Interest::ReadOrWrite => PollFlags::IN | PollFlags::OUT,
        };
        PollFd::from_borrowed_fd(descriptor, flags)
    });
    let timeout = timeout_us.map(|rest_us| Timespec {
        tv_sec: (rest_us / 1_000_000) as i64,
        tv_nsec: (rest_us % 1_000_000 * 1000) as i64,
    });
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok([false; N]),
        Err(error) => return Err(error.into()),
    }
    let readable = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
    Ok(polled.map(|polled| polled.revents().intersects(readable)))
}
