//! Master and worker: the few things a worker is ever told, and the two it answers.
//!
//! A fresh worker gets `Start`, then its `Listen`s, its `Files` and a `Generation`, and serves from then on. The
//! worker's end of the pair is its descriptor 3 (`LINK`). The end of the line means that no master
//! and no keeper are left: the worker goes on serving what it has.

use super::bytes::{Reader, Writer};
use super::{DecodeError, Encoded};

/// The number of the descriptor that a worker and a master find their line on.
pub(crate) const LINK: i32 = 3;

/// Of one `Files`.
pub(crate) const FILES_A_MESSAGE: usize = u64::BITS as usize;
const _: () = assert!(FILES_A_MESSAGE <= crate::sys::seqpacket::DESCRIPTORS_MAX);

/// From the master; what comes as a descriptor beside the message is named at each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToWorker {
    /// First of all. Descriptor: the scoreboard's memfd.
    Start { slot: u16 },
    /// Serve this configuration from the next request on. Descriptor: sealed memfd with
    /// `config::encode`'s bytes.
    Generation { number: u32 },
    /// Accept on the descriptor: a listening, non-blocking socket. The address is the
    /// configuration's, which may differ from the socket's own (embedded default, next free port):
    /// requests are matched by this one. It is a text that ours alone read.
    Listen { address: String },
    /// Stop accepting there and close the socket; its connections go on.
    Unlisten { address: String },
    /// Stop accepting, finish what is under way, answer with `Connection: close`, then `Drained`
    /// and exit 0. At the deadline (`sys::clock::monotonic_us`) whatever is left is cut.
    Drain { deadline_us: u64 },
    /// Files that were opened: a bit of `opened` for each descriptor, whose place among those that the
    /// configuration needs (`config::reach::handed`) is `first` and the bit's. They are taken by the
    /// `Generation`, `Reopen` or `TakeFiles` that follows.
    Files { first: u16, opened: u64 },
    /// Write to the log files that were handed over from here on, and open the others again; say so.
    Reopen { number: u32 },
    /// What was handed over is used from here on; other files stay as they are.
    TakeFiles,
    /// How workers tell each other that there is room at a backend. Descriptor: the bell.
    Bell,
    /// Where what the worker logs goes beside its standard error. Descriptor: that socket.
    Log,
}

/// From a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FromWorker {
    /// New requests are served by this generation.
    Running { generation: u32 },
    /// No line is written any more to a file that was open at that order. `failing` is why nothing can
    /// be written at all, the kernel's number, or 0.
    Reopened { number: u32, failing: u32 },
    /// Nothing is under way any more; the process exits.
    Drained,
}

impl ToWorker {
    pub(crate) fn encode(&self) -> Encoded {
        match self {
            Self::Start { slot } => Writer::new(1).u16(*slot).end(),
            Self::Generation { number } => Writer::new(2).u32(*number).end(),
            Self::Listen { address } => Writer::new(3).text(address.as_bytes()),
            Self::Unlisten { address } => Writer::new(4).text(address.as_bytes()),
            Self::Drain { deadline_us } => Writer::new(5).u64(*deadline_us).end(),
            Self::Reopen { number } => Writer::new(6).u32(*number).end(),
            Self::Bell => Writer::new(7).end(),
            Self::Files { first, opened } => Writer::new(8).u16(*first).u64(*opened).end(),
            Self::TakeFiles => Writer::new(9).end(),
            Self::Log => Writer::new(10).end(),
        }
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let (tag, mut fields) = Reader::new(message)?;
        let decoded = match tag {
            1 => Self::Start { slot: fields.u16()? },
            2 => Self::Generation { number: fields.u32()? },
            3 => return Ok(Self::Listen { address: address(fields.text())? }),
            4 => return Ok(Self::Unlisten { address: address(fields.text())? }),
            5 => Self::Drain { deadline_us: fields.u64()? },
            6 => Self::Reopen { number: fields.u32()? },
            7 => Self::Bell,
            8 => Self::Files { first: fields.u16()?, opened: fields.u64()? },
            9 => Self::TakeFiles,
            10 => Self::Log,
            _ => return Err(DecodeError("unknown tag")),
        };
        fields.end(decoded)
    }
}

impl FromWorker {
    pub(crate) fn encode(self) -> Encoded {
        match self {
            Self::Running { generation } => Writer::new(1).u32(generation).end(),
            Self::Drained => Writer::new(2).end(),
            Self::Reopened { number, failing } => Writer::new(3).u32(number).u32(failing).end(),
        }
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self, DecodeError> {
        let (tag, mut fields) = Reader::new(message)?;
        let decoded = match tag {
            1 => Self::Running { generation: fields.u32()? },
            2 => Self::Drained,
            3 => Self::Reopened { number: fields.u32()?, failing: fields.u32()? },
            _ => return Err(DecodeError("unknown tag")),
        };
        fields.end(decoded)
    }
}

fn address(text: &[u8]) -> Result<String, DecodeError> {
    let text = std::str::from_utf8(text).map_err(|_| DecodeError("an address"))?;
    Ok(text.to_owned())
}
