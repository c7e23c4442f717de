//! Writing and reading the fields of a message, without allocating: the keeper may not.

use super::{DecodeError, Encoded, MESSAGE_BYTES_MAX};

pub(super) struct Writer(Encoded);

impl Writer {
    pub(super) fn new(tag: u8) -> Self {
        Self(Encoded { bytes: [0; MESSAGE_BYTES_MAX], len: 0 }).put(&[tag])
    }

    pub(super) fn u16(self, value: u16) -> Self {
        self.put(&value.to_le_bytes())
    }

    pub(super) fn u32(self, value: u32) -> Self {
        self.put(&value.to_le_bytes())
    }

    pub(super) fn i32(self, value: i32) -> Self {
        self.put(&value.to_le_bytes())
    }

    pub(super) fn u64(self, value: u64) -> Self {
        self.put(&value.to_le_bytes())
    }

    /// The rest of the message. Callers pass text whose type bounds it below the message's size.
    pub(super) fn text(self, text: &[u8]) -> Encoded {
        self.put(text).0
    }

    pub(super) fn end(self) -> Encoded {
        self.0
    }

    fn put(mut self, bytes: &[u8]) -> Self {
        let end = self.0.len + bytes.len();
        self.0.bytes[self.0.len..end].copy_from_slice(bytes);
        self.0.len = end;
        self
    }
}

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Result<(u8, Self), DecodeError> {
        let (tag, rest) = message.split_first().ok_or(DecodeError("no bytes"))?;
        Ok((*tag, Self(rest)))
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.take().map(i32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(super) fn text(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn end<T>(self, value: T) -> Result<T, DecodeError> {
        if self.0.is_empty() { Ok(value) } else { Err(DecodeError("bytes left over")) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError("too short"))?;
        self.0 = rest;
        Ok(*taken)
    }
}
