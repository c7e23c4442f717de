//! What an engine of this name left running whose keeper and master were killed together.
//!
//! Its workers serve on and its programs run on, but nobody holds their pipes, and nobody is left who
//! could tell how they end. So they are not taken over: at the start of the next engine of the name,
//! before it binds or starts anything, they are asked to end, and killed when they do not. Never is a
//! second copy started beside a living one. Left on purpose is only what an engine that ended in order
//! has left of programs with `reap_leftovers = false`.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use super::WHO;
use super::strays::{is_worker, variable};
use crate::sys::poll::{self, Interest};
use crate::sys::{clock, log, pidfd, proc, signal, spawn};

/// For those that were asked to end, and then for those that were killed.
const ASKED_US: u64 = 5_000_000;
const KILLED_US: u64 = 2_000_000;
/// Whoever starts others while it ends is looked for again.
const PASSES_MAX: usize = 4;

/// Names the engine in the environment of everything that it starts.
pub(super) const SOCKET: &str = "PILOTHOUSE_SOCKET";
/// Names the instance in the environment of programs; nobody sets it by hand.
const ID: &str = "PILOTHOUSE_ID";

/// Marks what may outlive its program, and the engine.
pub(super) const KEPT: &str = "PILOTHOUSE_KEPT";

/// Why the next engine of the name may not begin.
#[derive(Debug)]
pub(super) enum Hindrance {
    /// The master of a living one: the lock is ours, but its file may have been removed and made anew.
    Living(u32),
    /// Whoever can not be seen is not known to be gone.
    Unseen(io::Error),
}

/// Ends all of them and waits until they are gone.
pub(super) fn end(socket: &Path) -> Result<(), Hindrance> {
    let kept = own_line();
    // Who ends in order takes it away.
    let is_in_order = std::fs::symlink_metadata(socket).is_err();
    for pass in 0..PASSES_MAX {
        let mut found = Vec::new();
        let pids = proc::pids().map_err(Hindrance::Unseen)?;
        for pid in pids.into_iter().filter(|pid| !kept.contains(pid)) {
            // Held before it is looked at, so that nobody else is meant.
            let process = match pidfd::open(pid) {
                Ok(process) => process,
                Err(error) if spawn::is_busy(&error) => return Err(Hindrance::Unseen(error)),
                Err(_gone) => continue,
            };
            if is_of(pid, socket, is_in_order).map_err(Hindrance::Unseen)? {
                found.push((pid, process));
            }
        }
        if let Some(master) = found.iter().find_map(|(pid, _)| living_master(*pid)) {
            return Err(Hindrance::Living(master));
        }
        if found.is_empty() {
            return Ok(());
        }
        let found: Vec<OwnedFd> = found.into_iter().map(|(_, process)| process).collect();
        if pass == 0 {
            let count = found.len();
            log::warning!(
                WHO,
                "an earlier engine of this name left {count} processes: ending them"
            );
        }
        tell(&found, &[signal::TERM, signal::CONT]);
        if !are_gone(&found, ASKED_US) {
            tell(&found, &[signal::KILL]);
            are_gone(&found, KILLED_US);
        }
    }
    log::error!(WHO, "processes of an earlier engine of this name would not end");
    Ok(())
}

/// The parent, if that is a master; whoever has lost it has another one.
fn living_master(pid: u32) -> Option<u32> {
    let parent = proc::stat(pid)?.parent;
    proc::arguments(parent).get(1).is_some_and(|word| word == "__master").then_some(parent)
}

/// This process and everybody above it: an engine may be started by a program of the earlier one.
fn own_line() -> BTreeSet<u32> {
    let mut line = BTreeSet::new();
    let mut next = Some(std::process::id());
    while let Some(pid) = next.filter(|pid| *pid > 0 && line.insert(*pid)) {
        next = proc::stat(pid).map(|stat| stat.parent);
    }
    line
}

fn is_of(pid: u32, socket: &Path, are_kept_spared: bool) -> io::Result<bool> {
    let environment = proc::try_environment(pid)?;
    let is_ours = variable(&environment, SOCKET).is_some_and(|path| Path::new(path) == socket);
    let is_spared = are_kept_spared && variable(&environment, KEPT).is_some();
    Ok(is_ours && (is_worker(pid) || (variable(&environment, ID).is_some() && !is_spared)))
}

fn tell(processes: &[OwnedFd], numbers: &[i32]) {
    for (process, number) in processes.iter().flat_map(|one| numbers.iter().map(move |n| (one, n)))
    {
        if let Err(error) = pidfd::signal(process, *number)
            && error.raw_os_error() != Some(pidfd::GONE)
        {
            log::error!(WHO, "end a process of an earlier engine: {error}");
        }
    }
}

/// Whether all have ended within this time.
fn are_gone(processes: &[OwnedFd], within_us: u64) -> bool {
    let deadline_us = clock::monotonic_us() + within_us;
    processes.iter().all(|process| {
        let rest_us = deadline_us.saturating_sub(clock::monotonic_us());
        let waited = poll::wait([(process.as_fd(), Interest::Read)], Some(rest_us));
        matches!(waited, Ok([true]))
    })
}
