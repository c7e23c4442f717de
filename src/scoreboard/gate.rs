//! A backend's gate: everything a pick must know that changes while requests run, in one word.
//!
//! One word, so that a worker can never see the weight of one life with the standing of another,
//! and so that reserving a request and closing the backend can be ordered against each other.

/// What operator, checks and readiness say together. Only `Open` takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The slot holds no backend.
    Vacant,
    Open,
    /// A program's instance that is not ready.
    Starting,
    Draining,
    Drained,
    /// By the operator or the file.
    Down,
    /// By active checks.
    Failed,
    /// Drained by force: what is still in flight is to be ended.
    Cut,
}

impl Standing {
    const ALL: [Self; 8] = [
        Self::Vacant,
        Self::Open,
        Self::Starting,
        Self::Draining,
        Self::Drained,
        Self::Down,
        Self::Failed,
        Self::Cut,
    ];
}

/// Whether a backend that drains goes on serving the clients that are bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Moved,
    Served,
}

/// Fully open in slow start: every turn counts.
pub(crate) const RAMP_FULL: u8 = u8::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) standing: Standing,
    /// Which life of the slot.
    pub(crate) incarnation: u16,
    pub(crate) weight: u16,
    /// Slow start: out of 255 turns, how many count; `RAMP_FULL` when warm.
    pub(crate) ramp: u8,
    /// What becomes of clients that are bound to it while it drains.
    pub(crate) bound: Bound,
}

impl Gate {
    /// Of a backend that is warm.
    #[cfg(test)]
    pub(crate) fn open(incarnation: u16, weight: u16) -> Self {
        let (standing, bound) = (Standing::Open, Bound::Moved);
        Self { standing, incarnation, weight, ramp: RAMP_FULL, bound }
    }

    pub(super) fn pack(self) -> u64 {
        u64::from(self.incarnation) << 48
            | u64::from(self.bound == Bound::Served) << 32
            | u64::from(self.weight) << 16
            | u64::from(self.ramp) << 8
            | self.standing as u64
    }

    /// What a word says beside the weight of a gate that is open and warm, in that life of the slot.
    const fn open_word(incarnation: u16) -> u64 {
        (incarnation as u64) << 48 | (RAMP_FULL as u64) << 8 | Standing::Open as u64
    }

    /// The weight in the word of a gate that is open and warm.
    pub(super) fn open_weight(word: u64, incarnation: u16) -> Option<u16> {
        const WEIGHT: u64 = (u16::MAX as u64) << 16;
        (word & !WEIGHT == Self::open_word(incarnation)).then_some((word >> 16) as u16)
    }

    /// A word from a newer or broken writer reads as vacant: never picked.
    pub(super) fn unpack(word: u64) -> Self {
        let standing = Standing::ALL.get((word & 0xff) as usize).copied();
        Self {
            standing: standing.unwrap_or(Standing::Vacant),
            incarnation: (word >> 48) as u16,
            weight: (word >> 16) as u16,
            ramp: (word >> 8) as u8,
            bound: if (word >> 32) & 1 == 0 { Bound::Moved } else { Bound::Served },
        }
    }

    pub(crate) fn is_open(self) -> bool {
        self.standing == Standing::Open
    }

    /// Whether it takes requests of clients that are bound to it.
    pub(crate) fn takes_bound(self) -> bool {
        self.is_open() || (self.standing == Standing::Draining && self.bound == Bound::Served)
    }

    /// Whether a backend in slow start takes part in this turn: `ramp` of 255 turns, spread evenly
    /// by the golden ratio instead of in a row.
    pub(crate) fn is_due(self, turn: u64) -> bool {
        let spread = (turn as u32).wrapping_mul(0x9E37_79B9) >> 24;
        self.ramp == RAMP_FULL || spread < u32::from(self.ramp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_survives_its_word() {
        for standing in Standing::ALL {
            for (incarnation, weight, ramp) in [(0, 0, 0), (1, 3, 255), (u16::MAX, 1000, 127)] {
                for bound in [Bound::Moved, Bound::Served] {
                    let gate = Gate { standing, incarnation, weight, ramp, bound };
                    assert_eq!(Gate::unpack(gate.pack()), gate);
                    let is_plain = gate == Gate::open(incarnation, weight);
                    let plain = Gate::open_weight(gate.pack(), incarnation);
                    assert_eq!(plain, is_plain.then_some(weight));
                    assert_eq!(Gate::open_weight(gate.pack(), incarnation ^ 1), None);
                }
            }
        }
        assert_eq!(Gate::unpack(u64::MAX).standing, Standing::Vacant);
    }

    #[test]
    fn a_ramp_counts_its_part_of_the_turns() {
        for ramp in [0u8, 26, 128, 254, RAMP_FULL] {
            let gate = Gate { ramp, ..Gate::open(1, 1) };
            let due = (0..25_600).filter(|turn| gate.is_due(*turn)).count();
            let expected = if ramp == RAMP_FULL { 25_600 } else { 100 * usize::from(ramp) };
            assert!(due.abs_diff(expected) <= 256, "{ramp}: {due}");
        }
    }
}
