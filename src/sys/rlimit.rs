//! The limit on open descriptors: ours as high as it goes, our children's as it was.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit};

static ORIGINAL_SOFT: OnceLock<Option<u64>> = OnceLock::new();

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

/// The soft limit as it was before `raise_open_files`; `None` when nothing was raised.
pub(crate) fn original_open_files() -> Option<u64> {
    ORIGINAL_SOFT.get().copied().flatten()
}
