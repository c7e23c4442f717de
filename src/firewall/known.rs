//! What was found clean lately, since clients say the same with each request.
//!
//! Two tables of digests under a key that nobody else has, so nobody can aim at an entry; one that was
//! pushed out is only judged again. What is met again stays before what came once: requests that are
//! all different push nothing out that others need. Clean is what no detector has a word on, whatever a
//! route excepts.

use super::VALUES_MAX;
use super::digest::{Digest, Secret};

/// Sets for what is met as one: targets, and the header lines of a whole head. 48 KiB.
const WHOLE_SETS: usize = 1024;
/// Sets for their parts, of a few hundred kinds of clients. 96 KiB.
const PART_SETS: usize = 2048;
const WAYS: usize = 2;

#[derive(Debug)]
pub(crate) struct Known {
    secret: Secret,
    /// Empty until something is learnt.
    wholes: Vec<[Entry; WAYS]>,
    parts: Vec<[Entry; WAYS]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    digest: Digest,
    /// What it counts for of a request's values, and one more: zero is no entry.
    values_and_one: u16,
    /// Met again since a newcomer last wanted its place.
    is_in_use: bool,
}

/// What stands where: a header is not clean for being a clean path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Path and query.
    Target,
    /// All header lines, with what is between them.
    Lines,
    Path,
    /// `name=value`
    Pair,
    Header,
}

/// By which something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    kind: Kind,
    digest: Digest,
}

const _: () = assert!(VALUES_MAX < u16::MAX as u32);

impl Known {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { secret: Secret::new(key), wholes: Vec::new(), parts: Vec::new() }
    }

    /// `None`: it is too long to be known.
    pub(super) fn mark(&self, kind: Kind, name: &[u8], text: &[u8]) -> Option<Mark> {
        let digest = self.secret.digest(kind as u8, name, text)?;
        Some(Mark { kind, digest })
    }

    /// How many values a clean text counts for; `None`: nobody knows whether it is clean.
    pub(super) fn values(&mut self, mark: Mark) -> Option<u32> {
        let (table, sets) = self.table(mark.kind);
        let set = table.get_mut(mark.digest.place(sets))?;
        let entry = set.iter_mut().find(|entry| entry.digest == mark.digest)?;
        let values = entry.values_and_one.checked_sub(1)?;
        entry.is_in_use = true;
        Some(u32::from(values))
    }

    pub(super) fn learn(&mut self, mark: Mark, values: u32) {
        debug_assert!(values <= VALUES_MAX, "more are never clean");
        let (table, sets) = self.table(mark.kind);
        if table.is_empty() {
            table.resize(sets, [Entry::default(); WAYS]);
        }
        let set = &mut table[mark.digest.place(sets)];
        let values_and_one = u16::try_from(values + 1).unwrap_or(0);
        match set.iter_mut().find(|entry| !entry.is_in_use) {
            Some(entry) => {
                *entry = Entry { digest: mark.digest, values_and_one, is_in_use: false };
            }
            // Whoever wants the place next will have it, unless they are met again by then.
            None => set.iter_mut().for_each(|entry| entry.is_in_use = false),
        }
    }

    fn table(&mut self, kind: Kind) -> (&mut Vec<[Entry; WAYS]>, usize) {
        match kind {
            Kind::Target | Kind::Lines => (&mut self.wholes, WHOLE_SETS),
            Kind::Path | Kind::Pair | Kind::Header => (&mut self.parts, PART_SETS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(known: &Known, text: &str) -> Mark {
        known.mark(Kind::Header, b"user-agent", text.as_bytes()).expect("it is short")
    }

    #[test]
    fn what_is_met_again_stays_before_what_comes_once() {
        let mut known = Known::new(b"a key");
        let often = mark(&known, "often");
        known.learn(often, 3);
        assert_eq!(known.values(often), Some(3));
        for number in 0..100_000 {
            let once = mark(&known, &format!("once {number}"));
            assert_eq!(known.values(once), None);
            known.learn(once, 1);
        }
        assert_eq!(known.values(often), Some(3));
        assert_eq!(known.values(mark(&known, "never")), None);
    }

    #[test]
    fn what_is_met_no_more_gives_way() {
        let mut known = Known::new(b"a key");
        let place = |mark: &Mark| mark.digest.place(PART_SETS);
        let old = mark(&known, "old");
        let texts = (0..).map(|number| mark(&known, &format!("text {number}")));
        let others: Vec<Mark> = texts.filter(|it| place(it) == place(&old)).take(3).collect();
        for mark in [old, others[0]] {
            known.learn(mark, 1);
            known.values(mark);
        }
        let mut came_to_be_known = |mark: Mark| {
            known.learn(mark, 1);
            known.values(mark).is_some()
        };
        let came = [1, 1, 2].map(|at| came_to_be_known(others[at]));
        assert_eq!(came, [false, true, true]);
        assert_eq!([old, others[0]].map(|mark| known.values(mark)), [None, None]);
    }
}
