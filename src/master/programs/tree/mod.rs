//! Everybody that an instance's process has started: found, ended, and known to be gone.
//!
//! Three ways, see [`ladder::Rung`]. Signals go to descriptors of processes that were looked at after
//! they were opened, so never to a stranger that has taken over a number. Decides nothing about when.

pub(crate) mod ladder;

mod census;

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

pub(super) use self::census::MARK;
use self::census::{Census, Identity, Traits};
use self::ladder::{Ladder, Rung};
use super::event::InstanceId;
use crate::config::limits::PROGRAM_SWEEP_PASSES_MAX;
use crate::config::model::tree::Bounds;
use crate::sys;
use crate::sys::cgroup::Cgroup;
use crate::sys::spawn::birth::Birth;
use crate::sys::spawn::{Child, Recipe, SpawnError, Step};

const CPU_PERIOD_US: u64 = 100_000;
/// A census this old still serves whoever looks on purpose; what it misses is found by the next.
const CENSUS_AGE_US: u64 = 20_000;

pub(super) struct Tree {
    rung: Rung,
    leader: Identity,
    mark: String,
    leaf: Option<Cgroup>,
    /// Members at the last look, since a process whose parents end loses what it was known by.
    seen: BTreeSet<Identity>,
    doubt: Doubt,
    sight: Sight,
    /// A look must be newer.
    looked_us: u64,
    /// What the kernel bounds.
    held: Vec<Resource>,
}

/// What a tree is bounded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Memory,
    Cpu,
    Tasks,
}

/// What all of a tree have together; the processor time since they were started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) resident_bytes: u64,
    pub(super) cpu_us: u64,
    pub(super) tasks: u64,
}

/// Whether a single look that finds nobody is to be believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    No,
    /// There were some, who may have started others while they were looked for.
    Once,
}

/// A tree as the next master finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedTree {
    rung: Rung,
    leader: u32,
    start_time: u64,
    leaf: Option<String>,
}

/// How a process that somebody has named stands to a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Member {
        start_time: u64,
    },
    Stranger,
    /// Nobody could be looked for, and why.
    Unseen(String),
}

/// Whether the last look has come to anything; said once when it has not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Clear,
    Blind,
}

impl Sight {
    fn of<T>(looked: &io::Result<T>) -> Self {
        if looked.is_ok() { Self::Clear } else { Self::Blind }
    }
}

/// Takes a census when one is wanted that is not there, for all who look.
#[derive(Default)]
pub(super) struct Surveyor {
    census: Option<Census>,
}

impl Surveyor {
    fn census(&mut self, not_before_us: u64) -> io::Result<&Census> {
        let known = self.census.take().filter(|census| census.taken_us >= not_before_us);
        let census = known.map_or_else(Census::take, Ok)?;
        Ok(self.census.insert(census))
    }

    fn recent(&mut self) -> io::Result<&Census> {
        self.census(sys::clock::monotonic_us().saturating_sub(CENSUS_AGE_US))
    }
}

/// Starts the recipe in a control group of its own, or without one where that can not be had.
pub(super) fn start(
    recipe: &Recipe,
    leaf: Option<Cgroup>,
    descriptors: &[BorrowedFd<'_>],
    birth: &Birth,
) -> Result<(Child, Option<Cgroup>), SpawnError> {
    let refused = |leaf: &Cgroup, error: &dyn std::fmt::Display| {
        sys::log::warning!("programs", "control group {}: {error}", leaf.name());
        // It was never used, or never made.
        let _nothing_to_lose = leaf.remove();
    };
    if let Some(leaf) = leaf {
        match leaf.make().and_then(|()| leaf.entrance()) {
            Err(error) => refused(&leaf, &error),
            Ok(entrance) => match recipe.start_in(Some(&entrance), descriptors, birth) {
                Err(error) if error.step == Step::Cgroup => refused(&leaf, &error),
                Err(error) => {
                    let _nothing_to_lose = leaf.remove();
                    return Err(error);
                }
                Ok(child) => return Ok((child, Some(leaf))),
            },
        }
    }
    Ok((recipe.start_in(None, descriptors, birth)?, None))
}

impl Tree {
    /// Of a process just started. `leaf`: the group it was started in.
    pub(super) fn plant(
        leader: (u32, u64),
        mark: String,
        leaf: Option<Cgroup>,
        ladder: &Ladder,
    ) -> Self {
        let (pid, start_time) = leader;
        let rung = if leaf.is_some() { Rung::Cgroup } else { ladder.second() };
        Self {
            rung,
            leader: Identity { pid, start_time },
            mark,
            leaf,
            seen: BTreeSet::new(),
            doubt: Doubt::No,
            sight: Sight::Clear,
            looked_us: 0,
            held: Vec::new(),
        }
    }

    pub(super) fn save(&self) -> SavedTree {
        let Identity { pid, start_time } = self.leader;
        let leaf = self.leaf.as_ref().map(|leaf| leaf.name().to_owned());
        SavedTree { rung: self.rung, leader: pid, start_time, leaf }
    }

    pub(super) fn revive(saved: SavedTree, id: &InstanceId, life: u32, ladder: &Ladder) -> Self {
        let leaf = saved.leaf.and_then(|name| ladder.leaf_of(&name));
        let leader = (saved.leader, saved.start_time);
        let mut tree = Self::plant(leader, ladder.mark(id, life), leaf, ladder);
        tree.rung = saved.rung;
        tree
    }

    pub(super) fn rung(&self) -> Rung {
        self.rung
    }

    pub(super) fn leaf_name(&self) -> Option<&str> {
        self.leaf.as_ref().map(Cgroup::name)
    }

    /// Whether somebody is left that costs nothing to find; unknown where a census is needed.
    pub(super) fn is_surely_empty(&mut self) -> bool {
        // What is seen before this instant says nothing about what comes after.
        self.looked_us = sys::clock::monotonic_us();
        match (&self.leaf, self.rung) {
            (Some(leaf), _) => leaf.is_populated().is_ok_and(|is_populated| !is_populated),
            (None, Rung::Cgroup | Rung::Session) => false,
            (None, Rung::Group) => self.is_group_gone().unwrap_or(false),
        }
    }

    /// Whether nobody is left. A look that fails has seen nobody go.
    pub(super) fn is_empty(&mut self, surveyor: &mut Surveyor) -> bool {
        let looked = match (&self.leaf, self.rung) {
            (Some(leaf), _) => leaf.is_populated().map(|is_populated| !is_populated),
            (None, Rung::Group) => self.is_group_gone(),
            (None, Rung::Cgroup | Rung::Session) => self.is_nobody_seen(surveyor),
        };
        let sight = Sight::of(&looked);
        if sight != std::mem::replace(&mut self.sight, sight)
            && let Err(error) = &looked
        {
            sys::log::error!("programs", "look for what {} has left: {error}", self.mark);
        }
        looked.unwrap_or(false)
    }

    fn is_nobody_seen(&mut self, surveyor: &mut Surveyor) -> io::Result<bool> {
        let census = surveyor.census(self.looked_us + 1)?;
        self.looked_us = census.taken_us;
        self.seen = census.members(self.traits());
        let is_believed = self.doubt == Doubt::No;
        self.doubt = if self.seen.is_empty() { Doubt::No } else { Doubt::Once };
        Ok(self.seen.is_empty() && is_believed)
    }

    /// Of the leader's own group; who has ended and is yet to be reaped is gone.
    fn is_group_gone(&self) -> io::Result<bool> {
        let Identity { pid, start_time } = self.leader;
        let is_left = |stat: &sys::proc::Stat| {
            stat.group == pid && !stat.is_ended && stat.start_time >= start_time
        };
        Ok(sys::pidfd::is_group_empty(pid) || !sys::proc::census()?.iter().any(is_left))
    }

    /// Everybody, by a recent look.
    pub(super) fn members(&mut self, surveyor: &mut Surveyor) -> io::Result<Vec<u32>> {
        if let Some(leaf) = &self.leaf {
            return leaf.processes();
        }
        self.seen = surveyor.recent()?.members(self.traits());
        Ok(self.seen.iter().map(|member| member.pid).collect())
    }

    /// Those whose parents are not of the tree, of whom one is the main process: pid and start time.
    pub(super) fn roots(&mut self, surveyor: &mut Surveyor) -> io::Result<Vec<(u32, u64)>> {
        // Somebody has just ended, so what was seen before is of no use.
        surveyor.census = None;
        let members: BTreeSet<u32> = self.members(surveyor)?.into_iter().collect();
        let stats = members.iter().filter_map(|pid| sys::proc::stat(*pid));
        let roots = stats.filter(|stat| !stat.is_ended && !members.contains(&stat.parent));
        Ok(roots.map(|stat| (stat.pid, stat.start_time)).collect())
    }

    /// The process that was started.
    pub(super) fn leader(&self) -> u32 {
        self.leader.pid
    }

    pub(super) fn standing(&mut self, pid: u32, surveyor: &mut Surveyor) -> Standing {
        let Some(stat) = sys::proc::stat(pid).filter(|stat| !stat.is_ended) else {
            return Standing::Stranger;
        };
        let start_time = stat.start_time;
        // A daemon that writes its title over its environment bears no mark; only programs of ours
        // leave orphans to us, so one that was started since and has been named is this one's.
        let is_unmarked_orphan = || {
            self.rung == Rung::Session
                && [std::process::id(), sys::proc::parent()].contains(&stat.parent)
                && start_time >= self.leader.start_time
                && !sys::orphans::is_claimed(pid)
                && census::mark(pid).is_none()
        };
        if is_unmarked_orphan() {
            self.seen.insert(Identity { pid, start_time });
        } else {
            match self.members(surveyor) {
                Ok(members) if members.contains(&pid) => {}
                Ok(_) => return Standing::Stranger,
                Err(error) => return Standing::Unseen(error.to_string()),
            }
        }
        Standing::Member { start_time }
    }

    pub(super) fn totals(&mut self, surveyor: &mut Surveyor) -> io::Result<Totals> {
        let stats = self.members(surveyor)?.into_iter().filter_map(sys::proc::stat);
        let mut totals = stats.fold(Totals::default(), |sum, stat| Totals {
            resident_bytes: sum.resident_bytes + stat.resident_bytes(),
            cpu_us: sum.cpu_us + stat.cpu_us(),
            tasks: sum.tasks + stat.threads,
        });
        // The kernel counts those that have ended, too.
        let counted = |leaf: &Cgroup| leaf.number("cpu.stat", "usage_usec");
        if let Some(cpu_us) = self.leaf.as_ref().and_then(counted) {
            totals.cpu_us = cpu_us;
        }
        Ok(totals)
    }

    /// Hands the bounds to the kernel as far as it takes them.
    pub(super) fn bound(&mut self, bounds: &Bounds) {
        let Some(leaf) = &self.leaf else { return };
        let unbounded = || "max".to_owned();
        let written = |bound: Option<String>, file: &str| {
            let is_bounded = bound.is_some();
            let done = leaf.write(file, &bound.unwrap_or_else(unbounded));
            is_bounded && done.is_ok()
        };
        let quota =
            |percent| format!("{} {CPU_PERIOD_US}", u64::from(percent) * CPU_PERIOD_US / 100);
        let held = [
            (
                Resource::Memory,
                written(bounds.memory_bytes.map(|most| most.to_string()), "memory.max"),
            ),
            (Resource::Cpu, written(bounds.cpu_percent.map(quota), "cpu.max")),
            (Resource::Tasks, written(bounds.tasks.map(|most| most.to_string()), "pids.max")),
        ];
        self.held = held
            .into_iter()
            .filter(|(_, is_held)| *is_held)
            .map(|(resource, _)| resource)
            .collect();
    }

    pub(super) fn is_held(&self, resource: Resource) -> bool {
        self.held.contains(&resource)
    }

    /// How many the kernel has killed for want of memory.
    pub(super) fn oom_kills(&self) -> u64 {
        let counted = |leaf: &Cgroup| leaf.number("memory.events", "oom_kill");
        self.leaf.as_ref().and_then(counted).unwrap_or(0)
    }

    /// To everybody, once.
    pub(super) fn signal(&mut self, number: i32, surveyor: &mut Surveyor) {
        if self.rung == Rung::Group {
            self.signal_group(number);
            return;
        }
        let opened = self.open(surveyor);
        self.send(&opened, number);
    }

    /// SIGKILL to everybody, and to those they start meanwhile.
    pub(super) fn kill(&mut self, surveyor: &mut Surveyor) {
        match (&self.leaf, self.rung) {
            (Some(leaf), _) if leaf.kill().is_ok() => {}
            (None, Rung::Group) => {
                self.signal_group(sys::signal::KILL);
            }
            (Some(_) | None, Rung::Cgroup | Rung::Session | Rung::Group) => {
                self.kill_one_by_one(surveyor);
            }
        }
    }

    /// By its number, which is the group's as long as somebody is in it who may have it.
    fn signal_group(&self, number: i32) {
        // Of one that can not be seen it is not sure that it is still this one's.
        if self.is_group_gone().is_ok_and(|is_gone| !is_gone) {
            self.report(sys::pidfd::signal_group(self.leader.pid, number));
        }
    }

    /// Who is stopped starts nobody, so all are, until a look finds nobody new.
    fn kill_one_by_one(&mut self, surveyor: &mut Surveyor) {
        let mut known = 0;
        for _ in 0..PROGRAM_SWEEP_PASSES_MAX {
            let opened = self.open(surveyor);
            // One alone is as fast as it is killed.
            if opened.len() <= known.max(1) {
                break;
            }
            known = opened.len();
            self.send(&opened, sys::signal::STOP);
            surveyor.census = None;
        }
        let opened = self.open(surveyor);
        self.send(&opened, sys::signal::KILL);
    }

    /// Holds everybody by descriptor. Who is still a member after that is who is held.
    fn open(&mut self, surveyor: &mut Surveyor) -> Vec<OwnedFd> {
        let held: Vec<(u32, OwnedFd)> = self
            .members(surveyor)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|pid| Some((pid, sys::pidfd::open(pid).ok()?)))
            .collect();
        let is_member: Box<dyn Fn(u32) -> bool> = if let Some(leaf) = &self.leaf {
            let now: BTreeSet<u32> = leaf.processes().unwrap_or_default().into_iter().collect();
            Box::new(move |pid| now.contains(&pid))
        } else {
            let seen = &self.seen;
            Box::new(move |pid| {
                let start_time = sys::proc::start_time(pid).unwrap_or(0);
                seen.contains(&Identity { pid, start_time })
            })
        };
        held.into_iter().filter(|(pid, _)| is_member(*pid)).map(|(_, held)| held).collect()
    }

    fn send(&self, processes: &[OwnedFd], number: i32) {
        for process in processes {
            match sys::pidfd::signal(process, number) {
                Err(error) if error.raw_os_error() == Some(sys::pidfd::GONE) => {}
                done => self.report(done),
            }
        }
    }

    fn report(&self, sent: io::Result<()>) {
        if let Err(error) = sent {
            sys::log::error!("programs", "signal what {} has left: {error}", self.mark);
        }
    }

    fn traits(&self) -> Traits<'_> {
        Traits { leader: self.leader, mark: &self.mark, seen: &self.seen }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Refused while somebody is in it; then it is removed once they have ended.
        let _kept = self.leaf.as_ref().map(Cgroup::remove);
    }
}
