//! Messages between our own processes: the keeper, the master and the workers; what the keeper holds, and
//! in which order it tells of it.
//!
//! Both ends speak the same `PROTOCOL` (an upgrade to a binary of another one is refused), so there
//! is no tolerance: a message that does not decode is a bug of ours. One message is one seqpacket;
//! descriptors travel beside it. A master's will is another matter: it may have fields that its reader
//! does not know or lacks, and whether it can be read is tried out before an upgrade.

mod bytes;
pub(crate) mod estate;
pub(crate) mod feed;
pub(crate) mod keeper;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod worker;

/// Raised with every change of what is said between these processes and when, or left by one to another
/// of a later image (estates, the master's will) that an earlier reader could not make do with.
pub(crate) const PROTOCOL: u32 = 3;

/// Bytes of the longest message.
pub(crate) const MESSAGE_BYTES_MAX: usize = 256;
const _: () = assert!(MESSAGE_BYTES_MAX <= crate::sys::seqpacket::MESSAGE_BYTES_MAX);

/// An encoded message; `as_ref` is what goes on the wire.
pub(crate) struct Encoded {
    bytes: [u8; MESSAGE_BYTES_MAX],
    len: usize,
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Both ends are of one build, so this is a bug of ours or a stranger on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("decode a message: {0}")]
pub(crate) struct DecodeError(&'static str);
