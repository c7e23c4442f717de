//! One line per happening on standard error, in one format for every process of the engine.
//!
//! Deliberately small: no filters by module, no files (the foreground engine's stderr is whoever
//! started it; the background one's is its log file). A line is one `write`, so lines of several
//! processes never mix.

use std::fmt;
use std::io::Write as _;

use super::clock;

/// How bad it is. `Alert` means a bug of ours or a broken invariant: tests fail on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Alert,
    Error,
    Warn,
    Notice,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
        }
    }
}

/// Writes `2026-11-22T12:04:31.123Z [notice] 4121 who: text`; failure to write is not an error, since
/// there is nowhere left to say so.
pub(crate) fn line(level: Level, who: &str, text: fmt::Arguments<'_>) {
    let wall_ms = clock::wall_ms();
    let line =
        format!("{} [{}] {} {who}: {text}\n", utc(wall_ms), level.name(), std::process::id());
    let _nowhere_left_to_say_so = std::io::stderr().write_all(line.as_bytes());
}

/// RFC 3339 in UTC with milliseconds. Days to date after Howard Hinnant's `civil_from_days`.
pub(crate) fn utc(wall_ms: u64) -> String {
    let seconds = wall_ms / 1000;
    let (year, month, day) = civil(seconds / 86_400);
    let second = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        wall_ms % 1000
    )
}

fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

macro_rules! alert { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Alert, $who, format_args!($($text)*)) } }
macro_rules! error { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Error, $who, format_args!($($text)*)) } }
macro_rules! warning { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Warn, $who, format_args!($($text)*)) } }
macro_rules! notice { ($who:expr, $($text:tt)*) => { $crate::sys::log::line($crate::sys::log::Level::Notice, $who, format_args!($($text)*)) } }
#[allow(unused_imports, reason = "each level is used by some role")]
pub(crate) use {alert, error, notice, warning};

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn utc_matches_known_instants() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(utc(1_795_349_071_999), "2026-11-22T12:04:31.999Z");
    }
}
