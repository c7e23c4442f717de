//! The verbs about programs.

use clap::{Args, Subcommand};

use super::Listing;
use crate::cli::pace::Pace;

#[derive(Debug, Subcommand)]
pub(crate) enum Program {
    /// List the programs and their instances.
    List(Listing),
    /// Start it, also after it gave up.
    Start(ProgramPlace),
    /// Stop it; what it serves drains first.
    Stop(ProgramPlace),
    /// Restart it; what it serves drains first.
    Restart(ProgramPlace),
    /// Let it read its own configuration again, as its `reload` says.
    Reload(ProgramPlace),
    /// Restart the instances one after another, each ready again before the next.
    Roll {
        #[command(flatten)]
        place: ProgramPlace,
        #[command(flatten)]
        pace: Pace,
    },
    /// Kill it at once; its restart policy then applies.
    Kill(ProgramPlace),
    /// Send it a signal, by name or number.
    Signal {
        #[command(flatten)]
        place: ProgramPlace,
        /// Such as HUP, SIGHUP, -HUP or 1, in either case.
        #[arg(value_name = "SIGNAL", allow_hyphen_values = true, value_parser = signal_name)]
        signal: String,
    },
    /// Run so many instances: more are started, the last ones drain and stop; the others are left
    /// alone. Kept until `program reset`.
    Scale {
        /// A program; `program list` has them.
        #[arg(value_name = "NAME")]
        name: String,
        /// From 1 on.
        #[arg(value_name = "N")]
        instances: u32,
    },
    /// Run as many instances as the file says.
    Reset {
        /// A program; `program list` has them.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show the last lines of its output.
    Tail(Tail),
    /// Follow its output and type to its standard input (`stdin = "open"`), until Ctrl-C.
    Attach {
        /// A program, or one of its instances, counted from 0.
        #[arg(value_name = "NAME[:INSTANCE]", value_parser = program_name)]
        name: ProgramName,
    },
    /// Begin its log anew: what its files and the console keep goes, rotated files stay.
    Clear(ProgramPlace),
}

#[derive(Debug, Args)]
pub(crate) struct ProgramPlace {
    /// A program, one of its instances (counted from 0), a group's, or all of them.
    #[arg(value_name = "NAME[:INSTANCE]|GROUP:*|all", value_parser = program_name)]
    pub(crate) name: ProgramName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramName {
    pub(crate) name: String,
    pub(crate) instance: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// A program, or one of its instances, counted from 0.
    #[arg(value_name = "NAME[:INSTANCE]|all", value_parser = program_name)]
    pub(crate) name: ProgramName,
    /// Go on with what it writes from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) lines: u32,
    /// Only what it wrote to standard error.
    #[arg(long)]
    pub(crate) stderr: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// As to kill(1), too; whether there is such a signal is the engine's to say.
#[expect(clippy::unnecessary_wraps, reason = "the parser of a value may refuse it")]
fn signal_name(text: &str) -> Result<String, String> {
    Ok(text.strip_prefix('-').unwrap_or(text).to_owned())
}

fn program_name(text: &str) -> Result<ProgramName, String> {
    let (name, instance) = match text.split_once(':') {
        Some((name, instance)) => match instance.parse() {
            Ok(number) => (name, Some(number)),
            // A group's member, or all of them, as Supervisor's users type it.
            Err(_) if !instance.is_empty() => (text, None),
            Err(_) => ("", None),
        },
        None => (text, None),
    };
    if name.is_empty() || name.starts_with(':') {
        return Err("expected NAME, NAME:INSTANCE, GROUP:NAME or GROUP:*".to_owned());
    }
    Ok(ProgramName { name: name.to_owned(), instance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let program = |name: &str, instance| Ok(ProgramName { name: name.to_owned(), instance });
        assert_eq!(program_name("web"), program("web", None));
        assert_eq!(program_name("web:2"), program("web", Some(2)));
        assert_eq!(program_name("site:web"), program("site:web", None));
        assert_eq!(program_name("site:*"), program("site:*", None));
        assert!(program_name(":1").is_err() && program_name("web:").is_err());
    }
}
