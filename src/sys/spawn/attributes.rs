//! What a child is given beside its program: file mode mask, priorities, limits and rights.
//!
//! Prepared before the fork as numbers and bytes; what the child does with them is made of system
//! calls alone, in an order that lets each have the rights it needs: first what only root may do,
//! then, after the change of user, what takes rights away for good.

use std::ffi::CStr;

use super::Step;
use super::child::{Failure, at, check, errno};
use crate::sys::capability::Capabilities;
use crate::sys::oom;
use crate::sys::rlimit::Limit;

/// Decimal digits of the longest out-of-memory score, `-1000`, and some room.
const SCORE_BYTES: usize = 8;

/// Nothing of it unless said: the child is as we are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) umask: Option<u32>,
    /// From -20, the most favourable, to 19.
    pub(crate) nice: Option<i32>,
    /// From -1000, never killed for want of memory, to 1000. Unsaid: ours, before it was lowered.
    pub(crate) oom_score_adj: Option<i32>,
    pub(crate) limits: Vec<Limit>,
    /// Nothing the child runs can gain a right it does not have, by set-user-id or file capabilities.
    pub(crate) no_new_privileges: bool,
    /// All that is left of root's power, whoever the child runs as.
    pub(crate) capabilities: Option<Capabilities>,
}

impl Attributes {
    /// Before the user changes: what may need root's rights.
    pub(super) fn raise(&self) -> Result<(), Failure> {
        if let Some(umask) = self.umask {
            // SAFETY: a system call on a number; it always succeeds.
            unsafe { libc::umask(umask as libc::mode_t) };
        }
        if let Some(nice) = self.nice {
            // SAFETY: a system call on numbers only; 0 is the calling process.
            let done = unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) };
            at(Step::Nice, zero(done))?;
        }
        if let Some(score) = self.oom_score_adj.or(oom::original()) {
            at(Step::OomScore, write_oom_score(score))?;
        }
        for limit in &self.limits {
            at(Step::Limits, limit.set())?;
        }
        if let Some(capabilities) = &self.capabilities {
            at(Step::Capabilities, capabilities.bound())?;
        }
        Ok(())
    }

    /// After the user has changed: nothing more can be gained from here on.
    pub(super) fn lower(&self) -> Result<(), Failure> {
        if let Some(capabilities) = &self.capabilities {
            at(Step::Capabilities, capabilities.take())?;
        }
        if self.no_new_privileges {
            // SAFETY: a system call on numbers only.
            let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
            at(Step::NoNewPrivileges, check(done).map(|_| ()))?;
        }
        Ok(())
    }
}

fn zero(result: libc::c_long) -> Result<(), i32> {
    if result == 0 { Ok(()) } else { Err(errno()) }
}

fn write_oom_score(score: i32) -> Result<(), i32> {
    const PATH: &CStr = c"/proc/self/oom_score_adj";
    let mut digits = [0; SCORE_BYTES];
    let text = decimal(score, &mut digits);
    // SAFETY: a C string that lives for ever, and bytes of our stack for their length; the
    // descriptor is ours alone and closed again.
    unsafe {
        let file = check(libc::open(PATH.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC))?;
        let written = libc::write(file, text.as_ptr().cast(), text.len());
        let failed = (written < 0).then(errno);
        libc::close(file);
        failed.map_or(Ok(()), Err)
    }
}

/// The number's digits at the end of `room`, without an allocation; what does not fit is cut off at
/// the front.
pub(super) fn decimal(number: i32, room: &mut [u8]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut at = room.len();
    while at > 0 {
        at -= 1;
        room[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 && at > 0 {
        at -= 1;
        room[at] = b'-';
    }
    &room[at..]
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_written_without_help() {
        for (number, text) in [(0, "0"), (-1000, "-1000"), (1000, "1000"), (7, "7")] {
            assert_eq!(decimal(number, &mut [0; 8]), text.as_bytes());
        }
        assert_eq!(decimal(i32::MAX, &mut [0; 10]), b"2147483647");
    }
}
