//! Master and keeper.
//!
//! The keeper knows no domain word: it holds descriptors under keys that only the master reads, and
//! tells about processes by pid. At a master's start it sends everything it holds (`Stored` with the
//! descriptors), then `Ready`, then what happened meanwhile.

use super::bytes::{Reader, Writer};
use super::{DecodeError, Encoded};
use crate::sys::pidfd::Exit;

/// Keys held at a time: a socket for each listener and worker, three of each program instance (its
/// pipes, its input, its readiness), and a handful of the engine's own.
pub(crate) const KEYS_MAX: usize = 12 * 1024;
/// Bytes of the longest key.
pub(crate) const KEY_BYTES_MAX: usize = 200;
/// Descriptors stored under one key.
pub(crate) const KEY_DESCRIPTORS_MAX: usize = 4;
/// Begins the keys of sockets that a service manager has handed to the keeper.
pub(crate) const HANDED: &str = "handed ";
/// What the ends of the log's socket are held under: first the one that is read, then the one that the
/// engine's processes write to, the keeper too.
pub(crate) const LOG: &str = "log";
const _: () = assert!(KEY_BYTES_MAX + 16 <= super::MESSAGE_BYTES_MAX);
const _: () = assert!(KEY_DESCRIPTORS_MAX <= crate::sys::seqpacket::DESCRIPTORS_MAX);

/// What descriptors are stored under: bounded text that needs no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    len: u8,
}

impl Key {
    /// `None`: too long, or empty.
    pub(crate) fn new(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes()).ok()
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn from_bytes(text: &[u8]) -> Result<Self, DecodeError> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return Err(DecodeError("a key's length"));
        }
        std::str::from_utf8(text).map_err(|_| DecodeError("a key's text"))?;
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Ok(Self { bytes, len: text.len() as u8 })
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// From the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToKeeper {
    /// Hold the descriptors that come with this; those held under the key before are closed.
    Store {
        key: Key,
    },
    Drop {
        key: Key,
    },
    /// How long a stop may take from its beginning to the master's exit.
    Patience {
        stop_ms: u64,
    },
    /// The engine has begun to stop: a master that dies from here on is replaced by one that goes
    /// on stopping.
    Stopping,
    /// The master is about to exit with this status on purpose: exit with it too.
    Stop {
        status: u8,
    },
    /// The master stands still for the sake of another image, whose file comes with this: become it.
    /// It waits for that image's first master to be up, to take over again should none ever be.
    Upgrade,
}

/// From the keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FromKeeper {
    /// The descriptors that come with this are held under the key.
    Stored { key: Key },
    /// Everything held has been sent; `starts` counts the masters of this keeper, from 1.
    Ready { starts: u32 },
    /// A process that was re-parented to the keeper has ended.
    Exited { pid: u32, exit: Exit },
    /// A signal that was sent to the keeper.
    Signal { number: i32 },
}

impl ToKeeper {
    pub(crate) fn encode(&self) -> Encoded {
        match self {
            Self::Store { key } => Writer::new(1).text(key.as_bytes()),
            Self::Drop { key } => Writer::new(2).text(key.as_bytes()),
            Self::Stop { status } => Writer::new(3).u16(u16::from(*status)).end(),
            Self::Patience { stop_ms } => Writer::new(4).u64(*stop_ms).end(),
            Self::Stopping => Writer::new(5).end(),
            Self::Upgrade => Writer::new(6).end(),
        }
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let (tag, mut fields) = Reader::new(message)?;
        match tag {
            1 => Ok(Self::Store { key: Key::from_bytes(fields.text())? }),
            2 => Ok(Self::Drop { key: Key::from_bytes(fields.text())? }),
            3 => {
                let status = u8::try_from(fields.u16()?).map_err(|_| DecodeError("a status"))?;
                fields.end(Self::Stop { status })
            }
            4 => {
                let stop_ms = fields.u64()?;
                fields.end(Self::Patience { stop_ms })
            }
            5 => fields.end(Self::Stopping),
            6 => fields.end(Self::Upgrade),
            _ => Err(DecodeError("unknown tag")),
        }
    }
}

impl FromKeeper {
    pub(crate) fn encode(&self) -> Encoded {
        match self {
            Self::Stored { key } => Writer::new(1).text(key.as_bytes()),
            Self::Ready { starts } => Writer::new(2).u32(*starts).end(),
            Self::Exited { pid, exit: Exit::Code(code) } => {
                Writer::new(3).u32(*pid).i32(*code).end()
            }
            Self::Exited { pid, exit: Exit::Signal(number) } => {
                Writer::new(4).u32(*pid).i32(*number).end()
            }
            Self::Signal { number } => Writer::new(5).i32(*number).end(),
        }
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let (tag, mut fields) = Reader::new(message)?;
        let decoded = match tag {
            1 => return Ok(Self::Stored { key: Key::from_bytes(fields.text())? }),
            2 => Self::Ready { starts: fields.u32()? },
            3 => Self::Exited { pid: fields.u32()?, exit: Exit::Code(fields.i32()?) },
            4 => Self::Exited { pid: fields.u32()?, exit: Exit::Signal(fields.i32()?) },
            5 => Self::Signal { number: fields.i32()? },
            _ => return Err(DecodeError("unknown tag")),
        };
        fields.end(decoded)
    }
}
