//! Compressed bodies of requests: decoded before they are judged, as far as a bound.
//!
//! However much a body claims to come to, no more of it is made than the bound, layer by layer.

use std::io::Read;

use crate::config::limits::firewall::{CODINGS_MAX, DECODED_BYTES_MAX};

/// How far back a body may refer, in bits: what decoders of this coding have to bear (RFC 8878).
const ZSTD_WINDOW_BITS: u32 = 23;
const BROTLI_BUFFER_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// How a body is compressed, as its head says; kept for reuse.
#[derive(Debug, Default)]
pub(super) struct Packing {
    /// In the order in which they were applied.
    codings: Vec<Coding>,
    /// A coding that is not known here, or too many of them.
    is_foreign: bool,
}

/// How much of a body could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// It is cut, broken, longer than the bound, or in a coding that is not known.
    Part,
}

impl Packing {
    pub(super) fn clear(&mut self) {
        self.codings.clear();
        self.is_foreign = false;
    }

    /// Adds the value of a line `Content-Encoding`.
    pub(super) fn add(&mut self, value: &[u8]) {
        let words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        for word in words.filter(|word| !word.is_empty()) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let coding = if is("gzip") || is("x-gzip") {
                Coding::Gzip
            } else if is("deflate") {
                Coding::Deflate
            } else if is("br") {
                Coding::Brotli
            } else if is("zstd") {
                Coding::Zstd
            } else if is("identity") {
                continue;
            } else {
                self.is_foreign = true;
                return;
            };
            if self.codings.len() == CODINGS_MAX {
                self.is_foreign = true;
                return;
            }
            self.codings.push(coding);
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.codings.is_empty() && !self.is_foreign
    }

    /// Puts the body into plain words.
    pub(super) fn unpack(&self, body: &mut Vec<u8>) -> Extent {
        if self.is_foreign {
            body.clear();
            return Extent::Part;
        }
        let mut extent = Extent::Whole;
        for coding in self.codings.iter().rev() {
            let mut plain = Vec::new();
            if decode(*coding, body, &mut plain) == Extent::Part {
                extent = Extent::Part;
            }
            *body = plain;
        }
        extent
    }
}

fn decode(coding: Coding, body: &[u8], plain: &mut Vec<u8>) -> Extent {
    match coding {
        Coding::Gzip => fill(flate2::read::MultiGzDecoder::new(body), plain),
        // What the name stands for (RFC 9110), and what some take it for.
        Coding::Deflate if has_zlib_head(body) => fill(flate2::read::ZlibDecoder::new(body), plain),
        Coding::Deflate => fill(flate2::read::DeflateDecoder::new(body), plain),
        Coding::Brotli => fill(brotli::Decompressor::new(body, BROTLI_BUFFER_BYTES), plain),
        Coding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(body).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW_BITS)?;
                Ok(decoder)
            });
            decoder.map_or(Extent::Part, |decoder| fill(decoder, plain))
        }
    }
}

/// Method 8 and a sum that 31 divides (RFC 1950).
fn has_zlib_head(body: &[u8]) -> bool {
    match *body {
        [first, second, ..] => {
            first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31)
        }
        _ => false,
    }
}

fn fill(mut decoder: impl Read, plain: &mut Vec<u8>) -> Extent {
    let mut bounded = decoder.by_ref().take(DECODED_BYTES_MAX as u64);
    // What came out before an error is there to be judged.
    if bounded.read_to_end(plain).is_err() {
        return Extent::Part;
    }
    match decoder.read(&mut [0]) {
        Ok(0) => Extent::Whole,
        Ok(_) | Err(_) => Extent::Part,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TEXT: &[u8] = b"id=1&q=1%27+or+%271%27%3D%271";

    fn packed(coding: &str, text: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        match coding {
            "gzip" => {
                let mut coder = flate2::write::GzEncoder::new(Vec::new(), level);
                coder.write_all(text).unwrap();
                coder.finish().unwrap()
            }
            "deflate" => {
                let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                coder.write_all(text).unwrap();
                coder.finish().unwrap()
            }
            "raw" => {
                let mut coder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                coder.write_all(text).unwrap();
                coder.finish().unwrap()
            }
            "br" => {
                let mut coder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                coder.write_all(text).unwrap();
                coder.into_inner()
            }
            _ => zstd::encode_all(text, 3).unwrap(),
        }
    }

    #[track_caller]
    fn check(lines: &[&str], body: Vec<u8>, expected: &[u8], extent: Extent) {
        let mut packing = Packing::default();
        for line in lines {
            packing.add(line.as_bytes());
        }
        let mut plain = body;
        assert_eq!(packing.unpack(&mut plain), extent, "{lines:?}");
        assert!(plain == expected, "{lines:?}: {} bytes", plain.len());
    }

    #[test]
    fn each_coding_is_taken_off_in_its_turn() {
        for coding in ["gzip", "deflate", "br", "zstd"] {
            check(&[coding], packed(coding, TEXT), TEXT, Extent::Whole);
        }
        check(&["Deflate"], packed("raw", TEXT), TEXT, Extent::Whole);
        check(&["X-GZIP, identity"], packed("gzip", TEXT), TEXT, Extent::Whole);
        let twice = packed("br", &packed("gzip", TEXT));
        check(&["gzip, br"], twice.clone(), TEXT, Extent::Whole);
        check(&["gzip", "br"], twice, TEXT, Extent::Whole);
    }

    #[test]
    fn a_bomb_is_read_as_far_as_the_bound() {
        let bomb = vec![b'a'; 64 << 20];
        for coding in ["gzip", "deflate", "br", "zstd"] {
            let read = &bomb[..DECODED_BYTES_MAX];
            check(&[coding], packed(coding, &bomb), read, Extent::Part);
        }
        let nested = packed("gzip", &packed("gzip", &bomb));
        let mut packing = Packing::default();
        packing.add(b"gzip, gzip");
        let mut plain = nested;
        assert_eq!(packing.unpack(&mut plain), Extent::Part);
        assert!(plain.len() <= DECODED_BYTES_MAX);
    }

    #[test]
    fn what_is_cut_or_not_known_is_read_as_far_as_it_goes() {
        let whole = packed("gzip", &TEXT.repeat(2_000));
        let mut cut = whole.clone();
        cut.truncate(whole.len() / 2);
        let mut packing = Packing::default();
        packing.add(b"gzip");
        assert_eq!(packing.unpack(&mut cut), Extent::Part);
        assert!(cut.starts_with(TEXT), "{} bytes", cut.len());
        for foreign in ["compress", "gzip, gzip, gzip", "gzip, rot13"] {
            check(&[foreign], whole.clone(), b"", Extent::Part);
        }
        check(&["zstd"], b"no frame".to_vec(), b"", Extent::Part);
    }
}
