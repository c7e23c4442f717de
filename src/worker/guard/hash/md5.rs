//! MD5 (RFC 1321), for old password files alone: a digest that nothing else may rely on.

use std::sync::LazyLock;

pub(super) const BYTES: usize = 16;

const BLOCK_BYTES: usize = 64;
/// By how much each step turns, four of a round.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The RFC's table: the first 32 bits of the sines' fractions.
static SINES: LazyLock<[u32; BLOCK_BYTES]> = LazyLock::new(|| {
    let sine = |step: usize| (step as f64 + 1.0).sin().abs();
    std::array::from_fn(|step| (sine(step) * 4_294_967_296.0) as u32)
});

pub(super) fn digest(bytes: &[u8]) -> [u8; BYTES] {
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    for block in blocks {
        stir(&mut state, block);
    }
    let mut last = [0; 2 * BLOCK_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let bits = (bytes.len() as u64).wrapping_mul(8).to_le_bytes();
    let end = if rest.len() + 1 + bits.len() > BLOCK_BYTES { 2 * BLOCK_BYTES } else { BLOCK_BYTES };
    last[end - bits.len()..end].copy_from_slice(&bits);
    for block in last[..end].as_chunks::<BLOCK_BYTES>().0 {
        stir(&mut state, block);
    }
    let mut digest = [0; BYTES];
    for (out, word) in digest.chunks_exact_mut(4).zip(state) {
        out.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

fn stir(state: &mut [u32; 4], block: &[u8; BLOCK_BYTES]) {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for step in 0..BLOCK_BYTES {
        let (mixed, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a.wrapping_add(mixed).wrapping_add(words[word % 16]).wrapping_add(SINES[step]);
        let turned = sum.rotate_left(TURNS[step / 16][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (word, change) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_examples() {
        let digits = |text: &str| format!("{:032x}", u128::from_be_bytes(digest(text.as_bytes())));
        for (text, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
        ] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }
}
