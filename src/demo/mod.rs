//! Origin servers and bounded load of the embedded default.
//!
//! Both are programs like any other to the supervisor: they learn all they need from their words
//! and their environment. Small on purpose, so that a dozen of them cost next to nothing; the
//! origin is also the backend of the end-to-end tests. Neither is part of the engine.

mod answer;
mod load;
mod options;
mod origin;
mod outage;

mod conversation;
mod dice;

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// What a mistyped word ends with, as for the rest of the command line.
const USAGE: u8 = 2;

/// `__origin [--port N] --name TEXT [--delay-ms N] [--jitter-ms N] [--outages]`
pub(crate) fn origin(arguments: &[String]) -> ExitCode {
    run("__origin", options::Origin::parse(arguments), origin::run)
}

/// `__load [--rate N] [--connections N] [--seconds N] [--target ADDRESS]`
pub(crate) fn load(arguments: &[String]) -> ExitCode {
    run("__load", options::Load::parse(arguments), load::run)
}

fn run<Options>(
    word: &str,
    options: Result<Options, options::BadOption>,
    body: impl AsyncFnOnce(Options) -> ExitCode,
) -> ExitCode {
    let options = match options {
        Ok(options) => options,
        Err(error) => {
            say(format_args!("{word}: {error}"));
            return ExitCode::from(USAGE);
        }
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => tokio::task::LocalSet::new().block_on(&runtime, body(options)),
        Err(error) => {
            say(format_args!("{word}: start the runtime: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One line for the supervisor's log; a closed pipe is its reader's business.
fn say(line: fmt::Arguments<'_>) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests;
