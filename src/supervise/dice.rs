//! Chance as a value: an instance's own sequence of draws, from a seed that the master gives it. The
//! same seed draws the same, so that a trace can be repeated. Not for secrets.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From zero to `most`.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        let draw = u128::from(self.draw());
        // The high half of the product: no draw is far likelier than another, without a division.
        ((draw * (u128::from(most) + 1)) >> 64) as u64
    }

    /// `us`, or up to so many percent more or less.
    pub(crate) fn around(&mut self, us: u64, percent: u32) -> u64 {
        let span_us = u64::try_from(u128::from(us) * u128::from(percent) / 100).unwrap_or(us);
        if span_us == 0 {
            return us;
        }
        (us - span_us.min(us)).saturating_add(self.up_to(span_us.saturating_mul(2)))
    }

    /// SplitMix64: each draw is a fixed mix of the seed and how many came before.
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn draws_stay_within_their_bounds(seed: u64, us in 0..u64::MAX / 4, percent in 0..=100u32) {
            let mut dice = Dice::new(seed);
            prop_assert!(dice.up_to(us) <= us);
            let span_us = u128::from(us) * u128::from(percent) / 100;
            prop_assert!(u128::from(dice.around(us, percent).abs_diff(us)) <= span_us);
        }
    }

    #[test]
    fn every_face_comes_up() {
        let mut dice = Dice::new(1);
        let mut seen = [0u32; 6];
        for _ in 0..6_000 {
            seen[dice.up_to(5) as usize] += 1;
        }
        assert!(seen.iter().all(|times| (800..1_200).contains(times)), "{seen:?}");
        assert_eq!(Dice::new(3).around(100, 0), 100);
    }
}
