//! The pointer: what a click selects, opens and orders; that nothing is asked less than by key.

use super::*;
use crate::control::wire::Severity;
use crate::tui::model::NOTICE_READ_MS;
use crate::tui::model::key::Key;
use crate::tui::model::pointer::{Act, DOUBLE_MS, Hit, Mouse};

fn pointed(model: &mut Model, hit: Hit, act: Act) -> Vec<Effect> {
    update(model, Msg::Pointer { hit, act })
}

fn with_mouse() -> Model {
    let mut model = attached();
    assert_eq!(press(&mut model, char('M')), [Effect::Mouse(Mouse::On)]);
    press(&mut model, char('4'));
    model
}

fn web() -> Key {
    Key::Program { name: "web".to_owned(), instance: 0 }
}

#[test]
fn it_is_the_terminals_until_it_is_asked_for() {
    let mut model = attached();
    assert_eq!(pointed(&mut model, Hit::Tab(View::Logs), Act::Click), []);
    assert_eq!(model.view, View::Overview);
    press(&mut model, char('M'));
    pointed(&mut model, Hit::Tab(View::Logs), Act::Click);
    assert_eq!(model.view, View::Logs);
    assert_eq!(press(&mut model, char('M')), [Effect::Mouse(Mouse::Off)]);
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut model = with_mouse();
    let row = || Hit::Row(Panel::ProgramTable, web());
    pointed(&mut model, row(), Act::Click);
    assert_eq!(rows::selected(&model).map(|row| row.key()), Some(web()));
    assert_eq!(model.focus(), Panel::ProgramTable);
    pass(&mut model, DOUBLE_MS);
    pointed(&mut model, row(), Act::Click);
    assert_eq!(model.focus(), Panel::ProgramTable, "those were two");
    pointed(&mut model, row(), Act::Click);
    assert_eq!(model.focus(), Panel::ProgramLog, "and this was one more");
    pointed(&mut model, Hit::Row(Panel::ProgramTable, web()), Act::Wheel(-3));
    let first = Key::Program { name: "mailer".to_owned(), instance: 0 };
    assert_eq!(rows::selected(&model).map(|row| row.key()), Some(first));
}

#[test]
fn orders_by_click_ask_as_they_do_by_key() {
    let mut model = with_mouse();
    pointed(&mut model, Hit::Row(Panel::ProgramTable, web()), Act::Click);
    pass(&mut model, UNSEEN_MS);
    assert_eq!(sent(&pointed(&mut model, Hit::Hint(Id::Restart), Act::Click)), [""; 0]);
    assert!(is_asking(&model));
    assert_eq!(sent(&pointed(&mut model, Hit::Tab(View::Logs), Act::Click)), [""; 0]);
    assert!(is_asking(&model), "what lies over the view covers it");
    pointed(&mut model, Hit::Cancel, Act::Click);
    assert!(!is_asking(&model));
    pointed(&mut model, Hit::Hint(Id::Restart), Act::Click);
    let order = pointed(&mut model, Hit::Go, Act::Click);
    assert_eq!(sent(&order), ["program restart web:0"]);
    // The last backend's name is not spared by a click.
    on(&mut model, Panel::BackendTable, "static/10.0.0.4:80");
    pass(&mut model, UNSEEN_MS);
    pointed(&mut model, Hit::Hint(Id::Drain), Act::Click);
    assert_eq!(sent(&pointed(&mut model, Hit::Go, Act::Click)), [""; 0]);
    type_text(&mut model, "static");
    let order = pointed(&mut model, Hit::Go, Act::Click);
    assert_eq!(sent(&order), ["backend drain static/10.0.0.4:80"]);
}

#[test]
fn a_click_makes_room_for_the_keys_once_what_was_said_could_be_read() {
    let mut model = with_mouse();
    model.say(Severity::Info, "done");
    pointed(&mut model, Hit::Panel(Panel::ProgramTable), Act::Click);
    assert!(model.notice.is_some());
    pass(&mut model, NOTICE_READ_MS);
    pointed(&mut model, Hit::Panel(Panel::ProgramTable), Act::Click);
    assert!(model.notice.is_none());
}

#[test]
fn a_choice_is_shown_and_then_taken() {
    let mut model = with_mouse();
    pointed(&mut model, Hit::Row(Panel::ProgramTable, web()), Act::Click);
    press(&mut model, char('K'));
    assert_eq!(sent(&pointed(&mut model, Hit::Choice(2), Act::Click)), [""; 0]);
    let order = pointed(&mut model, Hit::Choice(2), Act::Click);
    assert_eq!(sent(&order), ["program signal web:0 USR2"]);
}

#[test]
fn a_line_of_help_is_its_key() {
    let mut model = with_mouse();
    pointed(&mut model, Hit::Row(Panel::ProgramTable, web()), Act::Click);
    pass(&mut model, UNSEEN_MS);
    press(&mut model, char('?'));
    let lines = crate::tui::action::hint::help(&model);
    let at = |id: Id| lines.iter().position(|action| action.id == id).expect("a line of help");
    let (restart, palette) = (at(Id::Restart), at(Id::Palette));
    assert_eq!(sent(&pointed(&mut model, Hit::Choice(restart), Act::Click)), [""; 0]);
    assert!(is_asking(&model));
    pointed(&mut model, Hit::Cancel, Act::Click);
    press(&mut model, char('?'));
    pointed(&mut model, Hit::Choice(palette), Act::Click);
    assert!(matches!(model.overlay, Some(Overlay::Palette { .. })), "{:?}", model.overlay);
}

#[test]
fn marks_take_a_range_and_orders_take_all_of_them_once() {
    let mut model = attached();
    let mut rows = vec![program("web", ProgramState::Running); 3];
    (0..).zip(&mut rows).for_each(|(at, row)| row.program.instance = at);
    model.moment.programs = rows;
    press(&mut model, char('4'));
    press(&mut model, key(Code::Home));
    press(&mut model, char(' '));
    press(&mut model, char('j'));
    press(&mut model, ctrl(' '));
    assert_eq!(model.marks.len(), 3);
    press(&mut model, char('x'));
    assert_eq!(
        sent(&press(&mut model, char('y'))),
        ["program stop web:0", "program stop web:1", "program stop web:2"]
    );
    assert!(model.marks.is_empty(), "they are for one order");
    press(&mut model, key(Code::Home));
    press(&mut model, char(' '));
    press(&mut model, char(' '));
    press(&mut model, char('R'));
    assert_eq!(sent(&press(&mut model, char('y'))), ["program roll web"], "one roll of them all");
}
