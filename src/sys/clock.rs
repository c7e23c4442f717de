//! The only reader of time. Everything that decides receives what this returns.

use rustix::time::{ClockId, clock_gettime};

/// Microseconds of CLOCK_MONOTONIC: the same clock in every process of the machine, never set back.
pub(crate) fn monotonic_us() -> u64 {
    micros(ClockId::Monotonic)
}

/// Milliseconds since the Unix epoch, for display and records only; decisions use `monotonic_us`.
pub(crate) fn wall_ms() -> u64 {
    micros(ClockId::Realtime) / 1000
}

/// How long the machine has slept in all, which `monotonic_us` does not count.
pub(crate) fn suspended_us() -> u64 {
    // Read in this order the difference never seems larger than it is.
    let boot_us = micros(ClockId::Boottime);
    boot_us.saturating_sub(monotonic_us())
}

fn micros(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}
