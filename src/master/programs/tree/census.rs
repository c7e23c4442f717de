//! Who is whose, of all processes of the machine at about one instant.
//!
//! Reading it costs some microseconds a process, so it is read only when somebody is looked for, and
//! shared by all who look at about the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::sys;
use crate::sys::proc::Stat;

/// The variable by which a process is known, wherever it went.
pub(in crate::master::programs) const MARK: &str = "PILOTHOUSE_ID";

/// A process, told from a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::master::programs) struct Identity {
    pub(in crate::master::programs) pid: u32,
    pub(in crate::master::programs) start_time: u64,
}

/// What tells the members of one tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits<'a> {
    /// The process that was started: it made the session and the group of its number.
    pub(super) leader: Identity,
    pub(super) mark: &'a str,
    /// Those that were members when somebody last looked.
    pub(super) seen: &'a BTreeSet<Identity>,
}

#[derive(Clone, Debug, Default)]
pub(in crate::master::programs) struct Census {
    pub(super) taken_us: u64,
    stats: BTreeMap<u32, Stat>,
    children: BTreeMap<u32, Vec<u32>>,
    /// Of those that came to a parent which did not start them.
    marks: BTreeMap<u32, String>,
}

impl Census {
    pub(super) fn take() -> io::Result<Self> {
        let taken_us = sys::clock::monotonic_us();
        let stats = sys::proc::census()?;
        let mut census = Self::new(stats, taken_us);
        let ancestors = census.ancestors(std::process::id());
        let strangers = ancestors.iter().filter_map(|parent| census.children.get(parent)).flatten();
        let strangers = strangers.filter(|pid| !sys::orphans::is_claimed(**pid));
        census.marks = strangers.filter_map(|pid| Some((*pid, mark(*pid)?))).collect();
        Ok(census)
    }

    fn new(stats: Vec<Stat>, taken_us: u64) -> Self {
        let mut children = BTreeMap::<u32, Vec<u32>>::new();
        let alive = stats.into_iter().filter(|stat| !stat.is_ended);
        let stats: BTreeMap<u32, Stat> = alive.map(|stat| (stat.pid, stat)).collect();
        for stat in stats.values() {
            children.entry(stat.parent).or_default().push(stat.pid);
        }
        Self { taken_us, stats, children, marks: BTreeMap::new() }
    }

    /// Everybody of the tree: who bears one of its traits, and all that descends from them.
    pub(super) fn members(&self, traits: Traits<'_>) -> BTreeSet<Identity> {
        let mut members = BTreeSet::new();
        let mut to_visit: Vec<u32> = self
            .stats
            .values()
            .filter(|stat| self.bears(stat, traits))
            .map(|stat| stat.pid)
            .collect();
        // Each process is visited once, so this ends whatever the numbers say.
        while let Some(pid) = to_visit.pop() {
            let Some(stat) = self.stats.get(&pid) else { continue };
            if members.insert(identity(stat)) {
                to_visit.extend(self.children.get(&pid).into_iter().flatten());
            }
        }
        members
    }

    fn bears(&self, stat: &Stat, traits: Traits<'_>) -> bool {
        let Traits { leader, mark, seen } = traits;
        // Whoever is older than the leader was there before its number meant this tree.
        let is_later = stat.start_time >= leader.start_time;
        let is_of_leader = is_later && [stat.session, stat.group].contains(&leader.pid);
        identity(stat) == leader
            || is_of_leader
            || seen.contains(&identity(stat))
            || self.marks.get(&stat.pid).is_some_and(|found| found == mark)
    }

    /// The process, its parent, and so on: where orphans come to.
    fn ancestors(&self, pid: u32) -> BTreeSet<u32> {
        let mut line = BTreeSet::new();
        let mut next = Some(pid);
        while let Some(pid) = next.filter(|pid| line.insert(*pid)) {
            next = self.stats.get(&pid).map(|stat| stat.parent);
        }
        line
    }
}

pub(super) fn identity(stat: &Stat) -> Identity {
    Identity { pid: stat.pid, start_time: stat.start_time }
}

/// Which tree a process says it is of.
pub(super) fn mark(pid: u32) -> Option<String> {
    let environment = sys::proc::environment(pid);
    let mut values = environment.iter().filter_map(|entry| entry.strip_prefix(MARK));
    values.find_map(|rest| rest.strip_prefix('=')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, parent: u32, session: u32) -> Stat {
        Stat {
            pid,
            parent,
            group: session,
            session,
            is_ended: false,
            cpu_ticks: 0,
            start_time: u64::from(pid),
            resident_pages: 0,
            threads: 1,
        }
    }

    fn pids(census: &Census, seen: &BTreeSet<Identity>) -> Vec<u32> {
        let leader = Identity { pid: 100, start_time: 100 };
        let traits = Traits { leader, mark: "run.web.0.1", seen };
        census.members(traits).into_iter().map(|member| member.pid).collect()
    }

    #[test]
    fn a_tree_is_found_by_descent_session_and_mark() {
        let mut census = Census::new(
            vec![
                stat(1, 0, 1),
                stat(10, 1, 10),
                stat(100, 10, 100),
                stat(101, 100, 100),
                stat(102, 101, 102),
                stat(110, 10, 100),
                stat(120, 10, 120),
                stat(121, 120, 121),
                stat(130, 10, 130),
                Stat { start_time: 1, ..stat(140, 1, 100) },
                Stat { is_ended: true, ..stat(150, 100, 100) },
            ],
            0,
        );
        census.marks.insert(120, "run.web.0.1".to_owned());
        census.marks.insert(130, "run.web.0.2".to_owned());
        let nobody = BTreeSet::new();
        assert_eq!(pids(&census, &nobody), [100, 101, 102, 110, 120, 121]);
        let seen = BTreeSet::from([
            Identity { pid: 130, start_time: 130 },
            Identity { pid: 10, start_time: 11 },
        ]);
        assert_eq!(pids(&census, &seen), [100, 101, 102, 110, 120, 121, 130], "not a new 10");
        assert_eq!(census.ancestors(101), BTreeSet::from([0, 1, 10, 100, 101]));
    }
}
