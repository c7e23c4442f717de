//! Slow start: how much of its weight a peer has while it warms up.
//!
//! The part is in 255ths, since a gate has one byte for it. Weights are whole numbers, so a part of
//! one is not given as such: what a warming peer wins is granted so often that it comes to the part.

const WHOLE: u8 = u8::MAX;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ramp {
    part: u8,
    /// Of the upstream, counted from its beginning.
    turn: u64,
}

impl Ramp {
    /// Warm.
    pub(crate) const FULL: Self = Self { part: WHOLE, turn: 0 };

    pub(crate) fn new(part: u8, turn: u64) -> Self {
        Self { part, turn }
    }

    pub(super) fn part(self) -> u8 {
        self.part
    }

    /// Whether a win is granted, where `most` is the largest part of those that compete.
    pub(super) fn grants(self, most: u8, attempt: u32) -> bool {
        if self.part >= most {
            return true;
        }
        u64::from(drawn(self.turn, attempt)) * u64::from(most) < u64::from(self.part) << 32
    }
}

/// A number for the turn and the attempt (splitmix64). An even spread would do better than chance,
/// but wins come in a rhythm of their own, and the two would meet.
fn drawn(turn: u64, attempt: u32) -> u32 {
    let state = (turn << 8).wrapping_add(u64::from(attempt)).wrapping_add(1);
    let state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 32) as u32
}
