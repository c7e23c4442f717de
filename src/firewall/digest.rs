//! The digest by which a text is known again, under a key that nobody else has.
//!
//! NH, as in UMAC (Black et al., CRYPTO 1999): of a block, the sum of products of words, to each of
//! which a word of the key is added; then the same over the blocks' sums and the lengths. Two texts
//! that were chosen without the key have the same digest with a probability of 2⁻⁶³ at most, whatever
//! they are, and a text costs half an instruction a byte, which no digest for all purposes does.

use std::hash::{DefaultHasher, Hasher as _};

/// What the key has words for.
const BLOCK_BYTES: usize = 1024;
const BLOCK_WORDS: usize = BLOCK_BYTES / 8;
/// Of one text.
const BLOCKS_MAX: usize = 32;
/// A longer text has no digest.
pub(super) const TEXT_BYTES_MAX: usize = BLOCKS_MAX * BLOCK_BYTES;
/// Of what stands before it.
const NAME_BYTES_MAX: usize = BLOCK_BYTES;
/// A pair for the lengths, one for the name, and one for each block.
const SUM_WORDS: usize = 2 * (2 + BLOCKS_MAX);
const PAIR_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    high: u64,
    low: u64,
}

#[derive(Debug)]
pub(super) struct Secret {
    block: [u64; BLOCK_WORDS],
    sums: [u64; SUM_WORDS],
}

impl Secret {
    /// Draws its words from `key`.
    pub(super) fn new(key: &[u8]) -> Self {
        let mut keyed = DefaultHasher::new();
        keyed.write(key);
        let word = |at: usize| {
            let mut hasher = keyed.clone();
            hasher.write_usize(at);
            hasher.finish()
        };
        let block = std::array::from_fn(word);
        Self { block, sums: std::array::from_fn(|at| word(BLOCK_WORDS + at)) }
    }

    /// Of a text that stands behind `name` as one of that kind; `None` where it is too long.
    pub(super) fn digest(&self, kind: u8, name: &[u8], text: &[u8]) -> Option<Digest> {
        if name.len() > NAME_BYTES_MAX || text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (keys, _) = self.sums.as_chunks::<2>();
        // Texts whose lengths differ, differ here.
        let lengths = [(name.len() as u64) << 8 | u64::from(kind), text.len() as u64];
        let mut sum = product(lengths, keys[0]);
        if !name.is_empty() {
            sum = sum.wrapping_add(product(words(self.block_sum(name)), keys[1]));
        }
        for (block, key) in text.chunks(BLOCK_BYTES).zip(&keys[2..]) {
            sum = sum.wrapping_add(product(words(self.block_sum(block)), *key));
        }
        let [high, low] = words(sum);
        Some(Digest { high, low })
    }

    /// Of a block's bytes; its length, which is not in it, is told apart elsewhere.
    fn block_sum(&self, block: &[u8]) -> u128 {
        let (keys, _) = self.block.as_chunks::<2>();
        let (pairs, rest) = block.as_chunks::<PAIR_BYTES>();
        let mut sum: u128 = 0;
        for (pair, key) in pairs.iter().zip(keys) {
            sum = sum.wrapping_add(product(words(u128::from_le_bytes(*pair)), *key));
        }
        if rest.is_empty() {
            return sum;
        }
        let last = if let Some(last) = block.last_chunk::<PAIR_BYTES>() {
            // Bytes may count twice: each still changes the sum.
            *last
        } else {
            let mut last = [0; PAIR_BYTES];
            last[..rest.len()].copy_from_slice(rest);
            last
        };
        sum.wrapping_add(product(words(u128::from_le_bytes(last)), keys[pairs.len()]))
    }
}

impl Digest {
    /// A number below `count`, for a place in a table.
    pub(super) fn place(self, count: usize) -> usize {
        // The lowest bits of products are even more often than not.
        let mixed = (self.high ^ self.low).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize % count
    }
}

fn words(sum: u128) -> [u64; 2] {
    [(sum >> 64) as u64, sum as u64]
}

fn product(words: [u64; 2], key: [u64; 2]) -> u128 {
    let sums = [words[0].wrapping_add(key[0]), words[1].wrapping_add(key[1])];
    u128::from(sums[0]) * u128::from(sums[1])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_by_one_bit_or_byte_has_another_digest() {
        let secret = Secret::new(b"a key");
        for length in [1, 7, 8, 15, 16, 17, 31, 32, 33, 1023, 1024, 1025, 1040, 3000] {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut digests = HashSet::new();
            let mut add = |kind: u8, name: &[u8], text: &[u8]| {
                let Digest { high, low } = secret.digest(kind, name, text).unwrap();
                digests.insert((high, low))
            };
            assert!(add(0, b"", &text) && !add(0, b"", &text));
            assert!(add(1, b"", &text) && add(0, b"n", &text) && add(0, &text[..1], &text[1..]));
            assert!(add(0, b"", &text[1..]));
            assert!(add(0, b"", &[&text[..], b"\0"].concat()));
            for bit in 0..length * 8 {
                let mut other = text.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                assert!(add(0, b"", &other), "bit {bit} of {length} bytes");
            }
        }
    }

    #[test]
    fn places_are_used_evenly() {
        let secret = Secret::new(b"a key");
        let mut counts = [0; 64];
        for number in 0..6400 {
            let text = format!("text number {number}");
            counts[secret.digest(0, b"", text.as_bytes()).unwrap().place(64)] += 1;
        }
        assert!(counts.iter().all(|count| (50..=160).contains(count)), "{counts:?}");
    }

    #[test]
    fn what_is_too_long_has_none() {
        let secret = Secret::new(b"a key");
        let long = vec![b'a'; TEXT_BYTES_MAX + 1];
        assert_ne!(secret.digest(0, b"", &long[1..]), None);
        assert_eq!(secret.digest(0, b"", &long), None);
        assert_eq!(secret.digest(0, &long[..=NAME_BYTES_MAX], b""), None);
    }

    proptest! {
        #[test]
        fn another_key_is_another_digest(text: Vec<u8>, other: Vec<u8>) {
            let (one, two) = (Secret::new(b"one"), Secret::new(b"two"));
            let digest = one.digest(0, b"", &text);
            prop_assert_eq!(digest, one.digest(0, b"", &text));
            prop_assert_ne!(digest, two.digest(0, b"", &text));
            prop_assert_eq!(digest == one.digest(0, b"", &other), text == other);
        }
    }
}
