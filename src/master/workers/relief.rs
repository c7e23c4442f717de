//! As many workers as there should be, and all of them of the running binary.
//!
//! Workers of another binary (before an upgrade), or of other rights, are relieved one by one: a new one starts in a free
//! slot beside them, and once it serves, an old one is sent home. It finishes what it has, upgraded
//! connections included, until `shutdown_timeout` cuts them.

use super::{Part, Place, Stage, Supplies, Workers};
use crate::scoreboard::WorkerSlot;

impl Workers {
    /// Starts what is missing up to this many and sends what is beyond home.
    pub(in crate::master) fn resize(
        &mut self,
        count: u16,
        supplies: &Supplies<'_>,
        drain_deadline_us: u64,
    ) {
        self.thin_out(count, drain_deadline_us);
        for _ in self.regulars()..usize::from(count) {
            let Some(slot) = self.free_slot() else { break };
            self.open(slot, Part::Regular);
        }
        for index in 0..self.places.len() {
            if matches!(self.places[index].stage, Stage::Empty) {
                self.start_or_pause(index, supplies);
            }
        }
        self.relieve_next(supplies, drain_deadline_us);
    }

    /// This life of this slot takes requests.
    pub(in crate::master) fn serves(
        &mut self,
        (slot, life): (u16, u32),
        count: u16,
        supplies: &Supplies<'_>,
        drain_deadline_us: u64,
    ) {
        let is_it = |place: &&mut Place| {
            place.slot == slot && place.life == life && place.part == Part::Relief
        };
        if let Some(place) = self.places.iter_mut().find(is_it) {
            place.part = Part::Regular;
            self.thin_out(count, drain_deadline_us);
            self.relieve_next(supplies, drain_deadline_us);
        }
    }

    fn relieve_next(&mut self, supplies: &Supplies<'_>, drain_deadline_us: u64) {
        let is_busy = self.places.iter().any(|place| place.part == Part::Relief);
        let is_old =
            |place: &Place| matches!(place.stage, Stage::Up(_)) && place.image != self.fit.image;
        let Some(old) = self.places.iter().position(is_old).filter(|_| !is_busy) else { return };
        if let Some(slot) = self.free_slot() {
            let index = self.open(slot, Part::Relief);
            self.start_or_pause(index, supplies);
        } else {
            // Its slot is taken anew once it is gone; meanwhile the others serve.
            self.places[old].leave(drain_deadline_us);
        }
    }

    /// Sends home what is beyond this many: those of another binary first, then the highest slots.
    fn thin_out(&mut self, count: u16, drain_deadline_us: u64) {
        let beyond = self.regulars().saturating_sub(usize::from(count));
        let Self { places, fit, .. } = self;
        let mut regulars: Vec<&mut Place> =
            places.iter_mut().filter(|place| place.is_regular()).collect();
        regulars.sort_by_key(|place| (place.image == fit.image, std::cmp::Reverse(place.slot)));
        let mut emptied = Vec::new();
        for place in regulars.into_iter().take(beyond) {
            match place.stage {
                Stage::Empty => emptied.push(place.slot),
                Stage::Up(_) | Stage::Leaving(_) => place.leave(drain_deadline_us),
            }
        }
        self.places.retain(|place| !emptied.contains(&place.slot));
    }

    fn regulars(&self) -> usize {
        self.places.iter().filter(|place| place.is_regular()).count()
    }

    /// The lowest slot that nobody has.
    fn free_slot(&self) -> Option<u16> {
        WorkerSlot::all()
            .filter_map(|slot| u16::try_from(slot.index()).ok())
            .find(|slot| self.places.iter().all(|place| place.slot != *slot))
    }

    /// A place in the order of slots; where it is.
    fn open(&mut self, slot: u16, part: Part) -> usize {
        let restarts = self.retired.remove(&slot).unwrap_or(0);
        let image = self.fit.image.clone();
        let stage = Stage::Empty;
        let place = Place { slot, life: 0, restarts, early_deaths: 0, image, part, stage };
        let index = self.places.partition_point(|other| other.slot < slot);
        self.places.insert(index, place);
        index
    }
}

impl Place {
    /// Whether it is one of as many as there should be.
    fn is_regular(&self) -> bool {
        self.part == Part::Regular && !matches!(self.stage, Stage::Leaving(_))
    }
}
