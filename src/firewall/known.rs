//! What was found clean lately, since clients say the same with each request.
//!
//! A table of digests under a key that nobody else has, so nobody can aim at an entry; one that was
//! pushed out is only judged again. Clean is what no detector has a word on, whatever a route excepts.

use std::hash::{DefaultHasher, Hasher as _};

use super::VALUES_MAX;

/// Room for the headers of a few hundred kinds of clients: 64 KiB.
const ENTRIES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Known {
    /// Has taken the key.
    keyed: DefaultHasher,
    /// Empty until something is learnt.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    digest: u64,
    /// What it counts for of a request's values, and one more: zero is no entry.
    values_and_one: u32,
}

/// What stands where: a header is not clean for being a clean path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Path,
    /// `name=value`
    Pair,
    Header,
}

impl Known {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut keyed = DefaultHasher::new();
        keyed.write(key);
        Self { keyed, entries: Vec::new() }
    }

    pub(super) fn digest(&self, kind: Kind, name: &[u8], text: &[u8]) -> u64 {
        let mut hasher = self.keyed.clone();
        // The length tells where the name ends.
        hasher.write_u64((name.len() as u64) << 2 | kind as u64);
        hasher.write(name);
        hasher.write(text);
        hasher.finish()
    }

    /// How many values a clean text counts for; `None`: nobody knows whether it is clean.
    pub(super) fn values(&self, digest: u64) -> Option<u32> {
        let entry = self.entries.get(place(digest))?;
        if entry.digest == digest { entry.values_and_one.checked_sub(1) } else { None }
    }

    pub(super) fn learn(&mut self, digest: u64, values: u32) {
        debug_assert!(values <= VALUES_MAX, "more are never clean");
        if self.entries.is_empty() {
            self.entries.resize(ENTRIES, Entry::default());
        }
        self.entries[place(digest)] = Entry { digest, values_and_one: values + 1 };
    }
}

fn place(digest: u64) -> usize {
    digest as usize % ENTRIES
}
