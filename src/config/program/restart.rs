//! When an instance is started again: `autorestart`, `exit_codes`.

use toml::de::DeValue;

use super::super::model::program::{AutoRestart, Restart};
use super::super::section::{Section, integer_of};

const SECONDS_START_MS: u64 = 1_000;
const START_RETRIES: u32 = 3;
const START_RETRIES_MAX: u32 = 1_000_000;

pub(super) fn read(section: &mut Section<'_>) -> Restart {
    Restart {
        when: autorestart(section).unwrap_or(AutoRestart::Unexpected),
        exit_codes: exit_codes(section),
        start_ms: section.seconds("start_seconds").unwrap_or(SECONDS_START_MS),
        retries: section.integer("start_retries", 0..=START_RETRIES_MAX).unwrap_or(START_RETRIES),
    }
}

fn autorestart(section: &mut Section<'_>) -> Option<AutoRestart> {
    let value = section.value("autorestart")?;
    match value.get_ref() {
        DeValue::Boolean(true) => Some(AutoRestart::Always),
        DeValue::Boolean(false) => Some(AutoRestart::Never),
        DeValue::String(word) if word == "unexpected" => Some(AutoRestart::Unexpected),
        _ => section.unexpected(value, "true, false or \"unexpected\""),
    }
}

fn exit_codes(section: &mut Section<'_>) -> Vec<i32> {
    let items = section.items("exit_codes");
    if section.key_span("exit_codes").is_none() {
        return vec![0];
    }
    let code = |number: i64| i32::try_from(number).ok().filter(|code| (0..=255).contains(code));
    items
        .into_iter()
        .filter_map(|item| {
            let code = integer_of(item).and_then(code);
            code.or_else(|| section.unexpected(item, "an exit code from 0 to 255"))
        })
        .collect()
}
