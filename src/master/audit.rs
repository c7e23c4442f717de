//! Who did what, and what came of it: the last events, for consoles and scripts.

use std::collections::VecDeque;

use crate::control::call::{
    BackendTarget, BackendVerb, Caller, Command, ProgramTarget, ProgramVerb, UpstreamVerb,
};
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

    /// Oldest first.
    pub(super) fn all(&self) -> Vec<EventRecord> {
        self.kept.iter().cloned().collect()
    }
}

/// The name to write beside what this caller did.
pub(super) fn who(caller: &Caller) -> String {
    format!("{} (uid {})", user::name(caller.uid), caller.uid)
}

/// The record of a command and of what it was answered.
pub(super) fn of_command(command: &Command, caller: &Caller, answer: &Answer) -> Entry {
    let (verb, target, cli) = words(command);
    let severity = match answer.outcome {
        Outcome::Changed => Severity::Good,
        Outcome::Unchanged => Severity::Info,
        Outcome::Unknown | Outcome::Refused => Severity::Warn,
    };
    let cli = format!("pilothouse {cli}");
    Entry { who: who(caller), verb, target, result: answer.message.clone(), severity, cli }
}

/// Verb, target, and the command line that does the same.
fn words(command: &Command) -> (String, String, String) {
    let (group, verb, target, argument) = match command {
        Command::Backend { target: BackendTarget { upstream, backend, .. }, verb } => {
            let (verb, argument) = match verb {
                BackendVerb::Drain { timeout_ms: None } => ("drain", String::new()),
                BackendVerb::Drain { timeout_ms: Some(timeout_ms) } => {
                    ("drain", format!("--timeout {timeout_ms}ms"))
                }
                BackendVerb::Enable => ("enable", String::new()),
                BackendVerb::Down => ("down", String::new()),
                BackendVerb::Weight { weight } => ("weight", weight.to_string()),
            };
            ("backend", verb, format!("{upstream}/{backend}"), argument)
        }
        Command::Upstream { name, verb } => {
            let (verb, argument) = match verb {
                UpstreamVerb::Strategy { strategy } => ("strategy", strategy.clone()),
                UpstreamVerb::Reset => ("reset", String::new()),
            };
            ("upstream", verb, name.clone(), argument)
        }
        Command::Program { target, verb } => {
            let (verb, argument) = match verb {
                ProgramVerb::Start => ("start", String::new()),
                ProgramVerb::Stop => ("stop", String::new()),
                ProgramVerb::Restart => ("restart", String::new()),
                ProgramVerb::Roll => ("roll", String::new()),
                ProgramVerb::Kill => ("kill", String::new()),
                ProgramVerb::Signal { signal } => ("signal", signal.clone()),
            };
            ("program", verb, program_name(target), argument)
        }
        Command::Reload => ("", "reload", String::new(), String::new()),
        Command::Reopen => ("", "reopen", String::new(), String::new()),
        Command::Shutdown => ("", "shutdown", String::new(), String::new()),
    };
    let cli: Vec<&str> =
        [group, verb, &target, &argument].into_iter().filter(|word| !word.is_empty()).collect();
    let cli = cli.join(" ");
    (verb.to_owned(), target, cli)
}

fn program_name(target: &ProgramTarget) -> String {
    match target.instance {
        Some(instance) => format!("{}:{instance}", target.name),
        None => target.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_the_line_one_would_type() {
        let target =
            BackendTarget { upstream: "api".into(), backend: "[::1]:80".into(), key: None };
        let program = |instance| ProgramTarget { name: "web".into(), instance, incarnation: None };
        for (command, line) in [
            (
                Command::Backend { target, verb: BackendVerb::Drain { timeout_ms: Some(1500) } },
                "backend drain api/[::1]:80 --timeout 1500ms",
            ),
            (
                Command::Program { target: program(Some(2)), verb: ProgramVerb::Restart },
                "program restart web:2",
            ),
            (
                Command::Program {
                    target: program(None),
                    verb: ProgramVerb::Signal { signal: "HUP".into() },
                },
                "program signal web HUP",
            ),
            (Command::Reload, "reload"),
        ] {
            assert_eq!(words(&command).2, line);
        }
    }

    #[test]
    fn the_oldest_goes_and_numbers_go_on() {
        let mut audit = Audit::new(2, Vec::new());
        for _ in 0..3 {
            audit.record(Entry::default(), 7);
        }
        let kept = audit.all();
        assert_eq!(kept.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(Audit::new(2, kept).record(Entry::default(), 8).seq, 4);
    }
}
