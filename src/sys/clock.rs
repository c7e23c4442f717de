//! The only reader of time. Everything that decides receives what this returns.
#![allow(unsafe_code, reason = "the machine's time zone is libc's to know")]

use rustix::time::{ClockId, clock_gettime};

/// Microseconds of CLOCK_MONOTONIC: the same clock in every process of the machine, never set back.
pub(crate) fn monotonic_us() -> u64 {
    micros(ClockId::Monotonic)
}

/// Milliseconds since the Unix epoch, for display and records only; decisions use `monotonic_us`.
pub(crate) fn wall_ms() -> u64 {
    let now_ms = micros(ClockId::Realtime) / 1000;
    #[cfg(test)]
    let now_ms = now_ms.saturating_add_signed(tests::SET_AHEAD_MS.get());
    now_ms
}

/// How long the machine has slept in all, which `monotonic_us` does not count.
pub(crate) fn suspended_us() -> u64 {
    // Read in this order the difference never seems larger than it is.
    let boot_us = micros(ClockId::Boottime);
    boot_us.saturating_sub(monotonic_us())
}

/// A moment as the machine's own clocks on the wall show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// 1 to 12.
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
}

/// Seconds since the Unix epoch in the machine's time zone.
pub(crate) fn local(seconds: u64) -> Local {
    let seconds: libc::time_t = seconds.try_into().unwrap_or(libc::time_t::MAX);
    // SAFETY: both arguments outlive the call, and a `tm` of zeros is a valid one; when the call
    // fails, it stays that.
    let fields = unsafe {
        let mut fields: libc::tm = std::mem::zeroed();
        libc::localtime_r(&raw const seconds, &raw mut fields);
        fields
    };
    let number = |field: i32| u32::try_from(field).unwrap_or(0);
    Local {
        month: number(fields.tm_mon) + 1,
        day: number(fields.tm_mday),
        hour: number(fields.tm_hour),
        minute: number(fields.tm_min),
    }
}

fn micros(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// For a test of what must not matter: how far the clock on the wall is ahead for it.
        pub(crate) static SET_AHEAD_MS: Cell<i64> = const { Cell::new(0) };
    }
}
