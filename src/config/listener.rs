//! `[listener.NAME]`: a program that is told what happens, by Supervisor's event protocol.
//!
//! It is read as a program is; what makes no sense where the two standard streams are the protocol
//! is refused.

use super::model::listener::{Listener, Subjects};
use super::model::process::Stdin;
use super::report::{Located, Report};
use super::section::{Section, unknown_word};
use super::{limits, program};

/// What a program may have and a listener may not, and why.
pub(super) const REFUSED: [(&str, &str); 7] = [
    ("redirect_stderr", "what it writes to stdout is the protocol, and nothing else may be there"),
    ("stdout", "what it writes there is the protocol and no log; `stderr` is for that"),
    ("stdin", "events are written there"),
    ("serves", "events are what it serves"),
    ("group", "a listener with its instances is a group of its own"),
    ("kind", "a listener stays, as a service does"),
    ("schedule", "a listener runs all the time; for a clock there is the event TICK_60"),
];

const OTHERS: [(&str, &str); 3] =
    [("buffer_size", "buffer"), ("event", "events"), ("result_handler", "timeout")];

/// Beside the programs, whose names it may not have.
pub(super) fn read_all(file: &mut Section<'_>, programs: &mut Vec<program::Draft>) {
    for (name, section) in file.named_sections("listener") {
        if programs.iter().any(|draft| draft.program.name == name.value) {
            let message = format!("listener `{}` is named like a program", name.value);
            file.report.error(&name.span, message, "a name must mean one of them");
        }
        programs.push(read(name, section));
    }
}

fn read(name: Located<String>, mut section: Section<'_>) -> program::Draft {
    refuse(&mut section);
    let listener = Listener {
        events: events(&mut section),
        buffer: section
            .integer("buffer", 1..=limits::LISTENER_BUFFER_MAX)
            .unwrap_or(limits::LISTENER_BUFFER),
        timeout_ms: section.positive_duration("timeout").unwrap_or(limits::LISTENER_TIMEOUT_MS),
    };
    let has_priority = section.key_span("priority").is_some();
    let mut draft = program::read(name, section);
    if !has_priority {
        draft.program.priority = limits::LISTENER_PRIORITY;
    }
    draft.program.process.stdin = Stdin::Open;
    draft.program.listener = Some(listener);
    draft
}

fn refuse(section: &mut Section<'_>) {
    for (key, hint) in REFUSED {
        if let Some(span) = section.key_span(key) {
            section.report.error(&span, format!("`{key}` has no meaning for a listener"), hint);
        }
    }
    for (other, ours) in OTHERS {
        if let Some(span) = section.key_span(other) {
            let _known_from_here_on = section.value(other);
            let message = format!("unknown key `{other}` of a listener");
            section.report.error(&span, message, format!("did you mean `{ours}`?"));
        }
    }
}

fn events(section: &mut Section<'_>) -> Subjects {
    let report = section.report;
    let words = section.texts("events");
    match section.key_span("events") {
        None => section.missing("events", "such as `events = [\"PROCESS_STATE\"]`"),
        Some(span) if words.is_empty() => {
            report.error(&span, "`events` is empty", "nothing would ever be told to it");
        }
        Some(_) => {}
    }
    words.iter().fold(Subjects::default(), |all, word| all.with(named(report, word)))
}

fn named(report: &Report<'_>, word: &Located<String>) -> Subjects {
    let subjects = Subjects::named(&word.value);
    if subjects.is_empty() {
        let known: Vec<&str> = Subjects::names().collect();
        unknown_word(report, "event", word, &known);
    }
    subjects
}
