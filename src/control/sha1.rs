//! SHA-1 (FIPS 180-4), only because Supervisor's password files hold it.
//!
//! Of short texts, and no more than what such a comparison needs: collisions do no harm there.

const BLOCK_BYTES: usize = 64;
pub(crate) type Digest = [u8; 20];

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    while padded.len() % BLOCK_BYTES != BLOCK_BYTES - 8 {
        padded.push(0);
    }
    padded.extend_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    let begin = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let (blocks, _none_left) = padded.as_chunks::<BLOCK_BYTES>();
    let state = blocks.iter().fold(begin, compress);
    let mut digest = Digest::default();
    for (part, word) in digest.chunks_exact_mut(4).zip(state) {
        part.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn compress(state: [u32; 5], block: &[u8; BLOCK_BYTES]) -> [u32; 5] {
    let mut words = [0_u32; 80];
    let (given, _none_left) = block.as_chunks::<4>();
    for (word, bytes) in words.iter_mut().zip(given) {
        *word = u32::from_be_bytes(*bytes);
    }
    for at in 16..words.len() {
        let mixed = words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16];
        words[at] = mixed.rotate_left(1);
    }
    let rounds = words.into_iter().enumerate();
    let mixed = rounds.fold(state, |[first, x, y, z, last], (round, word)| {
        let (mixed, constant) = match round {
            0..20 => ((x & y) | (!x & z), 0x5a82_7999),
            20..40 => (x ^ y ^ z, 0x6ed9_eba1),
            40..60 => ((x & y) | (x & z) | (y & z), 0x8f1b_bcdc),
            _ => (x ^ y ^ z, 0xca62_c1d6_u32),
        };
        let next = [first.rotate_left(5), mixed, last, constant, word];
        [next.into_iter().fold(0, u32::wrapping_add), first, x.rotate_left(30), y, z]
    });
    let mut sums = state;
    for (sum, word) in sums.iter_mut().zip(mixed) {
        *sum = sum.wrapping_add(word);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_standard_says() {
        let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let million = "a".repeat(1_000_000);
        for (text, expected) in [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (two, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            (&million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ] {
            let digits: Vec<String> =
                digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digits.concat(), expected);
        }
    }
}
