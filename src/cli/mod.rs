//! The command line: words in, one role started or one verb sent, an exit status out.
//!
//! Holds no logic of the engine: a verb becomes a `control` command, the engine decides. Exit
//! status: 0 done, 1 failed, 2 usage, 3 no engine is running, 4 not permitted.

mod arguments;
mod failure;
mod namesake;
mod out;
mod place;

mod roles;

mod background;
mod check;
mod console;
mod doctor;
mod drain;
mod engine;
mod import;
mod log;
mod nginx;
mod nodes;
mod papers;

mod attach;
mod backend;
mod events;
mod explain;
mod overview;
mod pace;
mod plan;
mod program;
mod requests;
mod upgrade;
mod upstream;

mod progress;
mod steer;
mod table;
mod ticker;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use arguments::{Arguments, Verb, Word};
use failure::Failure;
use out::Out;
use place::Place;

use crate::sys;
use crate::tui::link::target::Target;

pub(crate) fn run() -> ExitCode {
    // Started by a descriptor of its own image, it would be listed as `exe`.
    sys::proc::name_this(c"pilothouse");
    if let Some(status) = roles::hidden(std::env::args_os().skip(1)) {
        return status;
    }
    if let Some(status) = nginx::called(std::env::args_os()) {
        return status;
    }
    let arguments = match words() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for and go to standard output; the rest is misuse.
            let _nowhere_left_to_say_so = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * 2);
        }
    };
    match obey(arguments) {
        Ok(status) => status,
        Err(failure @ Failure::OutputClosed) => failure.status(),
        Err(failure) => {
            out::complain(&failure.to_string());
            failure.status()
        }
    }
}

/// The words of the line, understood; help and errors are coloured as they say.
fn words() -> Result<Arguments, clap::Error> {
    let plain = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let mut command = Arguments::command().color(arguments::help_colour(plain));
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let matches = matches.map_err(arguments::advise)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn obey(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { mut everywhere, word } = arguments;
    let out = Out::new(everywhere.color);
    let verb = match word.unwrap_or_default() {
        Word::Paper(paper) => return papers::write(out, paper),
        Word::Verb(verb) => verb,
    };
    if let Verb::Console(console) = &verb {
        match &console.targets[..] {
            [] => {}
            [Target::Near(socket)] => everywhere.socket = Some(socket.clone()),
            [Target::Far(_)] | [_, _, ..] => return nodes::run(out, console),
        }
    }
    let place = Place::find(&everywhere)?;
    if let Some(intent) = verb.intent() {
        wait(namesake::check(&place, intent))?;
    }
    match verb {
        Verb::Console(console) => return console::run(&place, out, console),
        Verb::Run if place.is_socket_explicit => {
            return Err(Failure::Usage(
                "run: `-s` names an engine that runs already; where this one listens follows from \
                 `name` in [engine] and PILOTHOUSE_RUNTIME_DIR"
                    .to_owned(),
            ));
        }
        Verb::Run => {
            wait(namesake::refuse_second(&place))?;
            return engine::run(&place);
        }
        Verb::Check(listing) => return check::run(&place, out, listing),
        Verb::Status(listing) if listing.json => wait(overview::show_json(&place, out)),
        Verb::Status(_) => wait(overview::show(&place, out)),
        Verb::Backend(verb) => wait(backend::run(&place, out, verb)),
        Verb::Upstream(verb) => wait(upstream::run(&place, out, verb)),
        Verb::Program(verb) => wait(program::run(&place, out, verb)),
        Verb::Log(verb) => wait(log::run(&place, out, verb)),
        Verb::Events(verb) => wait(events::run(&place, out, verb)),
        Verb::Requests(verb) => wait(requests::run(&place, out, verb)),
        Verb::Reload(reload) if reload.dry_run => wait(plan::show(&place, out, reload)),
        Verb::Reload(_) => wait(engine::reload(&place, out)),
        Verb::Revert => wait(engine::revert(&place, out)),
        Verb::Reopen => wait(engine::reopen(&place, out)),
        Verb::Upgrade => wait(upgrade::run(&place, out)),
        Verb::Shutdown(waiting) => wait(engine::shutdown(&place, out, waiting)),
        Verb::Doctor(listing) => return wait(doctor::run(&place, out, listing)),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Runs one conversation with the engine to its end.
fn wait<T>(conversation: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::Failed(format!("start the runtime: {error}")))?;
    runtime.block_on(conversation)
}
