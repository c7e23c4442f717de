//! Attached to a program by its keys: lines go where they should, and there is always a way out.

use super::*;
use crate::control::call::ProgramVerb;

fn listening() -> Model {
    let mut model = attached();
    for row in &mut model.moment.programs {
        row.standing.is_listening = row.program.state == ProgramState::Running;
    }
    on(&mut model, Panel::ProgramTable, "web:0");
    model
}

/// What was written to which life of which program.
fn written(effects: &[Effect]) -> Vec<(String, Option<u32>)> {
    let orders = effects.iter().filter_map(|effect| {
        let Effect::Send { order, .. } = effect else { return None };
        Some(order.changes())
    });
    orders
        .flatten()
        .map(|change| {
            let Command::Program { target, verb: ProgramVerb::Input { bytes } } = &change.command
            else {
                panic!("{:?}", change.command);
            };
            (String::from_utf8(bytes.clone()).unwrap(), target.incarnation)
        })
        .collect()
}

fn is_attached(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Attached(_)))
}

#[test]
fn typed_lines_go_to_the_life_that_is_spoken_to() {
    let mut model = listening();
    press(&mut model, char('a'));
    assert!(is_attached(&model));
    assert_eq!((model.view, model.focus()), (View::Programs, Panel::ProgramLog));
    // Letters that are keys elsewhere are text here, and so is what is pasted.
    type_text(&mut model, "quit ");
    update(&mut model, Msg::Paste("x\n".to_owned()));
    let sent = written(&press(&mut model, key(Code::Enter)));
    assert_eq!(sent, [("quit x\n".to_owned(), Some(3))]);
    press(&mut model, key(Code::Up));
    let again = written(&press(&mut model, key(Code::Enter)));
    assert_eq!(again, sent);
    let said: Vec<_> = model.log.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(said, ["> quit x", "> quit x"]);
}

#[test]
fn every_way_out_leads_out_and_says_so() {
    for out in [ctrl(']'), ctrl('c'), key(Code::Esc)] {
        let mut model = listening();
        press(&mut model, char('a'));
        let effects = press(&mut model, out);
        assert!(!effects.contains(&Effect::Detach), "the console stays");
        assert!(!is_attached(&model));
        let notice = model.notice.as_ref().map(|notice| notice.text.as_str());
        assert_eq!(notice, Some("detached from web:0; it goes on"));
        assert_eq!(model.log.lines.back().unwrap().text, "detached");
    }
}

#[test]
fn nobody_stays_attached_to_what_is_over() {
    let check = |change: &dyn Fn(&mut Model), why: &str| {
        let mut model = listening();
        press(&mut model, char('a'));
        change(&mut model);
        pass(&mut model, 0);
        assert!(!is_attached(&model), "{why}");
        assert_eq!(model.notice.unwrap().text, format!("detached: web:0 {why}"));
    };
    check(&|model| model.moment.programs[1].incarnation += 1, "has started anew");
    check(
        &|model| model.moment.programs[1].standing.is_listening = false,
        "does not listen any more",
    );
    check(&|model| drop(model.moment.programs.pop()), "is gone");
    let lost = |model: &mut Model| {
        update(model, Msg::LinkLost { why: String::new() });
    };
    check(&lost, "can not be reached, the engine does not answer");
}

#[test]
fn who_does_not_listen_is_told_why() {
    let check = |model: &mut Model, said: &str| {
        press(model, char('a'));
        assert!(!is_attached(model));
        assert_eq!(model.notice.as_ref().map(|notice| notice.text.as_str()), Some(said));
    };
    let mut model = attached();
    on(&mut model, Panel::ProgramTable, "web:0");
    check(&mut model, "web:0 reads nothing: its section needs stdin = \"open\"");
    on(&mut model, Panel::ProgramTable, "mailer:0");
    check(&mut model, "mailer:0 does not run");
    let mut model = attached_as(Role::Read);
    on(&mut model, Panel::ProgramTable, "web:0");
    check(&mut model, "this console is read-only");
}
