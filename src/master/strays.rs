//! Children that an earlier master started and did not live to write down.
//!
//! Between a start and the end of its turn a master can be killed; its successor then knows nothing
//! of the new process, which would sit in the place of the one that is to be started again. Such a
//! process has lived for moments only, and is ended.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use super::WHO;
use super::predecessors::SOCKET;
use super::programs::errand;
use crate::sys::poll::{self, Interest};
use crate::sys::{clock, log, pidfd, proc, signal};

/// How long killed ones may take to be gone; a port is only free then.
const GONE_US: u64 = 1_000_000;

/// What the successor knows.
pub(super) struct Known {
    /// Workers and programs by pid, and the master that makes way in an upgrade.
    pub(super) pids: BTreeSet<u32>,
    /// The last life that was written down, by program and instance: what an earlier one left
    /// running on purpose is no stray.
    pub(super) lives: BTreeMap<(String, String), u32>,
}

/// Ends the strays among the keeper's children and waits until they are gone.
pub(super) fn end(keeper_pid: u32, socket: &Path, known: &Known) {
    let own = std::process::id();
    let children = proc::children_of(keeper_pid).unwrap_or_else(|error| {
        log::error!(WHO, "look for strays: {error}");
        Vec::new()
    });
    let killed: Vec<OwnedFd> = children
        .into_iter()
        .filter(|pid| *pid != own && !known.pids.contains(pid))
        .filter_map(|pid| {
            // Held before it is looked at, so that nobody else is looked at.
            let process = pidfd::open(pid).ok()?;
            let is_stray = is_worker_of(pid, socket)
                || is_left_of_a_program(pid, socket, known)
                || is_half_started(pid);
            (is_stray && kill(pid, &process)).then_some(process)
        })
        .collect();
    let deadline_us = clock::monotonic_us() + GONE_US;
    for gone in killed {
        let rest_us = deadline_us.saturating_sub(clock::monotonic_us());
        if let Err(error) = poll::wait([(gone.as_fd(), Interest::Read)], Some(rest_us)) {
            log::warning!(WHO, "wait for a stray: {error}");
        }
    }
}

/// A child that an earlier master was about to make a program of, and that a file system holds up: it
/// still shows itself as that master, whose words are our own.
fn is_half_started(pid: u32) -> bool {
    let words = |pid| proc::arguments(pid).into_iter().skip(1);
    words(pid).eq(words(std::process::id()))
}

fn kill(pid: u32, process: &OwnedFd) -> bool {
    let killed =
        pidfd::signal(process, signal::KILL).and_then(|()| pidfd::signal_group(pid, signal::KILL));
    match &killed {
        Ok(()) => log::warning!(WHO, "ended pid {pid}, which an earlier master did not hand on"),
        Err(error) => {
            log::error!(WHO, "end pid {pid}, which an earlier master did not hand on: {error}");
        }
    }
    killed.is_ok()
}

/// Not one of an engine that a program of ours has started.
fn is_worker_of(pid: u32, socket: &Path) -> bool {
    let environment = proc::environment(pid);
    let of = variable(&environment, SOCKET);
    // One that runs as somebody else shows nothing to who is not root.
    is_worker(pid) && of.is_none_or(|path| Path::new(path) == socket)
}

pub(super) fn is_worker(pid: u32) -> bool {
    proc::arguments(pid).get(1).is_some_and(|word| word == "__worker")
}

/// A life of a program that was not written down, or a side command that nobody waits for.
fn is_left_of_a_program(pid: u32, socket: &Path, known: &Known) -> bool {
    let environment = proc::environment(pid);
    let find = |name: &str| variable(&environment, name).map(str::to_owned);
    let is_ours = find(SOCKET).is_some_and(|path| Path::new(&path) == socket);
    if is_ours && find(errand::MARK).is_some() {
        return true;
    }
    let life = find("PILOTHOUSE_LIFE").and_then(|life| life.parse::<u32>().ok());
    match (is_ours, life, find("PROGRAM"), find("INSTANCE")) {
        (true, Some(life), Some(program), Some(instance)) => {
            life > known.lives.get(&(program, instance)).copied().unwrap_or(0)
        }
        _ => false,
    }
}

/// What a process was told under this name.
pub(super) fn variable<'a>(environment: &'a [String], name: &str) -> Option<&'a str> {
    environment.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
}
