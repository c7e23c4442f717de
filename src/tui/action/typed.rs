//! Commands typed out into the palette, as the command line has them: those that name what is not on
//! the screen yet (a new backend, a number, a signal), and those about all instances of a program.

use crate::control::call::{Addition, BackendTarget, BackendVerb, Command, Rank, UpstreamVerb};
use crate::control::line;
use crate::tui::model::Model;
use crate::tui::model::key::Key;
use crate::tui::model::overlay::STRATEGIES;

use super::Id;

/// A whole command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// And the row it concerns.
    One {
        key: Key,
        command: Command,
        verb: &'static str,
    },
    /// What keys do, on these rows.
    Rows {
        id: Id,
        keys: Vec<Key>,
        words: String,
    },
    Signal {
        keys: Vec<Key>,
        name: String,
        words: String,
    },
}

impl Typed {
    /// As the command line spells it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::One { command, .. } => line::of(command).words,
            Self::Rows { words, .. } | Self::Signal { words, .. } => words.clone(),
        }
    }
}

/// What was typed, if it is a whole command: `add api/10.0.0.9:80 3 --backup`, `scale web 5`,
/// `weight api/10.0.0.9:80 3`, `max-conns api/10.0.0.9:80 64`, `restart web`, `signal web:0 HUP`,
/// `strategy api least_conn`, each also with the command line's `backend`, `program` or `upstream`
/// before it, and `program reset web`.
pub(crate) fn command(model: &Model, typed: &str) -> Option<Typed> {
    let words: Vec<&str> = typed.split_whitespace().collect();
    if let ["program", "reset", program] = *words {
        return scale(model, program, None);
    }
    let groups = ["backend", "program", "upstream"];
    let rest = words.split_first().filter(|(group, _)| groups.contains(*group));
    match *rest.map_or(words.as_slice(), |(_, rest)| rest) {
        ["add", place, ref rest @ ..] => add(place, rest),
        ["scale", program, count] => scale(model, program, Some(count.parse().ok()?)),
        ["signal", program, name] => signal(model, program, name),
        ["strategy", upstream, strategy] => use_strategy(model, upstream, strategy),
        [verb, program] if program_verb(verb).is_some() => of_program(model, verb, program),
        [word @ ("weight" | "max-conns"), place, number] => {
            let number = number.parse().ok()?;
            let verb = match word {
                "weight" => (BackendVerb::Weight { weight: number }, "weight"),
                _ => (BackendVerb::MaxConns { max_conns: number }, "max-conns"),
            };
            of_backend(model, place, verb)
        }
        _ => None,
    }
}

fn of_backend(model: &Model, place: &str, verb: (BackendVerb, &'static str)) -> Option<Typed> {
    let (upstream, backend) = place.split_once('/')?;
    let row = model.backends_of(upstream).find(|row| row.backend.name == backend)?;
    let target = BackendTarget {
        upstream: upstream.to_owned(),
        backend: backend.to_owned(),
        key: Some(row.key),
    };
    let (verb, word) = verb;
    let command = Command::Backend { target, verb };
    Some(Typed::One { key: Key::of_backend(row), command, verb: word })
}

/// What the keys of a program's row do, by the command line's words.
fn program_verb(word: &str) -> Option<Id> {
    Some(match word {
        "start" => Id::Start,
        "stop" => Id::Stop,
        "restart" => Id::Restart,
        "roll" => Id::Roll,
        "reload" => Id::ReloadProgram,
        "kill" => Id::Kill,
        "clear" => Id::Clear,
        _ => return None,
    })
}

fn of_program(model: &Model, verb: &str, program: &str) -> Option<Typed> {
    let keys = instances(model, program)?;
    let words = format!("program {verb} {program}");
    Some(Typed::Rows { id: program_verb(verb)?, keys, words })
}

fn signal(model: &Model, program: &str, name: &str) -> Option<Typed> {
    let keys = instances(model, program)?;
    let upper = name.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper).to_owned();
    let words = format!("program signal {program} {name}");
    Some(Typed::Signal { keys, name, words })
}

/// Of `web`, all instances; of `web:0`, that one.
fn instances(model: &Model, program: &str) -> Option<Vec<Key>> {
    let rows = model.moment.programs.iter();
    let meant =
        rows.filter(|row| row.program.name == program || Key::of_program(row).label() == program);
    let keys: Vec<Key> = meant.map(Key::of_program).collect();
    (!keys.is_empty()).then_some(keys)
}

fn use_strategy(model: &Model, upstream: &str, strategy: &str) -> Option<Typed> {
    let key = Key::Upstream { name: model.upstream(upstream)?.name.clone() };
    let strategy = STRATEGIES.into_iter().find(|known| *known == strategy)?.to_owned();
    let verb = UpstreamVerb::Strategy { strategy };
    let command = Command::Upstream { name: upstream.to_owned(), verb };
    Some(Typed::One { key, command, verb: "strategy" })
}

fn scale(model: &Model, program: &str, instances: Option<u32>) -> Option<Typed> {
    let row = model.moment.programs.iter().find(|row| row.program.name == program)?;
    let command = Command::Scale { program: program.to_owned(), instances };
    Some(Typed::One { key: Key::of_program(row), command, verb: "scale" })
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
    Some(Typed::One { key, command: Command::Add(addition), verb: "add" })
}
