//! The palette: the command line's verbs, by what is typed, with the line that does the same.

use super::*;
use crate::tui::action::palette;

/// The first entry for what was typed, with its line in a shell.
fn first(model: &Model, typed: &str) -> (String, String) {
    let entry = palette::entries(model, typed).into_iter().next().expect(typed);
    let line = palette::line(model, &entry);
    (entry.text, line.map_or_else(String::new, |line| line.unwrap_or_else(|why| why)))
}

#[test]
fn every_verb_is_found_and_shows_its_line() {
    let model = attached();
    for (typed, line) in [
        ("restart web", "program restart web"),
        ("program restart web:0", "program restart web:0"),
        ("rest web:", "program restart web:0"),
        ("clear web:0", "program clear web:0"),
        ("program reload web:0", "program reload web:0"),
        ("attach web:0", "program attach web:0"),
        ("signal web:0 hup", "program signal web:0 HUP"),
        ("roll web:0", "program roll web:0"),
        ("kill web:0", "program kill web:0"),
        ("scale web 5", "program scale web 5"),
        ("strategy api least_conn", "upstream strategy api least_conn"),
        ("drain 10.0.0.2", "backend drain api/10.0.0.2:80"),
        ("upgrade", "upgrade"),
        ("shutdown", "shutdown"),
        ("start web:0", "program start web:0"),
        ("scale +1 web:0", "program scale web 3"),
    ] {
        assert_eq!(first(&model, typed).1, line, "{typed}");
    }
    // The same as its key would say: nothing to do.
    let entries = palette::entries(&model, "enable api/10.0.0.1:80");
    let said = palette::line(&model, &entries[0]).unwrap();
    assert_eq!(said, Err("api/10.0.0.1:80 is in rotation already".to_owned()));
}

#[test]
fn what_was_typed_for_all_instances_goes_to_each_and_asks_with_numbers() {
    let mut model = attached();
    let mut second = program("web", ProgramState::Running);
    second.program.instance = 1;
    model.moment.programs.push(second);
    press(&mut model, char(':'));
    type_text(&mut model, "stop web");
    press(&mut model, key(Code::Enter));
    assert!(is_asking(&model));
    let sent_now = sent(&press(&mut model, char('y')));
    assert_eq!(sent_now, ["program stop web:0", "program stop web:1"]);
    press(&mut model, char(':'));
    type_text(&mut model, "signal web USR1");
    let sent_now = sent(&press(&mut model, key(Code::Enter)));
    assert_eq!(sent_now, ["program signal web:0 USR1", "program signal web:1 USR1"]);
}

#[test]
fn an_upgrade_and_a_cleared_log_are_asked_about() {
    let mut model = attached();
    for (typed, line) in [("upgrade", "upgrade"), ("clear web:0", "program clear web:0")] {
        press(&mut model, char(':'));
        type_text(&mut model, typed);
        assert_eq!(sent(&press(&mut model, key(Code::Enter))), Vec::<String>::new());
        assert!(is_asking(&model), "{typed}");
        assert_eq!(sent(&press(&mut model, char('y'))), [line]);
    }
}
