//! Children of this process that it did not start: descendants whose parents have ended.
//!
//! Only a subreaper gets them. Whoever starts or watches a process holds a claim to its number, and
//! takes its status through its descriptor; what nobody has a claim to, or not any more, is reaped
//! here, silently. Knows nothing of what the processes are for.
#![allow(unsafe_code, reason = "looking for any ended child has no safe wrapper")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

static CLAIMS: Mutex<Claims> = Mutex::new(Claims { counts: BTreeMap::new(), expected: Vec::new() });

/// The numbers that somebody here waits for.
#[derive(Debug)]
pub(super) struct Claims {
    /// Counted, since a number may be given away again while an old claim to it is still held.
    counts: BTreeMap<u32, u32>,
    /// Of children that are being made.
    expected: Vec<Arc<AtomicU32>>,
}

impl Claims {
    pub(super) fn lock() -> MutexGuard<'static, Self> {
        // A table of numbers is whole after any panic.
        CLAIMS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim(&mut self, pid: u32) -> Claim {
        *self.counts.entry(pid).or_default() += 1;
        Claim(pid)
    }

    fn contains(&self, pid: u32) -> bool {
        let mut expected = self.expected.iter().map(|number| number.load(Ordering::Acquire));
        self.counts.contains_key(&pid) || expected.any(|number| number == pid)
    }
}

/// A child that is being made, which may take as long as a file system pleases: nobody takes it for an
/// orphan, since its number is written down before it runs.
#[derive(Debug)]
pub(super) struct Expected(Arc<AtomicU32>);

impl Expected {
    /// `number` is nobody's yet.
    pub(super) fn new(number: Arc<AtomicU32>) -> Self {
        Claims::lock().expected.push(Arc::clone(&number));
        Self(number)
    }

    pub(super) fn claim(self, pid: u32) -> Claim {
        let claim = claim(pid);
        drop(self);
        claim
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        Claims::lock().expected.retain(|number| !Arc::ptr_eq(number, &self.0));
    }
}

/// Somebody watches this process and will take its status. Dropped before that, the status does not
/// matter: it is reaped here.
#[derive(Debug)]
pub(crate) struct Claim(u32);

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = Claims::lock();
        if let Some(count) = claims.counts.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                claims.counts.remove(&self.0);
            }
        }
    }
}

pub(crate) fn claim(pid: u32) -> Claim {
    Claims::lock().claim(pid)
}

pub(crate) fn is_claimed(pid: u32) -> bool {
    Claims::lock().contains(pid)
}

/// How far reaping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    All,
    /// The kernel shows one ended child at a time, and that one's status is somebody's to take:
    /// call again after that.
    Blocked,
}

/// Reaps every ended child that nobody claims; `reaped` is told of each.
pub(crate) fn reap(mut reaped: impl FnMut(u32)) -> Reaped {
    let claims = Claims::lock();
    while let Some(pid) = next_ended() {
        let number = pid.cast_unsigned();
        if claims.contains(number) {
            return Reaped::Blocked;
        }
        let mut status = 0;
        // SAFETY: `status` outlives the call; the child has ended and is ours to reap.
        unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        reaped(number);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_claimed_until_the_last_claim_to_it_is_dropped() {
        // No process has it: the kernel's numbers end before.
        let pid = u32::MAX;
        let (old, new) = (claim(pid), claim(pid));
        drop(old);
        assert!(is_claimed(pid), "it was given away again");
        drop(new);
        assert!(!is_claimed(pid));
    }

    #[test]
    fn a_child_that_is_being_made_is_no_orphan() {
        let (pid, number) = (u32::MAX - 1, Arc::default());
        let expected = Expected::new(Arc::clone(&number));
        assert!(!is_claimed(pid));
        number.store(pid, Ordering::Release);
        assert!(is_claimed(pid));
        let claim = expected.claim(pid);
        assert!(is_claimed(pid));
        drop(claim);
        assert!(!is_claimed(pid));
    }
}
