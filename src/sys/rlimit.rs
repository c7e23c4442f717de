//! Resource limits: that on open descriptors of our own as high as it goes, our children's as it
//! was; and any limit of a child's by its plain name.
#![allow(unsafe_code, reason = "a child sets its limits by plain system calls")]

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit};

static ORIGINAL_SOFT: OnceLock<Option<u64>> = OnceLock::new();

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Number,
    Bytes,
    Seconds,
    Microseconds,
}

/// By plain names.
pub(crate) const ALL: [(&str, u32, Unit); 16] = [
    ("open_files", libc::RLIMIT_NOFILE, Unit::Number),
    ("core", libc::RLIMIT_CORE, Unit::Bytes),
    ("processes", libc::RLIMIT_NPROC, Unit::Number),
    ("address_space", libc::RLIMIT_AS, Unit::Bytes),
    ("file_size", libc::RLIMIT_FSIZE, Unit::Bytes),
    ("stack", libc::RLIMIT_STACK, Unit::Bytes),
    ("data", libc::RLIMIT_DATA, Unit::Bytes),
    ("cpu", libc::RLIMIT_CPU, Unit::Seconds),
    ("locked_memory", libc::RLIMIT_MEMLOCK, Unit::Bytes),
    ("message_queues", libc::RLIMIT_MSGQUEUE, Unit::Bytes),
    ("pending_signals", libc::RLIMIT_SIGPENDING, Unit::Number),
    ("file_locks", libc::RLIMIT_LOCKS, Unit::Number),
    ("resident", libc::RLIMIT_RSS, Unit::Bytes),
    ("nice_ceiling", libc::RLIMIT_NICE, Unit::Number),
    ("realtime_priority", libc::RLIMIT_RTPRIO, Unit::Number),
    ("realtime_cpu", libc::RLIMIT_RTTIME, Unit::Microseconds),
];

/// One limit of a child's. `u64::MAX` is none; what is not given stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The kernel's number.
    pub(crate) resource: u32,
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

impl Limit {
    /// Of the calling process, by plain system calls; the error is an errno.
    pub(crate) fn set(self) -> Result<(), i32> {
        // SAFETY: `limit` outlives both calls; errno's location is always valid.
        unsafe {
            let mut limit: libc::rlimit = std::mem::zeroed();
            if libc::getrlimit(self.resource, &raw mut limit) != 0 {
                return Err(*libc::__errno_location());
            }
            limit.rlim_max = self.hard.unwrap_or(limit.rlim_max);
            limit.rlim_cur = self.soft.unwrap_or(limit.rlim_cur.min(limit.rlim_max));
            match libc::setrlimit(self.resource, &raw const limit) {
                0 => Ok(()),
                _ => Err(*libc::__errno_location()),
            }
        }
    }
}

/// Raises the soft limit to the hard one, once a process. A lower limit is not an error: the
/// engine then serves fewer connections.
pub(crate) fn raise_open_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    ORIGINAL_SOFT.get_or_init(|| limit.current);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, raised) {
        super::log::warning!("sys", "raise the limit on open files: {error}");
    }
}

/// Back to what it was before `raise_open_files`; what is open stays open.
pub(crate) fn restore_open_files() {
    let Some(soft) = original_open_files() else { return };
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    let restored = Rlimit { current: Some(soft), maximum };
    if let Err(error) = rustix::process::setrlimit(Resource::Nofile, restored) {
        super::log::warning!("sys", "restore the limit on open files: {error}");
    }
}

/// How many files this process may have open; `None` without a limit.
pub(crate) fn open_files() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}

/// How many it could be raised to; `None` without a limit.
pub(crate) fn open_files_max() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).maximum
}

/// The soft limit as it was before `raise_open_files`; `None` when nothing was raised.
pub(crate) fn original_open_files() -> Option<u64> {
    ORIGINAL_SOFT.get().copied().flatten()
}
