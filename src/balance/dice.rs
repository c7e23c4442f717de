//! Numbers for the strategies that draw: pure, from a seed that the caller brings.
//!
//! SplitMix64: a word of state, even enough that a share shows no bias; not for secrets.

#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly from zero to below `end`; zero when there is no room. The high half of a product
    /// instead of a remainder: its bias is a 2^32nd, and it takes no division.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let word = self.next() >> 32;
        ((word * u64::from(end)) >> 32) as u32
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
