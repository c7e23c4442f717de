//! How long the pauses before another start are: `backoff`, `crash_limit`.

use toml::de::DeValue;

use super::super::model::restart::{Backoff, Beyond, CrashLimit, Growth};
use super::super::section::{Section, integer_of, unknown_word};
use super::super::{limits, percent};

const BACKOFF: Backoff =
    Backoff { initial_ms: 1_000, max_ms: 60_000, growth: Growth::Linear, jitter_percent: 0 };
const FACTOR_HUNDREDTHS: u32 = 200;
/// A smaller one would shrink the pauses.
const FACTOR_HUNDREDTHS_RANGE: std::ops::RangeInclusive<u32> = 100..=10_000;
const CRASH_LIMIT: CrashLimit = CrashLimit { restarts: 5, within_ms: 10_000, then: Beyond::Pause };

pub(super) fn backoff(section: &mut Section<'_>) -> Backoff {
    let Some(mut table) = section.section("backoff") else { return BACKOFF };
    let initial_ms = table.positive_duration("initial");
    let max_ms = table.positive_duration("max");
    let growth = growth(&mut table);
    let jitter_percent =
        percent::read(&mut table, ("jitter", "the pause"), 0..=100).unwrap_or_default();
    let initial = initial_ms.unwrap_or(BACKOFF.initial_ms);
    if max_ms.is_some_and(|max_ms| max_ms < initial) {
        let span = table.key_span("max").unwrap_or_else(|| table.span.clone());
        table.report.error(&span, "`max` is less than `initial`", "the pauses only grow");
    }
    table.finish(&[
        ("min", "initial"),
        ("delay", "initial"),
        ("cap", "max"),
        ("kind", "growth"),
        ("multiplier", "factor"),
    ]);
    let max_ms = max_ms.unwrap_or(BACKOFF.max_ms.max(initial));
    Backoff { initial_ms: initial, max_ms, growth, jitter_percent }
}

fn growth(table: &mut Section<'_>) -> Growth {
    let word = table.text("growth");
    let factor_hundredths = factor(table).unwrap_or(FACTOR_HUNDREDTHS);
    let exponential = Growth::Exponential { factor_hundredths };
    match word.as_ref().map(|word| word.value.as_str()) {
        Some("exponential") => exponential,
        None if table.key_span("factor").is_some() => exponential,
        Some("linear") | None => {
            if let Some(span) = table.key_span("factor") {
                let hint = "write `growth = \"exponential\"`";
                table.report.error(&span, "linear pauses have no factor", hint);
            }
            Growth::Linear
        }
        Some(_) => {
            if let Some(word) = &word {
                unknown_word(table.report, "growth", word, &["linear", "exponential"]);
            }
            Growth::Linear
        }
    }
}

fn factor(table: &mut Section<'_>) -> Option<u32> {
    let value = table.value("factor")?;
    let times = match value.get_ref() {
        DeValue::Float(float) => float.as_str().replace('_', "").parse::<f64>().ok(),
        _ => integer_of(value).map(|number| number as f64),
    };
    let Some(times) = times else {
        return table.unexpected(value, "a number such as 2 or 1.5");
    };
    let hundredths = (times * 100.0).round();
    let (least, most) = FACTOR_HUNDREDTHS_RANGE.into_inner();
    if !(f64::from(least)..=f64::from(most)).contains(&hundredths) {
        let message = format!("`factor` is {times}, out of range");
        let hint = format!("expected {} to {}", f64::from(least) / 100.0, f64::from(most) / 100.0);
        table.report.error(&value.span(), message, hint);
        return None;
    }
    Some(hundredths as u32)
}

pub(super) fn crash_limit(section: &mut Section<'_>) -> CrashLimit {
    let Some(mut table) = section.section("crash_limit") else { return CRASH_LIMIT };
    let restarts = table.integer("restarts", 0..=limits::PROGRAM_CRASHES_MAX);
    let within_ms = table.positive_duration("within");
    let then = then(&mut table).unwrap_or(CRASH_LIMIT.then);
    table.finish(&[
        ("burst", "restarts"),
        ("intensity", "restarts"),
        ("max", "restarts"),
        ("interval", "within"),
        ("period", "within"),
    ]);
    CrashLimit {
        restarts: restarts.unwrap_or(CRASH_LIMIT.restarts),
        within_ms: within_ms.unwrap_or(CRASH_LIMIT.within_ms),
        then,
    }
}

fn then(table: &mut Section<'_>) -> Option<Beyond> {
    let word = table.text("then")?;
    match word.value.as_str() {
        "pause" => Some(Beyond::Pause),
        "fail" => Some(Beyond::Fail),
        _ => {
            unknown_word(table.report, "consequence", &word, &["pause", "fail"]);
            None
        }
    }
}
