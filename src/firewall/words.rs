//! One search for many words, in time that grows with the text alone.

use aho_corasick::{AhoCorasick, MatchKind};

pub(super) struct Words(AhoCorasick);

/// A word that was found: which of the list, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) word: usize,
    pub(super) at: usize,
}

impl Words {
    /// Words are given in small letters, as normal forms have them.
    pub(super) fn new(words: &[&str]) -> Self {
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words);
        Self(search.expect("a few hundred short words"))
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<Hit> {
        self.hits(text).next()
    }

    /// All that do not overlap.
    pub(super) fn hits(&self, text: &[u8]) -> impl Iterator<Item = Hit> {
        self.0.find_iter(text).map(|hit| Hit { word: hit.pattern().as_usize(), at: hit.start() })
    }
}
