//! Numbers that look random, for delays and the order of paths; nothing depends on their quality.

use std::cell::Cell;

use crate::sys::clock;

/// SplitMix64.
pub(super) struct Dice(Cell<u64>);

impl Dice {
    /// Different in each process.
    pub(super) fn new() -> Self {
        Self::seeded(clock::monotonic_us() ^ (u64::from(std::process::id()) << 32))
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// Evenly from zero to below `end`; zero when there is no room.
    pub(super) fn below(&self, end: u64) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or(0)
    }
}
