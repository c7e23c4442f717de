//! Which zones there are: written by the master, under each zone's epoch, before workers hear of the
//! configuration that names them.

use std::sync::atomic::{Ordering, fence};

use super::super::{Board, load_text, store_text};
use super::words::ZoneWords;
use super::{Extent, Kind, LimitId};

/// Looks while the master writes; it does so for less than a microsecond.
const LOOKS_MAX: u32 = 1000;

/// A zone that is to be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// Zones of different shapes have nothing in common: what is kept is forgotten.
    pub(crate) shape: u64,
    pub(crate) keys: usize,
}

/// What a zone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) incarnation: u32,
    pub(super) extent: Extent,
    shape: u64,
}

/// `None` for a vacant slot.
pub(super) fn read(board: Board, id: LimitId) -> Option<Facts> {
    let words = words(board, id);
    for _ in 0..LOOKS_MAX {
        let before = words.epoch.load(Ordering::Acquire);
        let facts = Kind::of(words.kind.load(Ordering::Relaxed)).map(|kind| Facts {
            name: load_text(&words.name, &words.name_len),
            kind,
            incarnation: words.incarnation.load(Ordering::Relaxed),
            extent: kind
                .within(words.sets.load(Ordering::Relaxed), words.ways.load(Ordering::Relaxed)),
            shape: words.shape.load(Ordering::Relaxed),
        });
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && words.epoch.load(Ordering::Relaxed) == before {
            return facts;
        }
        std::hint::spin_loop();
    }
    None
}

/// Makes the zones those that are wanted, `LIMITS_MAX` at most. One that stays as it was keeps what
/// it counted. By the master alone.
pub(crate) fn publish(board: Board, wanted: &[Wanted<'_>]) {
    let is_wanted = |name: &str| wanted.iter().any(|zone| zone.name == name);
    for id in LimitId::all() {
        if read(board, id).is_some_and(|facts| !is_wanted(&facts.name)) {
            write(board, id, |words| words.kind.store(0, Ordering::Relaxed));
        }
    }
    for zone in wanted {
        let slot = |is_it: &dyn Fn(Option<&Facts>) -> bool| {
            let mut slots = LimitId::all().map(|id| (id, read(board, id)));
            slots.find(|(_, facts)| is_it(facts.as_ref()))
        };
        let known = slot(&|facts| facts.is_some_and(|facts| facts.name == zone.name));
        let Some((id, facts)) = known.or_else(|| slot(&|facts| facts.is_none())) else {
            continue;
        };
        let extent = zone.kind.extent(zone.keys);
        let is_same = facts.is_some_and(|facts| {
            (facts.kind, facts.shape, facts.extent) == (zone.kind, zone.shape, extent)
        });
        if !is_same {
            write(board, id, |words| {
                let incarnation = words.incarnation.load(Ordering::Relaxed).wrapping_add(1);
                words.incarnation.store(incarnation, Ordering::Relaxed);
                words.kind.store(zone.kind as u32, Ordering::Relaxed);
                words.sets.store(extent.sets as u32, Ordering::Relaxed);
                words.ways.store(extent.ways as u32, Ordering::Relaxed);
                words.shape.store(zone.shape, Ordering::Relaxed);
                store_text(&words.name, &words.name_len, zone.name);
            });
        }
    }
}

fn write(board: Board, id: LimitId, change: impl FnOnce(&ZoneWords)) {
    let words = words(board, id);
    // A master that died in the middle has left it odd.
    let writing = words.epoch.load(Ordering::Relaxed) | 1;
    words.epoch.store(writing, Ordering::Relaxed);
    fence(Ordering::Release);
    change(words);
    words.epoch.store(writing.wrapping_add(1), Ordering::Release);
}

fn words(board: Board, id: LimitId) -> &'static ZoneWords {
    &board.layout.limits.zones[id.index()].0
}
