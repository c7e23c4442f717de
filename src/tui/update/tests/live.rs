//! Backends and instances that come and go by keys and by what is typed into the palette.

use super::*;
use crate::tui::model::order::Undo;

fn typed(model: &mut Model, line: &str) -> Vec<String> {
    press(model, char(':'));
    type_text(model, line);
    sent(&press(model, key(Code::Enter)))
}

/// The engine did what was sent last.
fn done(model: &mut Model) -> Option<Undo> {
    let id = model.pending.last().expect("something was sent").id;
    let outcome = Ok(Answer::changed("done"));
    update(model, Msg::Answered { id, outcome });
    model.undo.back().cloned()
}

#[test]
fn a_command_typed_out_goes_as_typed_and_can_be_taken_back() {
    let mut model = attached();
    for (line, expected, back) in [
        (
            "add api/10.0.0.9:80 3 --backup",
            "backend add api/10.0.0.9:80 3 --backup",
            Some("backend remove api/10.0.0.9:80"),
        ),
        (
            "backend add api/[::1]:80",
            "backend add api/[::1]:80",
            Some("backend remove api/[::1]:80"),
        ),
        ("scale web 4", "program scale web 4", Some("program scale web 2")),
        ("program reset web", "program reset web", Some("program scale web 2")),
        ("weight api/10.0.0.1:80 9", "backend weight api/10.0.0.1:80 9", None),
    ] {
        model.undo.clear();
        assert_eq!(typed(&mut model, line), [expected]);
        assert_eq!(done(&mut model).map(|undo| undo.label).as_deref(), back, "{line}");
    }
}

#[test]
fn half_a_command_is_not_sent() {
    let mut model = attached();
    for line in ["add api/", "add api/10.0.0.9:80 many", "scale nobody 3", "scale web x"] {
        let sent = typed(&mut model, line);
        assert!(
            !sent.iter().any(|line| line.contains("add") || line.contains("scale")),
            "{sent:?}"
        );
        model.overlay = None;
    }
    let mut watching = attached_as(Role::Read);
    assert_eq!(typed(&mut watching, "scale web 3"), Vec::<String>::new());
}

#[test]
fn add_opens_the_palette_with_its_beginning() {
    let mut model = attached();
    press(&mut model, char(':'));
    type_text(&mut model, "add static");
    press(&mut model, key(Code::Enter));
    let Some(Overlay::Palette { input, .. }) = &model.overlay else {
        panic!("the palette is open")
    };
    assert_eq!(input.value(), "add static/");
    type_text(&mut model, "10.0.0.9:80");
    assert_eq!(sent(&press(&mut model, key(Code::Enter))), ["backend add static/10.0.0.9:80"]);
}

#[test]
fn plus_and_minus_scale_and_what_drains_is_asked_about() {
    let mut model = attached();
    on(&mut model, Panel::ProgramTable, "web:0");
    assert_eq!(sent(&press(&mut model, char('+'))), ["program scale web 3"]);
    assert_eq!(
        sent(&press(&mut model, char('+'))),
        ["program scale web 4"],
        "the first is on its way"
    );
    let _undo = done(&mut model);
    assert_eq!(
        sent(&press(&mut model, char('+'))),
        ["program scale web 5"],
        "it is answered, and the row still says what was before"
    );
    model.pending.clear();
    // The last instance is not up, so nothing is interrupted.
    assert_eq!(sent(&press(&mut model, char('-'))), ["program scale web 1"]);
    assert_eq!(sent(&press(&mut model, char('-'))), Vec::<String>::new(), "one is the least");
    assert!(!is_asking(&model));
    model.pending.clear();
    let mut second = model.moment.programs[1].clone();
    second.program.instance = 1;
    model.moment.programs.push(second);
    assert_eq!(sent(&press(&mut model, char('-'))), Vec::<String>::new());
    assert!(is_asking(&model), "a running instance stops");
    assert_eq!(sent(&press(&mut model, char('y'))), ["program scale web 1"]);
}

#[test]
fn a_removed_backend_comes_back_with_its_weight() {
    let mut model = attached();
    assert_eq!(typed(&mut model, "remove api/10.0.0.1:80"), ["backend remove api/10.0.0.1:80"]);
    let undo = done(&mut model).expect("a way back");
    assert_eq!(undo.label, "backend add api/10.0.0.1:80 1");
    assert_eq!(sent(&press(&mut model, char('u'))), ["backend add api/10.0.0.1:80 1"]);
}
