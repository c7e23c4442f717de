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

pub(crate) const LISTED_BYTES: usize = 17;

/// nginx's form in listings, in UTC: `06-Nov-1994 08:49`, of what `imf_fixdate` wrote.
pub(crate) fn listed(date: &[u8; DATE_BYTES]) -> [u8; LISTED_BYTES] {
    let mut time = *b"00-Jan-0000 00:00";
    time[..2].copy_from_slice(&date[5..7]);
    time[3..6].copy_from_slice(&date[8..11]);
    time[7..11].copy_from_slice(&date[12..16]);
    time[12..].copy_from_slice(&date[17..22]);
    time
}

/// Seconds since the Unix epoch of a date in one of HTTP's three forms (RFC 9110, 5.6.7); `None` for
/// anything else. Neither the weekday nor what follows the time is looked at, as in nginx.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let separator = text.iter().position(|byte| matches!(byte, b',' | b' '))?;
    let mut fields = Fields { rest: text[separator + 1..].trim_ascii_start() };
    let (date, time) = if text[separator] == b',' {
        let day = fields.number(2)?;
        let between = fields.either(b' ', b'-')?;
        let month = fields.month()?;
        fields.byte(between)?;
        let year = match between {
            b' ' => fields.number(4)?,
            // Of two digits, those of our time (RFC 850).
            _ => fields.number(2).map(|year| year + if year < 70 { 2000 } else { 1900 })?,
        };
        fields.byte(b' ')?;
        ((year, month, day), fields.time()?)
    } else {
        // C's asctime: the year comes last.
        let month = fields.month()?;
        fields.byte(b' ')?;
        fields.rest = fields.rest.strip_prefix(b" ").unwrap_or(fields.rest);
        let day = match fields.rest {
            [_, b' ', ..] => fields.number(1)?,
            _ => fields.number(2)?,
        };
        fields.byte(b' ')?;
        let time = fields.time()?;
        fields.byte(b' ')?;
        ((fields.number(4)?, month, day), time)
    };
    Some(days_since_epoch(date)? * 86_400 + time)
}

/// Takes a date apart from the front.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        number.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
        })
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn either(&mut self, one: u8, other: u8) -> Option<u8> {
        let byte = *self.rest.first().filter(|byte| **byte == one || **byte == other)?;
        self.rest = &self.rest[1..];
        Some(byte)
    }

    /// From one.
    fn month(&mut self) -> Option<i64> {
        let (name, rest) = self.rest.split_at_checked(3)?;
        self.rest = rest;
        let at = MONTHS.chunks(3).position(|known| known == name)?;
        i64::try_from(at + 1).ok()
    }

    /// Seconds since midnight.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.byte(b':')?;
        let minute = self.number(2)?;
        self.byte(b':')?;
        let second = self.number(2)?;
        (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
    }
}

/// Of a day that exists; after Howard Hinnant's `days_from_civil`.
fn days_since_epoch((year, month, day): (i64, i64, i64)) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day < 1 || day > days {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}
