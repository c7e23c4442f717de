//! CRC-32 as nginx, zlib and Ethernet have it: what the hash strategies turn a key into.

const POLYNOMIAL: u32 = 0xEDB8_8320;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// A checksum under way: several texts are summed as if they were one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc32(u32);

impl Crc32 {
    pub(super) const fn new() -> Self {
        Self(u32::MAX)
    }

    #[must_use]
    pub(super) fn with(self, bytes: &[u8]) -> Self {
        let next = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
        Self(bytes.iter().fold(self.0, next))
    }

    pub(super) const fn sum(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of zlib's `crc32`.
    #[test]
    fn known_sums() {
        for (text, sum) in [
            ("", 0),
            ("123456789", 0xCBF4_3926),
            ("a", 0xE8B7_BE43),
            ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
        ] {
            assert_eq!(Crc32::new().with(text.as_bytes()).sum(), sum, "{text}");
        }
        assert_eq!(Crc32::new().with(b"1234").with(b"").with(b"56789").sum(), 0xCBF4_3926);
    }
}
