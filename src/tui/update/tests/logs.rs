//! A log by its keys: searching, leaving lines out, and signals from the menu.

use super::*;
use crate::control::wire::{EventRecord, LogLine, Stream};
use crate::tui::model::key::Key;
use crate::tui::model::log_tail::Whose;

/// In the log of `web:0`, which has these lines.
fn reading(lines: &[&str]) -> Model {
    let mut model = attached();
    press(&mut model, char('4'));
    on(&mut model, Panel::ProgramTable, "web:0");
    press(&mut model, key(Code::Tab));
    let of = Whose::One(Key::Program { name: "web".to_owned(), instance: 0 });
    let lines = lines.iter().map(|text| LogLine {
        wall_ms: START_MS,
        stream: Stream::Stdout,
        text: (*text).to_owned(),
        ..LogLine::default()
    });
    update(&mut model, Msg::LogLines { of, lines: lines.collect() });
    assert_eq!(model.focus(), Panel::ProgramLog);
    model
}

fn shown(model: &Model) -> Vec<&str> {
    model.log.shown().map(|(_, line)| line.text.as_str()).collect()
}

#[test]
fn a_search_goes_from_match_to_match_and_esc_ends_it() {
    let mut model = reading(&["error one", "fine", "Error two", "fine"]);
    press(&mut model, char('/'));
    type_text(&mut model, "error");
    assert_eq!(model.log.standing(), (1, 2), "while it is typed");
    press(&mut model, key(Code::Enter));
    press(&mut model, char('n'));
    assert_eq!((model.log.find.at, model.log.standing()), (Some(0), (2, 2)));
    press(&mut model, char('N'));
    assert_eq!(model.log.find.at, Some(2));
    press(&mut model, key(Code::Esc));
    assert_eq!(model.log.standing(), (0, 0));
    assert_eq!(model.focus(), Panel::ProgramLog, "one step back at a time");
}

#[test]
fn only_kept_lines_are_shown_and_a_dropped_prompt_changes_nothing() {
    let mut model = reading(&["get /a", "post /b", "get /c"]);
    press(&mut model, char('&'));
    type_text(&mut model, "get");
    assert_eq!(shown(&model), ["get /a", "get /c"]);
    press(&mut model, key(Code::Enter));
    press(&mut model, char('&'));
    type_text(&mut model, " /c");
    assert_eq!(shown(&model), ["get /c"]);
    press(&mut model, key(Code::Esc));
    assert_eq!(shown(&model), ["get /a", "get /c"]);
}

/// The same keys, in the lines of all programs; the selected program's log is another.
#[test]
fn the_log_of_all_programs_comes_once_and_is_searched_by_itself() {
    let mut model = reading(&["error one"]);
    assert_eq!(press(&mut model, char('7')), [Effect::FollowAllLogs]);
    let line = |text: &str| LogLine { text: text.to_owned(), ..LogLine::default() };
    let lines = vec![line("error two"), line("fine")];
    update(&mut model, Msg::LogLines { of: Whose::All, lines });
    press(&mut model, char('/'));
    type_text(&mut model, "error");
    press(&mut model, key(Code::Enter));
    assert_eq!(model.open_log().standing(), (1, 1));
    press(&mut model, char('4'));
    assert_eq!(model.open_log().find.searched, "");
    assert_eq!(shown(&model), ["error one"]);
    assert_eq!(press(&mut model, char('7')), [], "the stream is there");
    assert_eq!(model.open_log().standing(), (1, 1), "as it was left");
}

#[test]
fn a_signal_is_chosen_from_the_menu() {
    let mut model = attached();
    on(&mut model, Panel::ProgramTable, "web:0");
    press(&mut model, char('K'));
    assert!(matches!(model.overlay, Some(Overlay::Signal { .. })));
    press(&mut model, char('j'));
    assert_eq!(sent(&press(&mut model, key(Code::Enter))), ["program signal web:0 USR1"]);
    assert!(model.overlay.is_none());
    let mut watching = attached_as(Role::Read);
    on(&mut watching, Panel::ProgramTable, "web:0");
    press(&mut watching, char('K'));
    assert_eq!(sent(&press(&mut watching, key(Code::Enter))), Vec::<String>::new());
}

/// The log of everything: programs and the engine, events and, while that is wanted, requests.
#[test]
fn all_sources_are_one_log_by_time() {
    let mut model = attached();
    let event = |seq, at_ms, verb: &str| {
        let event = EventRecord {
            seq,
            wall_ms: START_MS + at_ms,
            who: "engine".to_owned(),
            verb: verb.to_owned(),
            target: "web:0".to_owned(),
            result: "done\nin two lines".to_owned(),
            ..EventRecord::default()
        };
        Msg::Frame(Box::new(Frame::Event { event: Box::new(event) }))
    };
    update(&mut model, event(1, 10, "start"));
    press(&mut model, char('7'));
    let line = |at_ms: u64, text: &str| LogLine {
        wall_ms: START_MS + at_ms,
        text: text.to_owned(),
        program: "web:0".to_owned(),
        ..LogLine::default()
    };
    // Those that were kept come later than what was known already.
    let lines = vec![line(5, "one"), line(15, "two"), line(30, "three")];
    update(&mut model, Msg::LogLines { of: Whose::All, lines });
    update(&mut model, event(2, 20, "roll"));
    let texts = |model: &Model| -> Vec<String> {
        let logs = model.logs.as_ref().expect("the view is open");
        logs.shown().map(|(_, line)| format!("{} {}", line.program, line.text)).collect()
    };
    let without = [
        "web:0 one",
        "events engine start web:0: done",
        "web:0 two",
        "events engine roll web:0: done",
        "web:0 three",
    ];
    assert_eq!(texts(&model), without);

    let effects = press(&mut model, char('i'));
    let number = model.requests.number;
    let asked = Effect::FollowRequests { filter: Filter::default(), number };
    assert!(effects.contains(&asked), "{effects:?}");
    let record = RequestRecord {
        wall_ms: START_MS + 17,
        status: 200,
        method: "GET".to_owned(),
        path: "/a".to_owned(),
        host: "h".to_owned(),
        client: "10.0.0.9".to_owned(),
        service_us: 1_250,
        upstream: Some("api".to_owned()),
        backend: Some("10.0.0.1:80".to_owned()),
        ..RequestRecord::default()
    };
    for _ in 0..2 {
        // The second time as after a return to the view.
        let records = vec![record.clone()];
        update(&mut model, Msg::Requests { number, records, lost: 0 });
    }
    let all = texts(&model);
    assert_eq!(all.len(), 6, "{all:?}");
    assert_eq!(all[3], "access 200 GET h/a 1.2 ms 10.0.0.9 api/10.0.0.1:80");
    press(&mut model, char('i'));
    assert_eq!(texts(&model), without);
}
