//! A command as the command line spells it: shown in the events and the console, so that what was
//! done by a key can be done again by a script.

use super::call::{
    Addition, BackendTarget, BackendVerb, Command, Pace, ProgramTarget, ProgramVerb, Rank, Removal,
    UpstreamVerb,
};

/// A command in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) verb: &'static str,
    /// Empty for what concerns the engine as a whole.
    pub(crate) target: String,
    /// What follows `pilothouse`: `backend drain api/10.0.3.5:8080`.
    pub(crate) words: String,
}

pub(crate) fn of(command: &Command) -> Line {
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
                BackendVerb::MaxConns { max_conns } => ("max-conns", max_conns.to_string()),
                BackendVerb::Remove(removal) => ("remove", removal_words(*removal)),
            };
            ("backend", verb, format!("{upstream}/{backend}"), argument)
        }
        Command::Add(addition) => {
            let target = format!("{}/{}", addition.upstream, addition.address);
            ("backend", "add", target, addition_words(addition))
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
                ProgramVerb::Roll(pace) => ("roll", pace_words(pace)),
                ProgramVerb::Reload => ("reload", String::new()),
                ProgramVerb::Kill => ("kill", String::new()),
                ProgramVerb::Clear => ("clear", String::new()),
                ProgramVerb::Signal { signal } => ("signal", signal.clone()),
                // What is said to a program may be nobody else's business.
                ProgramVerb::Input { .. } => ("attach", String::new()),
            };
            ("program", verb, program_name(target), argument)
        }
        Command::Scale { program, instances } => match instances {
            Some(instances) => ("program", "scale", program.clone(), instances.to_string()),
            None => ("program", "reset", program.clone(), String::new()),
        },
        Command::Reload => ("", "reload", String::new(), String::new()),
        Command::Revert => ("", "revert", String::new(), String::new()),
        Command::Reopen => ("", "reopen", String::new(), String::new()),
        Command::Upgrade => ("", "upgrade", String::new(), String::new()),
        Command::Shutdown => ("", "shutdown", String::new(), String::new()),
    };
    let words: Vec<&str> =
        [group, verb, &target, &argument].into_iter().filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    Line { verb, target, words }
}

fn pace_words(pace: &Pace) -> String {
    let Pace { max_unavailable, max_surge, min_ready_ms, stop_on_failure } = pace;
    let words = [
        max_unavailable.map(|count| format!("--max-unavailable {count}")),
        max_surge.map(|count| format!("--max-surge {count}")),
        min_ready_ms.map(|ms| format!("--min-ready {ms}ms")),
        stop_on_failure.map(|stops| format!("--stop-on-failure {stops}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn removal_words(removal: Removal) -> String {
    match removal {
        Removal::Drained { timeout_ms: None } => String::new(),
        Removal::Drained { timeout_ms: Some(timeout_ms) } => format!("--timeout {timeout_ms}ms"),
        Removal::AtOnce => "--now".to_owned(),
    }
}

fn addition_words(addition: &Addition) -> String {
    let weight = addition.weight.map(|weight| weight.to_string());
    let rank = match addition.rank {
        Rank::Primary => None,
        Rank::Backup => Some("--backup".to_owned()),
    };
    weight.into_iter().chain(rank).collect::<Vec<_>>().join(" ")
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
            (
                Command::Add(Addition {
                    upstream: "api".into(),
                    address: "10.0.0.9:80".into(),
                    weight: Some(3),
                    rank: Rank::Backup,
                }),
                "backend add api/10.0.0.9:80 3 --backup",
            ),
            (Command::Reload, "reload"),
        ] {
            assert_eq!(of(&command).words, line);
        }
    }
}
