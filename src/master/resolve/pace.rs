//! When a name is looked up again. Pure: an answer or a failure in, milliseconds out.

use crate::config::limits::{
    RESOLVE_PAUSE_MAX_MS, RESOLVE_PAUSE_MIN_MS, RESOLVE_VALID_MAX_MS, RESOLVE_VALID_MIN_MS,
};

/// The pace of one name.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Instead of what answers say.
    valid_ms: Option<u64>,
    pause_ms: u64,
}

impl Pace {
    pub(super) fn new(valid_ms: Option<u64>) -> Self {
        Self { valid_ms, pause_ms: RESOLVE_PAUSE_MIN_MS }
    }

    pub(super) fn after_answer(&mut self, ttl_ms: u64) -> u64 {
        self.pause_ms = RESOLVE_PAUSE_MIN_MS;
        self.valid_ms.unwrap_or(ttl_ms.clamp(RESOLVE_VALID_MIN_MS, RESOLVE_VALID_MAX_MS))
    }

    /// Three quarters to five quarters of a pause that doubles each time, by `chance`: names that
    /// failed together must not all ask again together.
    pub(super) fn after_failure(&mut self, chance: u64) -> u64 {
        let pause_ms = self.pause_ms;
        self.pause_ms = (pause_ms * 2).min(RESOLVE_PAUSE_MAX_MS);
        pause_ms * 3 / 4 + chance % (pause_ms / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_as_long_as_it_says_within_bounds() {
        let mut pace = Pace::new(None);
        for (ttl_ms, expected) in
            [(0, 1_000), (999, 1_000), (30_000, 30_000), (300_000, 300_000), (86_400_000, 300_000)]
        {
            assert_eq!(pace.after_answer(ttl_ms), expected);
        }
        assert_eq!(Pace::new(Some(100)).after_answer(30_000), 100, "the file knows better");
    }

    #[test]
    fn failures_wait_longer_and_longer_until_an_answer_comes() {
        let mut pace = Pace::new(None);
        let mut pauses: Vec<u64> = (0..7).map(|_| pace.after_failure(0)).collect();
        assert_eq!(pauses, [375, 750, 1_500, 3_000, 6_000, 11_250, 11_250]);
        pace.after_answer(0);
        pauses = (0..1000).map(|chance| pace.clone().after_failure(chance * 7)).collect();
        assert_eq!((pauses.iter().min(), pauses.iter().max()), (Some(&375), Some(&624)));
    }
}
