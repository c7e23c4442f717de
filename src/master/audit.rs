//! Who did what, and what came of it: the last events, for consoles and scripts.

use std::collections::VecDeque;

use crate::control::call::{Caller, Command, Peer};
use crate::control::line;
use crate::control::wire::{Answer, EventRecord, Outcome, Severity};
use crate::sys::user;

/// Whose doing an event is when nobody asked for it.
pub(super) const ENGINE: &str = "engine";

/// An event before it has a number and a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) who: String,
    pub(super) verb: String,
    pub(super) target: String,
    pub(super) result: String,
    pub(super) severity: Severity,
    pub(super) cli: String,
}

#[derive(Debug)]
pub(super) struct Audit {
    kept_max: usize,
    next_seq: u64,
    kept: VecDeque<EventRecord>,
}

impl Audit {
    pub(super) fn new(kept_max: usize, earlier: Vec<EventRecord>) -> Self {
        let next_seq = earlier.last().map_or(1, |event| event.seq + 1);
        Self { kept_max, next_seq, kept: earlier.into() }
    }

    pub(super) fn record(&mut self, entry: Entry, wall_ms: u64) -> EventRecord {
        let Entry { who, verb, target, result, severity, cli } = entry;
        let event =
            EventRecord { seq: self.next_seq, wall_ms, who, verb, target, result, severity, cli };
        self.next_seq += 1;
        if self.kept.len() >= self.kept_max {
            self.kept.pop_front();
        }
        self.kept.push_back(event.clone());
        event
    }

    /// So many of the youngest, oldest first.
    pub(super) fn last(&self, count: usize) -> Vec<EventRecord> {
        self.kept.iter().skip(self.kept.len().saturating_sub(count)).cloned().collect()
    }

    /// Oldest first.
    pub(super) fn all(&self) -> Vec<EventRecord> {
        self.kept.iter().cloned().collect()
    }
}

/// The name to write beside what this caller did.
pub(super) fn who(caller: &Caller) -> String {
    match caller.peer {
        Peer::Process { uid, .. } => format!("{} (uid {uid})", user::name(uid)),
        Peer::Network(address) => format!("token (from {})", address.ip()),
        Peer::Supervisor(address) => format!("login (from {})", address.ip()),
    }
}

/// The record of a command and of what it was answered.
pub(super) fn of_command(command: &Command, caller: &Caller, answer: &Answer) -> Entry {
    let line::Line { verb, target, words } = line::of(command);
    let severity = match answer.outcome {
        Outcome::Changed => Severity::Good,
        Outcome::Unchanged => Severity::Info,
        Outcome::Unknown | Outcome::Refused => Severity::Warn,
    };
    let cli = format!("pilothouse {words}");
    let verb = verb.to_owned();
    Entry { who: who(caller), verb, target, result: answer.message.clone(), severity, cli }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_numbers_go_on() {
        let mut audit = Audit::new(2, Vec::new());
        for _ in 0..3 {
            audit.record(Entry::default(), 7);
        }
        let kept = audit.all();
        assert_eq!(kept.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(audit.last(1)[0].seq, 3);
        assert_eq!(audit.last(9), kept);
        assert_eq!(Audit::new(2, kept).record(Entry::default(), 8).seq, 4);
    }
}
