//! How much of a count came within the last minute.

use std::collections::VecDeque;

const SECONDS: usize = 60;

/// What a count was at the end of each of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Minute {
    totals: VecDeque<u64>,
}

impl Minute {
    pub(super) fn close_second(&mut self, total: u64) {
        self.totals.truncate(SECONDS);
        self.totals.push_front(total);
    }

    pub(super) fn count(&self) -> u64 {
        match (self.totals.front(), self.totals.back()) {
            // A count that began anew has no past.
            (Some(now), Some(then)) => now.saturating_sub(*then),
            (None, _) | (_, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_a_minute_counts_no_more() {
        let mut minute = Minute::default();
        assert_eq!(minute.count(), 0);
        minute.close_second(1_000);
        assert_eq!(minute.count(), 0, "what was before is nobody's minute");
        for second in 1..=60 {
            minute.close_second(1_000 + second);
        }
        assert_eq!(minute.count(), 60);
        for _ in 0..30 {
            minute.close_second(1_060);
        }
        assert_eq!(minute.count(), 30);
        minute.close_second(5);
        assert_eq!(minute.count(), 0, "it began anew");
    }
}
