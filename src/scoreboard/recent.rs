//! A worker's ring of recent requests. A slow reader loses old entries, never slows the worker.
//!
//! Each entry is its own sequence lock: a reader that meets a half-written one skips it. An entry
//! fills one line exactly, so texts are kept by their beginnings and the method by its number.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::layout::{EntryWords, HOST_BYTES_MAX, PATH_BYTES_MAX, RECENT_MAX, Recent};
use super::{BackendId, Board, UpstreamId, WorkerSlot};

/// One finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) wall_ms: u64,
    pub(crate) client: IpAddr,
    pub(crate) protocol: Protocol,
    pub(crate) method: Method,
    pub(crate) host: Host,
    pub(crate) path: Path,
    pub(crate) status: u16,
    pub(crate) upstream: Option<UpstreamId>,
    /// The one asked last, with which life of its slot.
    pub(crate) backend: Option<(BackendId, u16)>,
    /// Backends asked.
    pub(crate) tries: u8,
    pub(crate) service_us: u32,
    /// Sent to the client.
    pub(crate) bytes: u64,
}

/// The beginning of a text. Its whole length is known, up to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beginning<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

pub(crate) type Path = Beginning<PATH_BYTES_MAX>;
pub(crate) type Host = Beginning<HOST_BYTES_MAX>;

impl<const N: usize> Beginning<N> {
    pub(crate) const NONE: Self = Self { bytes: [0; N], len: 0 };

    pub(crate) fn new(text: &[u8]) -> Self {
        let kept = text.len().min(N);
        let mut bytes = [0; N];
        bytes[..kept].copy_from_slice(&text[..kept]);
        Self { bytes, len: u8::try_from(text.len()).unwrap_or(u8::MAX) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len).min(N)]
    }

    /// Whether there was more.
    pub(crate) fn is_cut(&self) -> bool {
        usize::from(self.len) > N
    }

    /// Its whole length, as it is kept beside the words.
    pub(super) fn len(&self) -> u8 {
        self.len
    }

    pub(super) fn store(&self, words: &[AtomicU64]) {
        for (word, bytes) in words.iter().zip(self.bytes.as_chunks().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
    }

    pub(super) fn load(words: &[AtomicU64], len: u8) -> Self {
        let mut bytes = [0; N];
        for (word, chunk) in words.iter().zip(bytes.as_chunks_mut().0) {
            *chunk = word.load(Ordering::Relaxed).to_le_bytes();
        }
        Self { bytes, len }
    }
}

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http10 = 0,
    Http11 = 1,
    Http2 = 2,
    /// A TCP route's connection, whatever it is made of.
    Tcp = 3,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Http10, Self::Http11, Self::Http2, Self::Tcp];

    /// As the first line of a request names it, and access logs do.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
            Self::Tcp => "TCP",
        }
    }
}

/// A method by its number: an entry has no room for a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Method(u8);

/// By number; the first stands for all others, and for a head that could not be read.
const METHODS: [&str; 18] = [
    "-",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
];

impl Method {
    /// None at all: a TCP route's connection.
    pub(crate) const TCP: Self = Self(u8::MAX);

    pub(crate) fn of(name: &[u8]) -> Self {
        let known = METHODS.iter().position(|known| known.as_bytes() == name);
        Self(known.unwrap_or(0) as u8)
    }

    /// `-` for those without a number.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TCP => "TCP",
            Self(number) => METHODS.get(usize::from(number)).copied().unwrap_or(METHODS[0]),
        }
    }
}

const NONE: u16 = u16::MAX;
const FAMILY_V4: u8 = 4;
const FAMILY_V6: u8 = 6;
const FAMILY_BITS: u32 = 4;

/// Writes an entry; by the slot's worker alone.
pub(crate) fn push(board: Board, slot: WorkerSlot, entry: &Entry) {
    let ring = ring(board, slot);
    let number = ring.written.0.load(Ordering::Relaxed);
    let words = &ring.entries[number as usize % RECENT_MAX].0;
    words.sequence.store(number * 2 + 1, Ordering::Relaxed);
    // Orders the odd number before the entry's words.
    fence(Ordering::Release);
    store(words, entry);
    words.sequence.store(number * 2 + 2, Ordering::Release);
    ring.written.0.store(number + 1, Ordering::Release);
}

/// Calls `each` with the entries from running number `from` on and their numbers, oldest first, and
/// returns where to go on. What was overwritten meanwhile is skipped.
pub(crate) fn read(
    board: Board,
    slot: WorkerSlot,
    from: u64,
    mut each: impl FnMut(u64, Entry),
) -> u64 {
    let ring = ring(board, slot);
    let written = ring.written.0.load(Ordering::Acquire);
    let oldest = written.saturating_sub(RECENT_MAX as u64);
    for number in from.max(oldest)..written {
        let words = &ring.entries[number as usize % RECENT_MAX].0;
        let sequence = number * 2 + 2;
        if words.sequence.load(Ordering::Acquire) != sequence {
            continue;
        }
        let entry = load(words);
        fence(Ordering::Acquire);
        if words.sequence.load(Ordering::Relaxed) == sequence {
            each(number, entry);
        }
    }
    written
}

/// The running number that the next entry will have.
pub(crate) fn end(board: Board, slot: WorkerSlot) -> u64 {
    ring(board, slot).written.0.load(Ordering::Acquire)
}

fn ring(board: Board, slot: WorkerSlot) -> &'static Recent {
    &board.layout.recent[slot.index()]
}

fn store(words: &EntryWords, entry: &Entry) {
    let (family, client) = match entry.client {
        IpAddr::V4(address) => (FAMILY_V4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (FAMILY_V6, address.to_bits()),
    };
    words.wall_ms.store(entry.wall_ms, Ordering::Relaxed);
    words.client[0].store((client >> 64) as u64, Ordering::Relaxed);
    words.client[1].store(client as u64, Ordering::Relaxed);
    words.kinds.store((entry.protocol as u8) << FAMILY_BITS | family, Ordering::Relaxed);
    let upstream = entry.upstream.map_or(NONE, |id| id.index() as u16);
    let (backend, incarnation) =
        entry.backend.map_or((NONE, 0), |(id, incarnation)| (id.index() as u16, incarnation));
    words.upstream.store(upstream, Ordering::Relaxed);
    words.backend.store(backend, Ordering::Relaxed);
    words.incarnation.store(incarnation, Ordering::Relaxed);
    words.status.store(entry.status, Ordering::Relaxed);
    words.service_us.store(entry.service_us, Ordering::Relaxed);
    words.method.store(entry.method.0, Ordering::Relaxed);
    words.bytes_and_tries.store(entry.bytes << 8 | u64::from(entry.tries), Ordering::Relaxed);
    words.path_len.store(entry.path.len, Ordering::Relaxed);
    words.host_len.store(entry.host.len, Ordering::Relaxed);
    entry.path.store(&words.path);
    entry.host.store(&words.host);
}

fn load(words: &EntryWords) -> Entry {
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let client = u128::from(wide(&words.client[0])) << 64 | u128::from(wide(&words.client[1]));
    let backend = BackendId::new(usize::from(words.backend.load(Ordering::Relaxed)));
    let bytes_and_tries = wide(&words.bytes_and_tries);
    let kinds = words.kinds.load(Ordering::Relaxed);
    let protocol = Protocol::ALL.get(usize::from(kinds >> FAMILY_BITS));
    Entry {
        wall_ms: wide(&words.wall_ms),
        protocol: protocol.copied().unwrap_or(Protocol::Http11),
        client: match kinds & ((1 << FAMILY_BITS) - 1) {
            FAMILY_V6 => IpAddr::V6(Ipv6Addr::from_bits(client)),
            _ => IpAddr::V4(Ipv4Addr::from_bits(client as u32)),
        },
        method: Method(words.method.load(Ordering::Relaxed)),
        host: Host::load(&words.host, words.host_len.load(Ordering::Relaxed)),
        path: Path::load(&words.path, words.path_len.load(Ordering::Relaxed)),
        status: words.status.load(Ordering::Relaxed),
        upstream: UpstreamId::new(usize::from(words.upstream.load(Ordering::Relaxed))),
        backend: backend.map(|id| (id, words.incarnation.load(Ordering::Relaxed))),
        tries: bytes_and_tries as u8,
        service_us: words.service_us.load(Ordering::Relaxed),
        bytes: bytes_and_tries >> 8,
    }
}
