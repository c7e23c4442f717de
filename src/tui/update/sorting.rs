//! What the rows of a list are sorted by: any of its columns, one after another, either way round.

use crate::control::wire::Severity;
use crate::tui::model::list::{Sort, SortBy};
use crate::tui::model::{Model, columns};

use super::cursor::{self, Cause};

/// To the next column, or the one before; the rows' own order is one of them.
pub(super) fn step(model: &mut Model, by: isize) {
    let names = columns::of_panel(model, model.focus());
    let mut orders: Vec<SortBy> = vec![SortBy::Natural];
    orders.extend(names.into_iter().map(SortBy::Column));
    let now = model.lists.of(model.focus()).sort.by;
    let at = orders.iter().position(|order| *order == now).unwrap_or(0);
    let to = (at as isize + by).rem_euclid(orders.len() as isize) as usize;
    set(model, Sort { by: orders[to], is_reversed: false });
}

pub(super) fn reverse(model: &mut Model) {
    let sort = model.lists.of(model.focus()).sort;
    set(model, Sort { is_reversed: !sort.is_reversed, ..sort });
}

fn set(model: &mut Model, sort: Sort) {
    let focus = model.focus();
    let list = model.lists.of_mut(focus);
    list.sort = sort;
    list.held = None;
    let reversed = if sort.is_reversed { ", the other way round" } else { "" };
    model.say(Severity::Info, format!("sorted by {}{reversed}", sort.by.name()));
    cursor::settle(model, Cause::Operator);
}
