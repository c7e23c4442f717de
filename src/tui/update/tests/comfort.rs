//! Keys of the operator's own, what is copied and saved, what is told to who looks elsewhere.

use super::*;
use crate::control::firewall::{Alarm, Firewall};
use crate::control::wire::{EventRecord, LogLine, Severity};
use crate::tui::action::keymap::{Keymap, Own};
use crate::tui::export::Format;
use crate::tui::model::Welcome;
use crate::tui::model::log_tail::Whose;

fn copied(effects: &[Effect]) -> Vec<(&str, &str)> {
    let mut copied = Vec::new();
    for effect in effects {
        if let Effect::Copy { text, what } = effect {
            copied.push((text.as_str(), what.as_str()));
        }
    }
    copied
}

#[test]
fn keys_of_ones_own_are_the_ones_that_work_and_are_shown() {
    let mut model = attached();
    let own = |id, key, line| Own { id, keys: vec![key], line };
    model.keys = Keymap::new(vec![
        own(Id::Drain, char('E'), 1),
        own(Id::Export, char('d'), 2),
        own(Id::Detach, ctrl('q'), 3),
    ])
    .unwrap();
    press(&mut model, char('2'));
    press(&mut model, char('j'));
    let shown = crate::tui::action::hint::footer(&model);
    let drain = shown.iter().find(|hint| hint.id == Id::Drain).map(|hint| hint.keys.as_str());
    assert_eq!(drain, Some("E"));
    pass(&mut model, UNSEEN_MS);
    assert_eq!(sent(&press(&mut model, char('E'))), ["backend drain api/10.0.0.1:80"]);
    press(&mut model, char('d'));
    assert!(matches!(model.overlay, Some(Overlay::Export { .. })));
    press(&mut model, char('d'));
    assert!(model.overlay.is_none(), "the key that opened it closes it");
    press(&mut model, char(':'));
    assert_eq!(press(&mut model, ctrl('c')), [], "it is nobody's key any more");
    assert_eq!(press(&mut model, ctrl('q')), [Effect::Detach], "from anywhere");
}

/// What lets a kind of attacks pass is a line of the file, one key away.
#[test]
fn an_attack_is_copied_as_the_exception_from_it() {
    let mut model = attached();
    press(&mut model, char('6'));
    press(&mut model, key(Code::Tab));
    assert_eq!(model.focus(), Panel::RequestTable, "no attack is there to go to");
    let exception = r#"{ rule = "scanner", where = "header:User-Agent" }"#;
    let alarm = Alarm {
        rule: "scanner".to_owned(),
        place: "header:User-Agent".to_owned(),
        exception: exception.to_owned(),
        ..Alarm::default()
    };
    model.moment.firewall = Some(Firewall { alarms: vec![alarm], ..Firewall::default() });
    press(&mut model, key(Code::Tab));
    press(&mut model, char('g'));
    assert_eq!(copied(&press(&mut model, char('y'))), [(exception, exception)]);
}

#[test]
fn a_row_the_marks_or_the_lines_in_view_are_copied() {
    let mut model = attached();
    press(&mut model, char('2'));
    press(&mut model, char('j'));
    let effects = press(&mut model, char('y'));
    assert_eq!(copied(&effects), [("api/10.0.0.1:80", "api/10.0.0.1:80")]);
    press(&mut model, char(' '));
    press(&mut model, char(' '));
    let effects = press(&mut model, char('y'));
    assert_eq!(copied(&effects), [("api/10.0.0.1:80\napi/10.0.0.2:80", "2 names")]);

    press(&mut model, key(Code::Esc));
    press(&mut model, char('7'));
    for text in ["one", "two \u{1b}]52;c;eA==\u{7}", "three"] {
        let line = LogLine { text: text.to_owned(), ..LogLine::default() };
        update(&mut model, Msg::LogLines { of: Whose::All, lines: vec![line] });
    }
    let effects = press(&mut model, char('y'));
    assert_eq!(copied(&effects), [("one\ntwo \nthree", "3 lines")]);
    press(&mut model, char('/'));
    type_text(&mut model, "one");
    press(&mut model, key(Code::Enter));
    let effects = press(&mut model, char('y'));
    assert_eq!(copied(&effects), [("one", "the line that was found")]);
}

#[test]
fn the_screen_is_saved_as_what_was_chosen() {
    let mut model = attached();
    press(&mut model, char('E'));
    press(&mut model, char('j'));
    assert_eq!(press(&mut model, key(Code::Enter)), [Effect::Export(Format::Text)]);
    assert!(model.overlay.is_none(), "the box is no part of the picture");
}

#[test]
fn only_what_nobody_ordered_is_told_to_who_looks_elsewhere() {
    let mut model = attached();
    let mut happens = |seq, who: &str, severity| {
        let event = EventRecord {
            seq,
            who: who.to_owned(),
            verb: "failed".to_owned(),
            target: "api/a".to_owned(),
            result: "refused".to_owned(),
            severity,
            ..EventRecord::default()
        };
        update(&mut model, Msg::Frame(Box::new(Frame::Event { event: Box::new(event) })))
    };
    let alarm = || Effect::Alarm("api/a failed: refused".to_owned());
    assert_eq!(happens(1, "engine", Severity::Bad), [alarm()]);
    assert_eq!(happens(1, "engine", Severity::Bad), [], "once");
    assert_eq!(happens(2, "engine", Severity::Bad), [], "what fails together");
    let mut later = attached();
    let mut happens = |seq, who: &str, severity| {
        let who = who.to_owned();
        let event = EventRecord { seq, who, severity, ..EventRecord::default() };
        update(&mut later, Msg::Frame(Box::new(Frame::Event { event: Box::new(event) })))
    };
    assert_eq!(happens(3, "ana (1000)", Severity::Bad), []);
    assert_eq!(happens(4, "engine", Severity::Warn), []);
}

#[test]
fn the_first_key_ends_the_hints_and_does_what_it_does() {
    let mut model = attached();
    model.welcome = Welcome::Shown;
    assert_eq!(press(&mut model, char('2')), [Effect::Welcomed]);
    assert_eq!(model.view, View::Backends);
    assert_eq!(
        press(&mut model, char('3')).first(),
        Some(&Effect::Explain { upstream: "api".to_owned() })
    );
}

#[test]
fn the_title_says_whose_console_it_is_and_whether_all_is_well() {
    let mut model = attached();
    assert_eq!(model.title(), "2 wrong: edge - pilothouse");
    model.moment.programs.clear();
    model.moment.backends.clear();
    assert_eq!(model.title(), "edge - pilothouse");
    update(&mut model, Msg::LinkLost { why: String::new() });
    assert_eq!(model.title(), "STALE edge - pilothouse");
    assert_eq!(Model::new(Size::default(), 0).title(), "pilothouse");
}
