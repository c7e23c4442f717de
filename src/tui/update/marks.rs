//! Marks: actions then take all marked rows.

use crate::control::wire::Severity;
use crate::tui::model::key::{Key, Kind};
use crate::tui::model::{Model, rows};

use super::cursor::{self, Move};

pub(super) fn turn(model: &mut Model) {
    let Some(key) = rows::selected(model).map(|row| row.key()) else { return };
    if !model.marks.remove(&key) {
        model.marks.insert(key);
    }
    cursor::go(model, Move::By(1));
}

/// Everything from the nearest marked row of the list to the one under the cursor.
pub(super) fn range(model: &mut Model) {
    let focus = model.focus();
    let order: Vec<Key> = rows::rows(model, focus).iter().map(rows::Row::key).collect();
    let here = model.lists.of(focus).cursor.as_ref();
    let Some(here) = order.iter().position(|key| Some(key) == here) else { return };
    let marked = (0..order.len()).filter(|at| model.marks.contains(&order[*at]));
    let Some(from) = marked.min_by_key(|at| at.abs_diff(here)) else {
        return model.say(Severity::Info, "mark the first row with Space, then the last with this");
    };
    let kind = order[from].kind();
    let between = &order[from.min(here)..=from.max(here)];
    // Rows of other kinds between them are no part of it.
    model
        .marks
        .extend(between.iter().filter(|key| key.kind() == kind && is_markable(kind)).cloned());
    let count = model.marks.len();
    model.say(Severity::Info, format!("{count} rows are marked; Esc clears them"));
}

fn is_markable(kind: Kind) -> bool {
    matches!(kind, Kind::Backend | Kind::Program)
}
