//! Lists in the order of any of their columns, and upstreams folded to one row.

use super::*;
use crate::tui::model::columns;
use crate::tui::model::list::SortBy;

fn labels(model: &Model, panel: Panel) -> Vec<String> {
    rows::rows(model, panel).iter().map(|row| row.key().label()).collect()
}

/// Presses `o` until the list is sorted by that column.
fn sort_by(model: &mut Model, name: &'static str) {
    for _ in 0..columns::of_panel(model, model.focus()).len() {
        if model.lists.of(model.focus()).sort.by == SortBy::Column(name) {
            return;
        }
        press(model, char('o'));
    }
    assert_eq!(model.lists.of(model.focus()).sort.by, SortBy::Column(name));
}

#[test]
fn a_list_is_sorted_by_each_of_its_columns_either_way() {
    let mut model = attached();
    for (at, row) in model.moment.backends.iter_mut().enumerate() {
        row.backend.active = at as u32;
    }
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    sort_by(&mut model, "active");
    let api = |numbers: [u32; 3]| {
        let mut labels: Vec<String> =
            numbers.iter().map(|number| format!("api/10.0.0.{number}:80")).collect();
        labels.insert(0, "api".to_owned());
        labels.extend(["static".to_owned(), "static/10.0.0.4:80".to_owned()]);
        labels
    };
    assert_eq!(labels(&model, Panel::BackendTable), api([3, 2, 1]));
    press(&mut model, char('O'));
    assert_eq!(labels(&model, Panel::BackendTable), api([1, 2, 3]));
    sort_by(&mut model, "state");
    // The worst first, not the first by the alphabet.
    assert_eq!(labels(&model, Panel::BackendTable), api([3, 1, 2]));
    // The cursor has stayed on its row all the while.
    let selected = rows::selected(&model).map(|row| row.key().label());
    assert_eq!(selected.as_deref(), Some("api/10.0.0.1:80"));
    let before = model.lists.of(Panel::BackendTable).sort;
    press(&mut model, key(Code::Right));
    press(&mut model, key(Code::Left));
    assert_eq!(model.lists.of(Panel::BackendTable).sort.by, before.by);
}

#[test]
fn every_list_goes_once_round_its_columns() {
    for view in View::ALL {
        let mut model = attached();
        press(&mut model, crate::tui::action::of(Id::Show(view)).keys[0]);
        let columns = columns::of_panel(&model, model.focus());
        let first = model.lists.of(model.focus()).sort.by;
        if model.focus().is_log() {
            continue;
        }
        for _ in 0..=columns.len() {
            press(&mut model, char('o'));
        }
        assert_eq!(model.lists.of(model.focus()).sort.by, first, "{view:?}: {columns:?}");
    }
}

#[test]
fn an_upstream_is_folded_from_any_of_its_rows_and_found_all_the_same() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.2:80");
    press(&mut model, char('f'));
    assert_eq!(labels(&model, Panel::BackendTable), ["api", "static", "static/10.0.0.4:80"]);
    assert_eq!(rows::selected(&model).map(|row| row.key().label()).as_deref(), Some("api"));
    press(&mut model, char('F'));
    assert_eq!(labels(&model, Panel::BackendTable).len(), 6, "one was folded: all are open");
    press(&mut model, char('F'));
    assert_eq!(labels(&model, Panel::BackendTable), ["api", "static"]);
    press(&mut model, char('/'));
    type_text(&mut model, "10.0.0.3");
    assert_eq!(labels(&model, Panel::BackendTable), ["api", "api/10.0.0.3:80"]);
    press(&mut model, key(Code::Esc));
    // What leads to a backend opens its upstream.
    on(&mut model, Panel::BackendTable, "static/10.0.0.4:80");
    assert_eq!(labels(&model, Panel::BackendTable), ["api", "static", "static/10.0.0.4:80"]);
}
