//! Waiting for a condition with a deadline: the only kind of waiting these tests do.

#![expect(clippy::disallowed_methods, reason = "a test measures its own patience")]

use std::time::{Duration, Instant};

/// Generous, since machines are noisy; a passing test never comes near it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// Looks until `condition` gives a value; fails with `what` when patience ends.
#[track_caller]
pub(crate) fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, condition)
}

#[track_caller]
pub(crate) fn within<T>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain for: {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}
