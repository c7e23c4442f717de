//! Children of this process that it did not start: descendants whose parents have ended.
//!
//! Only a subreaper gets them. Whoever starts or watches a process claims its number, and takes its
//! status through its descriptor; what nobody has claimed is reaped here, silently. Knows nothing of
//! what the processes are for.
#![allow(unsafe_code, reason = "looking for any ended child has no safe wrapper")]

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

static CLAIMS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// The numbers that somebody here waits for. Held over a fork, no child can be taken for an orphan
/// before it is claimed.
pub(super) fn claims() -> MutexGuard<'static, BTreeSet<u32>> {
    // A set of numbers is whole after any panic.
    CLAIMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody watches this process and will take its status.
pub(crate) fn claim(pid: u32) {
    claims().insert(pid);
}

/// Nobody waits for it any more: its status was taken, or does not matter.
pub(crate) fn release(pid: u32) {
    claims().remove(&pid);
}

pub(crate) fn is_claimed(pid: u32) -> bool {
    claims().contains(&pid)
}

/// How far reaping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    All,
    /// The kernel shows one ended child at a time, and that one's status is somebody's to take:
    /// call again after that.
    Blocked,
}

/// Reaps every ended child that nobody has claimed.
pub(crate) fn reap() -> Reaped {
    let claims = claims();
    while let Some(pid) = next_ended() {
        if claims.contains(&pid.cast_unsigned()) {
            return Reaped::Blocked;
        }
        let mut status = 0;
        // SAFETY: `status` outlives the call; the child has ended and is ours to reap.
        unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    }
    Reaped::All
}

/// A child that has ended, left as it is.
fn next_ended() -> Option<i32> {
    const OPTIONS: i32 = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: zeroes are a valid record, which the call fills in and which outlives it; its field is
    // read only after a call that has filled it in.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let found = libc::waitid(libc::P_ALL, 0, &raw mut info, OPTIONS);
        if found == 0 { Some(info.si_pid()).filter(|pid| *pid > 0) } else { None }
    }
}
