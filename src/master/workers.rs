//! The workers: started, told of generations and listeners, replaced when they die.
//!
//! A worker outlives the master: the master's end of each line is held by the keeper, and a new
//! master takes the running ones back by pid and start time. What a worker serves is not known here.

mod confined;
mod files;
pub(in crate::master) mod fit;
mod process;
mod relief;

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::event::Post;
use super::keeper_link::{Held, KeeperLink};
use super::listeners::Listeners;
use crate::order::worker::{FromWorker, ToWorker};
use crate::scoreboard::crew::WorkerState;
use crate::scoreboard::{Board, WorkerSlot};
use crate::sys::spawn::SpawnError;
use crate::sys::{clock, log, signal};
use fit::Fit;
use process::Process;

const WHO: &str = "master";
const KEY: &str = "worker ";
/// A worker that dies younger than this may die of what it was started with.
const EARLY_US: u64 = 1_000_000;
const PAUSE_FIRST_MS: u64 = 100;
const PAUSE_MS_MAX: u64 = 5_000;

/// What every worker is given; the descriptors are dupes of what the keeper holds.
pub(super) struct Supplies<'a> {
    pub(super) listeners: &'a Listeners,
    pub(super) board: BorrowedFd<'a>,
    pub(super) bell: BorrowedFd<'a>,
    /// Where they send what they log.
    pub(super) log: BorrowedFd<'a>,
    pub(super) generation: u32,
    /// Sealed memfd with the configuration.
    pub(super) config: BorrowedFd<'a>,
    pub(super) keeper: &'a KeeperLink,
}

/// What a successor needs to take a worker back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    slot: u16,
    life: u32,
    restarts: u32,
    pid: u32,
    start_time: u64,
    since_us: u64,
    /// The binary it runs.
    #[serde(default)]
    image: String,
    /// Told to drain for good.
    #[serde(default)]
    is_leaving: bool,
}

impl Record {
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }
}

/// What follows from a worker's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// An event about a life that is over already.
    Stale,
    /// Its slot is empty for good.
    Retired,
    /// Start another one after this time (0: at once).
    Replace { pause_ms: u64 },
}

struct Place {
    slot: u16,
    life: u32,
    restarts: u32,
    /// Early deaths in a row.
    early_deaths: u32,
    /// The binary that the last one ran.
    image: String,
    part: Part,
    stage: Stage,
}

/// How a place counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// One of as many as there should be.
    Regular,
    /// Beside them, until it serves and one of another binary may leave.
    Relief,
}

enum Stage {
    Up(Process),
    /// Told to drain for good: its end is expected.
    Leaving(Process),
    /// Dead; `start` is to come.
    Empty,
}

pub(super) struct Workers {
    board: Board,
    post: Post,
    places: Vec<Place>,
    next_life: u32,
    /// Restarts of slots that are not in use: their counting goes on when they are.
    retired: BTreeMap<u16, u32>,
    /// What they are to be.
    fit: Fit,
}

impl Workers {
    pub(super) fn new(board: Board, post: Post, fit: Fit) -> Self {
        Self { board, post, places: Vec::new(), next_life: 1, retired: BTreeMap::new(), fit }
    }

    /// Workers are to be others: who is of another kind is relieved at the next `resize`.
    pub(super) fn refit(&mut self, fit: Fit) {
        self.fit = fit;
    }

    /// Takes back the workers an earlier master left running; the others' slots are settled, and
    /// a worker that it started but did not live to write down is sent home.
    pub(super) fn recover(&mut self, records: &[Record], held: &mut Held) {
        let mut links: BTreeMap<u16, OwnedFd> = held
            .take_all(KEY)
            .into_iter()
            .filter_map(|(slot, link)| Some((slot.parse().ok()?, link.into_iter().next()?)))
            .collect();
        for record in records {
            self.next_life = self.next_life.max(record.life + 1);
            let link = links.remove(&record.slot);
            let stage = match link.map(|link| Process::adopt(record, link, &self.post)) {
                Some(Ok(process)) if record.is_leaving => Stage::Leaving(process),
                Some(Ok(process)) => Stage::Up(process),
                Some(Err(error)) => {
                    log::warning!(WHO, "take back worker {}: {error}", record.slot);
                    self.settle(record.slot);
                    Stage::Empty
                }
                None => {
                    self.settle(record.slot);
                    Stage::Empty
                }
            };
            let Record { slot, life, restarts, is_leaving, .. } = *record;
            if is_leaving && matches!(stage, Stage::Empty) {
                self.retired.insert(slot, restarts);
                continue;
            }
            let (image, part) = (record.image.clone(), Part::Regular);
            let place = Place { slot, life, restarts, early_deaths: 0, image, part, stage };
            self.places.push(place);
        }
        for (slot, link) in links {
            log::warning!(WHO, "worker {slot}: nobody knows it; sending it home");
            process::send_home(&link);
            self.settle(slot);
        }
    }

    /// A replacement is due.
    pub(super) fn due(&mut self, slot: u16, life: u32, supplies: &Supplies<'_>) {
        let is_it = |place: &Place| {
            place.slot == slot && place.life == life && matches!(place.stage, Stage::Empty)
        };
        if let Some(index) = self.places.iter().position(is_it) {
            self.places[index].restarts += 1;
            self.start_or_pause(index, supplies);
        }
    }

    fn start_or_pause(&mut self, index: usize, supplies: &Supplies<'_>) {
        let slot = self.places[index].slot;
        let life = self.next_life;
        self.next_life += 1;
        self.places[index].life = life;
        match self.start(slot, life, supplies) {
            Ok(process) => {
                self.places[index].image.clone_from(&self.fit.image);
                self.places[index].stage = Stage::Up(process);
            }
            Err(error) => {
                log::error!(WHO, "worker {slot}: {error}");
                let place = &mut self.places[index];
                place.early_deaths += 1;
                process::post_later(&self.post, slot, life, pause_ms(place.early_deaths));
            }
        }
    }

    fn start(
        &mut self,
        slot: u16,
        life: u32,
        supplies: &Supplies<'_>,
    ) -> Result<Process, SpawnError> {
        let process = Process::start(&self.fit.recipe, slot, life, &self.post)?;
        if let Some(slot) = WorkerSlot::new(usize::from(slot)) {
            self.board.worker(slot).occupy(process.pid());
        }
        supplies.keeper.hold(&format!("{KEY}{slot}"), &[process.link()]);
        process.tell(&ToWorker::Start { slot }, Some(supplies.board));
        process.tell(&ToWorker::Log, Some(supplies.log));
        process.tell(&ToWorker::Bell, Some(supplies.bell));
        for (address, socket) in supplies.listeners.sockets() {
            process.tell(&ToWorker::Listen { address: address.to_string() }, Some(socket));
        }
        self.hand_files_to(&process);
        let generation = ToWorker::Generation { number: supplies.generation };
        process.tell(&generation, Some(supplies.config));
        Ok(process)
    }

    pub(super) fn ended(&mut self, slot: u16, life: u32, keeper: &KeeperLink) -> Ended {
        let is_it = |place: &Place| place.slot == slot && place.life == life;
        let Some(index) = self.places.iter().position(is_it) else { return Ended::Stale };
        keeper.release(&format!("{KEY}{slot}"));
        self.settle(slot);
        let place = &mut self.places[index];
        match std::mem::replace(&mut place.stage, Stage::Empty) {
            Stage::Up(process) => {
                let age_us = clock::monotonic_us().saturating_sub(process.since_us());
                place.early_deaths = if age_us < EARLY_US { place.early_deaths + 1 } else { 0 };
                Ended::Replace { pause_ms: pause_ms(place.early_deaths) }
            }
            Stage::Leaving(_) | Stage::Empty => {
                let place = self.places.remove(index);
                self.retired.insert(slot, place.restarts);
                Ended::Retired
            }
        }
    }

    /// Posts the replacement's event after the pause.
    pub(super) fn replace_later(&self, slot: u16, life: u32, pause_ms: u64) {
        process::post_later(&self.post, slot, life, pause_ms);
    }

    /// Slot and life of every worker that serves.
    pub(super) fn serving(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        let is_up = |place: &&Place| matches!(place.stage, Stage::Up(_));
        self.places.iter().filter(is_up).map(|place| (place.slot, place.life))
    }

    /// To every worker that serves.
    pub(super) fn tell_all(&self, order: &ToWorker, descriptor: Option<BorrowedFd<'_>>) {
        for place in &self.places {
            if let Stage::Up(process) = &place.stage {
                process.tell(order, descriptor);
            }
        }
    }

    /// All finish what they have, until the deadline.
    pub(super) fn drain_all(&mut self, deadline_us: u64) {
        for place in &mut self.places {
            place.leave(deadline_us);
        }
        self.places.retain(|place| !matches!(place.stage, Stage::Empty));
    }

    pub(super) fn kill_all(&self) {
        for place in &self.places {
            match &place.stage {
                Stage::Up(process) | Stage::Leaving(process) => process.signal(signal::KILL),
                Stage::Empty => {}
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn records(&self) -> Vec<Record> {
        let record = |place: &Place| {
            let (Stage::Up(process) | Stage::Leaving(process)) = &place.stage else { return None };
            Some(Record {
                slot: place.slot,
                life: place.life,
                restarts: place.restarts,
                pid: process.pid(),
                start_time: process.start_time(),
                since_us: process.since_us(),
                image: place.image.clone(),
                is_leaving: matches!(place.stage, Stage::Leaving(_)),
            })
        };
        self.places.iter().filter_map(record).collect()
    }

    /// Slot, pid, restarts and start of each that lives, for the console.
    pub(super) fn living(&self) -> impl Iterator<Item = Living<'_>> {
        self.places.iter().filter_map(|place| match &place.stage {
            Stage::Up(process) | Stage::Leaving(process) => Some(Living {
                slot: place.slot,
                pid: process.pid(),
                restarts: place.restarts,
                since_us: process.since_us(),
                user: process.user(),
            }),
            Stage::Empty => None,
        })
    }

    /// How often the slot's worker was replaced, also while it has none.
    pub(super) fn restarts(&self, slot: u16) -> u32 {
        let place = self.places.iter().find(|place| place.slot == slot);
        let retired = || self.retired.get(&slot).copied().unwrap_or(0);
        place.map_or_else(retired, |place| place.restarts)
    }

    /// Nobody lives there: what the dead one held on the board is given back.
    fn settle(&self, slot: u16) {
        if let Some(slot) = WorkerSlot::new(usize::from(slot)) {
            self.board.settle_worker(slot);
            self.board.worker(slot).set_state(WorkerState::Vacant);
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Living<'a> {
    pub(super) slot: u16,
    pub(super) pid: u32,
    pub(super) restarts: u32,
    pub(super) since_us: u64,
    pub(super) user: &'a str,
}

impl Place {
    fn leave(&mut self, deadline_us: u64) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Empty) {
            Stage::Up(process) => {
                process.tell(&ToWorker::Drain { deadline_us }, None);
                Stage::Leaving(process)
            }
            other @ (Stage::Leaving(_) | Stage::Empty) => other,
        };
    }
}

/// What a worker tells is for the log: what it serves and how it fares is read off the board.
pub(super) fn log_said(slot: u16, life: u32, said: FromWorker) {
    match said {
        FromWorker::Running { generation } => {
            log::notice!(WHO, "worker {slot} (life {life}) serves generation {generation}");
        }
        // Its end follows, and that is what counts; who opened files again is asked for by the loop.
        FromWorker::Drained | FromWorker::Reopened { .. } => {}
    }
}

/// The first early death is forgiven: the successor starts at once.
fn pause_ms(early_deaths: u32) -> u64 {
    match early_deaths.checked_sub(2) {
        None => 0,
        Some(doublings) => PAUSE_FIRST_MS.saturating_mul(1 << doublings.min(10)).min(PAUSE_MS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::pause_ms;

    #[test]
    fn early_deaths_pause_ever_longer_up_to_a_bound() {
        let pauses: Vec<u64> = (0..9).map(pause_ms).collect();
        assert_eq!(pauses, [0, 0, 100, 200, 400, 800, 1600, 3200, 5000]);
        assert_eq!(pause_ms(u32::MAX), 5000);
    }
}
