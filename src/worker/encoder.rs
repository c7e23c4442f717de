//! A body that is compressed while it passes: payload in, chunks of the coding out.
//!
//! What it holds is bounded by the codings' windows, which are kept small, and by what was read at
//! once; how many there are is bounded, too.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::rc::Rc;

use super::link::Place;
use crate::config::limits;
use crate::config::model::files::Coding;
use crate::http::chunk;

/// Middle levels: higher ones cost many times the processor for a few percent.
const GZIP_LEVEL: u32 = 5;
const ZSTD_LEVEL: i32 = 3;
const BROTLI_QUALITY: u32 = 4;
/// How far back repetitions are found, in bits: more is memory that most answers have no use for.
const ZSTD_WINDOW_BITS: u32 = 18;
const BROTLI_WINDOW_BITS: u32 = 18;
const BROTLI_BUFFER_BYTES: usize = 4096;

pub(crate) struct Encoder {
    coder: Coder,
    /// In chunks, on its way.
    encoded: Vec<u8>,
    sent: usize,
    /// Payload went in that may not have come out.
    is_owing: bool,
    /// Given back with the encoder.
    _place: Place,
}

enum Coder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    /// `None` when it is finished; then what came out last.
    Brotli(Option<Box<brotli::CompressorWriter<Vec<u8>>>>, Vec<u8>),
}

impl Encoder {
    /// `None` when too many are at work.
    pub(crate) fn new(coding: Coding, working: &Rc<Cell<u32>>) -> Option<Box<Self>> {
        let place = Place::take(working, limits::COMPRESSIONS_MAX)?;
        let coder = match coding {
            Coding::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                Coder::Gzip(flate2::write::GzEncoder::new(Vec::new(), level))
            }
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).ok()?;
                encoder.window_log(ZSTD_WINDOW_BITS).ok()?;
                Coder::Zstd(encoder)
            }
            Coding::Brotli => {
                let encoder = brotli::CompressorWriter::new(
                    Vec::new(),
                    BROTLI_BUFFER_BYTES,
                    BROTLI_QUALITY,
                    BROTLI_WINDOW_BITS,
                );
                Coder::Brotli(Some(Box::new(encoder)), Vec::new())
            }
        };
        let encoded = Vec::new();
        Some(Box::new(Self { coder, encoded, sent: 0, is_owing: false, _place: place }))
    }

    /// What is to be sent.
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.encoded[self.sent..]
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent == self.encoded.len() {
            self.encoded.clear();
            self.sent = 0;
        }
    }

    pub(crate) fn push(&mut self, payload: &[u8]) -> io::Result<()> {
        self.is_owing |= !payload.is_empty();
        match &mut self.coder {
            Coder::Gzip(coder) => coder.write_all(payload)?,
            Coder::Zstd(coder) => coder.write_all(payload)?,
            Coder::Brotli(Some(coder), _) => coder.write_all(payload)?,
            Coder::Brotli(None, _) => {}
        }
        self.collect();
        Ok(())
    }

    /// Lets out what went in, for whoever reads along; false: all of it is out.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        if !std::mem::take(&mut self.is_owing) {
            return Ok(false);
        }
        match &mut self.coder {
            Coder::Gzip(coder) => coder.flush()?,
            Coder::Zstd(coder) => coder.flush()?,
            Coder::Brotli(Some(coder), _) => coder.flush()?,
            Coder::Brotli(None, _) => {}
        }
        self.collect();
        Ok(true)
    }

    /// Ends the body.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.is_owing = false;
        match &mut self.coder {
            Coder::Gzip(coder) => coder.try_finish()?,
            Coder::Zstd(coder) => coder.do_finish()?,
            Coder::Brotli(coder, rest) => {
                if let Some(coder) = coder.take() {
                    *rest = coder.into_inner();
                }
            }
        }
        self.collect();
        self.encoded.extend_from_slice(chunk::LAST);
        Ok(())
    }

    /// Makes one chunk of what has come out.
    fn collect(&mut self) {
        let out = match &mut self.coder {
            Coder::Gzip(coder) => coder.get_mut(),
            Coder::Zstd(coder) => coder.get_mut(),
            Coder::Brotli(Some(coder), _) => coder.get_mut(),
            Coder::Brotli(None, rest) => rest,
        };
        if out.is_empty() {
            return;
        }
        let mut line = [0; chunk::SIZE_LINE_BYTES_MAX];
        let start = chunk::write_size(&mut line, chunk::SIZE_LINE_BYTES_MAX, out.len());
        self.encoded.extend_from_slice(&line[start..]);
        self.encoded.append(out);
        self.encoded.extend_from_slice(chunk::PAYLOAD_END);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::http::framing::{Body, Reader};

    /// What a client makes of the chunks.
    fn decode(coding: Coding, mut wire: Vec<u8>) -> Vec<u8> {
        let taken = Reader::new(Body::Chunked).strip(&mut wire).expect("our own chunks");
        assert!(taken.is_end && taken.bytes == wire.len());
        let coded = &wire[..taken.kept];
        let mut plain = Vec::new();
        match coding {
            Coding::Gzip => flate2::read::GzDecoder::new(coded).read_to_end(&mut plain).unwrap(),
            Coding::Zstd => {
                zstd::stream::read::Decoder::new(coded).unwrap().read_to_end(&mut plain).unwrap()
            }
            Coding::Brotli => {
                brotli::Decompressor::new(coded, 4096).read_to_end(&mut plain).unwrap()
            }
        };
        plain
    }

    fn drain(encoder: &mut Encoder, wire: &mut Vec<u8>) {
        wire.extend_from_slice(encoder.unsent());
        encoder.sent(encoder.unsent().len());
    }

    #[test]
    fn what_went_in_comes_out_in_every_coding() {
        let working = Rc::default();
        for coding in Coding::ALL {
            for pieces in [0, 1, 7, 100] {
                let mut encoder = Encoder::new(coding, &working).expect("there is room");
                let (mut plain, mut wire) = (Vec::new(), Vec::new());
                for index in 0..pieces {
                    let piece = format!("{index} {}", "some text, again and again; ".repeat(index));
                    plain.extend_from_slice(piece.as_bytes());
                    encoder.push(piece.as_bytes()).unwrap();
                    if index % 3 == 0 {
                        assert!(encoder.flush().unwrap());
                        assert!(!encoder.flush().unwrap(), "all of it is out");
                    }
                    drain(&mut encoder, &mut wire);
                }
                encoder.finish().unwrap();
                drain(&mut encoder, &mut wire);
                assert_eq!(decode(coding, wire), plain, "{coding:?} {pieces}");
            }
        }
        assert_eq!(working.get(), 0, "every place was given back");
    }

    #[test]
    fn a_flush_lets_all_out_that_went_in() {
        let working = Rc::default();
        let mut encoder = Encoder::new(Coding::Gzip, &working).unwrap();
        encoder.push(b"an event\n").unwrap();
        encoder.flush().unwrap();
        let mut wire = Vec::new();
        drain(&mut encoder, &mut wire);
        let taken = Reader::new(Body::Chunked).strip(&mut wire).unwrap();
        let mut plain = [0; 9];
        flate2::read::GzDecoder::new(&wire[..taken.kept]).read_exact(&mut plain).unwrap();
        assert_eq!(&plain, b"an event\n");
    }

    #[test]
    fn there_are_not_too_many() {
        let working = Rc::new(Cell::new(limits::COMPRESSIONS_MAX));
        assert!(Encoder::new(Coding::Gzip, &working).is_none());
        working.set(limits::COMPRESSIONS_MAX - 1);
        let last = Encoder::new(Coding::Gzip, &working);
        assert!(last.is_some() && Encoder::new(Coding::Gzip, &working).is_none());
        drop(last);
        assert!(Encoder::new(Coding::Gzip, &working).is_some());
    }
}
