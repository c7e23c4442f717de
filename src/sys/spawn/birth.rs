//! A child from the moment the kernel has made it, while the thread that started it may still have to
//! wait for it: whoever does not want it any more can end it from another one.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, Ordering};

use crate::sys::{lifted, pidfd, signal};

const NOBODY: RawFd = -1;

/// Nothing was made yet, and it may be.
const OPEN: u8 = 0;
const BEGUN: u8 = 1;
/// Nothing was made, and nothing will be.
const GIVEN_UP: u8 = 2;

#[derive(Debug)]
pub(crate) struct Birth {
    /// Its pidfd, owned here as long as it is here. A start that fails leaves it, and one that succeeds
    /// takes it: so nobody else closes it than who keeps the birth or was given the child.
    child: AtomicI32,
    /// Zero before there is one.
    pid: Arc<AtomicU32>,
    stage: AtomicU8,
}

/// What is there of a start that is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// No child, and there will be none.
    Nothing,
    /// A child that ends, or is about to be made.
    Child,
}

impl Default for Birth {
    fn default() -> Self {
        Self { child: AtomicI32::new(NOBODY), pid: Arc::default(), stage: AtomicU8::new(OPEN) }
    }
}

impl Birth {
    /// Where the kernel writes the pidfd while it makes the child.
    pub(super) fn place(&self) -> u64 {
        self.child.as_ptr() as u64
    }

    /// Where it writes the pid.
    pub(super) fn pid_place(&self) -> u64 {
        self.pid.as_ptr() as u64
    }

    pub(super) fn pid(&self) -> Arc<AtomicU32> {
        Arc::clone(&self.pid)
    }

    /// The kernel has made no child after all; a number that it wrote before it gave up names nothing.
    pub(super) fn failed(&self) {
        self.child.store(NOBODY, Ordering::Release);
    }

    pub(super) fn is_known(&self) -> bool {
        self.child.load(Ordering::Acquire) != NOBODY
    }

    pub(super) fn put(&self, child: OwnedFd) {
        drop(self.take());
        self.child.store(child.into_raw_fd(), Ordering::Release);
    }

    pub(super) fn take(&self) -> Option<OwnedFd> {
        let number = self.child.swap(NOBODY, Ordering::AcqRel);
        // SAFETY: the kernel or `put` made this place the owner of the number, which only the swap gives
        // away, and once.
        (number != NOBODY).then(|| lifted::lift(unsafe { OwnedFd::from_raw_fd(number) }))
    }

    /// Whether it may be begun; said again, it stays so.
    pub(super) fn begins(&self) -> bool {
        let before = self.stage.compare_exchange(OPEN, BEGUN, Ordering::AcqRel, Ordering::Acquire);
        before != Err(GIVEN_UP)
    }

    /// Ends the child, should it be there. One that was taken is its owner's to end.
    pub(crate) fn give_up(&self) -> io::Result<GivenUp> {
        let before =
            self.stage.compare_exchange(OPEN, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        match before {
            Ok(_) | Err(GIVEN_UP) => Ok(GivenUp::Nothing),
            Err(_) => self.kill().map(|()| GivenUp::Child),
        }
    }

    fn kill(&self) -> io::Result<()> {
        let number = self.child.load(Ordering::Acquire);
        // The pid comes last: before that the kernel may still give up.
        if number == NOBODY || self.pid.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        // SAFETY: it is open: whoever has taken it meanwhile has it from here, by way of the caller.
        let child = unsafe { BorrowedFd::borrow_raw(number) };
        match pidfd::signal(child, signal::KILL) {
            Err(error) if error.raw_os_error() == Some(pidfd::GONE) => Ok(()),
            killed => killed,
        }
    }
}

impl Drop for Birth {
    fn drop(&mut self) {
        drop(self.take());
    }
}
