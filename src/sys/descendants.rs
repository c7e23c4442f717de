//! The end of all that descends from this process, level by level. For a subreaper, whose grandchildren
//! become its children as their parents end.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::process::{Pid, Signal};

use super::poll::{self, Interest};
use super::{clock, pidfd, proc, signal};

/// How often children are looked for.
const AGAIN_US: u64 = 20_000;

/// Kills and reaps until nobody is left, or for so long: what was in the way then. `signals` tells of
/// children that end, and what it tells is taken.
pub(crate) fn end(signals: &OwnedFd, within_us: u64) -> io::Result<()> {
    let deadline_us = clock::monotonic_us() + within_us;
    let mut untold = None;
    while let Some(told) = kill_children() {
        untold = told.err().or(untold);
        if clock::monotonic_us() >= deadline_us {
            return Err(untold.unwrap_or_else(|| io::ErrorKind::TimedOut.into()));
        }
        poll::wait([(signals.as_fd(), Interest::Read)], Some(AGAIN_US))?;
        while signal::next(signals)?.is_some() {}
    }
    Ok(())
}

/// Sends SIGKILL to every child, and to the group of each that leads one. `None`: nobody is left;
/// otherwise whether all that are left could be told.
fn kill_children() -> Option<io::Result<()>> {
    while pidfd::try_wait_any().is_some() {}
    let children = match proc::children_of(std::process::id()) {
        Ok(children) => children,
        // Whoever can not be seen is not known to be gone.
        Err(error) => return Some(Err(error)),
    };
    // Not reaped yet, so the number is still theirs. One that can not be told, for it runs as somebody
    // else, must not be what saves the others.
    let kill = |pid: &u32| pidfd::signal_group(*pid, signal::KILL).and(kill_one(*pid));
    let told: Vec<io::Result<()>> = children.iter().map(kill).collect();
    (!told.is_empty()).then(|| told.into_iter().collect())
}

fn kill_one(pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::kill_process(pid, Signal::KILL)?)
}
