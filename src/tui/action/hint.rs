//! What the registry tells the screen: the footer's keys, the help overlay's lines, the key that
//! helps a row.

use crate::control::standing::Readiness;
use crate::control::wire::{BackendRow, BackendState, ProgramRow};
use crate::tui::model::explained::Lower;
use crate::tui::model::key::{Key, Kind};
use crate::tui::model::nodes::tag;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::planned::PlanRow;
use crate::tui::model::rows::Row;
use crate::tui::model::{Link, Model, panel, rows};

use super::{Action, Id, Scope, all, attach, context, order, weigh};

/// A key and what it does here and to this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) id: Id,
    pub(crate) keys: String,
    pub(crate) label: String,
}

/// The footer: only keys that do something here, most used first. The first `n` that fit are
/// shown.
pub(crate) fn footer(model: &Model) -> Vec<Hint> {
    let (panel, kind) = context(model);
    let mut shown: Vec<&Action> = all()
        .filter(|action| action.footer.is_some() && action.applies(panel, kind))
        .filter(|action| does_something(model, action))
        .collect();
    shown.sort_by_key(|action| action.footer);
    shown
        .into_iter()
        .filter(|action| !model.keys.of(action).is_empty())
        .map(|action| Hint {
            id: action.id,
            keys: model.keys.name(action.id),
            label: label(model, action),
        })
        .collect()
}

/// The help overlay: every key that works in this view, in the registry's order.
pub(crate) fn help(model: &Model) -> Vec<&'static Action> {
    let (panel, kind) = context(model);
    let has_key = |action: &&Action| !model.keys.of(action).is_empty();
    all().filter(has_key).filter(|action| action.applies(panel, kind)).collect()
}

/// The lines of `help` that hold what was typed, in any of their parts.
pub(crate) fn help_matching(model: &Model, typed: &str) -> Vec<&'static Action> {
    let typed = typed.trim().to_lowercase();
    let is_match = |action: &&Action| {
        let text = format!("{} {} {}", model.keys.all(action), action.label, action.help);
        text.to_lowercase().contains(&typed)
    };
    help(model).into_iter().filter(is_match).collect()
}

/// The action that most likely helps a row that needs attention.
pub(crate) fn remedy(model: &Model, key: &Key) -> Option<Id> {
    match (key.kind(), key) {
        (Kind::Program, Key::Program { name, instance }) => {
            let row = model.program(name, *instance)?;
            let is_failing = match row.standing.readiness {
                Readiness::Lost => true,
                Readiness::Plain => row.program.log_degraded.is_empty(),
                Readiness::Waiting | Readiness::Asked => false,
            };
            Some(if is_failing { Id::Restart } else { Id::Open })
        }
        (Kind::Backend, Key::Backend { key, .. }) => {
            let row = model.backend(*key)?;
            match row.backend.state {
                BackendState::Draining
                | BackendState::Drained
                | BackendState::Down
                | BackendState::Failed => Some(Id::Enable),
                // In the list although it is up: it fails, and others may take over.
                BackendState::Up if has_others_up(model, row) => Some(Id::Drain),
                BackendState::Up => Some(Id::Open),
                BackendState::Starting => None,
            }
        }
        (Kind::Config, _) if model.link != Link::Live => None,
        (Kind::Upstream | Kind::Worker | Kind::Config | Kind::Node, _) => Some(Id::Open),
        (
            Kind::Program
            | Kind::Backend
            | Kind::Event
            | Kind::Request
            | Kind::Plan
            | Kind::Alarm
            | Kind::Record,
            _,
        ) => None,
    }
}

fn has_others_up(model: &Model, row: &BackendRow) -> bool {
    model
        .backends_of(&row.upstream)
        .any(|other| other.key != row.key && other.backend.state == BackendState::Up)
}

/// Whether pressing the key here would do something.
fn does_something(model: &Model, action: &Action) -> bool {
    if action.is_order() {
        return order::make(model, action.id, None).is_ok();
    }
    match action.id {
        Id::NextPanel => panel::shown(model).len() > 1 || model.view == View::Balance,
        Id::Follow if model.focus() == Panel::RequestTable => model.requests.is_held,
        Id::Follow => !model.open_log().is_following(),
        Id::Travel(_) => model.past.is_some(),
        Id::Pause => model.past.is_some() || !model.history.is_empty(),
        Id::NextMatch => !model.open_log().find.searched.is_empty(),
        Id::Mark | Id::Strategy | Id::Signal => model.may_operate(),
        Id::Attach => attach::listener(model, None).is_ok(),
        Id::Log => model.focus() != Panel::ProgramLog && program_behind(model).is_some(),
        Id::Open => !is_open(model),
        _ => true,
    }
}

/// Whether the row is shown in full already, or leads nowhere.
fn is_open(model: &Model) -> bool {
    match (rows::selected(model), model.view) {
        (Some(Row::Worker(_)), view) => view == View::Workers,
        (Some(Row::Plan(row)), _) => named_by(model, &row).is_none(),
        (Some(Row::Request(record)), _) => record.backend.is_none(),
        (Some(Row::Event(event)), _) => rows::find(model, &event.target).is_none(),
        (Some(Row::Alarm(_) | Row::Record(_)) | None, _) => true,
        (Some(row), _) => row.key() == Key::Config && model.link != Link::Live,
    }
}

/// What a change of the configuration is about, where it is there to be looked at.
pub(crate) fn named_by(model: &Model, row: &PlanRow<'_>) -> Option<Key> {
    let change = match row {
        PlanRow::Section(change) | PlanRow::Detail(change, _) => change,
        PlanRow::Line(..) => return None,
    };
    let name = match model.nodes.chosen() {
        Some(node) => tag::name(&change.name, &node.name),
        None => change.name.clone(),
    };
    match change.kind.as_str() {
        "upstream" => model.upstream(&name).map(|row| Key::Upstream { name: row.name.clone() }),
        "program" | "listener" => {
            let rows = &model.moment.programs;
            rows.iter().find(|row| row.program.name == name).map(Key::of_program)
        }
        _ => None,
    }
}

/// The program that the row under the cursor is, or is served by.
fn program_behind(model: &Model) -> Option<&ProgramRow> {
    match rows::selected(model)? {
        Row::Program(row) => Some(row),
        Row::Backend(row) => model.program_of(row),
        Row::Attention(attention) => match &attention.key {
            Key::Program { name, instance } => model.program(name, *instance),
            Key::Backend { key, .. } => model.program_of(model.backend(*key)?),
            Key::Upstream { .. }
            | Key::Worker { .. }
            | Key::Event { .. }
            | Key::Request { .. }
            | Key::Plan { .. }
            | Key::Alarm { .. }
            | Key::Record { .. }
            | Key::Config
            | Key::Node { .. } => None,
        },
        Row::Upstream(_)
        | Row::Worker(_)
        | Row::Event(_)
        | Row::Request(_)
        | Row::Plan(_)
        | Row::Alarm(_)
        | Row::Record(_) => None,
    }
}

/// What the key will do to this row, where that depends on the row.
fn label(model: &Model, action: &Action) -> String {
    match (action.id, program_behind(model)) {
        _ if action.is_order() && !model.marks.is_empty() => marked_label(model, action),
        (Id::Restart, Some(row)) if !weigh::is_running(row.program.state) => {
            "restart now".to_owned()
        }
        (Id::Restart, Some(row)) => match model.backend_of(row).map(|row| row.backend.active) {
            Some(active @ 1..) => format!("restart: {active} drain first"),
            Some(0) | None => "restart".to_owned(),
        },
        (Id::Wrap, _) if model.open_log().is_wrapped => "unwrap".to_owned(),
        (Id::Include, _) if model.are_requests_in_logs => "no requests".to_owned(),
        (Id::WhatIf, _) => match model.lower {
            Lower::Both => "what if".to_owned(),
            Lower::WhatIf => "shares".to_owned(),
            Lower::Shares => "both".to_owned(),
        },
        (Id::Pause | Id::Quit, _) if model.past.is_some() => "back to now".to_owned(),
        (Id::Zoom | Id::Quit, _) if model.is_zoomed => "unzoom".to_owned(),
        _ => marked_label(model, action),
    }
}

/// `drain 3 marked`, where it would take them all.
fn marked_label(model: &Model, action: &Action) -> String {
    let Scope::Somewhere { kinds, .. } = action.scope else { return action.label.to_owned() };
    let takes_all = action.is_order() || action.id == Id::Signal;
    match model.marks.iter().filter(|key| kinds.contains(&key.kind())).count() {
        count @ 1.. if takes_all => format!("{} {count} marked", action.label),
        _ => action.label.to_owned(),
    }
}
