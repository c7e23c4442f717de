//! The words of the command line: what may be typed, and the help that explains it.
//!
//! Values are parsed into their final types here; what they mean is decided by the verb's own file.

mod console;
mod program;
mod upstream;

use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::namesake::Intent;
use super::plan::Reload;
use crate::config;
use crate::control::requests;
pub(crate) use console::Console;
pub(crate) use program::{Program, ProgramName, Tail};
pub(crate) use upstream::{Backend, BackendName, Upstream};

/// Load balancer, process supervisor and live console in one binary.
///
/// Without a command: open the console; start the engine in the background first if none runs for
/// this configuration.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0 done, 1 failed, 2 usage, 3 no engine is running, 4 not permitted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) everywhere: Everywhere,
    #[command(subcommand)]
    pub(crate) word: Option<Word>,
}

/// Options that every verb takes, below its own in its help.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Everywhere {
    /// Configuration; else ./pilothouse.toml, the user's, /etc/pilothouse/pilothouse.toml, or the
    /// embedded default.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Control socket of the engine; else the one of the configuration's engine.
    #[arg(short, long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// An nginx.conf in place of a configuration of ours; read again on reload.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "config")]
    pub(crate) nginx: Option<PathBuf>,
    /// A supervisord.conf, alone or beside an nginx.conf.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "config")]
    pub(crate) supervisor: Option<PathBuf>,
    /// Colour the output: auto, always, never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    #[command(flatten)]
    Verb(Verb),
    #[command(flatten)]
    Paper(Paper),
}

impl Default for Word {
    fn default() -> Self {
        Self::Verb(Verb::Console(Console::default()))
    }
}

/// What is about this binary and not about an engine: no configuration is looked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Paper {
    /// Print the completions for a shell, to be put where it looks for them.
    Completions {
        /// Bash, elvish, fish, powershell or zsh.
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print another program's configuration as one of pilothouse; what has no equal is a warning.
    #[command(subcommand)]
    Import(Import),
    /// Write the manual pages, one a verb, into a folder.
    Man {
        /// An existing folder, such as /usr/local/share/man/man1.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Whose configuration is translated.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Supervisor's, with all that it includes.
    Supervisor(Imported),
    /// Nginx's, with all that it includes.
    Nginx {
        #[command(flatten)]
        what: Imported,
        /// Where relative paths begin, as for nginx; else the file's folder.
        #[arg(short, long, value_name = "DIR")]
        prefix: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Imported {
    /// Its main configuration file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Exit with 1 if anything has no equal.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What is about an engine.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Open the console on a running engine, or start one in the background first.
    Console(Console),
    /// Run the engine in the foreground; needs no terminal.
    Run,
    /// Test the configuration and report every error.
    Check(Listing),
    /// Show the engine, its workers, upstreams and programs once.
    Status(Listing),
    /// Look at and steer backends.
    #[command(subcommand)]
    Backend(Backend),
    /// Look at and steer upstreams.
    #[command(subcommand)]
    Upstream(Upstream),
    /// Look at and steer programs.
    #[command(subcommand)]
    Program(Program),
    /// Show the last lines that the engine itself logs.
    Log(Log),
    /// Show who did what, oldest first.
    Events(Events),
    /// Show what was just asked of the engine, oldest first.
    Requests(Requests),
    /// Read the configuration again and swap it in place.
    Reload(Reload),
    /// Go back to the configuration before the last reload; the file stays as it is.
    Revert,
    /// Open the log files again, after something else has rotated them.
    Reopen,
    /// Replace the running binary by the one that lies at its path: no request fails, no program
    /// restarts.
    Upgrade,
    /// Stop the engine: requests under way finish, programs are stopped.
    Shutdown(Waiting),
    /// Say what this machine keeps an engine of this configuration from, and how to mend it.
    Doctor(Listing),
}

impl Verb {
    /// What it does with a running engine; nothing when it does not talk to one.
    pub(crate) fn intent(&self) -> Option<Intent> {
        match self {
            Self::Status(_)
            | Self::Backend(Backend::List { .. })
            | Self::Upstream(Upstream::List(_) | Upstream::Explain { .. })
            | Self::Program(Program::List(_) | Program::Tail(_))
            | Self::Log(_)
            | Self::Events(_)
            | Self::Reload(Reload { dry_run: true, .. })
            | Self::Requests(_) => Some(Intent::Look),
            Self::Console(console) if console.print.is_asked() => Some(Intent::Look),
            // A console asks itself: it is patient with an engine that is silent.
            Self::Run | Self::Check(_) | Self::Doctor(_) | Self::Console(_) => None,
            Self::Backend(_)
            | Self::Upstream(_)
            | Self::Program(_)
            | Self::Reload(Reload { dry_run: false, .. })
            | Self::Revert
            | Self::Reopen
            | Self::Upgrade
            | Self::Shutdown(_) => Some(Intent::Act),
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Listing {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Waiting {
    /// Return when it is over.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Events {
    /// Go on with what happens from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Log {
    /// Go on with what it logs from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) lines: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Requests {
    /// Go on with those that come from now on.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many of those that are past.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) lines: u32,
    #[command(flatten)]
    pub(crate) filter: RequestFilter,
}

/// Which requests: all that is given must match.
#[derive(Debug, Args)]
pub(crate) struct RequestFilter {
    /// Only this upstream's.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// Only those that this backend was asked last, such as 10.0.3.1:8080.
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Only this status or class, such as 404 or 5xx.
    #[arg(long, value_name = "STATUS", value_parser = requests::Status::parse)]
    status: Option<requests::Status>,
    /// Only this method.
    #[arg(long, value_name = "NAME")]
    method: Option<String>,
    /// Only this host, as the client named it.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Only paths that hold this text.
    #[arg(long, value_name = "TEXT")]
    path: Option<String>,
    /// Only this client or network, such as 10.0.1.7 or 10.0.0.0/8.
    #[arg(long, value_name = "ADDRESS", value_parser = requests::Client::parse)]
    client: Option<requests::Client>,
}

impl From<RequestFilter> for requests::Filter {
    fn from(given: RequestFilter) -> Self {
        let RequestFilter { upstream, backend, status, method, host, path, client } = given;
        Self { upstream, backend, status, method, host, path, client }
    }
}

/// What other programs call our words, which spelling alone does not lead to.
const OTHERS: [(&str, &str); 16] = [
    ("undrain", "backend enable"),
    ("ready", "backend enable"),
    ("up", "backend enable"),
    ("maint", "backend down"),
    ("disable", "backend down"),
    ("tail", "log --follow"),
    ("logs", "log"),
    ("ps", "status"),
    ("stats", "status"),
    ("test", "check"),
    ("validate", "check"),
    ("reread", "reload --dry-run"),
    ("update", "reload"),
    ("rollback", "revert"),
    ("stop", "shutdown"),
    ("quit", "shutdown"),
];

/// Adds to what is wrong with the words what may have been meant.
pub(super) fn advise(mut error: clap::Error) -> clap::Error {
    let kinds = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand];
    let word = kinds.into_iter().find_map(|kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        _ => None,
    });
    let Some(word) = word else { return error };
    let known = OTHERS.iter().find(|(other, _)| *other == word);
    let tip = match known {
        Some((_, ours)) => format!("that is '{ours}' here"),
        None if Path::new(&word).extension().is_some_and(|it| it == "toml") => {
            format!("a configuration is named by '-c {word}'")
        }
        None => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error.remove(ContextKind::SuggestedSubcommand);
    error
}

/// As help and errors are coloured: before all words are understood.
pub(super) fn help_colour(mut words: impl Iterator<Item = String>) -> clap::ColorChoice {
    let mut when = None;
    while let Some(word) = words.next() {
        match word.strip_prefix("--color") {
            Some("") => when = words.next(),
            Some(rest) => when = rest.strip_prefix('=').map(str::to_owned).or(when),
            None if word == "--" => break,
            None => {}
        }
    }
    match when.and_then(|when| When::from_str(&when, true).ok()) {
        Some(When::Always) => clap::ColorChoice::Always,
        Some(When::Never) => clap::ColorChoice::Never,
        Some(When::Auto) | None => clap::ColorChoice::Auto,
    }
}

pub(super) fn duration_ms(text: &str) -> Result<u64, String> {
    config::duration::parse(text).ok_or_else(|| "expected a duration such as 30s".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_is_coloured_as_the_line_says() {
        use clap::ColorChoice::{Always, Auto, Never};
        for (line, expected) in [
            ("--help", Auto),
            ("--color never --help", Never),
            ("status --color=Always -h", Always),
            ("status --color blue -h", Auto),
            ("-- --color never", Auto),
            ("status --color", Auto),
        ] {
            assert_eq!(help_colour(words(line).map(str::to_owned)), expected, "{line}");
        }
    }

    #[test]
    fn a_signal_is_written_as_to_kill() {
        for (written, expected) in
            [("HUP", "HUP"), ("-9", "9"), ("-HUP", "HUP"), ("RTMIN+1", "RTMIN+1")]
        {
            let arguments = Arguments::parse_from([
                "pilothouse",
                "program",
                "signal",
                "web",
                written,
                "-s",
                "a",
            ]);
            let Some(Word::Verb(Verb::Program(Program::Signal { signal, .. }))) = arguments.word
            else {
                panic!("{written}");
            };
            assert_eq!(signal, expected);
            assert_eq!(arguments.everywhere.socket, Some(PathBuf::from("a")));
        }
    }

    #[test]
    fn common_options_stand_anywhere() {
        for line in ["-c a -s b status --json", "status --json -c a -s b"] {
            let arguments = Arguments::parse_from(words(line));
            assert_eq!(arguments.everywhere.config, Some(PathBuf::from("a")));
            assert_eq!(arguments.everywhere.socket, Some(PathBuf::from("b")));
            assert!(matches!(
                arguments.word,
                Some(Word::Verb(Verb::Status(Listing { json: true })))
            ));
        }
    }

    #[test]
    fn misuse_says_what_was_meant() {
        for (line, expected) in [
            ("statsu", "'status'"),
            ("backend drian a/b", "'drain'"),
            ("backend drain api", "expected UPSTREAM/BACKEND"),
            ("backend drain a/b --timeout 30", "expected a duration such as 30s"),
            ("backend weight a/b", "<N>"),
            ("backend max-conns a/b", "<N>"),
            ("backend add a", "expected UPSTREAM/BACKEND"),
            ("backend remove a/b --now --wait", "'--now' cannot be used with '--wait'"),
            ("requests --status 6xx", "expected such as 404 or 5xx"),
            ("requests --client 10.0.0", "expected such as 10.0.1.7"),
            ("--colour never", "'--color'"),
            ("program signal web", "<SIGNAL>"),
            ("check p.toml", "'-c p.toml'"),
            ("backend undrain a/b", "that is 'backend enable' here"),
            ("validate", "that is 'check' here"),
            ("/etc/p.toml", "'-c /etc/p.toml'"),
        ] {
            let error = advise(Arguments::try_parse_from(words(line)).expect_err(line));
            assert!(error.use_stderr() && error.to_string().contains(expected), "{line}: {error}");
        }
    }

    fn words(line: &str) -> impl Iterator<Item = &str> {
        std::iter::once("pilothouse").chain(line.split(' '))
    }
}
