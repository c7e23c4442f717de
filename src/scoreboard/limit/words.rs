//! The shared memory of limits: zones, their tables, and what workers count of them.
//!
//! Part of the board's layout, by its rules. Tables are touched only where they are used, so a zone
//! costs what it holds.

use std::mem::size_of;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use super::super::layout::{Line, NAME_BYTES_MAX, WORKERS_MAX};

pub(crate) const LIMITS_MAX: usize = 32;
/// Keys that a zone of rates has room for, and one of connections, where only those that have any
/// need it.
pub(crate) const RATE_KEYS_MAX: usize = 112 * 1024;
pub(crate) const COUNT_KEYS_MAX: usize = 14 * 1024;
/// Keys of a set: a few, so that a look is short, and enough for a set to be as full as the others.
pub(crate) const WAYS: usize = 224;
pub(super) const RATE_SETS: usize = sets(RATE_KEYS_MAX);
pub(super) const COUNT_SETS: usize = sets(COUNT_KEYS_MAX);

/// Sets for so many keys: half as many ways again. Digests spread keys by chance, so a set of the
/// largest zone that is full before the zone has its keys comes once in 200,000 zones.
pub(super) const fn sets(keys: usize) -> usize {
    if keys <= WAYS { 1 } else { (keys + keys / 2).div_ceil(WAYS) }
}
/// Keys that a worker remembers to have refused most often, and as much of each.
pub(crate) const OFFENDERS_MAX: usize = 8;
pub(crate) const OFFENDER_BYTES_MAX: usize = 40;

#[repr(C)]
pub(in super::super) struct LimitsWords {
    pub(super) zones: [Line<ZoneWords>; LIMITS_MAX],
    pub(super) workers: [Line<WorkerWords>; WORKERS_MAX],
    pub(super) cells: [[CellWords; LIMITS_MAX]; WORKERS_MAX],
    pub(super) offenders: [[Line<[OffenderWords; OFFENDERS_MAX]>; LIMITS_MAX]; WORKERS_MAX],
    pub(super) rates: [[RateSet; RATE_SETS]; LIMITS_MAX],
    pub(super) counts: [[CountSet; COUNT_SETS]; LIMITS_MAX],
}

/// Writer: the master.
#[repr(C)]
pub(super) struct ZoneWords {
    /// Even: stable. Odd: the master is writing.
    pub(super) epoch: AtomicU32,
    /// 0: vacant; else what is counted.
    pub(super) kind: AtomicU32,
    /// Which life of the slot; what is kept of an earlier one is found by nobody.
    pub(super) incarnation: AtomicU32,
    /// Of its table, those in use; and of each set.
    pub(super) sets: AtomicU32,
    pub(super) ways: AtomicU32,
    /// A digest of what makes its keys comparable with those of the generation before.
    pub(super) shape: AtomicU64,
    pub(super) name_len: AtomicU32,
    pub(super) name: [AtomicU8; NAME_BYTES_MAX],
}

#[repr(C)]
pub(super) struct WorkerWords {
    /// The set that it was in last. Writer: the worker.
    pub(super) note: AtomicU64,
    /// Which life of the slot: counts of an earlier one are nobody's. Writer: the master.
    pub(super) life: AtomicU32,
}

/// Writer: the worker whose row it is in; `held` also the master, for a dead one. Counts belong to
/// one incarnation of the zone.
#[repr(C, align(64))]
pub(super) struct CellWords {
    pub(super) incarnation: AtomicU32,
    /// Requests in progress.
    pub(super) held: AtomicU32,
    /// By `Event`.
    pub(super) events: [AtomicU64; 7],
}

/// Writer: the worker whose row it is in.
#[repr(C)]
pub(super) struct OffenderWords {
    /// Odd while it is written.
    pub(super) sequence: AtomicU32,
    pub(super) len: AtomicU32,
    pub(super) incarnation: AtomicU32,
    _pad: AtomicU32,
    pub(super) refusals: AtomicU64,
    pub(super) key: [AtomicU8; OFFENDER_BYTES_MAX],
}

/// Guarded by `owner`.
#[repr(C)]
pub(super) struct RateSet {
    /// 0, or the tag of the worker that is in it.
    pub(super) owner: Line<AtomicU32>,
    pub(super) ways: [RateWords; WAYS],
}

#[repr(C)]
pub(super) struct RateWords {
    /// The key's digest; once it is not 0 it never is again.
    pub(super) key: AtomicU64,
    /// A `Bucket`; 0 holds none.
    pub(super) bucket: AtomicU64,
}

/// Guarded by `owner`.
#[repr(C)]
pub(super) struct CountSet {
    pub(super) owner: Line<AtomicU32>,
    /// Digests of keys; one that is not 0 never is again.
    pub(super) keys: [AtomicU64; WAYS],
    /// By way and worker: its life in the upper half, its requests in progress in the lower one. Each
    /// has one writer, its worker; what is there is only raised by who owns the set.
    pub(super) counts: [[AtomicU32; WORKERS_MAX]; WAYS],
}

const _: () = assert!(size_of::<Line<ZoneWords>>() == 128);
const _: () = assert!(size_of::<Line<WorkerWords>>() == 128);
const _: () = assert!(size_of::<CellWords>() == 64);
const _: () = assert!(size_of::<OffenderWords>() == 64);
const _: () = assert!(size_of::<RateSet>() == 128 + WAYS * 16);
const _: () = assert!(size_of::<CountSet>() == 128 + WAYS * 8 + WAYS * WORKERS_MAX * 4);
const _: () = assert!(size_of::<LimitsWords>().is_multiple_of(128));
