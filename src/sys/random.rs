//! Where randomness enters: words that differ between processes and machines, and secrets.
//!
//! What is made of a `seed` is unique, not unguessable.
#![allow(unsafe_code, reason = "the kernel writes into memory of ours")]

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;

/// A word made of the keys that the standard library takes from the kernel.
pub(crate) fn seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// Bytes that nobody can guess, straight from the kernel.
pub(crate) fn secret<const BYTES: usize>() -> io::Result<[u8; BYTES]> {
    let mut secret = [0; BYTES];
    let mut filled = 0;
    while filled < BYTES {
        let rest = &mut secret[filled..];
        // SAFETY: the kernel writes no more than the length of `rest`, which is ours alone.
        let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        if let Ok(count) = usize::try_from(count) {
            filled += count;
            continue;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(secret)
}
