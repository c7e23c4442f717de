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

/// The kernel's numbers by plain names; C libraries differ in what type these have.
pub(crate) const ALL: [(&str, u32, Unit); 16] = [
    ("open_files", Resource::Nofile as u32, Unit::Number),
    ("core", Resource::Core as u32, Unit::Bytes),
    ("processes", Resource::Nproc as u32, Unit::Number),
    ("address_space", Resource::As as u32, Unit::Bytes),
    ("file_size", Resource::Fsize as u32, Unit::Bytes),
    ("stack", Resource::Stack as u32, Unit::Bytes),
    ("data", Resource::Data as u32, Unit::Bytes),
    ("cpu", Resource::Cpu as u32, Unit::Seconds),
    ("locked_memory", Resource::Memlock as u32, Unit::Bytes),
    ("message_queues", Resource::Msgqueue as u32, Unit::Bytes),
    ("pending_signals", Resource::Sigpending as u32, Unit::Number),
    ("file_locks", Resource::Locks as u32, Unit::Number),
    ("resident", Resource::Rss as u32, Unit::Bytes),
    ("nice_ceiling", Resource::Nice as u32, Unit::Number),
    ("realtime_priority", Resource::Rtprio as u32, Unit::Number),
    ("realtime_cpu", Resource::Rttime as u32, Unit::Microseconds),
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
        let change = |new: *const libc::rlimit, old: *mut libc::rlimit| {
            // SAFETY: the pointers are null or of limits that outlive the call; errno's location is
            // always valid.
            unsafe {
                match libc::syscall(libc::SYS_prlimit64, 0, self.resource, new, old) {
                    0 => Ok(()),
                    _ => Err(*libc::__errno_location()),
                }
            }
        };
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        change(std::ptr::null(), &raw mut limit)?;
        limit.rlim_max = self.hard.unwrap_or(limit.rlim_max);
        limit.rlim_cur = self.soft.unwrap_or(limit.rlim_cur.min(limit.rlim_max));
        change(&raw const limit, std::ptr::null_mut())
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
