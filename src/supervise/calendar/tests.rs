//! Cron lines beside a second reading of them, which walks through real minutes.

use proptest::prelude::*;

use super::*;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
/// Half an hour, and the other half of the year.
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
const ZONES: [&str; 4] = [BERLIN, NEW_YORK, LORD_HOWE, "UTC0"];

const ALL: Cron = Cron {
    minutes: (1 << 60) - 1,
    hours: EVERY_HOUR,
    days: !1,
    months: 0b1_1111_1111_1110,
    weekdays: 0x7f,
    day_rule: DayRule::Both,
};

fn zone(text: &str) -> TimeZone {
    TimeZone::posix(text).unwrap()
}

fn ms(text: &str) -> u64 {
    let instant: Timestamp = text.parse().unwrap();
    instant.as_millisecond() as u64
}

/// The next times after each other, as UTC.
fn next(cron: Cron, zone: &TimeZone, after: &str, count: usize) -> Vec<String> {
    let mut at_ms = ms(after);
    let mut found = Vec::new();
    for _ in 0..count {
        at_ms = cron.next_ms(zone, at_ms).unwrap();
        found.push(Timestamp::from_millisecond(at_ms as i64).unwrap().to_string());
    }
    found
}

fn daily(hour: u32, minute: u32) -> Cron {
    Cron { minutes: 1 << minute, hours: 1 << hour, ..ALL }
}

#[test]
fn a_daily_line_follows_the_local_clock() {
    let expected = ["2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"];
    assert_eq!(next(daily(3, 0), &zone(BERLIN), "2026-10-23T12:00:00Z", 3), expected);
}

#[test]
fn a_skipped_time_comes_at_the_end_of_the_gap() {
    // Clocks go from 02:00 to 03:00 on 29 March 2026, at 01:00 UTC.
    let expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    assert_eq!(next(daily(2, 30), &zone(BERLIN), "2026-03-28T00:00:00Z", 3), expected);
    let often = Cron { minutes: 1 | 1 << 15 | 1 << 30, hours: 1 << 2, ..ALL };
    let expected = ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"];
    assert_eq!(next(often, &zone(BERLIN), "2026-03-28T12:00:00Z", 2), expected, "once for all");
}

#[test]
fn a_repeated_time_comes_once() {
    // Clocks go from 03:00 back to 02:00 on 25 October 2026, at 01:00 UTC.
    let expected = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    assert_eq!(next(daily(2, 30), &zone(BERLIN), "2026-10-24T12:00:00Z", 2), expected);
    assert_eq!(next(daily(2, 30), &zone(BERLIN), "2026-10-25T01:15:00Z", 1), expected[1..]);
}

#[test]
fn every_hour_is_every_real_hour() {
    let cron = Cron { minutes: 1 << 30, ..ALL };
    let expected = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    assert_eq!(next(cron, &zone(BERLIN), "2026-10-25T00:00:00Z", 3), expected);
    let expected = ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"];
    assert_eq!(next(cron, &zone(BERLIN), "2026-03-29T00:00:00Z", 2), expected);
}

#[test]
fn days_of_month_and_week_count_as_either_when_both_are_given() {
    // The 13th, or a Friday.
    let cron = Cron { days: 1 << 13, weekdays: 1 << 5, day_rule: DayRule::Either, ..daily(0, 0) };
    let expected =
        ["2026-11-13", "2026-11-20", "2026-11-27", "2026-12-04", "2026-12-11", "2026-12-13"];
    let found = next(cron, &TimeZone::UTC, "2026-11-12T00:00:00Z", 6);
    let dates: Vec<&str> = found.iter().map(|text| &text[..10]).collect();
    assert_eq!(dates, expected);
    let both = Cron { day_rule: DayRule::Both, ..cron };
    assert_eq!(next(both, &TimeZone::UTC, "2026-11-14T00:00:00Z", 1), ["2027-08-13T00:00:00Z"]);
}

#[test]
fn a_leap_day_is_waited_for_and_an_impossible_one_is_not() {
    let leap = Cron { days: 1 << 29, months: 1 << 2, ..daily(0, 0) };
    let expected = ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"];
    assert_eq!(next(leap, &TimeZone::UTC, "2095-01-01T00:00:00Z", 2), expected);
    let never = Cron { days: 1 << 30, ..leap };
    assert_eq!(never.next_ms(&TimeZone::UTC, ms("2026-01-01T00:00:00Z")), None);
}

#[test]
fn instants_are_said_as_people_do() {
    let (zone, now) = (zone(BERLIN), ms("2026-11-27T10:00:00Z"));
    for (at, text) in [
        ("2026-11-27T22:59:00Z", "23:59"),
        ("2026-11-27T23:00:00Z", "Sat 00:00"),
        ("2026-12-03T02:00:00Z", "Thu 03:00"),
        ("2026-12-04T02:00:00Z", "2026-12-04 03:00"),
    ] {
        assert_eq!(said(&zone, now, ms(at)), text);
    }
}

/// The same by walking: each real minute is looked at, and what the clock has skipped before it.
fn walked_ms(cron: &Cron, zone: &TimeZone, after_ms: u64) -> Option<u64> {
    const MINUTE_MS: u64 = 60_000;
    let local = |ms: u64| zone.to_datetime(Timestamp::from_millisecond(ms as i64).unwrap());
    let is_match = |time: DateTime| {
        cron.minutes >> time.minute() & 1 == 1
            && cron.hours >> time.hour() & 1 == 1
            && cron.is_on(time.date())
    };
    let mut at_ms = after_ms / MINUTE_MS * MINUTE_MS;
    for _ in 0..40 * 24 * 60 {
        at_ms += MINUTE_MS;
        let time = local(at_ms);
        if cron.hours == EVERY_HOUR {
            if is_match(time) {
                return Some(at_ms);
            }
            continue;
        }
        let is_repeated = [30, 60].iter().any(|back| local(at_ms - back * MINUTE_MS) == time);
        let mut skipped = local(at_ms - MINUTE_MS);
        let mut is_due = is_match(time) && !is_repeated;
        while skipped < time {
            skipped = skipped.checked_add(SignedDuration::from_mins(1)).unwrap();
            is_due |= skipped < time && is_match(skipped);
        }
        if is_due {
            return Some(at_ms);
        }
    }
    None
}

fn crons() -> impl Strategy<Value = Cron> {
    let hours = prop_oneof![Just(EVERY_HOUR), (0..24u32).prop_map(|hour| 1 << hour), 1..EVERY_HOUR];
    let minutes = prop_oneof![(0..60u32).prop_map(|minute| 1 << minute), 1..1u64 << 60];
    let days = prop_oneof![Just(!1u32), (1..32u32).prop_map(|day| 1 << day)];
    let rule = prop_oneof![Just(DayRule::Both), Just(DayRule::Either)];
    (minutes, hours, days, 1..0x80u8, rule).prop_map(
        |(minutes, hours, days, weekdays, day_rule)| Cron {
            minutes,
            hours,
            days,
            weekdays,
            day_rule,
            ..ALL
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Around the days on which clocks change, and elsewhere.
    #[test]
    fn a_walk_comes_to_the_same(
        cron in crons(),
        zone_at in 0..ZONES.len(),
        from in prop_oneof![
            Just("2026-03-28T00:00:00Z"), Just("2026-10-24T00:00:00Z"), Just("2026-03-07T12:00:00Z"),
            Just("2026-10-31T12:00:00Z"), Just("2026-04-04T00:00:00Z"), Just("2026-10-03T00:00:00Z"),
            Just("2027-12-31T00:00:00Z"),
        ],
        later_ms in 0..172_800_000u64,
    ) {
        let zone = zone(ZONES[zone_at]);
        let after_ms = ms(from) + later_ms;
        if let Some(walked_ms) = walked_ms(&cron, &zone, after_ms) {
            prop_assert_eq!(cron.next_ms(&zone, after_ms), Some(walked_ms));
        }
    }
}
