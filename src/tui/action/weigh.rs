//! What changes would interrupt, in numbers: decides how they are confirmed and what the prompt
//! says.

use crate::control::call::{BackendVerb, Command, ProgramVerb};
use crate::control::wire::{BackendRow, BackendState, ProgramRow, ProgramState};
use crate::tui::model::key::Key;
use crate::tui::model::order::{Change, Weight};
use crate::tui::model::{Model, rows, traffic};

/// Lines of facts in a prompt; more rows than this are counted.
const FACTS_MAX: usize = 6;

/// The question a prompt opens with.
pub(crate) fn title(changes: &[Change]) -> String {
    match changes {
        [] => String::new(),
        [change] => match &change.command {
            Command::Shutdown => "Shut the engine down?".to_owned(),
            Command::Reload => "Reload the configuration?".to_owned(),
            Command::Revert => "Go back to the configuration before?".to_owned(),
            Command::Upgrade => "Upgrade the engine?".to_owned(),
            Command::Reopen => "Reopen the log files?".to_owned(),
            Command::Program { target, verb: ProgramVerb::Roll(_) } => {
                format!("Roll {}?", target.name)
            }
            Command::Add(addition) => format!("Add {}?", addition.address),
            Command::Scale { program, instances: Some(instances) } => {
                format!("Scale {program} to {instances}?")
            }
            Command::Scale { program, instances: None } => format!("Reset {program}?"),
            Command::Backend { .. } | Command::Upstream { .. } | Command::Program { .. } => {
                format!("{} {}?", capital(change.verb), change.key.label())
            }
        },
        [first, ..] => format!("{} {} marked rows?", capital(first.verb), changes.len()),
    }
}

pub(crate) fn weight(model: &Model, changes: &[Change]) -> Weight {
    let mut facts = Vec::new();
    for change in changes {
        match &change.command {
            Command::Shutdown => return shutdown(model),
            Command::Upgrade => facts.extend(upgrade(model)),
            Command::Reload => facts.extend(interruptions(model)),
            Command::Program { verb, .. } => program_facts(model, change, verb, &mut facts),
            Command::Scale { program, instances: Some(after) } => {
                facts.extend(leaving_instances(model, program, *after));
            }
            Command::Backend { verb: BackendVerb::Drain { timeout_ms: Some(0) }, .. } => {
                facts.extend(cut(model, &change.key));
            }
            Command::Backend { .. }
            | Command::Add(_)
            | Command::Scale { .. }
            | Command::Upstream { .. }
            | Command::Revert
            | Command::Reopen => {}
        }
    }
    if facts.len() > FACTS_MAX {
        let more = facts.len() - (FACTS_MAX - 1);
        facts.truncate(FACTS_MAX - 1);
        facts.push(format!("... and {more} more"));
    }
    let leaving: Vec<&BackendRow> =
        changes.iter().filter_map(|change| leaving(model, change)).collect();
    if let Some((upstream, last_facts)) = last_of(model, &leaving) {
        facts.splice(0..0, last_facts);
        return Weight::Last { facts, name: upstream };
    }
    if facts.is_empty() { Weight::Nothing } else { Weight::Something { facts } }
}

/// What a reload ends, as far as its plan is in view.
fn interruptions(model: &Model) -> Vec<String> {
    model.planned.plan().map_or_else(Vec::new, |plan| plan.interruptions().collect())
}

/// `17 requests of api/10.0.3.5:8080 are cut at once.`
fn cut(model: &Model, key: &Key) -> Option<String> {
    let Key::Backend { key: life, .. } = key else { return None };
    let (label, active) = (key.label(), model.backend(*life)?.backend.active);
    Some(match active {
        0 => format!("{label} has nothing in flight."),
        1 => format!("1 request of {label} is cut at once."),
        active => format!("{} of {label} are cut at once.", requests(active)),
    })
}

/// The instances that would be too many, with what drains first.
fn leaving_instances(model: &Model, program: &str, after: u32) -> Vec<String> {
    let rows = model.moment.programs.iter().filter(|row| {
        row.program.name == program
            && row.program.instance >= after
            && is_running(row.program.state)
    });
    rows.map(|row| drains(model, row, &Key::of_program(row).label())).collect()
}

fn upgrade(model: &Model) -> [String; 2] {
    let head = &model.moment.head;
    let workers = model.moment.workers.len();
    [
        format!("The binary at the path of {} {} takes over.", head.name, head.version),
        format!(
            "{workers} workers are replaced one by one, {:.0} requests a second go on; no program restarts.",
            traffic::traffic(model).requests_per_s
        ),
    ]
}

fn shutdown(model: &Model) -> Weight {
    let running = model.moment.programs.iter().filter(|row| is_running(row.program.state)).count();
    let traffic = traffic::traffic(model);
    Weight::Last {
        facts: vec![
            format!("{running} running programs are stopped, their backends drained first."),
            format!(
                "In flight: {}; {:.0} a second arrive. Then nothing answers.",
                requests(traffic.active),
                traffic.requests_per_s
            ),
        ],
        name: model.moment.head.name.clone(),
    }
}

fn program_facts(model: &Model, change: &Change, verb: &ProgramVerb, facts: &mut Vec<String>) {
    let Some(row) = program(model, &change.key) else { return };
    let name = change.key.label();
    match verb {
        ProgramVerb::Clear => {
            facts.push(format!(
                "The log files of {name} and what is kept of its output are gone for good."
            ));
        }
        ProgramVerb::Start
        | ProgramVerb::Reload
        | ProgramVerb::Signal { .. }
        | ProgramVerb::Input { .. } => {}
        ProgramVerb::Roll(_) => {
            let siblings: Vec<&ProgramRow> = model
                .moment
                .programs
                .iter()
                .filter(|other| other.program.name == row.program.name)
                .collect();
            let backends = siblings.iter().filter_map(|row| model.backend_of(row));
            let active: u32 = backends.map(|row| row.backend.active).sum();
            let restarts = match siblings.len() {
                1 => "The one instance restarts".to_owned(),
                count => format!(
                    "{count} instances restart one after another, each ready before the next"
                ),
            };
            facts.push(format!(
                "{restarts}; {} in flight now, which drain first.",
                requests(active)
            ));
        }
        ProgramVerb::Restart | ProgramVerb::Stop => {
            if is_running(row.program.state) {
                facts.push(drains(model, row, &name));
            }
        }
        ProgramVerb::Kill => {
            let active = model.backend_of(row).map_or(0, |backend| backend.backend.active);
            facts.push(match active {
                0 => format!("{name} gets no chance to finish what it does."),
                active => format!("{} of {name} fail at once.", requests(active)),
            });
        }
    }
}

/// `api:0 runs as pid 5120; 17 requests drain first.`
fn drains(model: &Model, row: &ProgramRow, name: &str) -> String {
    let pid = row.program.pid.map_or_else(String::new, |pid| format!(" as pid {pid}"));
    match model.backend_of(row) {
        Some(backend) if backend.backend.active == 0 => {
            format!("{name} runs{pid}; nothing is in flight.")
        }
        Some(backend) if backend.backend.active == 1 => {
            format!("{name} runs{pid}; 1 request drains first.")
        }
        Some(backend) => {
            format!("{name} runs{pid}; {} drain first.", requests(backend.backend.active))
        }
        None => format!("{name} runs{pid}."),
    }
}

/// The backend in rotation that a change takes out of it.
fn leaving<'a>(model: &'a Model, change: &Change) -> Option<&'a BackendRow> {
    let row = match (&change.command, &change.key) {
        (
            Command::Backend {
                verb: BackendVerb::Drain { .. } | BackendVerb::Down | BackendVerb::Remove(_),
                ..
            },
            Key::Backend { key, .. },
        ) => model.backend(*key),
        (
            Command::Program {
                verb:
                    ProgramVerb::Restart | ProgramVerb::Stop | ProgramVerb::Roll(_) | ProgramVerb::Kill,
                ..
            },
            Key::Program { name, instance },
        ) => model.backend_of(model.program(name, *instance)?),
        _ => None,
    }?;
    (row.backend.state == BackendState::Up).then_some(row)
}

/// The first upstream that would be left without a backend in rotation, and what that means.
fn last_of(model: &Model, leaving: &[&BackendRow]) -> Option<(String, Vec<String>)> {
    let is_leaving = |row: &BackendRow| leaving.iter().any(|leaving| leaving.key == row.key);
    let row = leaving.iter().find(|leaving| {
        !model
            .backends_of(&leaving.upstream)
            .any(|row| row.backend.state == BackendState::Up && !is_leaving(row))
    })?;
    let upstream = &row.upstream;
    let rate = traffic::upstream_rate(model, upstream);
    let mut facts = vec![format!(
        "{} is the last backend of {upstream} in rotation ({rate:.0} requests a second).",
        row.backend.name
    )];
    let others = model.backends_of(upstream).filter(|other| !is_leaving(other));
    facts.extend(others.take(2).map(|other| {
        format!("{} is {}.", other.backend.name, rows::state_word(other.backend.state))
    }));
    facts.push("New requests get 502 until a backend comes back.".to_owned());
    Some((upstream.clone(), facts))
}

/// Whether something is interrupted by taking the program away. One that is only starting serves
/// nobody yet.
pub(crate) fn is_running(state: ProgramState) -> bool {
    match state {
        ProgramState::Running | ProgramState::Stopping | ProgramState::Unknown => true,
        ProgramState::Stopped
        | ProgramState::Starting
        | ProgramState::Backoff
        | ProgramState::Exited
        | ProgramState::Fatal => false,
    }
}

/// `1 request`, `17 requests`.
pub(crate) fn requests(count: u32) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}

fn program<'a>(model: &'a Model, key: &Key) -> Option<&'a ProgramRow> {
    match key {
        Key::Program { name, instance } => model.program(name, *instance),
        Key::Upstream { .. }
        | Key::Backend { .. }
        | Key::Worker { .. }
        | Key::Event { .. }
        | Key::Request { .. }
        | Key::Plan { .. }
        | Key::Alarm { .. }
        | Key::Record { .. }
        | Key::Config
        | Key::Node { .. } => None,
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
