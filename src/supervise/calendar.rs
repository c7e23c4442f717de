//! When a cron line comes next: fields and a time zone in, an instant out.
//!
//! A line for certain hours means times of the local clock and comes once a day for each: at the end
//! of the gap when the clock skips it, and the first time when the clock repeats it. A line for every
//! hour means real time: nothing is made up for a skipped hour, and a repeated hour counts twice.
//! This is what cron users expect of `0 2 * * *` and `*/15 * * * *`. Reads neither clock nor files:
//! the zone is a value.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

#[cfg(test)]
mod tests;

/// A bit for each value of a field: bit 5 of `hours` is five o'clock, bit 0 of `weekdays` Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    pub(crate) minutes: u64,
    pub(crate) hours: u32,
    pub(crate) days: u32,
    pub(crate) months: u16,
    pub(crate) weekdays: u8,
    pub(crate) day_rule: DayRule,
}

/// How day of the month and day of the week count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayRule {
    /// One of them is `*`: both must match.
    Both,
    /// Both are restricted: either will do.
    Either,
}

pub(crate) const EVERY_HOUR: u32 = (1 << 24) - 1;
/// The 29th of February can be eight years away.
const DAYS_MAX: u32 = 9 * 366;
/// No clock is put back by more.
const FOLD_MAX: SignedDuration = SignedDuration::from_hours(3);

impl Cron {
    /// The first time after this instant, in milliseconds since the epoch; `None` if it never comes.
    pub(crate) fn next_ms(&self, zone: &TimeZone, after_ms: u64) -> Option<u64> {
        let after = Timestamp::from_millisecond(i64::try_from(after_ms).ok()?).ok()?;
        let local = zone.to_datetime(after);
        let earliest = local.checked_sub(FOLD_MAX).ok()?;
        let mut date = earliest.date();
        for _ in 0..DAYS_MAX {
            if self.is_on(date)
                && let Some(next) = self.first_on(date, zone, (after, earliest))
            {
                return u64::try_from(next.as_millisecond()).ok();
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let is_month = self.months & (1 << date.month()) != 0;
        let is_day = self.days & (1 << date.day()) != 0;
        let is_weekday = self.weekdays & (1 << date.weekday().to_sunday_zero_offset()) != 0;
        is_month
            && match self.day_rule {
                DayRule::Both => is_day && is_weekday,
                DayRule::Either => is_day || is_weekday,
            }
    }

    /// The first instant of this date that is after `after`; what the local clock shows before
    /// `earliest` is too long ago to be asked about.
    fn first_on(
        &self,
        date: Date,
        zone: &TimeZone,
        (after, earliest): (Timestamp, DateTime),
    ) -> Option<Timestamp> {
        let mut first: Option<Timestamp> = None;
        let hours = (0..24).filter(|hour| self.hours & (1 << hour) != 0);
        for hour in hours {
            let minutes = (0..60).filter(|minute| self.minutes & (1 << minute) != 0);
            let times = minutes.map(|minute| date.at(hour, minute, 0, 0));
            for time in times.filter(|time| *time >= earliest) {
                let instants = self.instants(time, zone).into_iter().flatten();
                first = instants.filter(|instant| *instant > after).chain(first).min();
            }
            // What comes hours later on the clock does not come sooner.
            let is_settled = |first: Timestamp| {
                let so_far = zone.to_datetime(first).checked_add(FOLD_MAX);
                so_far.is_ok_and(|so_far| date.at(hour, 0, 0, 0) > so_far)
            };
            if first.is_some_and(is_settled) {
                break;
            }
        }
        first
    }

    /// When the local clock's time is, as this line means it.
    fn instants(&self, time: DateTime, zone: &TimeZone) -> [Option<Timestamp>; 2] {
        let is_every_hour = self.hours == EVERY_HOUR;
        match zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset.to_timestamp(time).ok(), None],
            AmbiguousOffset::Fold { before, after } => {
                let again = if is_every_hour { after.to_timestamp(time).ok() } else { None };
                [before.to_timestamp(time).ok(), again]
            }
            AmbiguousOffset::Gap { .. } if is_every_hour => [None, None],
            AmbiguousOffset::Gap { before, .. } => {
                // By the clock before the gap it would be this long after the gap began.
                let within = before.to_timestamp(time).ok();
                let just_after = within
                    .and_then(|within| within.checked_add(SignedDuration::from_nanos(1)).ok());
                let jump = just_after.and_then(|after| zone.preceding(after).next());
                [jump.map(|jump| jump.timestamp()), None]
            }
        }
    }
}

/// An instant as a person nearby would say it: `03:00`, `Mon 03:00`, `2026-12-01 03:00`.
pub(crate) fn said(zone: &TimeZone, now_ms: u64, at_ms: u64) -> String {
    let local = |ms: u64| {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(ms).map(|instant| zone.to_datetime(instant))
    };
    let (Ok(now), Ok(at)) = (local(now_ms), local(at_ms)) else { return "ever".to_owned() };
    let clock = format!("{:02}:{:02}", at.hour(), at.minute());
    let days = at.date().since(now.date()).map_or(i32::MAX, |span| span.get_days());
    match days {
        0 => clock,
        1..=6 => format!("{} {clock}", WEEKDAYS[at.weekday().to_sunday_zero_offset() as usize % 7]),
        _ => format!("{} {clock}", at.date()),
    }
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
