//! The chunked transfer coding, followed byte by byte so that a body can be cut anywhere.
//!
//! Strict, because a lenient chunk parser beside a strict one is how requests are smuggled: line
//! ends are CR LF only, sizes are plain hexadecimal, control bytes are refused. The raw bytes are
//! meant to be forwarded as they are once they passed here; nothing is decoded in place.

use super::{CHUNK_LINE_BYTES_MAX, Error, TRAILER_BYTES_MAX};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    SizeStart,
    Size,
    /// After the size: blanks and extensions up to the end of the line.
    Blank,
    Extension,
    SizeLineFeed,
    Payload,
    PayloadReturn,
    PayloadLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    End,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    /// Of the size being read, then of the payload still to come.
    left: u64,
    /// Of the size line, or of all trailers.
    line_bytes: u32,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Framing(usize),
    Payload(usize),
}

impl Decoder {
    pub(crate) fn is_end(&self) -> bool {
        self.state == State::End
    }

    /// Takes one run of framing or of payload off the front of `bytes`. Never takes nothing unless
    /// `bytes` is empty or the body has ended.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        if self.state == State::Payload {
            let taken = self.left.min(bytes.len() as u64);
            self.left -= taken;
            if self.left == 0 {
                self.state = State::PayloadReturn;
            }
            return Ok(Step::Payload(taken as usize));
        }
        let mut taken = 0;
        for &byte in bytes {
            if matches!(self.state, State::Payload | State::End) {
                break;
            }
            self.state = self.framing(byte)?;
            taken += 1;
        }
        Ok(Step::Framing(taken))
    }

    fn framing(&mut self, byte: u8) -> Result<State, Error> {
        self.count()?;
        match (self.state, byte) {
            (State::SizeStart, _) => {
                self.left = digit(byte).ok_or(Error::Chunk)?;
                Ok(State::Size)
            }
            (State::Size | State::Blank | State::Extension, b'\r') => Ok(State::SizeLineFeed),
            (State::Size | State::Blank, b' ' | b'\t') => Ok(State::Blank),
            (State::Size | State::Blank, b';') => Ok(State::Extension),
            (State::Size, _) => {
                let digit = digit(byte).ok_or(Error::Chunk)?;
                self.left = self
                    .left
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit))
                    .ok_or(Error::Chunk)?;
                Ok(State::Size)
            }
            (State::Extension, byte) if is_text(byte) => Ok(State::Extension),
            (State::SizeLineFeed, b'\n') => {
                self.line_bytes = 0;
                Ok(if self.left == 0 { State::TrailerStart } else { State::Payload })
            }
            (State::PayloadReturn, b'\r') => Ok(State::PayloadLineFeed),
            (State::PayloadLineFeed, b'\n') => {
                self.line_bytes = 0;
                Ok(State::SizeStart)
            }
            (State::TrailerStart, b'\r') => Ok(State::LastLineFeed),
            (State::TrailerStart | State::TrailerName, byte) if is_token(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerValue, b'\r') => Ok(State::TrailerLineFeed),
            (State::TrailerValue, byte) if is_text(byte) => Ok(State::TrailerValue),
            (State::TrailerLineFeed, b'\n') => Ok(State::TrailerStart),
            (State::LastLineFeed, b'\n') => Ok(State::End),
            _ => Err(Error::Chunk),
        }
    }

    fn count(&mut self) -> Result<(), Error> {
        self.line_bytes += 1;
        let bytes_max = match self.state {
            State::TrailerStart
            | State::TrailerName
            | State::TrailerValue
            | State::TrailerLineFeed
            | State::LastLineFeed => TRAILER_BYTES_MAX,
            State::SizeStart
            | State::Size
            | State::Blank
            | State::Extension
            | State::SizeLineFeed
            | State::Payload
            | State::PayloadReturn
            | State::PayloadLineFeed
            | State::End => CHUNK_LINE_BYTES_MAX,
        };
        if self.line_bytes > bytes_max { Err(Error::Chunk) } else { Ok(()) }
    }
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Bytes that `write_size` writes at most, for a buffer's worth of payload.
pub(crate) const SIZE_LINE_BYTES_MAX: usize = 18;

/// What follows the payload of every chunk.
pub(crate) const PAYLOAD_END: &[u8] = b"\r\n";

/// The end of a chunked body without trailers.
pub(crate) const LAST: &[u8] = b"0\r\n\r\n";

/// Writes a chunk's size line so that it ends at `at`, and returns where it starts.
pub(crate) fn write_size(buffer: &mut [u8], at: usize, size: usize) -> usize {
    let mut start = at - 2;
    buffer[start..at].copy_from_slice(b"\r\n");
    let mut left = size;
    loop {
        start -= 1;
        buffer[start] = b"0123456789abcdef"[left % 16];
        left /= 16;
        if left == 0 {
            return start;
        }
    }
}
