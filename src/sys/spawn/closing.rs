//! Between fork and exec: whose descriptors are whose, and which end at exec. Only system calls, on the
//! stack.

use std::ffi::c_uint;

use super::child::{check, errno};

/// Of the kernel's record of a folder's entry: its length, and where the name begins.
const LENGTH_AT: usize = 16;
const NAME_AT: usize = 19;
/// In place of a descriptor's, below all of them.
const NO_NUMBER: i32 = -1;

/// They end at exec.
pub(super) fn from(first: i32) -> Result<(), i32> {
    match close_range(first, libc::CLOSE_RANGE_CLOEXEC) {
        Err(errno) if is_refusal(errno) => one_by_one(first),
        marked => marked,
    }
}

/// Closes those at once; where that can not be done, they end at exec.
pub(super) fn beyond(first: i32) -> Result<(), i32> {
    match close_range(first, 0) {
        Err(errno) if is_refusal(errno) => one_by_one(first),
        closed => closed,
    }
}

/// Parts from a table of descriptors that is shared with the parent; what is below the number stays
/// open.
pub(super) fn part(first: i32) -> Result<(), i32> {
    match close_range(first, libc::CLOSE_RANGE_UNSHARE) {
        Err(errno) if is_refusal(errno) => {
            // SAFETY: a system call on numbers only.
            check(unsafe { libc::unshare(libc::CLONE_FILES) }).map(|_| ())
        }
        parted => parted,
    }
}

fn close_range(first: i32, flags: c_uint) -> Result<(), i32> {
    // SAFETY: a system call on numbers only.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first as c_uint, c_uint::MAX, flags) };
    if done == 0 { Ok(()) } else { Err(errno()) }
}

/// Kernels before 5.11 lack the call or the flag, and a sandbox may hide either.
fn is_refusal(errno: i32) -> bool {
    matches!(errno, libc::ENOSYS | libc::EINVAL | libc::EPERM)
}

pub(super) fn one_by_one(first: i32) -> Result<(), i32> {
    let mut entries = [0_u8; 2048];
    // SAFETY: a constant C string; the descriptor is this process's own and ends with the exec.
    let folder = check(unsafe {
        libc::open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC)
    })?;
    loop {
        // SAFETY: the kernel fills at most the array's length.
        let count = unsafe {
            libc::syscall(libc::SYS_getdents64, folder, entries.as_mut_ptr(), entries.len())
        };
        let mut rest = match usize::try_from(count) {
            Ok(0) => return Ok(()),
            Ok(count) => entries.get(..count).unwrap_or_default(),
            Err(_) => return Err(errno()),
        };
        while let Some(number) = take_entry(&mut rest) {
            if number >= first {
                // SAFETY: a system call on numbers only.
                check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
            }
        }
    }
}

/// The next entry's name as a number, or `NO_NUMBER`; `None` after the last.
fn take_entry(rest: &mut &[u8]) -> Option<i32> {
    let length = rest.get(LENGTH_AT..LENGTH_AT + 2)?;
    let length = usize::from(u16::from_ne_bytes([length[0], length[1]])).max(NAME_AT + 1);
    let name = rest.get(NAME_AT..length)?;
    *rest = rest.get(length..).unwrap_or_default();
    let digits = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let number = digits.iter().try_fold(0_i32, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    });
    Some(number.unwrap_or(NO_NUMBER))
}
