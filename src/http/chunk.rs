//! The chunked transfer coding, followed byte by byte so that a body can be cut anywhere.
//!
//! Strict, because a lenient chunk parser beside a strict one is how requests are smuggled: line
//! ends are CR LF only, sizes are plain hexadecimal, extensions follow their grammar to the closing
//! quote. What passes here has one reading, so its bytes are forwarded as they are. The lines behind
//! the last chunk are not followed here: `trailers` judges them as a whole.

use super::grammar::{is_text, is_token};
use super::{CHUNK_EXCESS_BYTES_MAX, CHUNK_LINE_BYTES_MAX, Error, LENGTH_MAX};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    SizeStart,
    Size,
    /// Blanks before an extension or the end of the line.
    Blank,
    Extension(Extension),
    SizeLineFeed,
    Payload,
    PayloadReturn,
    PayloadLineFeed,
    Trailers,
    End,
}

/// `;name`, `;name=token` or `;name="quoted"`, with blanks around each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    NameStart,
    Name,
    NameEnd,
    ValueStart,
    Value,
    Quoted,
    /// After the backslash inside quotes.
    Escaped,
    QuotedEnd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    /// Of the size being read, then of the payload still to come.
    left: u64,
    digits: u8,
    line_bytes: u32,
    excess_bytes: u64,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Framing(usize),
    Payload(usize),
    /// From here on trailers, which are not taken; `Decoder::end` says that they are.
    Trailers,
}

/// Hexadecimal digits of a size that fits 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// A size line of this length costs nothing, nor does twice its payload.
const FREE_LINE_BYTES: u64 = 16;

impl Decoder {
    pub(crate) fn is_end(&self) -> bool {
        self.state == State::End
    }

    /// The trailers, whose beginning `step` announced, were taken.
    pub(crate) fn end(&mut self) {
        debug_assert_eq!(self.state, State::Trailers, "nothing else ends a body");
        self.state = State::End;
    }

    /// Takes one run of framing or of payload off the front of `bytes`. Never takes nothing unless
    /// `bytes` is empty, the trailers begin or the body has ended.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        match self.state {
            State::Payload => {
                let taken = self.left.min(bytes.len() as u64);
                self.left -= taken;
                if self.left == 0 {
                    self.state = State::PayloadReturn;
                }
                return Ok(Step::Payload(taken as usize));
            }
            State::Trailers => return Ok(Step::Trailers),
            State::SizeStart
            | State::Size
            | State::Blank
            | State::Extension(_)
            | State::SizeLineFeed
            | State::PayloadReturn
            | State::PayloadLineFeed
            | State::End => {}
        }
        let mut taken = 0;
        for &byte in bytes {
            if matches!(self.state, State::Payload | State::Trailers | State::End) {
                break;
            }
            self.state = self.framing(byte)?;
            taken += 1;
        }
        Ok(Step::Framing(taken))
    }

    fn framing(&mut self, byte: u8) -> Result<State, Error> {
        self.line_bytes += 1;
        if self.line_bytes > CHUNK_LINE_BYTES_MAX {
            return Err(Error::Chunk);
        }
        match (self.state, byte) {
            (State::SizeStart, _) => {
                self.left = digit(byte).ok_or(Error::Chunk)?;
                self.digits = 1;
                Ok(State::Size)
            }
            (State::Size | State::Blank, b'\r') => Ok(State::SizeLineFeed),
            (State::Size | State::Blank, b' ' | b'\t') => Ok(State::Blank),
            (State::Size | State::Blank, b';') => Ok(State::Extension(Extension::NameStart)),
            (State::Size, _) => {
                self.add_digit(byte)?;
                Ok(State::Size)
            }
            (State::Extension(at), byte) => extension(at, byte).ok_or(Error::Chunk),
            (State::SizeLineFeed, b'\n') => self.end_size_line(),
            (State::PayloadReturn, b'\r') => Ok(State::PayloadLineFeed),
            (State::PayloadLineFeed, b'\n') => {
                self.line_bytes = 0;
                Ok(State::SizeStart)
            }
            _ => Err(Error::Chunk),
        }
    }

    /// More digits than a number can have are refused even when they are zeros: readers that cut
    /// them off and readers that overflow would see other sizes.
    fn add_digit(&mut self, byte: u8) -> Result<(), Error> {
        let digit = digit(byte).ok_or(Error::Chunk)?;
        self.digits += 1;
        if self.digits > SIZE_DIGITS_MAX || self.left > LENGTH_MAX >> 4 {
            return Err(Error::Chunk);
        }
        self.left = self.left << 4 | digit;
        Ok(())
    }

    fn end_size_line(&mut self) -> Result<State, Error> {
        let free = FREE_LINE_BYTES.saturating_add(self.left.saturating_mul(2));
        self.excess_bytes = (self.excess_bytes + u64::from(self.line_bytes)).saturating_sub(free);
        if self.excess_bytes > CHUNK_EXCESS_BYTES_MAX {
            return Err(Error::Chunk);
        }
        self.line_bytes = 0;
        Ok(if self.left == 0 { State::Trailers } else { State::Payload })
    }
}

fn extension(at: Extension, byte: u8) -> Option<State> {
    let next = match (at, byte) {
        (Extension::NameStart | Extension::Name, byte) if is_token(byte) => Extension::Name,
        (Extension::ValueStart | Extension::Value, byte) if is_token(byte) => Extension::Value,
        (Extension::Name | Extension::NameEnd, b'=') => Extension::ValueStart,
        (Extension::Name | Extension::NameEnd, b' ' | b'\t') => Extension::NameEnd,
        (Extension::NameStart | Extension::ValueStart, b' ' | b'\t') => at,
        (Extension::ValueStart, b'"') => Extension::Quoted,
        (Extension::Quoted, b'"') => Extension::QuotedEnd,
        (Extension::Quoted, b'\\') => Extension::Escaped,
        (Extension::Quoted | Extension::Escaped, byte) if is_text(byte) => Extension::Quoted,
        (Extension::Name | Extension::NameEnd | Extension::Value | Extension::QuotedEnd, b';') => {
            Extension::NameStart
        }
        (Extension::Name | Extension::NameEnd | Extension::Value | Extension::QuotedEnd, b'\r') => {
            return Some(State::SizeLineFeed);
        }
        (Extension::Value | Extension::QuotedEnd, b' ' | b'\t') => return Some(State::Blank),
        _ => return None,
    };
    Some(State::Extension(next))
}

fn digit(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
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
