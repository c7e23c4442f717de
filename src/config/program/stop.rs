//! How an instance is stopped: `stop_signal` and what belongs to it.

use toml::de::DeValue;

use crate::sys::signal;

use super::super::limits;
use super::super::model::stop::{Reach, Rung, Stop};
use super::super::report::{Located, Report};
use super::super::section::{Section, unknown_word};
use super::command;

/// What people stop programs with, for hints; every other signal is accepted too.
const STOP_SIGNALS: [&str; 7] = ["TERM", "INT", "QUIT", "HUP", "KILL", "USR1", "USR2"];

const SECONDS_MS: u64 = 10_000;
/// A step of a ladder is within Supervisor's imagination of a stop.
const STEP_SECONDS_MAX: u64 = 86_400;

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Stop {
    let wait_ms = section.seconds("stop_seconds").unwrap_or(SECONDS_MS);
    let rungs = ladder(section, wait_ms);
    let is_group_signalled = section.flag("stop_group").unwrap_or(false);
    let is_group_killed = section.flag("kill_group").unwrap_or(true);
    if let (true, false, Some(span)) =
        (is_group_signalled, is_group_killed, section.key_span("kill_group"))
    {
        let message = "`stop_group` is true and `kill_group` is false";
        section.report.error(&span, message, "who is told to stop can be killed, too");
    }
    Stop {
        rungs,
        wait_ms,
        signalled: if is_group_signalled { Reach::Group } else { Reach::Main },
        killed: if is_group_killed { Reach::Group } else { Reach::Main },
        command: command::side(section, "stop_command", own),
    }
}

/// `TERM`, or `TERM:10 INT:5 KILL`.
fn ladder(section: &mut Section<'_>, wait_ms: u64) -> Vec<Rung> {
    let plain = vec![Rung { signal: signal::TERM, wait_ms }];
    let Some(value) = section.value("stop_signal") else { return plain };
    let text = match value.get_ref() {
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::String(text) => text.to_string(),
        _ => return section.unexpected(value, "a signal such as \"TERM\"").unwrap_or(plain),
    };
    let text = Located { value: text, span: value.span() };
    let steps: Vec<&str> = text.value.split_whitespace().collect();
    if steps.is_empty() || steps.len() > limits::PROGRAM_STOP_STEPS_MAX {
        let most = limits::PROGRAM_STOP_STEPS_MAX;
        let hint = format!("1 to {most} signals, such as \"TERM:10 INT:5 KILL\"");
        section.report.error(&text.span, "`stop_signal` is no ladder of signals", hint);
        return plain;
    }
    let mut rungs = Vec::new();
    for (place, word) in steps.iter().enumerate() {
        let start = word.as_ptr() as usize - text.value.as_ptr() as usize;
        let span = section.report.within(&text, start..start + word.len());
        let word = Located { value: (*word).to_owned(), span };
        let Some(rung) = step(section.report, &word, wait_ms) else { continue };
        if rung.signal != signal::KILL {
            rungs.push(rung);
        } else if place + 1 < steps.len() {
            let hint = "SIGKILL is the last step of every ladder";
            section.report.error(&word.span, "nothing can follow KILL", hint);
        }
    }
    rungs
}

fn step(report: &Report<'_>, word: &Located<String>, wait_ms: u64) -> Option<Rung> {
    let (name, seconds) = match word.value.split_once(':') {
        Some((name, seconds)) => (name, Some(seconds)),
        None => (word.value.as_str(), None),
    };
    let Some(signal) = signal::parse(name) else {
        let name = Located { value: name.to_owned(), span: word.span.clone() };
        unknown_word(report, "signal", &name, &STOP_SIGNALS);
        return None;
    };
    let wait_ms = match seconds.map(str::parse::<u64>) {
        None => wait_ms,
        Some(Ok(seconds @ 0..=STEP_SECONDS_MAX)) => seconds * 1000,
        Some(_) => {
            let message = format!("`{}` is no step of a ladder", word.value.escape_debug());
            let hint = format!("a signal and up to {STEP_SECONDS_MAX} seconds, such as `TERM:10`");
            report.error(&word.span, message, hint);
            return None;
        }
    };
    Some(Rung { signal, wait_ms })
}
