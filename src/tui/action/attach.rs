//! Who can be spoken to, and what is said.

use crate::control::call::{Command, ProgramTarget, ProgramVerb};
use crate::tui::model::key::Key;
use crate::tui::model::order::{self, Change, Judged, Weight};
use crate::tui::model::{Model, rows};

use super::order::{permitted, reachable};

/// The program that is meant, or behind the row under the cursor, with the life it is in.
pub(crate) fn listener(model: &Model, target: Option<&Key>) -> Result<(Key, u32), String> {
    permitted(model)?;
    let selected = || rows::selected(model).map(|row| row.key());
    let key = target.cloned().or_else(selected).ok_or("no row is selected")?;
    let row = match &key {
        Key::Program { name, instance } => model.program(name, *instance),
        Key::Backend { key, .. } => model.backend(*key).and_then(|row| model.program_of(row)),
        Key::Upstream { .. }
        | Key::Worker { .. }
        | Key::Event { .. }
        | Key::Request { .. }
        | Key::Plan { .. }
        | Key::Alarm { .. }
        | Key::Record { .. }
        | Key::Config
        | Key::Node { .. } => None,
    };
    let row = row.ok_or_else(|| format!("no program of ours is behind {}", key.label()))?;
    let key = Key::of_program(row);
    reachable(model, &key)?;
    if row.standing.is_listening {
        return Ok((key, row.incarnation));
    }
    let label = key.label();
    Err(match row.program.pid {
        None => format!("{label} does not run"),
        Some(_) => format!("{label} reads nothing: its section needs stdin = \"open\""),
    })
}

/// Interrupts nothing, so it is never asked about.
pub(crate) fn input(
    model: &Model,
    key: &Key,
    incarnation: u32,
    bytes: Vec<u8>,
) -> Result<Judged, String> {
    permitted(model)?;
    reachable(model, key)?;
    let Key::Program { name, instance } = key else {
        return Err(format!("{} is no program", key.label()));
    };
    let target = ProgramTarget {
        name: name.clone(),
        instance: Some(*instance),
        incarnation: Some(incarnation),
    };
    let command = Command::Program { target, verb: ProgramVerb::Input { bytes } };
    let changes = vec![Change { key: key.clone(), command, verb: "attach", undo: None }];
    Ok(order::judge(String::new(), changes, Weight::Nothing))
}
