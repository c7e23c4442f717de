//! The machine's own time of day: how far its clocks on the wall are from UTC at a moment.
#![allow(unsafe_code, reason = "only the C library knows the machine's time zone")]

/// Milliseconds since the Unix epoch as a clock on the wall counts them: what `sys::log::utc` makes of
/// them is the local date and time.
pub(crate) fn shifted_ms(wall_ms: u64) -> u64 {
    let offset_ms = offset_seconds(wall_ms / 1000) * 1000;
    wall_ms.saturating_add_signed(offset_ms)
}

fn offset_seconds(wall_s: u64) -> i64 {
    let Ok(time) = libc::time_t::try_from(wall_s) else { return 0 };
    // SAFETY: zeroes are a valid `tm`; the call fills it and keeps no pointer. The environment, which
    // it reads, is never changed after start (`env::set_var` is banned).
    let broken_down = unsafe {
        let mut broken_down: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const time, &raw mut broken_down).is_null() {
            return 0;
        }
        broken_down
    };
    broken_down.tm_gmtoff
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_place_is_less_than_a_day_from_utc() {
        let now_ms = 1_795_741_323_000;
        assert!(super::shifted_ms(now_ms).abs_diff(now_ms) < 86_400_000);
    }
}
