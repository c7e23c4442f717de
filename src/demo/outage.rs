//! When a flaky program is down: soon after the engine's start, then again and again.
//!
//! Counted from the start of the process that started it, so that the schedule outlives the
//! program: a start within an outage fails too, which is what shows BACKOFF.

use std::time::Duration;

use crate::sys::proc;

const FIRST_MS: u64 = 5_000;
/// Longer than the supervisor takes to forget failed starts, so that they never add up to FATAL.
const PERIOD_MS: u64 = 45_000;
const LENGTH_MS: u64 = 2_000;

/// `/proc` counts in hundredths of a second, whatever the kernel's own tick is.
const TICK_MS: u64 = 10;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outage {
    Running,
    /// This long from here.
    In(Duration),
}

/// The next outage of a program that starts when its parent is `age_ms` old.
pub(super) fn next(age_ms: u64) -> Outage {
    let Some(since_first_ms) = age_ms.checked_sub(FIRST_MS) else {
        return Outage::In(Duration::from_millis(FIRST_MS - age_ms));
    };
    match since_first_ms % PERIOD_MS {
        phase_ms if phase_ms < LENGTH_MS => Outage::Running,
        phase_ms => Outage::In(Duration::from_millis(PERIOD_MS - phase_ms)),
    }
}

/// How old the parent was when this process started; zero if it is gone.
pub(super) fn parent_age_ms() -> u64 {
    let parent = proc::start_time(std::os::unix::process::parent_id());
    let own = proc::start_time(std::process::id());
    own.zip(parent).map_or(0, |(own, parent)| own.saturating_sub(parent) * TICK_MS)
}
