//! A worker's ring of recent requests. A slow reader loses old entries, never slows the worker.
//!
//! Each entry is its own sequence lock: a reader that meets a half-written one skips it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::layout::{EntryWords, PATH_BYTES_MAX, RECENT_MAX, Recent};
use super::{BackendId, Board, UpstreamId, WorkerSlot};

/// One finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) wall_ms: u64,
    pub(crate) client: IpAddr,
    pub(crate) upstream: Option<UpstreamId>,
    pub(crate) backend: Option<BackendId>,
    pub(crate) status: u16,
    pub(crate) service_us: u32,
    pub(crate) bytes: u64,
    pub(crate) path: Path,
}

/// The beginning of a request's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    bytes: [u8; PATH_BYTES_MAX],
    len: u16,
}

impl Path {
    pub(crate) fn new(path: &[u8]) -> Self {
        let len = path.len().min(PATH_BYTES_MAX);
        let mut bytes = [0; PATH_BYTES_MAX];
        bytes[..len].copy_from_slice(&path[..len]);
        Self { bytes, len: len as u16 }
    }
}

const NONE: u16 = u16::MAX;
const FAMILY_V6: u32 = 6;

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

/// Calls `each` for the entries from running number `from` on, oldest first, and returns where to
/// go on. What was overwritten meanwhile is skipped.
pub(crate) fn read(board: Board, slot: WorkerSlot, from: u64, mut each: impl FnMut(Entry)) -> u64 {
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
            each(entry);
        }
    }
    written
}

fn ring(board: Board, slot: WorkerSlot) -> &'static Recent {
    &board.layout.recent[slot.index()]
}

fn store(words: &EntryWords, entry: &Entry) {
    let (family, client) = match entry.client {
        IpAddr::V4(address) => (4, u128::from(address.to_bits())),
        IpAddr::V6(address) => (FAMILY_V6, address.to_bits()),
    };
    words.wall_ms.store(entry.wall_ms, Ordering::Relaxed);
    words.client[0].store((client >> 64) as u64, Ordering::Relaxed);
    words.client[1].store(client as u64, Ordering::Relaxed);
    words.family.store(family, Ordering::Relaxed);
    let upstream = entry.upstream.map_or(NONE, |id| id.index() as u16);
    let backend = entry.backend.map_or(NONE, |id| id.index() as u16);
    words.upstream.store(upstream, Ordering::Relaxed);
    words.backend.store(backend, Ordering::Relaxed);
    words.status.store(entry.status, Ordering::Relaxed);
    words.service_us.store(entry.service_us, Ordering::Relaxed);
    words.bytes.store(entry.bytes, Ordering::Relaxed);
    words.path_len.store(entry.path.len, Ordering::Relaxed);
    for (word, bytes) in words.path.iter().zip(entry.path.bytes.as_chunks().0) {
        word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
    }
}

fn load(words: &EntryWords) -> Entry {
    let wide = |word: &AtomicU64| word.load(Ordering::Relaxed);
    let client = u128::from(wide(&words.client[0])) << 64 | u128::from(wide(&words.client[1]));
    let mut bytes = [0; PATH_BYTES_MAX];
    for (word, chunk) in words.path.iter().zip(bytes.as_chunks_mut().0) {
        *chunk = wide(word).to_le_bytes();
    }
    Entry {
        wall_ms: wide(&words.wall_ms),
        client: match words.family.load(Ordering::Relaxed) {
            FAMILY_V6 => IpAddr::V6(Ipv6Addr::from_bits(client)),
            _ => IpAddr::V4(Ipv4Addr::from_bits(client as u32)),
        },
        upstream: UpstreamId::new(usize::from(words.upstream.load(Ordering::Relaxed))),
        backend: BackendId::new(usize::from(words.backend.load(Ordering::Relaxed))),
        status: words.status.load(Ordering::Relaxed),
        service_us: words.service_us.load(Ordering::Relaxed),
        bytes: wide(&words.bytes),
        path: Path { bytes, len: words.path_len.load(Ordering::Relaxed) },
    }
}
