//! Jobs, schedules and ages: what the keys mean, what bad ones are told, and cron lines beside a
//! second reading.

use proptest::prelude::*;

use super::super::model::life::{Cron, Kind, Life, MaxAge, Overlap, When};
use super::super::program::cron::parse;
use super::errors::check_short;
use super::good;

fn life(lines: &str) -> Life {
    let config = good(&format!("[program.p]\ncommand = \"a\"\n{lines}"));
    config.programs[0].life.clone()
}

#[test]
fn a_schedule_makes_a_job_unless_the_file_says_otherwise() {
    assert_eq!(life("").kind, Kind::Service);
    let job = life("schedule = { every = \"10m\", jitter = \"30s\" }");
    assert_eq!(job.kind, Kind::OneShot);
    let schedule = job.schedule.unwrap();
    assert_eq!(schedule.when, When::Every { period_ms: 600_000 });
    assert_eq!((schedule.jitter_ms, schedule.overlap), (30_000, Overlap::Skip));
    let service = life("kind = \"service\"\nschedule = { cron = \"@daily\" }");
    assert_eq!((service.kind, service.schedule.unwrap().overlap), (Kind::Service, Overlap::Kill));
    let overlap = life("schedule = { cron = \"@daily\", overlap = \"queue\" }").schedule.unwrap();
    assert_eq!(overlap.overlap, Overlap::Queue);
    let age = life("max_age = { after = \"24h\", jitter = \"1h\" }").max_age;
    assert_eq!(age, Some(MaxAge { after_ms: 86_400_000, jitter_ms: 3_600_000 }));
}

fn bits(values: impl IntoIterator<Item = u32>) -> u64 {
    values.into_iter().fold(0, |bits, value| bits | 1 << value)
}

#[test]
fn cron_lines_mean_what_cron_means() {
    for (line, minutes, hours, days, months, weekdays) in [
        ("* * * * *", bits(0..60), bits(0..24), bits(1..32), bits(1..13), bits(0..7)),
        ("0 3 * * *", 1, bits([3]), bits(1..32), bits(1..13), bits(0..7)),
        (
            "*/15 9-17 * * MON-FRI",
            bits([0, 15, 30, 45]),
            bits(9..18),
            bits(1..32),
            bits(1..13),
            bits(1..6),
        ),
        (
            "5,35 0-23/6 1,15 jan,Jul-Sep *",
            bits([5, 35]),
            bits([0, 6, 12, 18]),
            bits([1, 15]),
            bits([1, 7, 8, 9]),
            bits(0..7),
        ),
        ("50/5 1 * * 7", bits([50, 55]), bits([1]), bits(1..32), bits(1..13), 1),
        ("0 0 * * 5-7", 1, 1, bits(1..32), bits(1..13), bits([0, 5, 6])),
        ("@hourly", 1, bits(0..24), bits(1..32), bits(1..13), bits(0..7)),
        ("@Weekly", 1, 1, bits(1..32), bits(1..13), 1),
        ("  @yearly ", 1, 1, bits([1]), bits([1]), bits(0..7)),
    ] {
        let cron = parse(line).unwrap();
        let found = (cron.minutes, u64::from(cron.hours), u64::from(cron.days));
        assert_eq!(found, (minutes, hours, days), "{line}");
        let found = (u64::from(cron.months), u64::from(cron.weekdays), cron.is_either_day);
        assert_eq!(found, (months, weekdays, false), "{line}");
    }
    assert!(parse("0 0 13 * FRI").unwrap().is_either_day);
    assert!(!parse("0 0 */2 * FRI").unwrap().is_either_day);
}

#[test]
fn what_is_wrong_is_told() {
    let no_place = "five fields, this one has";
    for (line, error) in [
        ("kind = \"servise\"", "3:8 unknown kind `servise` (did you mean `service`?)".to_owned()),
        ("schedule = \"@daily\"", "3:12 expected a table, found string \"@daily\"".to_owned()),
        ("schedule = {}", "3:12 [program.p.schedule] has no `cron` (or `every`: when it runs)".to_owned()),
        (
            "schedule = { every = \"1m\", cron = \"@daily\" }",
            "3:14 `every` stands beside `cron` (one of them says when it runs)".to_owned(),
        ),
        ("schedule = { every = \"0s\" }", "3:22 `every` is zero (expected more than zero)".to_owned()),
        (
            "schedule = { every = \"1m\", jitter = \"1m\" }",
            "3:28 `jitter` is not less than `every`".to_owned(),
        ),
        ("schedule = { every = \"1m\", zone = \"UTC\" }", "3:28 an interval has no `zone` (it is for `cron`)".to_owned()),
        (
            "schedule = { cron = \"0 25 * * *\" }",
            "3:24 `25` is no hour (expected 0 to 23)".to_owned(),
        ),
        (
            "schedule = { cron = \"0 0 * * MOM\" }",
            "3:30 `MOM` is no day of the week (expected 0 to 7, or sun to sat)".to_owned(),
        ),
        ("schedule = { cron = \"0 0 31 4,6 *\" }", "3:26 no such day in any of its months".to_owned()),
        ("schedule = { cron = \"30-10 * * * *\" }", "3:22 `30-10` is no minute (a range goes upwards)".to_owned()),
        ("schedule = { cron = \"*/0 * * * *\" }", "3:22 `0` is no minute (expected a step from 1 to 59)".to_owned()),
        ("schedule = { cron = \"0 0 L * *\" }", "3:26 `L` is no day of the month (expected 1 to 31)".to_owned()),
        ("schedule = { cron = \"0, * * * *\" }", "3:22 `` is no minute (expected 0 to 59)".to_owned()),
        (
            "schedule = { cron = \"0 0 0 * * *\" }",
            format!("3:22 a cron line has {no_place} 6 (minute, hour, day, month, day of the week)"),
        ),
        (
            "schedule = { cron = \"@reboot\" }",
            "3:22 `@reboot` is no time (`autostart` starts a program with the engine)".to_owned(),
        ),
        (
            "schedule = { cron = \"@dayly\" }",
            "3:22 unknown short form (expected @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly)".to_owned(),
        ),
        (
            "schedule = { cron = \"@daily\", overlap = \"wait\" }",
            "3:41 unknown overlap `wait` (expected `skip`, `queue` or `kill`)".to_owned(),
        ),
        (
            "kind = \"service\"\nschedule = { cron = \"@daily\", overlap = \"kill\" }",
            "4:41 a service has no `overlap` (a service runs all the time, and its schedule starts it anew)".to_owned(),
        ),
        ("schedule = { interval = \"1m\", every = \"1m\" }", "3:14 unknown key `interval` in [program.p.schedule] (did you mean `every`?)".to_owned()),
        ("max_age = \"24h\"", "3:11 expected a table, found string \"24h\"".to_owned()),
        ("max_age = { jitter = \"1h\" }", "3:11 [program.p.max_age] has no `after` (how old an instance gets, such as \"24h\")".to_owned()),
        ("max_age = { after = \"0s\" }", "3:21 `after` is zero (expected more than zero)".to_owned()),
        ("kind = \"oneshot\"\nmax_age = { after = \"1h\" }", "4:1 a oneshot program has no `max_age` (it ends by itself)".to_owned()),
        ("kind = \"oneshot\"\nready = { notify = true }", "4:1 a oneshot program is never ready (others wait for its end: `completed`)".to_owned()),
        ("kind = \"oneshot\"\nrestart_delay = \"1s\"", "4:1 a oneshot program has no `restart_delay` (`start_retries` and `backoff` say how a job that failed is tried again)".to_owned()),
        ("kind = \"oneshot\"\nstart_seconds = 1", "4:1 a oneshot program has no `start_seconds` (its end says whether it failed)".to_owned()),
        (
            "kind = \"oneshot\"\nautorestart = true",
            "4:1 a oneshot program is not started again after it succeeded (expected false, \"on-failure\", \"on-abnormal\" or \"on-abort\"; `schedule` repeats it)".to_owned(),
        ),
    ] {
        check_short(&format!("[program.p]\ncommand = \"a\"\n{line}"), &[&error]);
    }
    check_short(
        "[program.p]\ncommand = \"a\"\nkind = \"oneshot\"\nserves = { upstream = \"u\", port = 1 }\n\
         [upstream.u]\nbackend = []",
        &["4:1 a oneshot program serves nothing (it is there to end)"],
    );
}

#[test]
fn a_zone_that_the_machine_does_not_know_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    for (zone, is_known) in [("Mars/Olympus", false), ("UTC", true)] {
        let text = format!(
            "[program.p]\ncommand = \"/bin/true\"\nschedule = {{ cron = \"@daily\", zone = \"{zone}\" }}"
        );
        std::fs::write(&path, text).unwrap();
        let told = super::load(&path).map_err(|errors| errors.to_string());
        assert_eq!(told.is_ok(), is_known);
        let Err(told) = told else { continue };
        assert!(told.contains("no time zone `Mars/Olympus` on this machine"), "{told}");
        assert!(told.contains("a.toml:3:38"), "{told}");
    }
}

/// A part of a field, as text and as a test of values.
#[derive(Clone, Debug)]
enum Part {
    All,
    One(u32),
    Range(u32, u32),
    Step(u32, u32, u32),
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::One(value) => value.to_string(),
            Self::Range(least, most) => format!("{least}-{most}"),
            Self::Step(least, most, step) => format!("{least}-{most}/{step}"),
        }
    }

    fn holds(&self, value: u32) -> bool {
        match *self {
            Self::All => true,
            Self::One(only) => value == only,
            Self::Range(least, most) => (least..=most).contains(&value),
            Self::Step(least, most, step) => {
                (least..=most).contains(&value) && (value - least).is_multiple_of(step)
            }
        }
    }
}

fn field(least: u32, most: u32) -> impl Strategy<Value = Vec<Part>> {
    let range = (least..=most).prop_flat_map(move |from| (Just(from), from..=most));
    let part = prop_oneof![
        Just(Part::All),
        (least..=most).prop_map(Part::One),
        range.clone().prop_map(|(from, to)| Part::Range(from, to)),
        (range, 1..=most.max(1)).prop_map(|((from, to), step)| Part::Step(from, to, step)),
    ];
    prop::collection::vec(part, 1..4)
}

proptest! {
    #[test]
    fn fields_are_what_their_parts_say(
        minutes in field(0, 59), hours in field(0, 23), days in field(1, 28),
        months in field(1, 12), weekdays in field(0, 6),
    ) {
        let fields = [&minutes, &hours, &days, &months, &weekdays];
        let text = |parts: &Vec<Part>| parts.iter().map(Part::text).collect::<Vec<_>>().join(",");
        let line = fields.map(text).join(" ");
        let Cron { minutes: m, hours: h, days: d, months: o, weekdays: w, .. } = parse(&line).unwrap();
        let found = [m, h.into(), d.into(), o.into(), w.into()];
        for (parts, bits) in fields.into_iter().zip(found) {
            for value in 0..60 {
                let is_in = parts.iter().any(|part| part.holds(value));
                // Beyond the field's own values only `*` could hold.
                if value < 29 || !matches!(parts[..], [Part::All]) {
                    let is_all = parts.iter().any(|part| matches!(part, Part::All));
                    prop_assert!(is_all || (bits >> value & 1 == 1) == is_in, "{} {}", line, value);
                }
            }
        }
    }

    #[test]
    fn no_line_does_harm(line in "[-0-9*/,@ a-zA-Z?#é]{0,40}") {
        if let Err(wrong) = parse(&line) {
            prop_assert!(line.get(wrong.place).is_some());
        }
    }
}
