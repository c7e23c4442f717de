//! What a certificate says of itself: whose it is, who signed it, for which names, and how long it
//! is good.
//!
//! Reads what people are shown and what backends are told. Whether it may be trusted is not judged
//! here: that is rustls's.

mod der;
mod name;

use std::fmt::Write as _;

use der::Der;

/// One certificate, as far as it is of interest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// As RFC 2253 writes it, like nginx: `CN=site,O=Us`.
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Hexadecimal digits.
    pub(crate) serial: String,
    /// Seconds since the Unix epoch.
    pub(crate) not_before_s: i64,
    pub(crate) not_after_s: i64,
    /// DNS names and addresses that it is for.
    pub(crate) names: Vec<String>,
}

mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const OBJECT: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
    pub(super) const DNS_NAME: u8 = 0x82;
    pub(super) const ADDRESS: u8 = 0x87;
}

/// `subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

const DAY_S: i64 = 86_400;

/// `None` for what is no certificate.
pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
    let mut certificate = Der::new(der).expect(tag::SEQUENCE)?;
    let mut fields = certificate.expect(tag::SEQUENCE)?;
    // The signature's algorithm, and the signature.
    certificate.expect(tag::SEQUENCE)?;
    certificate.content(tag::BIT_STRING)?;
    fields.skip(tag::VERSION);
    let serial = fields.content(tag::INTEGER)?;
    fields.expect(tag::SEQUENCE)?;
    let issuer = name::read(fields.expect(tag::SEQUENCE)?)?;
    let mut validity = fields.expect(tag::SEQUENCE)?;
    let (not_before_s, not_after_s) = (time(&mut validity)?, time(&mut validity)?);
    let subject = name::read(fields.expect(tag::SEQUENCE)?)?;
    // The public key.
    fields.expect(tag::SEQUENCE)?;
    let names = alternative_names(fields).unwrap_or_default();
    Some(Certificate { subject, issuer, serial: hex(serial), not_before_s, not_after_s, names })
}

/// Until when a list of revoked certificates is good, in seconds since the Unix epoch; `None` for one
/// that does not say so, and for what is no list.
pub(crate) fn list_good_until(der: &[u8]) -> Option<i64> {
    let mut list = Der::new(der).expect(tag::SEQUENCE)?;
    let mut fields = list.expect(tag::SEQUENCE)?;
    fields.skip(tag::INTEGER);
    // The signature's algorithm, and who signed.
    fields.expect(tag::SEQUENCE)?;
    fields.expect(tag::SEQUENCE)?;
    let _made = time(&mut fields)?;
    time(&mut fields)
}

/// The day of a moment, as people write it: `2026-11-27`.
pub(crate) fn day(unix_s: i64) -> String {
    let (year, month, day) = civil(unix_s.div_euclid(DAY_S));
    format!("{year:04}-{month:02}-{day:02}")
}

/// A positive number has a zero in front where it would look negative without.
fn hex(integer: &[u8]) -> String {
    let digits = match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    let mut text = String::with_capacity(2 * digits.len());
    for byte in digits {
        write!(text, "{byte:02X}").expect("a text takes what is written");
    }
    text
}

fn alternative_names(mut fields: Der<'_>) -> Option<Vec<String>> {
    let mut extensions = fields.find(tag::EXTENSIONS)?.expect(tag::SEQUENCE)?;
    while let Some(mut extension) = extensions.expect(tag::SEQUENCE) {
        if extension.content(tag::OBJECT)? != ALTERNATIVE_NAMES {
            continue;
        }
        let mut names = extension.find(tag::OCTET_STRING)?.expect(tag::SEQUENCE)?;
        let mut read = Vec::new();
        while let Some((kind, content)) = names.next() {
            match kind {
                tag::DNS_NAME => read.push(String::from_utf8_lossy(content).into_owned()),
                tag::ADDRESS => read.extend(address(content)),
                _ => {}
            }
        }
        return Some(read);
    }
    None
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    let v6 =
        || <[u8; 16]>::try_from(bytes).map(|bytes| std::net::Ipv6Addr::from(bytes).to_string());
    v4.or_else(|_| v6()).ok()
}

/// `YYMMDDHHMMSSZ`, or with four digits of the year (RFC 5280, 4.1.2.5).
fn time(fields: &mut Der<'_>) -> Option<i64> {
    let (kind, text) = fields.next()?;
    let year_digits = match kind {
        tag::UTC_TIME => 2,
        tag::TIME => 4,
        _ => return None,
    };
    let (year, rest) = text.split_at_checked(year_digits)?;
    let rest: &[u8; 11] = rest.try_into().ok()?;
    let year = match (year_digits, digits(year)?) {
        (2, short @ 0..50) => 2000 + short,
        (2, short) => 1900 + short,
        (_, year) => year,
    };
    let field = |at: usize| digits(&rest[at..at + 2]);
    let (month, day) = (field(0)?, field(2)?);
    let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
    let seconds = (field(4)? * 60 + field(6)?) * 60 + field(8)?;
    (is_day && rest[10] == b'Z').then(|| days(year, month, day) * DAY_S + seconds)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// Days from the Unix epoch to a date of the Gregorian calendar. Years are counted from March, so
/// that the day that some years have more is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of `days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
