//! Where a message's body ends. Every combination of length headers has exactly one answer here: a
//! framing, or a refusal.

use super::chunk::{Decoder, Step};
use super::head::{Header, Kind};
use super::trailers::{self, Section};
use super::{Error, LENGTH_MAX};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Body {
    #[default]
    None,
    Length(u64),
    Chunked,
    /// Responses only: the body ends with the connection.
    UntilClose,
}

/// What the length headers of one head say; `None` when there are none.
pub(crate) fn declared(bytes: &[u8], headers: &[Header]) -> Result<Option<Body>, Error> {
    let mut declared = None;
    for header in headers {
        let (body, repeated) = if header.kind == Kind::ContentLength {
            (Body::Length(length(header.value.in_bytes(bytes))?), Error::ContentLength)
        } else if header.kind == Kind::TransferEncoding {
            if !header.value.in_bytes(bytes).eq_ignore_ascii_case(b"chunked") {
                return Err(Error::TransferEncoding);
            }
            (Body::Chunked, Error::TransferEncoding)
        } else {
            continue;
        };
        match (declared, body) {
            (None, _) => declared = Some(body),
            (Some(Body::Length(_)), Body::Length(_)) | (Some(Body::Chunked), Body::Chunked) => {
                return Err(repeated);
            }
            (Some(_), _) => return Err(Error::TwoLengths),
        }
    }
    Ok(declared)
}

/// Digits only: no sign, no list, no spaces inside, no overflow of anybody's.
pub(super) fn length(value: &[u8]) -> Result<u64, Error> {
    if value.is_empty() {
        return Err(Error::ContentLength);
    }
    value.iter().try_fold(0_u64, |length, &byte| match byte {
        b'0'..=b'9' => length
            .checked_mul(10)
            .and_then(|length| length.checked_add(u64::from(byte - b'0')))
            .filter(|length| *length <= LENGTH_MAX)
            .ok_or(Error::ContentLength),
        _ => Err(Error::ContentLength),
    })
}

/// Follows a body through the bytes of a connection.
#[derive(Debug)]
pub(crate) enum Reader {
    Length { left: u64 },
    Chunked(Decoder),
    UntilClose,
}

/// How much of the bytes shown belongs to the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Framing included. Less than was shown before the end of a body means that a trailer section
    /// is not whole: its beginning is to be shown again, with more.
    pub(crate) bytes: usize,
    /// What is to be sent of them; it was moved together at their front.
    pub(crate) kept: usize,
    /// Of them, payload.
    pub(crate) payload: usize,
    pub(crate) is_end: bool,
}

/// What of a chunked body is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// All but the trailers that may not stand there.
    Framed,
    Payload,
}

impl Reader {
    pub(crate) fn new(body: Body) -> Self {
        match body {
            Body::None => Self::Length { left: 0 },
            Body::Length(left) => Self::Length { left },
            Body::Chunked => Self::Chunked(Decoder::default()),
            Body::UntilClose => Self::UntilClose,
        }
    }

    /// Takes as much of `bytes` as belongs to the body, in the coding it has.
    pub(crate) fn advance(&mut self, bytes: &mut [u8]) -> Result<Taken, Error> {
        self.take(bytes, Keep::Framed)
    }

    /// As `advance`, and keeps the payload only.
    pub(crate) fn strip(&mut self, bytes: &mut [u8]) -> Result<Taken, Error> {
        self.take(bytes, Keep::Payload)
    }

    fn take(&mut self, bytes: &mut [u8], keep: Keep) -> Result<Taken, Error> {
        let (taken, is_end) = match self {
            Self::Length { left } => {
                let taken = (*left).min(bytes.len() as u64) as usize;
                *left -= taken as u64;
                (taken, *left == 0)
            }
            Self::Chunked(decoder) => return take_chunked(decoder, bytes, keep),
            Self::UntilClose => (bytes.len(), false),
        };
        Ok(Taken { bytes: taken, kept: taken, payload: taken, is_end })
    }

    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Length { left } => *left == 0,
            Self::Chunked(decoder) => decoder.is_end(),
            Self::UntilClose => false,
        }
    }
}

fn take_chunked(decoder: &mut Decoder, bytes: &mut [u8], keep: Keep) -> Result<Taken, Error> {
    let mut taken = Taken { is_end: decoder.is_end(), ..Taken::default() };
    while !taken.is_end && taken.bytes < bytes.len() {
        let rest = &mut bytes[taken.bytes..];
        let (length, kept) = match decoder.step(rest)? {
            Step::Framing(length) => (length, if keep == Keep::Framed { length } else { 0 }),
            Step::Payload(length) => {
                taken.payload += length;
                (length, length)
            }
            Step::Trailers => match trailers::section(rest)? {
                Section::Partial => break,
                Section::Complete { length } => {
                    decoder.end();
                    let section = &mut rest[..length];
                    (length, if keep == Keep::Framed { trailers::filter(section) } else { 0 })
                }
            },
        };
        if taken.kept < taken.bytes {
            bytes.copy_within(taken.bytes..taken.bytes + kept, taken.kept);
        }
        taken.bytes += length;
        taken.kept += kept;
        taken.is_end = decoder.is_end();
    }
    Ok(taken)
}
