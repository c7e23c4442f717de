//! Latency histogram: log-linear buckets of microseconds, at most 1/16 wide in proportion.
//!
//! Workers only add (one writer a histogram); readers copy, subtract an earlier copy and take
//! quantiles. Counts wrap, which a difference does not notice; `Totals` adds differences up for good.

use std::sync::atomic::{AtomicU32, Ordering};

const LINEAR_BITS: u32 = 4;
const LINEAR: usize = 1 << LINEAR_BITS;
/// Values from here on (134 s) share the last bucket.
const TOP_BIT: u32 = 27;
pub(crate) const BUCKETS: usize = LINEAR + (TOP_BIT - LINEAR_BITS) as usize * LINEAR;

/// A copy of the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram([u32; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

/// Counts one value. Relaxed load and store: the caller is the only writer.
pub(super) fn add(words: &[AtomicU32; BUCKETS], value_us: u32) {
    let word = &words[bucket(value_us)];
    word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

impl Histogram {
    /// As a worker counts these.
    #[cfg(test)]
    pub(crate) fn of(values_us: &[u32]) -> Self {
        let words = [const { AtomicU32::new(0) }; BUCKETS];
        for value in values_us {
            add(&words, *value);
        }
        let mut histogram = Self::default();
        histogram.gather(&words);
        histogram
    }

    /// Adds another worker's counts.
    pub(super) fn gather(&mut self, words: &[AtomicU32; BUCKETS]) {
        for (sum, word) in self.0.iter_mut().zip(words) {
            *sum = sum.wrapping_add(word.load(Ordering::Relaxed));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.wrapping_add(*count);
        }
    }

    /// What was added since `earlier`, a copy of the same histogram.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut difference = self.clone();
        for (count, before) in difference.0.iter_mut().zip(&earlier.0) {
            *count = count.wrapping_sub(*before);
        }
        difference
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The value that `per_mille` of the values do not exceed, interpolated within its bucket; 0
    /// without values. 1000 is the upper edge of the highest bucket in use.
    pub(crate) fn quantile_us(&self, per_mille: u32) -> u64 {
        let rank = (self.count() * u64::from(per_mille)).div_ceil(1000).max(1);
        let mut below = 0;
        for (index, count) in self.0.iter().map(|count| u64::from(*count)).enumerate() {
            if count > 0 && below + count >= rank {
                let (low, high) = (edge(index), edge(index + 1) - 1);
                return low + (high - low) * (rank - below) / count;
            }
            below += count;
        }
        0
    }
}

/// The counts of a whole life, which the narrow words of a board can not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Empty until something is counted.
    counts: Vec<u64>,
}

impl Totals {
    pub(crate) fn add(&mut self, counts: &Histogram) {
        self.counts.resize(BUCKETS, 0);
        for (sum, count) in self.counts.iter_mut().zip(&counts.0) {
            *sum += u64::from(*count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.resize(BUCKETS, 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }

    /// Numbers of buckets and their counts, without the empty ones.
    pub(crate) fn in_use(&self) -> impl Iterator<Item = (u16, u64)> {
        let numbered = (0_u16..).zip(self.counts.iter().copied());
        numbered.filter(|(_, count)| *count > 0)
    }

    /// The inverse; numbers beyond the last bucket are nobody's.
    pub(crate) fn of(counts: impl Iterator<Item = (u16, u64)>) -> Self {
        let mut totals = Self { counts: vec![0; BUCKETS] };
        for (index, count) in counts {
            if let Some(sum) = totals.counts.get_mut(usize::from(index)) {
                *sum = count;
            }
        }
        totals
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many values are below each of these, which ascend and are edges of buckets: nothing is
    /// estimated.
    pub(crate) fn below<'a>(&'a self, edges: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let (mut at, mut below) = (0, 0);
        edges.iter().map(move |limit| {
            while at < self.counts.len() && edge(at) < *limit {
                below += self.counts[at];
                at += 1;
            }
            below
        })
    }
}

/// Whether buckets meet there.
#[cfg(test)]
pub(crate) fn is_edge(value_us: u64) -> bool {
    (0..=BUCKETS).any(|index| edge(index) == value_us)
}

fn bucket(value: u32) -> usize {
    if (value as usize) < LINEAR {
        return value as usize;
    }
    let value = value.min((1 << TOP_BIT) - 1);
    let shift = value.ilog2() - LINEAR_BITS;
    // The leading one is counted by the row, so the row starts one short.
    (shift as usize) * LINEAR + (value >> shift) as usize
}

/// The smallest value of a bucket.
fn edge(index: usize) -> u64 {
    if index < 2 * LINEAR {
        return index as u64;
    }
    let shift = index / LINEAR - 1;
    ((LINEAR + index % LINEAR) as u64) << shift
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u32]) -> Histogram {
        Histogram::of(values)
    }

    #[test]
    fn buckets_tile_the_range() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u32::MAX), BUCKETS - 1);
        for index in 0..BUCKETS {
            assert_eq!(bucket(edge(index) as u32), index);
            assert_eq!(bucket(edge(index + 1) as u32 - 1), index);
        }
    }

    #[test]
    fn quantiles_of_known_values() {
        for (values, per_mille, expected) in [
            (&[][..], 500, 0),
            (&[7], 500, 7),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 500, 5),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 900, 9),
            (&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1000, 10),
        ] {
            assert_eq!(of(values).quantile_us(per_mille), expected, "{values:?} at {per_mille}");
        }
    }

    #[test]
    fn a_difference_forgets_what_was_before() {
        let (before, after) = (of(&[5, 5_000]), of(&[5, 5_000, 900, 901]));
        let second = after.since(&before);
        assert_eq!(second.count(), 2);
        assert!((870..=960).contains(&second.quantile_us(1000)));
    }

    #[test]
    fn totals_outgrow_a_word_and_are_cut_at_edges() {
        let mut totals = Totals::default();
        assert_eq!(totals.below(&[1, 1 << 20]).collect::<Vec<_>>(), [0, 0]);
        let mut most = Histogram::default();
        most.0[bucket(100)] = u32::MAX;
        totals.add(&most);
        totals.add(&most);
        totals.add(&of(&[127, 128, u32::MAX]));
        assert_eq!(totals.count(), 2 * u64::from(u32::MAX) + 3);
        let many = 2 * u64::from(u32::MAX);
        let below: Vec<u64> = totals.below(&[64, 128, 192, 1 << 26]).collect();
        assert_eq!(below, [0, many + 1, many + 2, many + 2]);
        assert!(is_edge(128) && is_edge(192) && is_edge(1 << 27) && !is_edge(1000));
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_a_sixteenth(
            mut values in prop::collection::vec(0u32..130_000_000, 1..200),
            per_mille in 1u32..=1000,
        ) {
            let measured = of(&values).quantile_us(per_mille) as f64;
            values.sort_unstable();
            let rank = (values.len() as u64 * u64::from(per_mille)).div_ceil(1000).max(1) as usize;
            let exact = f64::from(values[rank - 1]);
            prop_assert!((measured - exact).abs() <= exact / 16.0 + 1.0);
        }
    }
}
