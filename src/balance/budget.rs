//! How many retries an upstream is granted: a share of its recent requests, and a few more so that
//! a quiet upstream has some, too.
//!
//! Only retries in vain count against it. While one backend is down and others answer, every retry
//! saves a request and none is missing; when all are dying, requests stop being multiplied.

/// How far back requests and retries count.
pub(crate) const WINDOW_S: usize = 10;
/// Retries in vain within the window that need no requests to stand for them.
pub(crate) const FREE: u64 = 10;

/// Of one upstream, as one worker sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    /// By second, modulo the window.
    seconds: [Second; WINDOW_S],
    /// The latest second that has its place.
    now_s: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    requests: u32,
    in_vain: u32,
}

impl Budget {
    /// A request was offered for the first time.
    pub(crate) fn asked(&mut self, now_s: u64) {
        let second = self.at(now_s);
        second.requests = second.requests.saturating_add(1);
    }

    /// A retry came to nothing.
    pub(crate) fn failed(&mut self, now_s: u64) {
        let second = self.at(now_s);
        second.in_vain = second.in_vain.saturating_add(1);
    }

    /// Whether a request may be offered once more.
    pub(crate) fn grants(&mut self, percent: u32, now_s: u64) -> bool {
        self.at(now_s);
        let sum = |count: fn(&Second) -> u32| -> u64 {
            self.seconds.iter().map(|second| u64::from(count(second))).sum()
        };
        let allowed = sum(|second| second.requests) * u64::from(percent) / 100 + FREE;
        sum(|second| second.in_vain) < allowed
    }

    /// The place of `now_s`, after clearing those whose second has left the window.
    fn at(&mut self, now_s: u64) -> &mut Second {
        if now_s > self.now_s {
            for second_s in (self.now_s + 1..=now_s).rev().take(WINDOW_S) {
                self.seconds[place(second_s)] = Second::default();
            }
            self.now_s = now_s;
        }
        &mut self.seconds[place(self.now_s)]
    }
}

fn place(second_s: u64) -> usize {
    (second_s % WINDOW_S as u64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retries_that_help_are_never_missing() {
        let mut budget = Budget::default();
        for request in 0..100_000 {
            budget.asked(request / 1_000);
            assert!(budget.grants(0, request / 1_000));
        }
    }

    #[test]
    fn retries_in_vain_stop_at_the_share() {
        let mut budget = Budget::default();
        for _ in 0..1_000 {
            budget.asked(5);
            if budget.grants(20, 5) {
                budget.failed(5);
            }
        }
        assert!(!budget.grants(20, 5));
        assert!(!budget.grants(20, 5 + WINDOW_S as u64 - 1), "the window still holds them");
        assert!(budget.grants(20, 5 + WINDOW_S as u64), "and then lets go");
    }

    proptest! {
        /// Whatever comes when: within any window, retries in vain stay under the share of the
        /// requests of the last two windows (what a window's end grants, its beginning may have
        /// earned) and the free ones.
        #[test]
        fn no_window_holds_more_than_its_share(
            percent in 0_u32..=100,
            steps in prop::collection::vec((0_u64..4, 0_u32..60), 1..200),
        ) {
            let mut budget = Budget::default();
            let mut now_s = 1_000;
            let mut seconds: Vec<(u64, u64, u64)> = Vec::new();
            for (pause_s, requests) in steps {
                now_s += pause_s;
                let mut in_vain = 0;
                for _ in 0..requests {
                    budget.asked(now_s);
                    if budget.grants(percent, now_s) {
                        budget.failed(now_s);
                        in_vain += 1;
                    }
                }
                seconds.push((now_s, u64::from(requests), in_vain));
                let within = |seconds_s: u64| {
                    seconds.iter().filter(move |(at_s, ..)| now_s - at_s < seconds_s)
                };
                let window_s = WINDOW_S as u64;
                let asked: u64 = within(2 * window_s).map(|(_, requests, _)| requests).sum();
                let spent: u64 = within(window_s).map(|(.., in_vain)| in_vain).sum();
                prop_assert!(spent <= asked * u64::from(percent) / 100 + FREE);
            }
        }

        /// Time that stands still, jumps or runs backwards panics nowhere.
        #[test]
        fn any_time_is_taken(times in prop::collection::vec(any::<u64>(), 0..50)) {
            let mut budget = Budget::default();
            for now_s in times {
                budget.asked(now_s);
                budget.failed(now_s);
                budget.grants(20, now_s);
            }
        }
    }
}
