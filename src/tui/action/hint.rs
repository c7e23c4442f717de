//! What the registry tells the screen: the footer's keys, the help overlay's lines, the key that
//! helps a row.

use crate::tui::model::Model;
use crate::tui::model::key::{Key, Kind};

use super::{ALL, Action, Id, context};

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
    let mut shown: Vec<&Action> = ALL
        .iter()
        .filter(|action| action.footer.is_some() && action.applies(panel, kind))
        .filter(|action| model.may_operate() || !action.is_order())
        .collect();
    shown.sort_by_key(|action| action.footer);
    shown
        .into_iter()
        .map(|action| Hint { id: action.id, keys: keys(action), label: label(model, action) })
        .collect()
}

/// The help overlay: every key that works in this view, in the registry's order.
pub(crate) fn help(model: &Model) -> Vec<&'static Action> {
    let (panel, kind) = context(model);
    ALL.iter().filter(|action| !action.keys.is_empty() && action.applies(panel, kind)).collect()
}

/// What an action's keys are called: `j/k`, `Tab`, `Ctrl-D`.
pub(crate) fn keys(action: &Action) -> String {
    match (action.id, action.keys.first()) {
        (Id::Down, _) => "j/k".to_owned(),
        (_, Some(chord)) => chord.to_string(),
        (_, None) => String::new(),
    }
}

/// The action that most likely helps a row that needs attention.
pub(crate) fn remedy(model: &Model, key: &Key) -> Option<Id> {
    use crate::control::wire::BackendState;
    match (key.kind(), key) {
        (Kind::Program, _) => Some(Id::Restart),
        (Kind::Backend, Key::Backend { key, .. }) => {
            let row = model.backend(*key)?;
            match row.backend.state {
                BackendState::Draining
                | BackendState::Drained
                | BackendState::Down
                | BackendState::Failed => Some(Id::Enable),
                BackendState::Up | BackendState::Starting => None,
            }
        }
        (Kind::Upstream, _) => Some(Id::Open),
        (Kind::Backend | Kind::Worker | Kind::Event | Kind::Config, _) => None,
    }
}

fn label(_model: &Model, action: &Action) -> String {
    action.label.to_owned()
}
