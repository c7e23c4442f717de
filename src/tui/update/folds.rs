//! Upstreams of which only the heading is listed.

use crate::tui::model::key::Key;
use crate::tui::model::panel::Panel;
use crate::tui::model::{Model, rows};

use super::cursor::{self, Cause};

/// The upstream under the cursor, or the one its backend belongs to; the cursor stays with it.
pub(super) fn turn(model: &mut Model) {
    let Some(name) = upstream(model) else { return };
    if !model.folded.remove(&name) {
        model.folded.insert(name.clone());
    }
    stay(model, name);
}

/// All of them, or none when there is one already.
pub(super) fn turn_all(model: &mut Model) {
    let Some(name) = upstream(model) else { return };
    if model.folded.is_empty() {
        model.folded = model.moment.upstreams.iter().map(|row| row.name.clone()).collect();
    } else {
        model.folded.clear();
    }
    stay(model, name);
}

/// On the backend, while that is listed.
fn stay(model: &mut Model, upstream: String) {
    let list = model.lists.of_mut(Panel::BackendTable);
    list.held = None;
    if model.is_folded(&upstream) {
        model.lists.of_mut(Panel::BackendTable).cursor = Some(Key::Upstream { name: upstream });
    }
    cursor::settle(model, Cause::Operator);
}

fn upstream(model: &Model) -> Option<String> {
    match rows::selected(model)?.key() {
        Key::Upstream { name } | Key::Backend { upstream: name, .. } => Some(name),
        Key::Program { .. }
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
