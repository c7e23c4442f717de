//! Numbers for people: separators, units that change before digits get lost, ages, clock times.
//!
//! Each form has a width it never leaves, so that a column of it never moves.

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// `1,204,118`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As `count` where it fits in `room` cells, else with a unit: `1.8k`, `12.3M`.
pub(crate) fn compact(value: u64, room: usize) -> String {
    let whole = count(value);
    if whole.len() <= room {
        whole
    } else {
        with_unit(value as f64, 1000.0, &["", "k", "M", "G", "T"])
    }
}

/// `212M`, `1.4G`: powers of 1024, as tools show memory.
pub(crate) fn bytes(value: u64) -> String {
    with_unit(value as f64, 1024.0, &["B", "K", "M", "G", "T"])
}

/// Value and unit of a rate: `("22.7", "MB/s")`.
pub(crate) fn bytes_per_second(value: u64) -> (String, &'static str) {
    const UNITS: [&str; 4] = ["B/s", "kB/s", "MB/s", "GB/s"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let text = if unit == 0 { format!("{scaled:.0}") } else { format!("{scaled:.1}") };
    (text, UNITS[unit])
}

fn with_unit(mut value: f64, step: f64, units: &[&'static str]) -> String {
    let mut unit = 0;
    while value >= step - 0.5 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    if unit == 0 || value >= 99.95 {
        format!("{value:.0}{}", units[unit])
    } else {
        format!("{value:.1}{}", units[unit])
    }
}

/// `0.4ms`, `24ms`, `1.2s`: at most 5 cells up to an hour.
pub(crate) fn latency(value_us: u64) -> String {
    let value_ms = value_us as f64 / 1000.0;
    if value_us == 0 {
        "0ms".to_owned()
    } else if value_ms < 9.95 {
        format!("{:.1}ms", value_ms.max(0.1))
    } else if value_ms < 999.5 {
        format!("{value_ms:.0}ms")
    } else if value_ms < 99_950.0 {
        format!("{:.1}s", value_ms / 1000.0)
    } else {
        format!("{:.0}s", value_ms / 1000.0)
    }
}

/// `34.1%`: at most 6 cells.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Small shares keep two decimals: `0.12%`, `12.3%`.
pub(crate) fn fine_percent(share: f64) -> String {
    let value = share * 100.0;
    if value < 9.995 { format!("{value:.2}%") } else { format!("{value:.1}%") }
}

/// `41s`, `2m10s`, `3h05m`, `3d04h`, `212d`: at most 6 cells.
pub(crate) fn age(value_ms: u64) -> String {
    if value_ms < MINUTE_MS {
        format!("{}s", value_ms / SECOND_MS)
    } else if value_ms < HOUR_MS {
        format!("{}m{:02}s", value_ms / MINUTE_MS, value_ms % MINUTE_MS / SECOND_MS)
    } else if value_ms < DAY_MS {
        format!("{}h{:02}m", value_ms / HOUR_MS, value_ms % HOUR_MS / MINUTE_MS)
    } else if value_ms < 100 * DAY_MS {
        format!("{}d{:02}h", value_ms / DAY_MS, value_ms % DAY_MS / HOUR_MS)
    } else {
        format!("{}d", value_ms / DAY_MS)
    }
}

/// Seconds left, rounded up so that it never says 0 while something is still to come.
pub(crate) fn remaining(value_ms: u64) -> String {
    age(value_ms.div_ceil(SECOND_MS) * SECOND_MS)
}

/// `12:04:31`, UTC.
pub(crate) fn clock(wall_ms: u64) -> String {
    let day_ms = wall_ms % DAY_MS;
    format!(
        "{:02}:{:02}:{:02}",
        day_ms / HOUR_MS,
        day_ms % HOUR_MS / MINUTE_MS,
        day_ms % MINUTE_MS / SECOND_MS
    )
}

/// `12:04:31.114`, UTC.
pub(crate) fn clock_millis(wall_ms: u64) -> String {
    format!("{}.{:03}", clock(wall_ms), wall_ms % SECOND_MS)
}
