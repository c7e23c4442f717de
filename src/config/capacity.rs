//! How much a backend takes, which ones are asked first, and where requests wait when all are full.

use super::limits;
use super::model::capacity::{Queue, WaitWhen};
use super::section::{Section, unknown_word};

/// Requests in flight at one backend; 0: no bound.
pub(super) fn max_conns(section: &mut Section<'_>) -> u32 {
    section.integer("max_conns", 0..=limits::BACKEND_MAX_CONNS_MAX).unwrap_or(0)
}

pub(super) fn priority(section: &mut Section<'_>) -> u8 {
    let priority = section.integer("priority", 0..=u32::from(u8::MAX)).unwrap_or(0);
    u8::try_from(priority).unwrap_or(u8::MAX)
}

/// `queue = { length = 100, timeout = "5s" }`.
pub(super) fn queue(mut section: Section<'_>) -> Option<Queue> {
    let length = section.integer("length", 1..=limits::QUEUE_LENGTH_MAX);
    if section.key_span("length").is_none() {
        section.missing("length", "such as `length = 100`");
    }
    let timeout_ms = section.positive_duration("timeout").unwrap_or(limits::QUEUE_TIMEOUT_MS);
    let when = wait_when(&mut section);
    section.finish(&[("size", "length"), ("max", "length")]);
    Some(Queue { length: length?, timeout_ms, when })
}

fn wait_when(section: &mut Section<'_>) -> WaitWhen {
    let Some(word) = section.text("when") else { return WaitWhen::Full };
    let found = WaitWhen::ALL.into_iter().find(|when| when.name() == word.value);
    found.unwrap_or_else(|| {
        let names = WaitWhen::ALL.map(WaitWhen::name);
        unknown_word(section.report, "time to wait", &word, &names);
        WaitWhen::Full
    })
}
