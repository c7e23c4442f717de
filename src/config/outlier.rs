//! `outlier = { ... }` of an upstream: when a backend that serves worse than the others is left
//! alone for a while.

use toml::de::DeValue;

use super::model::health::Outlier;
use super::percent;
use super::section::{Section, integer_of};

const ERROR_PERCENT: u32 = 50;
const INTERVAL_MS: u64 = 10_000;
const REQUESTS_MIN: u32 = 20;
const REQUESTS_MIN_MAX: u32 = 1_000_000;
const EJECT_FOR_MS: u64 = 30_000;
const EJECT_MAX_PERCENT: u32 = 50;
/// A multiple below the first would eject whoever is no faster than the others.
const LATENCY_HUNDREDTHS: std::ops::RangeInclusive<u32> = 110..=100_000;

pub(super) fn read(mut section: Section<'_>) -> Outlier {
    let error_percent = error_percent(&mut section);
    let latency_hundredths = latency(&mut section);
    let outlier = Outlier {
        error_percent,
        latency_hundredths,
        interval_ms: section.positive_duration("interval").unwrap_or(INTERVAL_MS),
        requests_min: section.integer("requests_min", 1..=REQUESTS_MIN_MAX).unwrap_or(REQUESTS_MIN),
        eject_for_ms: section.positive_duration("eject_for").unwrap_or(EJECT_FOR_MS),
        eject_max_percent: percent::read(&mut section, ("eject_max", "the upstream"), 1..=100)
            .unwrap_or(EJECT_MAX_PERCENT),
    };
    section.finish(&[
        ("errors", "error_rate"),
        ("base_ejection_time", "eject_for"),
        ("max_ejection_percent", "eject_max"),
    ]);
    outlier
}

fn error_percent(section: &mut Section<'_>) -> Option<u32> {
    let Some(text) = section.text("error_rate") else { return Some(ERROR_PERCENT) };
    if text.value != "off" {
        return percent::within(section, &text, "the requests", 1..=100);
    }
    if section.key_span("latency").is_none() {
        let hint = "without errors, `latency` says when a backend is an outlier";
        section.report.error(&text.span, "nothing is left to judge backends by", hint);
    }
    None
}

fn latency(section: &mut Section<'_>) -> Option<u32> {
    let value = section.value("latency")?;
    let times = match value.get_ref() {
        DeValue::Float(float) => float.as_str().replace('_', "").parse::<f64>().ok(),
        _ => integer_of(value).map(|number| number as f64),
    };
    let Some(times) = times else {
        return section.unexpected(value, "a number of times the others' latency, such as 3.0");
    };
    let hundredths = (times * 100.0).round();
    let (least, most) = LATENCY_HUNDREDTHS.into_inner();
    if !(f64::from(least)..=f64::from(most)).contains(&hundredths) {
        let (least, most) = (f64::from(least) / 100.0, f64::from(most) / 100.0);
        let message = format!("`latency` is {times}, out of range");
        section.report.error(&value.span(), message, format!("expected {least} to {most}"));
        return None;
    }
    Some(hundredths as u32)
}
