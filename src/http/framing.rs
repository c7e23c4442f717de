//! Where a message's body ends. Every combination of length headers has exactly one answer here: a
//! framing, or a refusal.

use super::chunk::Decoder;
use super::head::{Header, Kind};
use super::{Error, chunk};

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
        let (body, repeated) = match header.kind {
            Kind::ContentLength => {
                (Body::Length(length(header.value.in_bytes(bytes))?), Error::ContentLength)
            }
            Kind::TransferEncoding => {
                if !header.value.in_bytes(bytes).eq_ignore_ascii_case(b"chunked") {
                    return Err(Error::TransferEncoding);
                }
                (Body::Chunked, Error::TransferEncoding)
            }
            Kind::Other
            | Kind::HopByHop
            | Kind::Connection
            | Kind::Upgrade
            | Kind::Host
            | Kind::Expect
            | Kind::ForwardedFor
            | Kind::ForwardedProto
            | Kind::Date => continue,
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

/// Digits only: no sign, no list, no spaces inside, no overflow.
fn length(value: &[u8]) -> Result<u64, Error> {
    if value.is_empty() {
        return Err(Error::ContentLength);
    }
    value.iter().try_fold(0_u64, |length, &byte| match byte {
        b'0'..=b'9' => length
            .checked_mul(10)
            .and_then(|length| length.checked_add(u64::from(byte - b'0')))
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

/// How much of the bytes shown belongs to the body, framing included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) bytes: usize,
    /// Of those, payload.
    pub(crate) payload: usize,
    pub(crate) is_end: bool,
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

    /// Advances over as much of `bytes` as belongs to the body.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Taken, Error> {
        match self {
            Self::Length { left } => {
                let taken = (*left).min(bytes.len() as u64) as usize;
                *left -= taken as u64;
                Ok(Taken { bytes: taken, payload: taken, is_end: *left == 0 })
            }
            Self::Chunked(decoder) => advance_chunked(decoder, bytes),
            Self::UntilClose => {
                Ok(Taken { bytes: bytes.len(), payload: bytes.len(), is_end: false })
            }
        }
    }

    /// As `advance`, and moves the payload of what was taken together at the front of `bytes`.
    pub(crate) fn strip(&mut self, bytes: &mut [u8]) -> Result<Taken, Error> {
        let Self::Chunked(decoder) = self else { return self.advance(bytes) };
        let mut taken = Taken { bytes: 0, payload: 0, is_end: decoder.is_end() };
        while !taken.is_end && taken.bytes < bytes.len() {
            match decoder.step(&bytes[taken.bytes..])? {
                chunk::Step::Framing(length) => taken.bytes += length,
                chunk::Step::Payload(length) => {
                    bytes.copy_within(taken.bytes..taken.bytes + length, taken.payload);
                    taken.bytes += length;
                    taken.payload += length;
                }
            }
            taken.is_end = decoder.is_end();
        }
        Ok(taken)
    }

    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Length { left } => *left == 0,
            Self::Chunked(decoder) => decoder.is_end(),
            Self::UntilClose => false,
        }
    }
}

fn advance_chunked(decoder: &mut Decoder, bytes: &[u8]) -> Result<Taken, Error> {
    let mut taken = Taken { bytes: 0, payload: 0, is_end: decoder.is_end() };
    while !taken.is_end && taken.bytes < bytes.len() {
        match decoder.step(&bytes[taken.bytes..])? {
            chunk::Step::Framing(length) => taken.bytes += length,
            chunk::Step::Payload(length) => {
                taken.bytes += length;
                taken.payload += length;
            }
        }
        taken.is_end = decoder.is_end();
    }
    Ok(taken)
}
