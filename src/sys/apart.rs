//! A thread with a table of descriptors of its own: what it opens, no other thread's child inherits.
//!
//! A child closes what it inherits, and to close a file waits for its file system. So a file of one
//! that may not answer is open in such a thread only, or else it holds up every start.
#![allow(unsafe_code, reason = "only a system call makes another table")]

use std::io;

/// Standard input, output and error stay.
const FIRST: u32 = 3;

/// Nothing that is open comes along, nor goes back: a descriptor means something else here. The error:
/// no thread can be had.
pub(crate) fn run<T: Send>(call: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("apart".to_owned());
        let thread = thread.spawn_scoped(scope, || {
            part();
            call()
        })?;
        thread.join().map_err(|_| io::Error::other("a thread has died"))
    })
}

/// Before Linux 5.11, and where a sandbox refuses it, the table stays everybody's.
fn part() {
    // SAFETY: a system call on numbers only. The calling thread has just begun and uses none of the
    // descriptors that it parts with; those of the other threads stay open.
    let _shared_as_before =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST, u32::MAX, libc::CLOSE_RANGE_UNSHARE) };
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn what_is_open_there_is_not_here_and_the_other_way_round() {
        let folder = tempfile::tempdir().unwrap();
        let here = File::create(folder.path().join("here")).unwrap();
        let is_open = |number: i32| rustix::io::fcntl_getfd(borrowed(number)).is_ok();
        let seen = super::run(|| is_open(here.as_raw_fd())).unwrap();
        assert!(!seen && is_open(here.as_raw_fd()));
    }

    fn borrowed(number: i32) -> std::os::fd::BorrowedFd<'static> {
        // SAFETY: only asked whether it is one.
        unsafe { std::os::fd::BorrowedFd::borrow_raw(number) }
    }
}
