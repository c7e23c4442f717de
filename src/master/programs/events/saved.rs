//! What of listeners outlives a master: where each stands and the events on their way. It is as of
//! the end of the last turn: an event that was given out in the turn in which the master was killed
//! is told again. What was read and not yet understood is not kept, and neither are long events.

use serde::{Deserialize, Serialize};

use super::super::event::InstanceId;
use super::hub::{Ear, Hub, Line, Stage, room};
use crate::config::limits::{LISTENER_READY_MS, LISTENER_SAVED_BYTES_MAX, LISTENER_SAVED_MAX};
use crate::config::model::listener::Listener;
use crate::supervise::listener::{Notice, Standing};
use crate::sys;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::master::programs) struct SavedEar {
    standing: SavedStanding,
    /// It has not said anything since it was started.
    #[serde(default)]
    is_new: bool,
    notice: Option<SavedNotice>,
    /// The next of all events, and of this listener's.
    serials: (u64, u64),
    dropped: u64,
    /// Of the listener; its first instance keeps them.
    waiting: Vec<SavedNotice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SavedStanding {
    Acknowledged,
    Ready,
    Busy,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedNotice {
    serial: u64,
    pool_serial: u64,
    name: String,
    payload: String,
    losses: u32,
}

impl SavedNotice {
    fn of(notice: &Notice) -> Option<Self> {
        let Notice { serial, pool_serial, losses, .. } = *notice;
        let (name, payload) = (notice.name.clone(), notice.payload.clone());
        (payload.len() <= LISTENER_SAVED_BYTES_MAX).then_some(Self {
            serial,
            pool_serial,
            name,
            payload,
            losses,
        })
    }

    fn revive(self) -> Notice {
        let Self { serial, pool_serial, name, payload, losses } = self;
        Notice { serial, pool_serial, name, payload, losses }
    }
}

impl Hub {
    pub(in crate::master::programs) fn save(&self, id: &InstanceId) -> Option<SavedEar> {
        let (ear, line) = (self.ears.get(id)?, self.lines.get(&id.program)?);
        let is_first = self.ears.keys().find(|other| other.program == id.program) == Some(id);
        let waiting = line.pool.waiting().filter(|_| is_first).filter_map(SavedNotice::of);
        Some(SavedEar {
            standing: match ear.machine.standing() {
                Standing::Acknowledged => SavedStanding::Acknowledged,
                Standing::Ready => SavedStanding::Ready,
                Standing::Busy => SavedStanding::Busy,
            },
            is_new: ear.is_new(),
            notice: ear.notice.as_ref().and_then(SavedNotice::of),
            serials: (self.next_serial, line.pool.next_serial),
            dropped: line.pool.dropped,
            waiting: waiting.take(LISTENER_SAVED_MAX).collect(),
        })
    }

    /// An earlier master of this engine was here, so listeners know that it runs.
    pub(in crate::master::programs) fn succeed(&mut self) {
        self.stage = Stage::Running;
    }

    pub(in crate::master::programs) fn revive(
        &mut self,
        id: &InstanceId,
        listener: Listener,
        saved: SavedEar,
    ) {
        let (next_serial, pool_serial) = saved.serials;
        self.next_serial = self.next_serial.max(next_serial);
        let line = self.lines.entry(id.program.clone()).or_insert_with(|| Line::new(listener));
        line.pool.next_serial = line.pool.next_serial.max(pool_serial);
        line.pool.dropped = saved.dropped;
        for notice in saved.waiting.into_iter().rev() {
            line.pool.put_back(notice.revive(), room(&listener));
        }
        let until_us = sys::clock::monotonic_us() + listener.timeout_ms * 1000;
        let (standing, until_us) = match saved.standing {
            SavedStanding::Acknowledged if saved.is_new => {
                let until_us = sys::clock::monotonic_us() + LISTENER_READY_MS * 1000;
                (Standing::Acknowledged, Some(until_us))
            }
            // It may have said READY to the earlier master, and would then wait for ever.
            SavedStanding::Acknowledged => (Standing::Acknowledged, Some(until_us)),
            SavedStanding::Ready => (Standing::Ready, None),
            SavedStanding::Busy => (Standing::Busy, Some(until_us)),
        };
        let notice = saved.notice.map(SavedNotice::revive);
        self.ears.insert(id.clone(), Ear::new(standing, notice, until_us));
    }
}
