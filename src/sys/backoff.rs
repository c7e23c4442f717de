//! When to start a process again that keeps ending.

/// One that lived this long was healthy: the next end is the first again.
pub(crate) const HEALTHY_US: u64 = 10_000_000;
const FIRST_WAIT_US: u64 = 100_000;
const WAIT_US_MAX: u64 = 5_000_000;

/// The first start after a death is at once, each further one waits twice as long.
#[derive(Debug)]
pub(crate) struct Backoff {
    wait_us: u64,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { wait_us: 0 }
    }

    /// When to start again after a life from `since_us` to `now_us`.
    pub(crate) fn ended(&mut self, since_us: u64, now_us: u64) -> u64 {
        if now_us.saturating_sub(since_us) >= HEALTHY_US {
            self.wait_us = 0;
        }
        let due_us = now_us + self.wait_us;
        self.wait_us = (self.wait_us * 2).clamp(FIRST_WAIT_US, WAIT_US_MAX);
        due_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_nothing_to_the_bound_and_a_long_life_resets() {
        let mut backoff = Backoff::new();
        let waits: Vec<u64> =
            (0..9).map(|_| (backoff.ended(1_000_000, 2_000_000) - 2_000_000) / 1000).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.ended(0, HEALTHY_US), HEALTHY_US);
        assert_eq!(backoff.ended(0, 7), 100_007);
    }
}
