//! When an instance's lives begin and end by themselves: `kind`, `schedule`, `max_age`.

use super::super::model::life::{Kind, Life, MaxAge, Overlap, Schedule, When};
use super::super::model::restart::{AutoRestart, Restart};
use super::super::report::{Located, Span};
use super::super::section::{Section, unknown_word};
use super::cron;

/// A daemon is a service; what else it is, is `tree`'s.
const KINDS: [(&str, Kind); 3] =
    [("service", Kind::Service), ("oneshot", Kind::OneShot), ("daemon", Kind::Service)];
const OVERLAPS: [(&str, Overlap); 3] =
    [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("kill", Overlap::Kill)];

pub(super) fn read(section: &mut Section<'_>, restart: &Restart) -> Life {
    let kind = kind(section);
    let is_scheduled = section.key_span("schedule").is_some();
    // What has times to run at is a job, unless the file says otherwise.
    let kind = kind.unwrap_or(if is_scheduled { Kind::OneShot } else { Kind::Service });
    let schedule = section.section("schedule").and_then(|table| schedule(table, kind));
    let max_age = section.section("max_age").and_then(max_age);
    if kind == Kind::OneShot {
        check_job(section, restart);
    }
    Life { kind, schedule, max_age }
}

fn kind(section: &mut Section<'_>) -> Option<Kind> {
    let word = section.text("kind")?;
    word_of(section, "kind", &word, &KINDS)
}

/// What makes no sense of a program that ends.
fn check_job(section: &Section<'_>, restart: &Restart) {
    let refuse = |key: &str, message: &str, hint: &str| {
        if let Some(span) = section.key_span(key) {
            section.report.error(&span, message, hint);
        }
    };
    refuse("serves", "a oneshot program serves nothing", "it is there to end");
    refuse("max_age", "a oneshot program has no `max_age`", "it ends by itself");
    let message = "a oneshot program has no `start_seconds`";
    refuse("start_seconds", message, "its end says whether it failed");
    refuse("ready", "a oneshot program is never ready", "others wait for its end: `completed`");
    let message = "a oneshot program has no `start_timeout`";
    refuse("start_timeout", message, "it has started once it runs, and may take its time");
    let hint = "`start_retries` and `backoff` say how a job that failed is tried again";
    for key in ["crash_limit", "restart_delay"] {
        refuse(key, &format!("a oneshot program has no `{key}`"), hint);
    }
    match restart.when {
        AutoRestart::Always | AutoRestart::OnSuccess => refuse(
            "autorestart",
            "a oneshot program is not started again after it succeeded",
            "expected false, \"on-failure\", \"on-abnormal\" or \"on-abort\"; `schedule` repeats it",
        ),
        AutoRestart::Never
        | AutoRestart::Unexpected
        | AutoRestart::OnAbnormal
        | AutoRestart::OnAbort => {}
    }
}

fn schedule(mut table: Section<'_>, kind: Kind) -> Option<Schedule> {
    let every = table.positive_duration("every");
    let cron = cron_line(&mut table);
    let zone = zone(&mut table);
    let jitter_ms = table.duration("jitter").unwrap_or(0);
    let overlap = overlap(&mut table, kind);
    let [every_span, cron_span] = ["every", "cron"].map(|key| table.key_span(key));
    let report = table.report;
    let when = match (every_span, cron_span) {
        (None, None) => {
            table.missing("cron", "or `every`: when it runs");
            None
        }
        (Some(span), Some(_)) => {
            report.error(&span, "`every` stands beside `cron`", "one of them says when it runs");
            None
        }
        (Some(span), None) => {
            if every.is_some_and(|period_ms| jitter_ms >= period_ms) {
                let span = table.key_span("jitter").unwrap_or(span);
                report.error(&span, "`jitter` is not less than `every`", "");
            }
            if let Some(span) = table.key_span("zone") {
                report.error(&span, "an interval has no `zone`", "it is for `cron`");
            }
            every.map(|period_ms| When::Every { period_ms })
        }
        (None, Some(_)) => cron.map(|cron| When::Cron { cron, zone }),
    };
    table.finish(&[
        ("interval", "every"),
        ("timezone", "zone"),
        ("tz", "zone"),
        ("random_delay", "jitter"),
        ("max_concurrent", "overlap"),
        ("on_calendar", "cron"),
    ]);
    Some(Schedule { when: when?, jitter_ms, overlap })
}

fn cron_line(table: &mut Section<'_>) -> Option<super::super::model::life::Cron> {
    let line = table.text("cron")?;
    let result = cron::parse(&line.value);
    result
        .map_err(|wrong| {
            let span = span_within(&line, &wrong.place);
            table.report.error(&span, wrong.message, wrong.hint);
        })
        .ok()
}

/// A part of a text in the file, if the file writes the text as it is between two quotes.
fn span_within(text: &Located<String>, place: &Span) -> Span {
    if text.span.len() == text.value.len() + 2 {
        text.span.start + 1 + place.start..text.span.start + 1 + place.end
    } else {
        text.span.clone()
    }
}

fn zone(table: &mut Section<'_>) -> Option<String> {
    let zone = table.text("zone")?;
    if !(table.report.surroundings.is_zone)(&zone.value) {
        let message = format!("no time zone `{}` on this machine", zone.value.escape_debug());
        let hint = "a name such as \"Europe/Berlin\"; without `zone`, the machine's own";
        table.report.error(&zone.span, message, hint);
    }
    Some(zone.value)
}

fn overlap(table: &mut Section<'_>, kind: Kind) -> Overlap {
    let word = table.text("overlap");
    match (kind, word) {
        (Kind::OneShot, None) => Overlap::Skip,
        (Kind::OneShot, Some(word)) => {
            word_of(table, "overlap", &word, &OVERLAPS).unwrap_or(Overlap::Skip)
        }
        // Its schedule is for starting it anew.
        (Kind::Service, None) => Overlap::Kill,
        (Kind::Service, Some(word)) => {
            let hint = "a service runs all the time, and its schedule starts it anew";
            table.report.error(&word.span, "a service has no `overlap`", hint);
            Overlap::Kill
        }
    }
}

fn max_age(mut table: Section<'_>) -> Option<MaxAge> {
    let after_ms = table.positive_duration("after");
    if table.key_span("after").is_none() {
        table.missing("after", "how old an instance gets, such as \"24h\"");
    }
    let jitter_ms = table.duration("jitter").unwrap_or(0);
    table.finish(&[("variance", "jitter"), ("age", "after")]);
    Some(MaxAge { after_ms: after_ms?, jitter_ms })
}

fn word_of<T: Copy>(
    section: &Section<'_>,
    what: &str,
    word: &Located<String>,
    known: &[(&str, T)],
) -> Option<T> {
    let found = known.iter().find(|(known, _)| *known == word.value).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = known.iter().map(|(known, _)| *known).collect();
        unknown_word(section.report, what, word, &words);
    }
    found
}
