//! The words this binary starts itself by in another role. They are not for people: no help names
//! them, and what they take is checked only as far as our own mistakes go.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use super::out;
use crate::{config, demo, master, worker};

const MASTER: &str = "__master";
const WORKER: &str = "__worker";
const ORIGIN: &str = "__origin";
const LOAD: &str = "__load";

/// The command line of a master: `program __master NAME [FILE]`; without a file, the embedded
/// default.
pub(crate) fn master_words(
    program: OsString,
    name: &str,
    source: &config::Source,
) -> Vec<OsString> {
    let mut words = vec![program, OsString::from(MASTER), OsString::from(name)];
    match source {
        config::Source::File(path) => words.push(path.clone().into_os_string()),
        config::Source::Embedded => {}
    }
    words
}

/// Runs the role that the first word names; `None` when it names none.
pub(crate) fn hidden(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    match words.next()?.to_str()? {
        MASTER => Some(run_master(words)),
        WORKER => Some(worker::run()),
        ORIGIN => Some(demo::origin(&texts(words))),
        LOAD => Some(demo::load(&texts(words))),
        _ => None,
    }
}

/// What is not text cannot be one of the demo's words, and is refused as such.
fn texts(words: impl Iterator<Item = OsString>) -> Vec<String> {
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

fn run_master(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(name) = words.next().and_then(|name| name.into_string().ok()) else {
        out::complain("__master: expected the engine's name");
        return ExitCode::from(2);
    };
    let source = match words.next() {
        Some(path) => config::Source::File(PathBuf::from(path)),
        None => config::Source::Embedded,
    };
    master::run(&master::Options { name, source })
}
