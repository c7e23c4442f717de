//! How an instance is stopped: `stop_signal`.

use toml::de::DeValue;

use crate::sys::signal;

use super::super::model::program::Stop;
use super::super::report::Located;
use super::super::section::{Section, unknown_word};

/// What people stop programs with, for hints; every other signal is accepted too.
const STOP_SIGNALS: [&str; 7] = ["TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2"];

const SECONDS_MS: u64 = 10_000;

pub(super) fn read(section: &mut Section<'_>) -> Stop {
    Stop {
        signal: stop_signal(section),
        wait_ms: section.seconds("stop_seconds").unwrap_or(SECONDS_MS),
    }
}

fn stop_signal(section: &mut Section<'_>) -> i32 {
    let Some(value) = section.value("stop_signal") else { return signal::TERM };
    let word = match value.get_ref() {
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::String(word) => word.to_string(),
        _ => return section.unexpected(value, "a signal such as \"TERM\"").unwrap_or(signal::TERM),
    };
    signal::parse(&word).unwrap_or_else(|| {
        let word = Located { value: word, span: value.span() };
        unknown_word(section.report, "signal", &word, &STOP_SIGNALS);
        signal::TERM
    })
}
