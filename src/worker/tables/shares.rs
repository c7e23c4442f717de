//! Shares of all requests: nginx's `split_clients`, with its hash (MurmurHash2), so that a client
//! which moves over keeps its share.

use crate::config::template::Template;

/// Each with the least hash beyond it.
pub(super) struct Shares(Vec<(u32, Template)>);

impl Shares {
    pub(super) fn compile(shares: &[(u32, Template)]) -> Self {
        let mut end = 0;
        let up_to = |(hundredths, value): &(u32, Template)| {
            // The last one may end where all hashes do.
            end += (u64::from(*hundredths) * u64::from(u32::MAX) / 10_000) as u32;
            (end, value.clone())
        };
        Self(shares.iter().map(up_to).collect())
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<&Template> {
        let hash = murmur2(text);
        let (_, value) = self.0.iter().find(|(end, _)| hash < *end)?;
        Some(value)
    }
}

/// MurmurHash2 of 32 bits with seed 0, as ngx_murmur_hash2 has it.
fn murmur2(text: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = text.len() as u32;
    let mut words = text.chunks_exact(4);
    for word in &mut words {
        let mut mixed =
            u32::from_le_bytes(word.try_into().expect("of four bytes each")).wrapping_mul(M);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(M) ^ mixed.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let bytes = rest.iter().rev().fold(0, |bytes, byte| bytes << 8 | u32::from(*byte));
        hash = (hash ^ bytes).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::template::Part;

    fn shares(list: &[(u32, &str)]) -> Shares {
        let value = |text: &str| Template { parts: vec![Part::Text(text.to_owned())] };
        Shares::compile(&list.iter().map(|(share, text)| (*share, value(text))).collect::<Vec<_>>())
    }

    #[test]
    fn hashes_are_those_of_the_reference() {
        for (text, hash) in
            [("", 0), ("a", 0x9268_5f5e), ("abc", 0x1357_7c9b), ("127.0.0.1AAA", 0xb5fc_5e4b)]
        {
            assert_eq!(murmur2(text.as_bytes()), hash, "{text}: {:#x}", murmur2(text.as_bytes()));
        }
    }

    #[test]
    fn each_has_its_share() {
        let shares = shares(&[(1_000, "a"), (2_550, "b"), (1, "c")]);
        let mut counts = [0_u32; 4];
        for number in 0..100_000_u32 {
            let found = shares.find(number.to_string().as_bytes()).and_then(Template::fixed);
            counts[match found {
                Some("a") => 0,
                Some("b") => 1,
                Some(_) => 2,
                None => 3,
            }] += 1;
        }
        let near = |count: u32, expected: u32| count.abs_diff(expected) < 500;
        assert!(near(counts[0], 10_000) && near(counts[1], 25_500), "{counts:?}");
        assert!(counts[2] < 50 && near(counts[3], 64_490), "{counts:?}");
    }
}
