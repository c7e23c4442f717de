//! A command as the command line spells it: shown in the events and the palette, so that what was
//! done by a key can be done again by a script.

use super::call::{BackendVerb, Command, ProgramVerb, UpstreamVerb};

/// `pilothouse backend drain api/10.0.3.5:8080`.
pub(crate) fn of(command: &Command) -> String {
    format!("pilothouse {}", words(command))
}

/// The same without the program's name.
pub(crate) fn words(command: &Command) -> String {
    match command {
        Command::Backend { target, verb } => {
            let name = format!("{}/{}", target.upstream, target.backend);
            match verb {
                BackendVerb::Drain { timeout_ms: None } => format!("backend drain {name}"),
                BackendVerb::Drain { timeout_ms: Some(timeout_ms) } => {
                    format!("backend drain {name} --timeout {timeout_ms}ms")
                }
                BackendVerb::Enable => format!("backend enable {name}"),
                BackendVerb::Down => format!("backend down {name}"),
                BackendVerb::Weight { weight } => format!("backend weight {name} {weight}"),
            }
        }
        Command::Upstream { name, verb } => match verb {
            UpstreamVerb::Strategy { strategy } => format!("upstream strategy {name} {strategy}"),
            UpstreamVerb::Reset => format!("upstream reset {name}"),
        },
        Command::Program { target, verb } => {
            let name = match target.instance {
                Some(instance) => format!("{}:{instance}", target.name),
                None => target.name.clone(),
            };
            match verb {
                ProgramVerb::Start => format!("program start {name}"),
                ProgramVerb::Stop => format!("program stop {name}"),
                ProgramVerb::Restart => format!("program restart {name}"),
                ProgramVerb::Roll => format!("program roll {name}"),
                ProgramVerb::Kill => format!("program signal {name} KILL"),
                ProgramVerb::Signal { signal } => format!("program signal {name} {signal}"),
            }
        }
        Command::Reload => "reload".to_owned(),
        Command::Reopen => "reopen".to_owned(),
        Command::Shutdown => "shutdown".to_owned(),
    }
}
