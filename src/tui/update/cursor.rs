//! Moving the cursor, and keeping it on its row whatever the data does.

use crate::tui::model::key::Key;
use crate::tui::model::list::{HOLD_MS, Held};
use crate::tui::model::panel::{self, Panel, View};
use crate::tui::model::{Model, rows};

use super::requests;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    By(isize),
    First,
    Last,
}

/// Why rows may have changed under the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// By themselves: a cursor that falls on another row was not put there by the operator.
    Data,
    /// By a key: what is selected after it is what the operator chose.
    Operator,
}

/// Puts the cursor of each visible list on its row, or, when that is gone, on the one that took
/// its place.
pub(super) fn settle(model: &mut Model, cause: Cause) {
    for panel in panel::shown(model) {
        // The log has no rows, and its program's cursor is that of the table beside it.
        let panel = if panel == Panel::ProgramLog { Panel::ProgramTable } else { panel };
        let rows = rows::rows(model, panel);
        let at = rows::cursor(model, panel, &rows);
        let list = model.lists.of(panel);
        let position = at.unwrap_or(list.position.min(rows.len().saturating_sub(1)));
        let cursor = rows.get(position).map(rows::Row::key);
        let has_fallen = cause == Cause::Data && cursor != list.cursor;
        let now_ms = model.now_ms;
        let list = model.lists.of_mut(panel);
        if has_fallen {
            list.fell_at_ms = Some(now_ms);
        }
        list.position = position;
        list.cursor = cursor;
        if list.held.as_ref().is_some_and(|held| now_ms >= held.until_ms) {
            list.held = None;
        }
    }
}

/// Moves in the focused panel. Past its ends, single steps go on into the neighbouring panel.
pub(super) fn go(model: &mut Model, step: Move) {
    let focus = model.focus();
    if focus.is_log() {
        return scroll_log(model, step);
    }
    if focus == Panel::RequestTable && step != Move::First {
        requests::hold(model);
    }
    let order: Vec<Key> = rows::rows(model, focus).iter().map(rows::Row::key).collect();
    let last = order.len().saturating_sub(1);
    let list = model.lists.of(focus);
    let found = order.iter().position(|key| list.cursor.as_ref() == Some(key));
    let at = found.unwrap_or(list.position.min(last));
    let to = match step {
        Move::First => 0,
        Move::Last => last,
        Move::By(by) => {
            let to = at.saturating_add_signed(by);
            let leaves = (by == 1 && to > last) || (by == -1 && at == 0) || order.is_empty();
            if leaves && step_out(model, focus, by) {
                return;
            }
            to.min(last)
        }
    };
    let cursor = order.get(to).cloned();
    let until_ms = model.now_ms + HOLD_MS;
    let list = model.lists.of_mut(focus);
    list.cursor = cursor;
    list.position = to;
    list.fell_at_ms = None;
    list.held = Some(Held { until_ms, order });
}

/// Puts the cursor of a panel on a row and the focus on the panel.
pub(super) fn put(model: &mut Model, view: View, panel: Panel, key: Option<Key>) {
    model.turn_to(view);
    model.lists.set_focus(view, panel);
    if let Some(key) = key {
        if let Key::Backend { upstream, .. } = &key {
            model.folded.remove(upstream);
        }
        let list = model.lists.of_mut(panel);
        list.filter.clear();
        list.cursor = Some(key);
        list.fell_at_ms = None;
    }
    settle(model, Cause::Operator);
}

/// The focus to the panel `by` further on, round and round.
pub(super) fn turn_focus(model: &mut Model, by: isize) {
    let shown = panel::shown(model);
    let at = place(&shown, model.focus());
    let to = (at as isize + by).rem_euclid(shown.len() as isize) as usize;
    model.lists.set_focus(model.view, shown[to]);
    settle(model, Cause::Operator);
}

/// Into the neighbouring panel that has rows, at the end that is nearer.
fn step_out(model: &mut Model, from: Panel, by: isize) -> bool {
    if model.view != View::Overview {
        return false;
    }
    let shown = panel::shown(model);
    let at = place(&shown, from);
    let beyond: Vec<Panel> =
        if by > 0 { shown[at + 1..].to_vec() } else { shown[..at].iter().rev().copied().collect() };
    let Some(next) = beyond.into_iter().find(|panel| !rows::rows(model, *panel).is_empty()) else {
        return false;
    };
    model.lists.set_focus(model.view, next);
    go(model, if by > 0 { Move::First } else { Move::Last });
    true
}

fn place(shown: &[Panel], panel: Panel) -> usize {
    shown.iter().position(|shown| *shown == panel).unwrap_or(0)
}

fn scroll_log(model: &mut Model, step: Move) {
    // A wrapped line takes several rows, so that the whole of the first page may be the first line.
    let page = if model.open_log().is_wrapped { 1 } else { usize::from(panel::log_rows(model)) };
    match step {
        Move::First => model.open_log_mut().scroll(isize::MAX, page),
        Move::Last => model.open_log_mut().follow(),
        Move::By(by) => model.open_log_mut().scroll(-by, page),
    }
}
