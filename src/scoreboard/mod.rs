//! Shared memory between master and workers: what the master decides for workers (membership,
//! weights, standing, strategy), what they balance by together, and what they count.
//!
//! A safe face over `layout`: every read can be of a half-written or foreign value, so every read
//! is checked or harmless. Knows neither who reads it nor how a backend is chosen. Orderings: counts
//! are relaxed (one writer, readers only sum); descriptions are under their upstream's epoch, a
//! sequence lock; balancing words are under the upstream's owner-tagged turn; a backend's gate and
//! the in-flight counts are ordered against each other by sequentially consistent fences.

pub(crate) mod access_log;
pub(crate) mod account;
pub(crate) mod backend;
pub(crate) mod crew;
pub(crate) mod firewall;
pub(crate) mod gate;
pub(crate) mod histogram;
pub(crate) mod holding;
pub(crate) mod layout;
pub(crate) mod limit;
pub(crate) mod mirror;
pub(crate) mod multiplex;
pub(crate) mod queue;
pub(crate) mod recent;
pub(crate) mod refusal;
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod tickets;
pub(crate) mod turn;
pub(crate) mod upstream;

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering, fence};

use layout::{BACKENDS_MAX, Layout, UPSTREAMS_MAX, WORKERS_MAX};

/// Slot of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UpstreamId(u16);

/// Slot of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BackendId(u16);

/// Slot of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WorkerSlot(u16);

macro_rules! slot {
    ($name:ident, $max:expr) => {
        impl $name {
            /// `None` beyond the layout.
            pub(crate) fn new(index: usize) -> Option<Self> {
                (index < $max).then_some(Self(index as u16))
            }

            pub(crate) fn all() -> impl Iterator<Item = Self> {
                (0..$max as u16).map(Self)
            }

            pub(crate) fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    };
}
slot!(UpstreamId, UPSTREAMS_MAX);
slot!(BackendId, BACKENDS_MAX);
slot!(WorkerSlot, WORKERS_MAX);

/// The mapped board. Mapped for the process's life, so a copy is a pointer.
#[derive(Clone, Copy)]
pub(crate) struct Board {
    layout: &'static Layout,
}

impl Board {
    /// A new, empty board and the descriptor that others open it by.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let (layout, fd) = layout::create()?;
        Ok((Self { layout }, fd))
    }

    pub(crate) fn open(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self { layout: layout::open(fd)? })
    }

    /// Slots that a worker ever had, in slot order.
    pub(crate) fn workers(self) -> impl Iterator<Item = crew::Worker> {
        let used = self.layout.header.0.workers_used.load(Ordering::Acquire) as usize;
        WorkerSlot::all().take(used).map(move |slot| self.worker(slot))
    }

    pub(crate) fn worker(self, slot: WorkerSlot) -> crew::Worker {
        crew::Worker::new(self, slot)
    }

    pub(crate) fn upstream(self, id: UpstreamId) -> upstream::Upstream {
        upstream::Upstream::new(self, id)
    }

    pub(crate) fn backend(self, id: BackendId) -> backend::Backend {
        backend::Backend::new(self, id)
    }

    /// The upstream of that name, if the master has published one.
    pub(crate) fn upstream_named(self, name: &str) -> Option<UpstreamId> {
        UpstreamId::all().find(|id| self.upstream(*id).is_named(name))
    }

    /// The counts that one worker writes.
    pub(crate) fn account(self, slot: WorkerSlot) -> account::Account {
        account::Account::new(self, slot)
    }

    /// Makes good what a dead worker left: its turns are freed, what it had in flight is no more.
    /// Its counters stay. Called by the master before the slot's next worker starts.
    pub(crate) fn settle_worker(self, slot: WorkerSlot) {
        // Of upstreams that are not in use, too: a turn left taken would outlast the slot's pause.
        for id in UpstreamId::all() {
            turn::settle(self, id, turn::Owner::Worker(slot));
        }
        for active in &self.layout.actives[slot.index()].0 {
            // A store to an untouched page would allocate it.
            if active.load(Ordering::Relaxed) != 0 {
                active.store(0, Ordering::Relaxed);
            }
        }
        queue::settle(self, slot);
        limit::settle(self, slot);
        for holding in &self.layout.holdings[slot.index()].0 {
            if holding.upgraded.load(Ordering::Relaxed) != 0 {
                holding.upgraded.store(0, Ordering::Relaxed);
            }
        }
        let nothing = [0; layout::BACKENDS_MAX];
        self.account(slot).set_oldest(&nothing);
        self.worker(slot).settle();
        fence(Ordering::SeqCst);
    }

    /// Frees what a dead master held. Called by its successor before anything else.
    pub(crate) fn settle_master(self) {
        for id in UpstreamId::all() {
            turn::settle(self, id, turn::Owner::Master);
        }
    }
}

/// Text in a slot: bytes and their number. Writers cut at a character, readers replace what is not
/// UTF-8, so no foreign byte can hurt.
fn store_text(bytes: &[AtomicU8], len: &AtomicU32, text: &str) {
    let end = text.floor_char_boundary(bytes.len());
    for (word, byte) in bytes.iter().zip(text[..end].bytes()) {
        word.store(byte, Ordering::Relaxed);
    }
    len.store(end as u32, Ordering::Relaxed);
}

fn load_text(bytes: &[AtomicU8], len: &AtomicU32) -> String {
    let end = (len.load(Ordering::Relaxed) as usize).min(bytes.len());
    let copy: Vec<u8> = bytes[..end].iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
    String::from_utf8_lossy(&copy).into_owned()
}
