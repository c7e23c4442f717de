//! The shared memory's exact shape, and the one cast that turns mapped bytes into it.
//!
//! Atomics only: any bytes are a valid value, so memory written by another process can be wrong but
//! never undefined. No pointers, no `usize`, no `bool`. Lines of 128 bytes keep two writers off one
//! cache line (and off the pair that the prefetcher fetches). A change of shape raises `VERSION`.
#![allow(unsafe_code, reason = "shared memory is cast to its layout here and nowhere else")]

use std::io;
use std::mem::{ManuallyDrop, size_of};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use super::histogram;
use super::limit::words::LimitsWords;
use crate::sys::map::Mapping;
use crate::sys::{memfd, random};

pub(crate) const WORKERS_MAX: usize = 64;
pub(crate) const UPSTREAMS_MAX: usize = 128;
pub(crate) const BACKENDS_MAX: usize = 512;
pub(crate) const MEMBERS_MAX: usize = 64;
pub(crate) const NAME_BYTES_MAX: usize = 64;
/// `unix:` and the longest path a socket address holds.
pub(crate) const ADDRESS_BYTES_MAX: usize = 112;
/// A program's name and its instance's number.
pub(crate) const LABEL_BYTES_MAX: usize = NAME_BYTES_MAX + 8;
/// What sticky clients carry: a digest in hexadecimal digits, or the file's own word.
pub(crate) const STICKY_BYTES_MAX: usize = 64;
/// Learned sessions of an upstream: so many sets, one cache line each.
pub(crate) const SESSION_SETS: usize = 4096;
pub(crate) const SESSION_WAYS: usize = 5;
/// Entries of a worker's ring of recent requests.
pub(crate) const RECENT_MAX: usize = 1024;
pub(crate) const PATH_BYTES_MAX: usize = 48;
pub(crate) const HOST_BYTES_MAX: usize = 24;
/// Servers that are counted.
pub(crate) const SERVERS_MAX: usize = 64;
/// Guards that can refuse a request: one line of each worker.
pub(crate) const REFUSAL_REASONS_MAX: usize = 16;
/// Room for kinds of attacks; unused ones stay zero.
pub(crate) const FIREWALL_RULES_MAX: usize = 16;
pub(crate) const FIREWALL_SILENCES: usize = 2;
/// Entries of a worker's ring of requests that were taken for attacks.
pub(crate) const ALARMS_MAX: usize = 64;
pub(crate) const ALARM_TEXT_BYTES_MAX: usize = 48;

/// Of 32 bytes.
pub(crate) const TICKET_KEY_WORDS: usize = 4;

/// Kinds of what is counted of HTTP/2, and of what it is flooded by.
pub(super) const MULTIPLEX_COUNTS: usize = 5;
pub(crate) const FLOODS: usize = 6;

const LINE_BYTES: usize = 128;
const MAGIC: u32 = 0x5048_4253;
const VERSION: u32 = 13;

/// A whole number of cache lines of its own.
#[repr(C, align(128))]
pub(super) struct Line<T>(pub(super) T);

#[repr(C)]
pub(super) struct Layout {
    pub(super) header: Line<Header>,
    pub(super) tickets: Line<TicketWords>,
    pub(super) workers: [Line<WorkerWords>; WORKERS_MAX],
    pub(super) access_logs: [Line<AccessLogWords>; WORKERS_MAX],
    pub(super) multiplexed: [Line<MultiplexWords>; WORKERS_MAX],
    pub(super) firewalls: [Line<FirewallWords>; WORKERS_MAX],
    pub(super) upstreams: [UpstreamWords; UPSTREAMS_MAX],
    pub(super) backends: [BackendWords; BACKENDS_MAX],
    /// Requests in flight, by worker: packed, so that summing a backend's reads one line a worker.
    pub(super) actives: [Line<[AtomicU32; BACKENDS_MAX]>; WORKERS_MAX],
    pub(super) holdings: [Line<[HoldingWords; BACKENDS_MAX]>; WORKERS_MAX],
    pub(super) upstream_cells: [Line<[UpstreamCell; UPSTREAMS_MAX]>; WORKERS_MAX],
    pub(super) cells: [[Line<Cell>; BACKENDS_MAX]; WORKERS_MAX],
    pub(super) recent: [Recent; WORKERS_MAX],
    pub(super) alarms: [Alarms; WORKERS_MAX],
    /// Touched only where sessions are learned.
    pub(super) sessions: [[Line<[SessionWords; SESSION_WAYS]>; SESSION_SETS]; UPSTREAMS_MAX],
    pub(super) limits: LimitsWords,
    /// Writer: the slot's worker. Requests that guards refused.
    pub(super) refusals: [Line<[AtomicU64; REFUSAL_REASONS_MAX]>; WORKERS_MAX],
    pub(super) servers: Line<[ServerWords; SERVERS_MAX]>,
    pub(super) server_cells: [Line<[ServerCell; SERVERS_MAX]>; WORKERS_MAX],
}

/// Writer: the master.
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: AtomicU32,
    pub(super) version: AtomicU32,
    /// Worker slots ever used: readers look no further.
    pub(super) workers_used: AtomicU32,
    /// Backends that drain.
    pub(super) drains: AtomicU32,
    /// What keys of limits are digested with.
    pub(super) secret: [AtomicU64; 2],
}

/// Writer: the master. What sessions of TLS are sealed by, so that any worker can go on with one.
#[repr(C)]
pub(super) struct TicketWords {
    /// Even: stable. Odd: the master is writing.
    pub(super) epoch: AtomicU32,
    /// Of the newest key, from 1; 0 while there is none.
    pub(super) number: AtomicU32,
    /// When it was made.
    pub(super) made_us: AtomicU64,
    /// The newest, and the one before it.
    pub(super) keys: [[AtomicU64; TICKET_KEY_WORDS]; 2],
}

/// Writer: the slot's worker; `pid`, `generation` and `state` also the master while none lives.
#[repr(C)]
pub(super) struct WorkerWords {
    pub(super) pid: AtomicU32,
    pub(super) generation: AtomicU32,
    pub(super) state: AtomicU32,
    pub(super) lag_us: AtomicU32,
    pub(super) connections_active: AtomicU32,
    pub(super) connections_idle: AtomicU32,
    pub(super) accepted: AtomicU64,
    pub(super) requests: AtomicU64,
    /// 1xx to 5xx, whoever answered.
    pub(super) responses: [AtomicU64; 5],
    pub(super) heartbeat_us: AtomicU64,
    /// From clients and to clients.
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    /// Of TLS with clients: begun anew, gone on with, and those that came to nothing.
    pub(super) handshakes: [AtomicU64; 3],
}

/// Writer: the slot's worker. What its writing of access logs came to.
#[repr(C)]
pub(super) struct AccessLogWords {
    pub(super) lines: AtomicU64,
    /// Lines that were not written.
    pub(super) dropped: AtomicU64,
    /// Openings and writings that failed.
    pub(super) errors: AtomicU64,
    /// The kernel's number of the last failure, 0 once writing goes on.
    pub(super) failing: AtomicU32,
    pub(super) last_error: AtomicU32,
}

/// Writer: the slot's worker. What HTTP/2 came to.
#[repr(C)]
pub(super) struct MultiplexWords {
    /// By `multiplex::Count`.
    pub(super) counts: [AtomicU64; MULTIPLEX_COUNTS],
    /// Connections that were cut, by what there was too much of.
    pub(super) floods: [AtomicU64; FLOODS],
}

/// Writer: the slot's worker. What its firewall found.
#[repr(C)]
pub(super) struct FirewallWords {
    pub(super) inspected: AtomicU64,
    pub(super) detected: AtomicU64,
    pub(super) blocked: AtomicU64,
    pub(super) cut_bodies: AtomicU64,
    /// Requests that the core rules gave no answer to, by `firewall::Silence`.
    pub(super) unanswered: [AtomicU64; FIREWALL_SILENCES],
    /// By rule, in requests that passed and in those that were blocked.
    pub(super) found: [[AtomicU64; FIREWALL_RULES_MAX]; 2],
}

#[repr(C)]
pub(super) struct UpstreamWords {
    /// Contended by every pick; alone on its line.
    pub(super) turn: Line<TurnWords>,
    /// Writer: the master. Read by every pick, written seldom.
    pub(super) roster: Line<RosterWords>,
    pub(super) members: Line<[AtomicU16; MEMBERS_MAX]>,
}

#[repr(C)]
pub(super) struct TurnWords {
    /// 0, or the tag of who picks.
    pub(super) owner: AtomicU32,
    /// Picks made; guarded by `owner`.
    pub(super) picks: AtomicU64,
    /// Requests that ever waited; guarded by `owner`.
    pub(super) tickets: AtomicU64,
}

#[repr(C)]
pub(super) struct RosterWords {
    /// Even: stable. Odd: the master is writing. A change of value tells workers to read again.
    pub(super) epoch: AtomicU32,
    pub(super) strategy: AtomicU32,
    /// What becomes of requests while every member is failed.
    pub(super) all_down: AtomicU32,
    pub(super) incarnation: AtomicU32,
    pub(super) members_len: AtomicU32,
    pub(super) name_len: AtomicU32,
    pub(super) name: [AtomicU8; NAME_BYTES_MAX],
}

#[repr(C)]
pub(super) struct BackendWords {
    pub(super) balance: Line<BalanceWords>,
    pub(super) about: Line<AboutWords>,
    pub(super) address: Line<[AtomicU8; ADDRESS_BYTES_MAX]>,
}

/// Guarded by the upstream's `owner`, but for `gate`, which the master writes.
#[repr(C)]
pub(super) struct BalanceWords {
    pub(super) gate: AtomicU64,
    pub(super) current_weight: AtomicI64,
    pub(super) weight_lost: AtomicI64,
    pub(super) accessed_s: AtomicU64,
    pub(super) checked_s: AtomicU64,
    pub(super) picks: AtomicU64,
    pub(super) fails: AtomicU32,
    pub(super) failure: AtomicU32,
    /// Average times, while the strategy asks for them.
    pub(super) header_ms: AtomicU64,
    pub(super) last_byte_ms: AtomicU64,
}

/// Writer: the master, under the upstream's epoch.
#[repr(C)]
pub(super) struct AboutWords {
    pub(super) upstream: AtomicU32,
    pub(super) max_fails: AtomicU32,
    pub(super) fail_timeout_s: AtomicU32,
    /// 1 for a backup.
    pub(super) tier: AtomicU32,
    pub(super) priority: AtomicU32,
    pub(super) max_conns: AtomicU32,
    pub(super) address_len: AtomicU32,
    pub(super) label_len: AtomicU32,
    pub(super) sticky_len: AtomicU32,
    pub(super) label: [AtomicU8; LABEL_BYTES_MAX],
    pub(super) sticky: [AtomicU8; STICKY_BYTES_MAX],
}

/// Writer: the worker whose row it is in.
#[repr(C)]
pub(super) struct UpstreamCell {
    pub(super) incarnation: AtomicU32,
    /// Requests that wait; raised within the turn, and cleared by the master for a dead worker.
    pub(super) queued: AtomicU32,
    /// The ticket of the one that waits longest, 0 without any; cleared like `queued`.
    pub(super) front: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) retries: AtomicU64,
    /// Retries that the budget did not grant.
    pub(super) withheld: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Requests that would have needed one connection too many.
    pub(super) overflows: AtomicU64,
    /// Requests that found the queue full, and those that waited in vain.
    pub(super) queue_overflows: AtomicU64,
    pub(super) queue_timeouts: AtomicU64,
    /// Requests that failed members were asked for, since all were.
    pub(super) desperate: AtomicU64,
}

/// Writer: the worker whose row it is in.
#[repr(C)]
pub(super) struct HoldingWords {
    /// Of what is in flight, the connections that were upgraded.
    pub(super) upgraded: AtomicU32,
    _pad: AtomicU32,
    /// When the oldest request in flight began; 0 without one, or when nobody drains.
    pub(super) oldest_us: AtomicU64,
}

/// Writer: the worker whose row it is in. Counts belong to one incarnation of the backend.
#[repr(C)]
pub(super) struct Cell {
    pub(super) incarnation: AtomicU32,
    /// Requests that a drain's time limit ended.
    pub(super) cuts: AtomicU32,
    pub(super) requests: AtomicU64,
    /// 1xx to 5xx.
    pub(super) responses: [AtomicU64; 5],
    pub(super) failures: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    /// The sum of what `latency` counts.
    pub(super) service_us: AtomicU64,
    /// How long TCP routes' connections lasted, which is no latency.
    pub(super) sessions_us: AtomicU64,
    pub(super) latency: [AtomicU32; histogram::BUCKETS],
}

/// Writer: the master.
#[repr(C)]
pub(super) struct ServerWords {
    /// Of its identity; 0 in a vacant slot.
    pub(super) digest: AtomicU64,
    pub(super) incarnation: AtomicU32,
    _pad: AtomicU32,
}

/// Writer: the worker whose row it is in. Counts belong to one incarnation of the slot.
#[repr(C)]
pub(super) struct ServerCell {
    pub(super) incarnation: AtomicU32,
    _pad: AtomicU32,
    /// 1xx to 5xx.
    pub(super) responses: [AtomicU64; 5],
    pub(super) bytes_in: AtomicU64,
    pub(super) bytes_out: AtomicU64,
}

/// Guarded by the upstream's `owner`.
#[repr(C)]
pub(super) struct SessionWords {
    pub(super) key: [AtomicU64; 2],
    /// The backend, its incarnation and when it was last seen; 0 holds none.
    pub(super) owner: AtomicU64,
}

/// Writer: the worker whose ring it is.
#[repr(C)]
pub(super) struct Recent {
    /// Requests ever written; the next entry is this modulo the length.
    pub(super) written: Line<AtomicU64>,
    pub(super) entries: [Line<EntryWords>; RECENT_MAX],
}

#[repr(C)]
pub(super) struct EntryWords {
    /// Odd while written, else twice the entry's running number plus two.
    pub(super) sequence: AtomicU64,
    pub(super) wall_ms: AtomicU64,
    pub(super) client: [AtomicU64; 2],
    pub(super) upstream: AtomicU16,
    pub(super) backend: AtomicU16,
    pub(super) status: AtomicU16,
    /// The life of the backend's slot.
    pub(super) incarnation: AtomicU16,
    pub(super) service_us: AtomicU32,
    /// The address's family in its lower half, the protocol in its upper.
    pub(super) kinds: AtomicU8,
    pub(super) method: AtomicU8,
    pub(super) path_len: AtomicU8,
    pub(super) host_len: AtomicU8,
    /// Its lowest byte is the number of backends asked; the rest the bytes sent to the client.
    pub(super) bytes_and_tries: AtomicU64,
    pub(super) path: [AtomicU64; PATH_BYTES_MAX / 8],
    pub(super) host: [AtomicU64; HOST_BYTES_MAX / 8],
}

/// Writer: the worker whose ring it is.
#[repr(C)]
pub(super) struct Alarms {
    /// As in `Recent`.
    pub(super) written: Line<AtomicU64>,
    pub(super) entries: [Line<AlarmWords>; ALARMS_MAX],
}

#[repr(C)]
pub(super) struct AlarmWords {
    /// As in `EntryWords`.
    pub(super) sequence: AtomicU64,
    pub(super) wall_ms: AtomicU64,
    pub(super) client: [AtomicU64; 2],
    /// The client's family, the verdict, the rule and the part.
    pub(super) kinds: [AtomicU8; 4],
    /// Of host, path, name and excerpt.
    pub(super) lengths: [AtomicU8; 4],
    pub(super) score: AtomicU16,
    /// Of a rule that has a number of its own.
    pub(super) rule_id: AtomicU32,
    pub(super) host: [AtomicU64; HOST_BYTES_MAX / 8],
    pub(super) path: [AtomicU64; PATH_BYTES_MAX / 8],
    pub(super) name: [AtomicU64; ALARM_TEXT_BYTES_MAX / 8],
    pub(super) excerpt: [AtomicU64; ALARM_TEXT_BYTES_MAX / 8],
}

const _: () = assert!(size_of::<Line<Header>>() == LINE_BYTES);
const _: () = assert!(size_of::<Line<TicketWords>>() == LINE_BYTES);
const _: () = assert!(size_of::<Line<WorkerWords>>() == LINE_BYTES);
const _: () = assert!(size_of::<Line<AccessLogWords>>() == LINE_BYTES);
const _: () = assert!(size_of::<Line<MultiplexWords>>() == LINE_BYTES);
const _: () = assert!(size_of::<Line<FirewallWords>>() == 3 * LINE_BYTES);
const _: () = assert!(size_of::<Line<AlarmWords>>() == 2 * LINE_BYTES);
const _: () = assert!(size_of::<UpstreamWords>() == 3 * LINE_BYTES);
const _: () = assert!(size_of::<BackendWords>() == 4 * LINE_BYTES);
const _: () = assert!(size_of::<Line<EntryWords>>() == LINE_BYTES);
const _: () = assert!(size_of::<HoldingWords>() == 16);
const _: () = assert!(size_of::<ServerWords>() == 16);
const _: () = assert!(size_of::<ServerCell>() == 64);
const _: () = assert!(size_of::<UpstreamCell>() == 80);
const _: () = assert!(size_of::<Line<Cell>>() == 13 * LINE_BYTES);
const _: () = assert!(size_of::<Line<[SessionWords; SESSION_WAYS]>>() == LINE_BYTES);
const _: () = assert!(size_of::<Layout>().is_multiple_of(LINE_BYTES));
const _: () = assert!(BACKENDS_MAX < u16::MAX as usize);
const _: () = assert!(UPSTREAMS_MAX < u16::MAX as usize);

/// A new board's memory: zeroed, which is every word's resting value.
pub(super) fn create() -> io::Result<(&'static Layout, OwnedFd)> {
    let fd = memfd::sized("pilothouse-board", size_of::<Layout>() as u64)?;
    let layout = map(&fd)?;
    for (word, secret) in layout.header.0.secret.iter().zip(random::secret::<16>()?.chunks(8)) {
        let secret = secret.try_into().map_or(0, u64::from_ne_bytes);
        word.store(secret, Ordering::Relaxed);
    }
    layout.header.0.version.store(VERSION, Ordering::Relaxed);
    layout.header.0.magic.store(MAGIC, Ordering::Release);
    Ok((layout, fd))
}

/// The board behind a descriptor from `create`, in this process or another of the same layout.
pub(super) fn open(fd: impl AsFd) -> io::Result<&'static Layout> {
    let layout = map(fd)?;
    let magic = layout.header.0.magic.load(Ordering::Acquire);
    let version = layout.header.0.version.load(Ordering::Relaxed);
    if (magic, version) != (MAGIC, VERSION) {
        let text = format!("open scoreboard: layout {magic:x}/{version}, expected {VERSION}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(layout)
}

fn map(fd: impl AsFd) -> io::Result<&'static Layout> {
    let mapping = ManuallyDrop::new(Mapping::shared(fd, size_of::<Layout>())?);
    // SAFETY: the mapping is page-aligned, at least `size_of::<Layout>()` long and never unmapped;
    // every field is an atomic integer, so all bytes are valid and shared writes are no data race.
    Ok(unsafe { mapping.start().cast::<Layout>().as_ref() })
}
