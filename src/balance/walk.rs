//! Where one request stands with a strategy that looks for a peer by hash or by chance: kept from
//! try to try, so that a retry goes on instead of beginning again.

/// After this many misses the request goes by round robin.
const MISSES_MAX: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The strategy's own number; `None` before its first step. One that was left by another
    /// strategy, which an operator may switch between two tries, is as good as any.
    pub(super) hash: Option<u32>,
    /// Hashes made.
    pub(super) steps: u32,
    misses: u32,
}

impl Walk {
    pub(crate) const fn start() -> Self {
        Self { hash: None, steps: 0, misses: 0 }
    }

    pub(super) fn miss(&mut self) {
        self.misses += 1;
    }

    pub(super) fn is_over(&self) -> bool {
        self.misses > MISSES_MAX
    }
}
