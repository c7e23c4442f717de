//! The `Date` header's format (IMF-fixdate), written without formatting machinery.
//!
//! Reads no clock: whoever has one writes the date once a second and keeps the bytes.

pub(crate) const DATE_BYTES: usize = 29;

const DAYS: &[u8] = b"ThuFriSatSunMonTueWed";
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since the Unix epoch. Days to date after Howard
/// Hinnant's `civil_from_days`.
pub(crate) fn imf_fixdate(seconds_since_epoch: u64) -> [u8; DATE_BYTES] {
    let days = seconds_since_epoch / 86_400;
    let second = seconds_since_epoch % 86_400;
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + u64::from(month < 2);

    let mut date = *b"Thu, 00 Jan 0000 00:00:00 GMT";
    date[..3].copy_from_slice(&DAYS[(days % 7) as usize * 3..][..3]);
    date[8..11].copy_from_slice(&MONTHS[month as usize * 3..][..3]);
    for (at, two_digits) in [
        (5, day),
        (12, year / 100 % 100),
        (14, year % 100),
        (17, second / 3600),
        (20, second / 60 % 60),
        (23, second % 60),
    ] {
        date[at] = b'0' + (two_digits / 10) as u8;
        date[at + 1] = b'0' + (two_digits % 10) as u8;
    }
    date
}

pub(crate) const LOG_TIME_BYTES: usize = 26;
pub(crate) const ISO8601_BYTES: usize = 25;

/// nginx's `$time_local`, in UTC: `06/Nov/1994:08:49:37 +0000`, of what `imf_fixdate` wrote.
pub(crate) fn log_time(date: &[u8; DATE_BYTES]) -> [u8; LOG_TIME_BYTES] {
    let mut time = *b"00/Jan/0000:00:00:00 +0000";
    time[..2].copy_from_slice(&date[5..7]);
    time[3..6].copy_from_slice(&date[8..11]);
    time[7..11].copy_from_slice(&date[12..16]);
    time[12..20].copy_from_slice(&date[17..25]);
    time
}

/// nginx's `$time_iso8601`, in UTC: `1994-11-06T08:49:37+00:00`.
pub(crate) fn iso8601(date: &[u8; DATE_BYTES]) -> [u8; ISO8601_BYTES] {
    let mut time = *b"0000-00-00T00:00:00+00:00";
    let month = MONTHS.chunks(3).position(|name| name == &date[8..11]).map_or(0, |at| at + 1);
    time[..4].copy_from_slice(&date[12..16]);
    time[5] = b'0' + (month / 10) as u8;
    time[6] = b'0' + (month % 10) as u8;
    time[8..10].copy_from_slice(&date[5..7]);
    time[11..19].copy_from_slice(&date[17..25]);
    time
}
