//! Where randomness enters: words that differ between processes and machines.
//!
//! Not for secrets: what is made of them is unique, not unguessable.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A word made of the keys that the standard library takes from the kernel.
pub(crate) fn seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}
