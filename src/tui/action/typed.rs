//! Commands typed out into the palette, as the command line has them: those that name something
//! which is not on the screen yet, a new backend or a number.

use crate::control::call::{Addition, BackendTarget, BackendVerb, Command, Rank};
use crate::control::line;
use crate::tui::model::Model;
use crate::tui::model::key::Key;

/// A whole command, and the row it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    pub(crate) key: Key,
    pub(crate) command: Command,
    pub(crate) verb: &'static str,
}

impl Typed {
    /// As the command line spells it.
    pub(crate) fn words(&self) -> String {
        line::of(&self.command).words
    }
}

/// What was typed, if it is a whole command: `add api/10.0.0.9:80 3 --backup`, `scale web 5`,
/// `weight api/10.0.0.9:80 3`, `max-conns api/10.0.0.9:80 64`, each also with the command line's `backend` or `program` before it,
/// and `program reset web`.
pub(crate) fn command(model: &Model, typed: &str) -> Option<Typed> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    if let ["program", "reset", program] = *words {
        return scale(model, program, None);
    }
    match *words.strip_prefix(&["backend"]).or(words.strip_prefix(&["program"])).unwrap_or(&words) {
        ["add", place, ref rest @ ..] => add(place, rest),
        ["scale", program, count] => scale(model, program, Some(count.parse().ok()?)),
        [word @ ("weight" | "max-conns"), place, number] => {
            let number = number.parse().ok()?;
            let (upstream, backend) = place.split_once('/')?;
            let mut rows = model.backends_of(upstream);
            let row = rows.find(|row| row.backend.name == backend)?;
            let target = BackendTarget {
                upstream: upstream.to_owned(),
                backend: backend.to_owned(),
                key: Some(row.key),
            };
            let (verb, word) = match word {
                "weight" => (BackendVerb::Weight { weight: number }, "weight"),
                _ => (BackendVerb::MaxConns { max_conns: number }, "max-conns"),
            };
            let command = Command::Backend { target, verb };
            Some(Typed { key: Key::of_backend(row), command, verb: word })
        }
        _ => None,
    }
}

fn scale(model: &Model, program: &str, instances: Option<u32>) -> Option<Typed> {
    let row = model.moment.programs.iter().find(|row| row.program.name == program)?;
    let command = Command::Scale { program: program.to_owned(), instances };
    Some(Typed { key: Key::of_program(row), command, verb: "scale" })
}

/// The engine says what is wrong with an address or an upstream.
fn add(place: &str, rest: &[&str]) -> Option<Typed> {
    let (upstream, address) = place.split_once('/').filter(|(_, address)| !address.is_empty())?;
    let mut addition = Addition {
        upstream: upstream.to_owned(),
        address: address.to_owned(),
        weight: None,
        rank: Rank::Primary,
    };
    for word in rest {
        match (*word, word.parse()) {
            ("--backup", _) => addition.rank = Rank::Backup,
            (_, Ok(weight)) => addition.weight = Some(weight),
            (_, Err(_)) => return None,
        }
    }
    let key = Key::Upstream { name: addition.upstream.clone() };
    Some(Typed { key, command: Command::Add(addition), verb: "add" })
}
