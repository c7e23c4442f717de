//! What came of limits: counts of each worker, and the keys that it refused most often.
//!
//! Of the keys only a few are remembered, by the rule of space-saving counters (Metwally et al.,
//! 2005): a new one takes the place of the one with the fewest refusals and goes on from its number,
//! so whoever is refused often is surely among them.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::super::{Board, WorkerSlot, load_text, store_text};
use super::words::{CellWords, OFFENDER_BYTES_MAX, OffenderWords};
use super::{Event, Kind, LimitId, Zone, zone};

/// Looks while a worker writes.
const LOOKS_MAX: u32 = 100;

/// A copy of a zone's counts, of all workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// By `Event`.
    pub(crate) events: [u64; 7],
    /// Requests in progress.
    pub(crate) held: u64,
    /// Who was refused most often, first.
    pub(crate) offenders: Vec<Offender>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offender {
    pub(crate) key: String,
    pub(crate) refusals: u64,
}

impl Figures {
    pub(crate) fn count(&self, event: Event) -> u64 {
        self.events[event as usize]
    }
}

/// Counts what happened to a request of the worker's.
pub(crate) fn count(zone: &Zone, event: Event) {
    if let Some(cell) = cell(zone) {
        add(&cell.events[event as usize], 1);
    }
}

pub(super) fn held(zone: &Zone, change: i32) {
    let Some(cell) = cell(zone) else { return };
    let held = &cell.held;
    held.store(held.load(Ordering::Relaxed).saturating_add_signed(change), Ordering::Relaxed);
}

/// The worker's own cell, begun anew with each life of the zone; none for requests of an earlier life,
/// which end beside those of the next.
fn cell(zone: &Zone) -> Option<&'static CellWords> {
    let cell = &zone.board.layout.limits.cells[zone.slot.index()][zone.id.index()];
    let ahead = zone.incarnation.wrapping_sub(cell.incarnation.load(Ordering::Relaxed));
    if (ahead as i32) < 0 {
        return None;
    }
    if ahead != 0 {
        for event in &cell.events {
            event.store(0, Ordering::Relaxed);
        }
        cell.held.store(0, Ordering::Relaxed);
        cell.incarnation.store(zone.incarnation, Ordering::Release);
    }
    Some(cell)
}

fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
}

/// Remembers whom the worker has refused. `key` is the key's text, of which the beginning is kept.
pub(crate) fn offend(zone: &Zone, key: &[u8]) {
    let rows = &zone.board.layout.limits.offenders[zone.slot.index()][zone.id.index()].0;
    let text = String::from_utf8_lossy(&key[..key.len().min(OFFENDER_BYTES_MAX)]);
    let text = &text[..text.floor_char_boundary(OFFENDER_BYTES_MAX)];
    let refusals = |row: &&OffenderWords| {
        if row.is_of(zone.incarnation) { row.refusals.load(Ordering::Relaxed) } else { 0 }
    };
    let is_its =
        |row: &&OffenderWords| row.is_of(zone.incarnation) && load_text(&row.key, &row.len) == text;
    let row = rows.iter().find(is_its).or_else(|| rows.iter().min_by_key(refusals));
    let Some(row) = row else { return };
    let refusals = refusals(&row).wrapping_add(1);
    let writing = row.sequence.load(Ordering::Relaxed) | 1;
    row.sequence.store(writing, Ordering::Relaxed);
    fence(Ordering::Release);
    row.incarnation.store(zone.incarnation, Ordering::Relaxed);
    row.refusals.store(refusals, Ordering::Relaxed);
    store_text(&row.key, &row.len, text);
    row.sequence.store(writing.wrapping_add(1), Ordering::Release);
}

impl OffenderWords {
    fn is_of(&self, incarnation: u32) -> bool {
        self.incarnation.load(Ordering::Relaxed) == incarnation
    }

    fn read(&self, incarnation: u32) -> Option<Offender> {
        for _ in 0..LOOKS_MAX {
            let before = self.sequence.load(Ordering::Acquire);
            let (is_its, refusals) =
                (self.is_of(incarnation), self.refusals.load(Ordering::Relaxed));
            let key = load_text(&self.key, &self.len);
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == before {
                return (is_its && refusals > 0).then_some(Offender { key, refusals });
            }
            std::hint::spin_loop();
        }
        None
    }
}

/// All zones that there are, in the order of their slots.
pub(crate) fn all(board: Board) -> Vec<Figures> {
    LimitId::all().filter_map(|id| of(board, id)).collect()
}

fn of(board: Board, id: LimitId) -> Option<Figures> {
    let facts = zone::read(board, id)?;
    let mut figures = Figures {
        name: facts.name,
        kind: facts.kind,
        events: [0; 7],
        held: 0,
        offenders: Vec::new(),
    };
    for worker in board.workers() {
        let slot = worker.slot().index();
        let cell = &board.layout.limits.cells[slot][id.index()];
        if cell.incarnation.load(Ordering::Acquire) == facts.incarnation {
            for (sum, count) in figures.events.iter_mut().zip(&cell.events) {
                *sum += count.load(Ordering::Relaxed);
            }
            figures.held += u64::from(cell.held.load(Ordering::Relaxed));
        }
        let rows = &board.layout.limits.offenders[slot][id.index()].0;
        for offender in rows.iter().filter_map(|row| row.read(facts.incarnation)) {
            match figures.offenders.iter_mut().find(|known| known.key == offender.key) {
                Some(known) => known.refusals += offender.refusals,
                None => figures.offenders.push(offender),
            }
        }
    }
    figures.offenders.sort_by_key(|offender| std::cmp::Reverse(offender.refusals));
    Some(figures)
}

/// A dead worker has nothing in progress.
pub(super) fn settle(board: Board, slot: WorkerSlot) {
    for cell in &board.layout.limits.cells[slot.index()] {
        // A store to an untouched page would allocate it.
        if cell.held.load(Ordering::Relaxed) != 0 {
            cell.held.store(0, Ordering::Relaxed);
        }
    }
}
