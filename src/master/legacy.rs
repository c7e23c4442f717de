//! What a master leaves to its successor: everything that can not be read off the board, the keeper
//! or the configuration.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::keeper_link::{Held, KeeperLink};
use super::memory::Memory;
use super::{Master, WHO, decisions, membership, metrics, programs, upgrade, workers};
use crate::control::wire::EventRecord;
use crate::sys;

const KEY: &str = "memory";
/// Events passed on, of those that are kept: enough to see what led to the master's death.
const EVENTS_MAX: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Will {
    pub(super) started_us: u64,
    /// Names this life of the engine, from its first master to its last.
    #[serde(default)]
    pub(super) run: String,
    pub(super) config_error: String,
    #[serde(default)]
    pub(super) loads: metrics::Loads,
    /// Latencies of backends that have left.
    #[serde(default)]
    pub(super) lifetimes: Vec<metrics::lifetime::Saved>,
    pub(super) workers: Vec<workers::Record>,
    pub(super) membership: membership::Saved,
    /// What names led to.
    #[serde(default)]
    pub(super) known: Vec<membership::Known>,
    pub(super) programs: Vec<programs::handoff::Saved>,
    pub(super) intent: programs::handoff::Intent,
    pub(super) events: Vec<EventRecord>,
    /// What the engine ends with, should it be stopping.
    #[serde(default)]
    pub(super) status: u8,
    /// The last upgrade.
    #[serde(default)]
    pub(super) upgrade: Option<upgrade::Begun>,
    /// Ended processes that had lost their parents and were reaped, all masters together.
    #[serde(default)]
    pub(super) orphans_reaped: u64,
}

/// Why this image could not go on with what the running master would leave, which is read from here.
pub(super) fn read_on_trial(left: OwnedFd) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| {
        format!("it can not read what the running master leaves: {why}")
    };
    let (_memory, text) = Memory::recover(left).map_err(|error| failed(&error))?;
    let text = text.ok_or_else(|| failed(&"there is nothing"))?;
    serde_json::from_slice(&text).map(|_: Will| ()).map_err(|error| failed(&error))
}

/// The will's place, and what it says.
#[derive(Debug)]
pub(super) struct Legacy {
    memory: Memory,
    written: Will,
}

impl Legacy {
    fn create(keeper: &KeeperLink) -> std::io::Result<Self> {
        let memory = Memory::create()?;
        keeper.hold(KEY, &[memory.as_fd()]);
        Ok(Self { memory, written: Will::default() })
    }

    /// What an earlier master left, or room for it.
    pub(super) fn open(held: &mut Held, keeper: &KeeperLink) -> io::Result<(Self, Option<Will>)> {
        match Self::recover(held) {
            Ok(Some((legacy, will))) => return Ok((legacy, Some(will))),
            Ok(None) => {}
            Err(why) => sys::log::alert!(
                WHO,
                "what the master before has left can not be read: {why}; its workers and programs are ended \
                 and started anew"
            ),
        }
        Ok((Self::create(keeper)?, None))
    }

    /// `None`: there was no master before, or it had no time to write anything down. The error is why
    /// what it left can not be read.
    fn recover(held: &mut Held) -> io::Result<Option<(Self, Will)>> {
        let Some(left) = held.take_one(KEY) else { return Ok(None) };
        let (memory, text) = Memory::recover(left)?;
        let Some(text) = text else { return Ok(None) };
        let will: Will = serde_json::from_slice(&text)?;
        Ok(Some((Self { memory, written: will.clone() }, will)))
    }

    /// For an image that is to say whether it could read it; see `read_on_trial`.
    pub(super) fn show(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }

    /// Writes the will if it says something new.
    fn keep(&mut self, will: Will) {
        if will == self.written {
            return;
        }
        let text = serde_json::to_vec(&will).expect("plain data with text keys always serialises");
        match self.memory.write(&text) {
            Ok(()) => self.written = will,
            Err(error) => sys::log::alert!(WHO, "write the state for a successor: {error}"),
        }
    }
}

impl Master {
    /// Brings the will and the file of decisions in line with what is.
    pub(super) fn bequeath(&mut self) {
        let membership = self.membership.save();
        let events = self.audit.last(EVENTS_MAX);
        self.legacy.keep(Will {
            started_us: self.started_us,
            run: self.run.clone(),
            config_error: self.config_error.clone(),
            loads: self.loads,
            lifetimes: self.lifetimes.save(),
            workers: self.workers.records(),
            membership: membership.clone(),
            known: self.membership.known(),
            programs: self.programs.handoff(),
            intent: self.programs.intent().clone(),
            events,
            status: self.status,
            upgrade: self.upgrade.begun().cloned(),
            orphans_reaped: self.orphans.count,
        });
        let intent = self.programs.intent().clone();
        self.decisions.keep(decisions::Decisions { membership, intent });
    }
}
