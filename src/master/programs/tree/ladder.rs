//! How well this machine lets us keep hold of what programs start: found once at the start.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::event::InstanceId;
use crate::config::model::tree::LeftOvers;
use crate::sys;
use crate::sys::cgroup::Cgroup;

/// The ways to know the processes of an instance, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Rung {
    /// A control group of its own: the kernel knows, whatever they do.
    Cgroup,
    /// By descent, session and the mark in their environment; orphans come to us.
    Session,
    /// The process group alone.
    Group,
}

impl Rung {
    pub(in crate::master::programs) fn word(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Session => "session",
            Self::Group => "group",
        }
    }
}

/// Which of them there are, and where.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    /// Tells the processes of this engine's life from those of any other.
    run: String,
    /// Holds the group of each instance.
    home: Option<Cgroup>,
    /// The best there is.
    best: Rung,
    /// The best that may be used.
    allowed: Rung,
}

/// Where the engine's own processes are, when they can not stay above.
const ENGINE: &str = "engine";
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];
/// What the names of groups begin with whose processes may outlive the main one, and the engine.
const KEPT: &str = "+";
/// How long killed processes of a dead engine may take to be gone; their ports are only free then.
const CLEARED_US_MAX: u64 = 1_000_000;
const CLEARED_LOOK_US: u64 = 2_000;
/// What the folders of an engine's groups begin with.
const PREFIX: &str = "pilothouse-";

impl Ladder {
    /// `folder`: the engine's own, which no other engine has at the same time. Groups in its name that
    /// an engine of an earlier `run` has left are ended and removed.
    pub(crate) fn probe(run: &str, folder: &Path) -> Self {
        let (home, best) = match make_home(run, folder) {
            Ok(home) => (Some(home), Rung::Cgroup),
            Err(error) => {
                sys::log::notice!("programs", "tracked without control groups: {error}");
                (None, Rung::Session)
            }
        };
        Self { run: run.to_owned(), home, best, allowed: Rung::Cgroup }
    }

    /// For tests that have no engine.
    #[cfg(test)]
    pub(crate) fn of_groups(run: &str) -> Self {
        Self { run: run.to_owned(), home: None, best: Rung::Group, allowed: Rung::Group }
    }

    /// For processes that are started from here on.
    pub(in crate::master::programs) fn allow(&mut self, best: Rung) {
        self.allowed = best;
    }

    pub(in crate::master::programs) fn mark(&self, id: &InstanceId, life: u32) -> String {
        format!("{}.{}.{}.{life}", self.run, id.program, id.instance)
    }

    /// The group that one life of an instance may be started in, if there can be one.
    pub(in crate::master::programs) fn leaf(
        &self,
        id: &InstanceId,
        life: u32,
        left_overs: LeftOvers,
    ) -> Option<Cgroup> {
        let kept = match left_overs {
            LeftOvers::Ended => "",
            LeftOvers::Kept => KEPT,
        };
        self.leaf_of(&format!("{kept}{}.{}.{life}", id.program, id.instance))
            .filter(|_| self.best.max(self.allowed) == Rung::Cgroup)
    }

    /// The one it was started in.
    pub(super) fn leaf_of(&self, name: &str) -> Option<Cgroup> {
        Some(self.home.as_ref()?.child(name))
    }

    /// Without control groups.
    pub(super) fn second(&self) -> Rung {
        self.best.max(self.allowed).max(Rung::Session)
    }

    /// Removes groups whose last processes were left on purpose and have ended meanwhile, those of
    /// earlier engines of this folder included.
    pub(in crate::master::programs) fn tidy(&self, in_use: &[&str]) {
        let Some(home) = &self.home else { return };
        let is_over = |group: &Cgroup| group.is_populated().is_ok_and(|is_populated| !is_populated);
        let homes = earlier(home);
        let theirs = homes.iter().flat_map(Cgroup::children);
        let leaves = free(home, in_use).into_iter().chain(theirs);
        for group in leaves.chain(homes.clone()).filter(is_over) {
            // Somebody who comes in at this moment keeps it.
            let _kept = group.remove();
        }
    }

    /// At the engine's end, when nobody is left.
    pub(crate) fn remove(&self) {
        // Somebody that was left on purpose keeps it.
        let _kept = self.home.as_ref().map(Cgroup::remove);
    }
}

/// Those that nobody here is in, or is about to be.
fn free(home: &Cgroup, in_use: &[&str]) -> Vec<Cgroup> {
    let engine = home.child(ENGINE);
    let known = in_use.len() + usize::from(engine.children_count().is_some());
    if home.children_count().is_some_and(|count| count <= known as u64) {
        return Vec::new();
    }
    let in_use: BTreeSet<&str> = in_use.iter().copied().collect();
    let is_free = |leaf: &Cgroup| leaf.name() != ENGINE && !in_use.contains(leaf.name());
    home.children().into_iter().filter(is_free).collect()
}

fn make_home(run: &str, folder: &Path) -> std::io::Result<Cgroup> {
    let own = above_engine(Cgroup::own()?);
    own.check_delegated()?;
    let family = format!("{PREFIX}{:016x}-", hash(folder));
    let home = own.child(&format!("{family}{run}"));
    home.make()?;
    enable(&own, &home);
    for other in earlier(&home) {
        clear(&other);
    }
    Ok(home)
}

/// The groups of earlier engines of the same folder.
fn earlier(home: &Cgroup) -> Vec<Cgroup> {
    let family = home.name().rsplit_once('-').map_or("", |(family, _run)| family);
    let is_of_family = |other: &Cgroup| {
        let of = other.name().rsplit_once('-').map_or("", |(family, _run)| family);
        of == family && other != home
    };
    let all = home.parent().map(|above| above.children()).unwrap_or_default();
    all.into_iter().filter(is_of_family).collect()
}

/// Lets the kernel bound what is below the home, where it can.
fn enable(own: &Cgroup, home: &Cgroup) {
    for controller in own.controllers().iter().filter(|name| CONTROLLERS.contains(&name.as_str())) {
        let enabled = own.control(controller).or_else(|_| {
            // Processes in the group itself are in the way: the engine's move below. Others that are
            // there stay, and so does the refusal.
            let engine = home.child(ENGINE);
            engine.make()?;
            for pid in [sys::proc::parent(), std::process::id()] {
                engine.take(pid)?;
            }
            own.control(controller)
        });
        if let Err(error) = enabled.and_then(|()| home.control(controller)) {
            sys::log::notice!("programs", "no control of {controller} by the kernel: {error}");
        }
    }
}

/// The group that the engine was started in; it may have moved below since.
fn above_engine(own: Cgroup) -> Cgroup {
    let home = own.parent().filter(|home| own.name() == ENGINE && home.name().starts_with(PREFIX));
    home.and_then(|home| home.parent()).unwrap_or(own)
}

/// The engine of this group has ended without ending its programs.
fn clear(home: &Cgroup) {
    let leaves = || {
        home.children()
            .into_iter()
            .filter(|leaf| !leaf.name().starts_with(KEPT) && leaf.name() != ENGINE)
    };
    for leaf in leaves() {
        // What can not be seen is ended as well: that does no harm where nobody is.
        if leaf.is_populated().unwrap_or(true) {
            sys::log::warning!(
                "programs",
                "end {} of an earlier engine: pids {:?}",
                leaf.name(),
                leaf.processes().unwrap_or_default()
            );
            if let Err(error) = leaf.kill() {
                sys::log::error!("programs", "kill {}: {error}", leaf.name());
            }
        }
    }
    let until_us = sys::clock::monotonic_us() + CLEARED_US_MAX;
    let is_left = || leaves().any(|leaf| leaf.is_populated().unwrap_or(true));
    while is_left() && sys::clock::monotonic_us() < until_us {
        // Nothing to wait for but time.
        let _interrupted = sys::poll::wait([], Some(CLEARED_LOOK_US));
    }
    // Who was left on purpose stays in it.
    let _kept = home.remove();
}

/// The same in every process and version: FNV-1a.
fn hash(folder: &Path) -> u64 {
    let bytes = folder.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
