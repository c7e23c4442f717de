//! The words this binary starts itself by in another role. They are not for people: no help names
//! them, and what they take is checked only as far as our own mistakes go.

use std::ffi::OsString;
use std::process::ExitCode;

use super::arguments::When;
use super::nginx;
use super::out;
use crate::config::source::Source;
use crate::{config, demo, import, keeper, master, sys, tui, worker};

const KEEPER: &str = "__keeper";
const MASTER: &str = "__master";
const TRIAL: &str = master::TRIAL;
const WORKER: &str = "__worker";
const ORIGIN: &str = "__origin";
const LOAD: &str = "__load";
pub(crate) const NGINX: &str = "__nginx";
const WHERE: &str = tui::link::tunnel::WHERE;

/// The command lines of a master, `program __master NAME FILE`, and of a keeper that goes on where
/// another one was, `program __keeper NAME FILE ESTATE`. Without a file, the embedded default.
pub(crate) fn words(program: &OsString, name: &str, source: &Source) -> keeper::Words {
    let file = source.word();
    let words = |role: &str| vec![program.clone(), role.into(), name.into(), file.clone()];
    keeper::Words { master: words(MASTER), keeper: words(KEEPER) }
}

/// Runs the role that the first word names; `None` when it names none.
pub(crate) fn hidden(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    match words.next()?.to_str()? {
        KEEPER => Some(go_on(words)),
        MASTER => Some(run_master(words)),
        TRIAL => Some(try_out(words)),
        WORKER => worker::run(),
        ORIGIN => Some(demo::origin(&texts(words))),
        LOAD => Some(demo::load(&texts(words))),
        NGINX => Some(nginx::foreground(words)),
        WHERE => Some(tell_where(words)),
        _ => None,
    }
}

/// What is not text cannot be one of the demo's words, and is refused as such.
fn texts(words: impl Iterator<Item = OsString>) -> Vec<String> {
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

fn run_master(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    match engine(&mut words) {
        Ok((name, source, words)) => {
            master::run(&master::Options { name, source, keeper: words.keeper })
        }
        Err(status) => status,
    }
}

fn go_on(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let engine = engine(&mut words);
    let estate = words.next().and_then(|number| number.to_str()?.parse().ok());
    match (engine, estate) {
        (Ok((_, _, words)), Some(estate)) => keeper::go_on(estate, words),
        (Err(status), _) => status,
        (Ok(_), None) => {
            out::complain("__keeper: expected the number of a descriptor");
            ExitCode::from(2)
        }
    }
}

/// Before an upgrade to this binary: whether it could take over. `program __trial PROTOCOL NAME FILE`.
fn try_out(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let protocol = words.next().unwrap_or_default();
    let verdict = match engine(&mut words) {
        Ok((_, source, _)) => master::try_out(&protocol.to_string_lossy(), &source),
        Err(status) => return status,
    };
    match verdict {
        Ok(version) => match out::Out::new(When::Never).line(version) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.status(),
        },
        Err(why) => {
            out::complain(&why);
            ExitCode::FAILURE
        }
    }
}

/// Asked by a console elsewhere: the path of an engine's socket, `program __where [NAME]`.
fn tell_where(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let socket = match words.next() {
        Some(name) => Ok(sys::folders::control_socket(&name.to_string_lossy())),
        None => {
            config::engine_name(&config::find(None)).map(|name| sys::folders::control_socket(&name))
        }
    };
    match socket.map(|socket| out::Out::new(When::Never).line(&socket.display().to_string())) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => failure.status(),
        Err(errors) => {
            out::complain(errors.to_string().trim_end());
            ExitCode::FAILURE
        }
    }
}

/// The engine that the next two words mean, and the words of its roles.
fn engine(
    words: &mut impl Iterator<Item = OsString>,
) -> Result<(String, Source, keeper::Words), ExitCode> {
    let Some(name) = words.next().and_then(|name| name.into_string().ok()) else {
        out::complain("expected the engine's name");
        return Err(ExitCode::from(2));
    };
    let source = Source::of_word(&words.next().unwrap_or_default(), import::text);
    match sys::proc::own_path() {
        Ok(program) => {
            let words = self::words(&program.into_os_string(), &name, &source);
            Ok((name, source, words))
        }
        Err(error) => {
            out::complain(&format!("find this binary: {error}"));
            Err(ExitCode::FAILURE)
        }
    }
}
