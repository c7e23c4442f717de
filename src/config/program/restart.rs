//! When an instance is started again: `autorestart`, `exit_codes`, `start_seconds`, `start_retries`,
//! `permanent_errors`, `restart_delay`.

use toml::de::DeValue;

use super::super::model::restart::{AutoRestart, Restart};
use super::super::report::Located;
use super::super::section::{Section, Value, integer_of, unknown_word};
use super::pause;
use crate::sys::signal;

const SECONDS_START_MS: u64 = 1_000;
const START_RETRIES: u32 = 3;
const START_RETRIES_MAX: u32 = 1_000_000;

/// Supervisor's word and systemd's.
const WORDS: [(&str, AutoRestart); 7] = [
    ("unexpected", AutoRestart::Unexpected),
    ("no", AutoRestart::Never),
    ("always", AutoRestart::Always),
    ("on-success", AutoRestart::OnSuccess),
    ("on-failure", AutoRestart::Unexpected),
    ("on-abnormal", AutoRestart::OnAbnormal),
    ("on-abort", AutoRestart::OnAbort),
];

pub(super) fn read(section: &mut Section<'_>) -> Restart {
    let (exit_codes, exit_signals) = ends(section);
    Restart {
        when: autorestart(section).unwrap_or(AutoRestart::Unexpected),
        exit_codes,
        exit_signals,
        start_ms: section.seconds("start_seconds").unwrap_or(SECONDS_START_MS),
        retries: retries(section),
        gives_up_hopeless: section.flag("permanent_errors").unwrap_or(false),
        backoff: pause::backoff(section),
        crash_limit: pause::crash_limit(section),
        delay_ms: section.duration("restart_delay").unwrap_or(0),
    }
}

fn autorestart(section: &mut Section<'_>) -> Option<AutoRestart> {
    let value = section.value("autorestart")?;
    let word = match value.get_ref() {
        DeValue::Boolean(true) => return Some(AutoRestart::Always),
        DeValue::Boolean(false) => return Some(AutoRestart::Never),
        DeValue::String(word) => word,
        _ => return section.unexpected(value, "true, false or a word such as \"unexpected\""),
    };
    let known = WORDS.iter().find(|(known, _)| known == word).map(|(_, restart)| *restart);
    if known.is_none() {
        let word = Located { value: word.to_string(), span: value.span() };
        unknown_word(section.report, "restart rule", &word, &WORDS.map(|(word, _)| word));
    }
    known
}

/// `None`: no end.
fn retries(section: &mut Section<'_>) -> Option<u32> {
    let Some(value) = section.value("start_retries") else { return Some(START_RETRIES) };
    let Some(number) = integer_of(value) else {
        return section.unexpected(value, "a whole number, or -1 for no end");
    };
    let count = u32::try_from(number).ok().filter(|count| *count <= START_RETRIES_MAX);
    if count.is_none() && number != -1 {
        let message = format!("`start_retries` is {number}, out of range");
        let hint = format!("expected 0 to {START_RETRIES_MAX}, or -1 for no end");
        section.report.error(&value.span(), message, hint);
    }
    count
}

/// The expected exit codes and signals.
fn ends(section: &mut Section<'_>) -> (Vec<i32>, Vec<i32>) {
    let items = section.items("exit_codes");
    if section.key_span("exit_codes").is_none() {
        return (vec![0], Vec::new());
    }
    let (mut codes, mut signals) = (Vec::new(), Vec::new());
    for item in items {
        match item.get_ref() {
            DeValue::String(name) => signals.extend(signal_of(section, item, name)),
            _ => codes.extend(code_of(section, item)),
        }
    }
    (codes, signals)
}

fn code_of(section: &Section<'_>, item: &Value<'_>) -> Option<i32> {
    let code = |number: i64| i32::try_from(number).ok().filter(|code| (0..=255).contains(code));
    integer_of(item).and_then(code).or_else(|| {
        section.unexpected(item, "an exit code from 0 to 255, or a signal such as \"TERM\"")
    })
}

fn signal_of(section: &Section<'_>, item: &Value<'_>, name: &str) -> Option<i32> {
    // A number in quotes could mean either.
    let number = if name.parse::<i64>().is_ok() { None } else { signal::parse(name) };
    if number.is_none() {
        let name = Located { value: name.to_owned(), span: item.span() };
        unknown_word(section.report, "signal", &name, &ENDING_SIGNALS);
    }
    number
}

/// What programs are usually ended by, for hints; every other signal is accepted too.
const ENDING_SIGNALS: [&str; 6] = ["TERM", "INT", "HUP", "QUIT", "KILL", "PIPE"];
