//! The console by its keys: messages in, the model and the effects out, no terminal anywhere.

mod attach;
mod comfort;
mod explained;
mod filters;
mod live;
mod logs;
mod nodes;
mod palette;
mod past;
mod plan;
mod pointer;
mod properties;
mod sorting;

use tui_input::InputRequest;

use crate::control::call::{BackendVerb, Command};
use crate::control::delta::Delta;
use crate::control::requests::{Filter, RequestRecord, Status};
use crate::control::tape::Tape;
use crate::control::wire::{
    Answer, Backend, BackendRow, BackendState, Frame, Head, Latency, Program, ProgramRow,
    ProgramState, Responses, Role, Snapshot, UpstreamRow,
};
use crate::tui::action::chord::{Chord, Code, char, ctrl, key};
use crate::tui::action::{Danger, Id, all, order};
use crate::tui::model::list::UNSEEN_MS;
use crate::tui::model::order::Judged;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::{Link, Model, Size, rows};
use crate::tui::msg::{Effect, Msg, Press};

use super::update;

const START_MS: u64 = 1_000_000;

fn backend(upstream: &str, number: u32, state: BackendState) -> BackendRow {
    let name = format!("10.0.0.{number}:80");
    BackendRow {
        upstream: upstream.to_owned(),
        backend: Backend {
            address: name.clone(),
            name,
            state,
            weight: 1,
            active: 7,
            requests: 0,
            expected_share: 0.0,
            actual_share: 0.0,
            responses: Responses::default(),
            failures: 0,
            latency_us: Latency::default(),
            bytes_in: 0,
            bytes_out: 0,
            program: None,
            host: None,
            capacity: crate::control::capacity::Capacity::default(),
            check: None,
            reason: String::new(),
            drain: None,
            cuts: 0,
        },
        key: number,
        file_weight: 1,
        since_ms: START_MS,
        reason: String::new(),
        window_picks: 0,
        window_weight_start: 0,
        current_weight: 0,
        active_by_worker: Vec::new(),
        check: String::new(),
    }
}

fn program(name: &str, state: ProgramState) -> ProgramRow {
    let is_alive = matches!(state, ProgramState::Running | ProgramState::Starting);
    let program = Program {
        name: name.to_owned(),
        state,
        pid: is_alive.then_some(4121),
        ..Program::default()
    };
    let instances = 2;
    ProgramRow { program, incarnation: 3, since_ms: START_MS, instances, ..ProgramRow::default() }
}

fn snapshot() -> Snapshot {
    let upstream = |name: &str| UpstreamRow {
        name: name.to_owned(),
        strategy: "round_robin".to_owned(),
        ..UpstreamRow::default()
    };
    Snapshot {
        head: Head { name: "edge".to_owned(), ..Head::default() },
        upstreams: vec![upstream("api"), upstream("static")],
        backends: vec![
            backend("api", 1, BackendState::Up),
            backend("api", 2, BackendState::Up),
            backend("api", 3, BackendState::Failed),
            backend("static", 4, BackendState::Up),
        ],
        programs: vec![
            program("mailer", ProgramState::Fatal),
            program("web", ProgramState::Running),
        ],
        ..Snapshot::default()
    }
}

fn attached_as(role: Role) -> Model {
    let mut model = Model::new(Size { width: 100, height: 30 }, START_MS);
    let frame = Frame::Snapshot {
        role,
        snapshot: Box::new(snapshot()),
        history: Vec::new(),
        events: Vec::new(),
        tape: Tape::default(),
    };
    update(&mut model, Msg::Frame(Box::new(frame)));
    pass(&mut model, UNSEEN_MS);
    model
}

fn attached() -> Model {
    attached_as(Role::Operate)
}

fn pass(model: &mut Model, ms: u64) {
    let now_ms = model.now_ms + ms;
    model.heard_ms = now_ms;
    update(model, Msg::Tick { now_ms });
}

fn press(model: &mut Model, chord: Chord) -> Vec<Effect> {
    let edit = match (chord.code, chord.is_ctrl) {
        (Code::Char(char), false) => Some(InputRequest::InsertChar(char)),
        _ => None,
    };
    update(model, Msg::Press(Press { chord, edit }))
}

fn type_text(model: &mut Model, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|letter| press(model, char(letter))).collect()
}

/// The commands among effects, as the command line spells them.
fn sent(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { order, .. } => Some(order.changes()),
            Effect::FollowLog { .. }
            | Effect::StopLog
            | Effect::FollowAllLogs
            | Effect::FollowRequests { .. }
            | Effect::StopRequests
            | Effect::Explain { .. }
            | Effect::StopExplaining
            | Effect::Plan
            | Effect::StopPlanning
            | Effect::ChooseNode(_)
            | Effect::UseTheme(_)
            | Effect::TurnGlyphs
            | Effect::Mouse(_)
            | Effect::Copy { .. }
            | Effect::Export(_)
            | Effect::Alarm(_)
            | Effect::Welcomed
            | Effect::Repaint
            | Effect::Suspend
            | Effect::Detach => None,
        })
        .flatten()
        .map(|change| crate::control::line::of(&change.command).words)
        .collect()
}

/// Opens a view with the cursor on a row.
fn on(model: &mut Model, panel: Panel, label: &str) {
    let view = if panel == Panel::ProgramTable { View::Programs } else { View::Backends };
    let key = rows::find(model, label).unwrap();
    super::cursor::put(model, view, panel, Some(key));
}

fn is_asking(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Confirm(_)))
}

#[test]
fn a_crashed_program_restarts_at_one_key() {
    let mut model = attached();
    // The worst is first in the attention list, and the cursor is on it.
    assert_eq!(sent(&press(&mut model, char('r'))), ["program restart mailer:0"]);
}

#[test]
fn a_running_program_is_asked_about() {
    let mut model = attached();
    on(&mut model, Panel::ProgramTable, "web:0");
    for (keys, expected) in [
        (vec![char('y')], vec!["program restart web:0"]),
        (vec![char('n')], vec![]),
        (vec![key(Code::Esc)], vec![]),
        (vec![key(Code::Enter)], vec![]),
        (vec![key(Code::Tab), key(Code::Enter)], vec!["program restart web:0"]),
    ] {
        assert_eq!(sent(&press(&mut model, char('r'))), Vec::<String>::new());
        assert!(is_asking(&model));
        let effects: Vec<Effect> =
            keys.iter().flat_map(|chord| press(&mut model, *chord)).collect();
        assert_eq!(sent(&effects), expected, "{keys:?}");
        assert!(!is_asking(&model), "{keys:?}");
    }
}

#[test]
fn the_last_backend_needs_its_upstream_typed() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "static/10.0.0.4:80");
    press(&mut model, char('d'));
    assert!(is_asking(&model));
    assert_eq!(sent(&type_text(&mut model, "stat")), Vec::<String>::new());
    assert_eq!(sent(&press(&mut model, key(Code::Enter))), Vec::<String>::new());
    assert!(is_asking(&model), "a name half typed decides nothing");
    assert_eq!(sent(&type_text(&mut model, "ic")), Vec::<String>::new());
    let effects = press(&mut model, key(Code::Enter));
    assert_eq!(sent(&effects), ["backend drain static/10.0.0.4:80"]);
}

#[test]
fn draining_two_at_once_counts_both_as_leaving() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    press(&mut model, char(' '));
    press(&mut model, char(' '));
    assert_eq!(model.marks.len(), 2);
    press(&mut model, char('d'));
    assert!(is_asking(&model), "together they are the last of api");
}

#[test]
fn verbs_name_a_state_and_say_so_when_it_holds() {
    for (panel, label, chord, expected) in [
        (Panel::BackendTable, "api/10.0.0.1:80", 'd', Some("backend drain api/10.0.0.1:80")),
        (Panel::BackendTable, "api/10.0.0.1:80", 'e', None),
        (Panel::BackendTable, "api/10.0.0.3:80", 'e', Some("backend enable api/10.0.0.3:80")),
        (Panel::BackendTable, "api/10.0.0.1:80", 'x', Some("backend down api/10.0.0.1:80")),
        (Panel::BackendTable, "api/10.0.0.1:80", '+', Some("backend weight api/10.0.0.1:80 2")),
        (Panel::BackendTable, "api/10.0.0.1:80", '-', None),
        (Panel::ProgramTable, "web:0", 's', None),
        (Panel::ProgramTable, "mailer:0", 's', Some("program start mailer:0")),
        (Panel::ProgramTable, "mailer:0", 'x', None),
        (Panel::ProgramTable, "mailer:0", 'X', None),
    ] {
        let mut model = attached();
        on(&mut model, panel, label);
        let effects = press(&mut model, char(chord));
        assert_eq!(sent(&effects), expected.into_iter().collect::<Vec<_>>(), "{chord} on {label}");
        assert_eq!(model.notice.is_some(), expected.is_none(), "{chord} on {label}");
    }
}

#[test]
fn while_an_order_is_on_its_way_its_opposite_is_sent_too() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    press(&mut model, char('d'));
    assert_eq!(sent(&press(&mut model, char('e'))), ["backend enable api/10.0.0.1:80"]);
}

#[test]
fn weight_adds_up_while_answers_are_late() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    press(&mut model, char('+'));
    press(&mut model, char('+'));
    assert_eq!(sent(&press(&mut model, char('+'))), ["backend weight api/10.0.0.1:80 4"]);
}

fn answer(model: &mut Model, id: u64, outcome: Result<Answer, String>) {
    update(model, Msg::Answered { id, outcome });
}

#[test]
fn undo_takes_back_what_was_done_and_only_that() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    press(&mut model, char('u'));
    assert!(model.notice.take().is_some(), "nothing to take back yet");

    press(&mut model, char('d'));
    assert!(model.undo.is_empty(), "not before it is done");
    answer(&mut model, 1, Ok(Answer::changed("draining")));
    pass(&mut model, 1_000);
    assert_eq!(sent(&press(&mut model, char('u'))), ["backend enable api/10.0.0.1:80"]);
    assert!(model.undo.is_empty());
    answer(&mut model, 2, Ok(Answer::changed("enabled")));
    assert!(model.undo.is_empty(), "an undo is not undone");

    press(&mut model, char('d'));
    answer(&mut model, 3, Err("the engine is gone".to_owned()));
    assert!(model.undo.is_empty(), "what failed left nothing to take back");
}

#[test]
fn a_reader_sends_nothing() {
    let mut model = attached_as(Role::Read);
    for action in all().filter(|action| action.is_order()) {
        assert!(order::make(&model, action.id, None).is_err(), "{:?}", action.id);
    }
    assert_eq!(press(&mut model, char('r')), Vec::new());
    assert!(model.notice.is_some());
}

#[test]
fn a_stale_picture_sends_nothing() {
    let mut model = attached();
    update(&mut model, Msg::LinkLost { why: "gone".to_owned() });
    assert!(matches!(model.link, Link::Stale { .. }));
    assert_eq!(press(&mut model, char('r')), Vec::new());
}

#[test]
fn silence_is_stale_and_a_word_is_live() {
    let mut model = attached();
    let now_ms = model.now_ms + 10_000;
    update(&mut model, Msg::Tick { now_ms });
    assert!(matches!(model.link, Link::Stale { .. }));
    let delta = Box::new(Delta::default());
    update(&mut model, Msg::Frame(Box::new(Frame::Delta { delta })));
    assert_eq!(model.link, Link::Live);
}

#[test]
fn what_always_asks_always_asks() {
    let mut model = attached();
    model.moment.backends[0].backend.state = BackendState::Draining;
    for action in all().filter(|action| action.danger == Danger::Asks) {
        if action.id == Id::Cut {
            on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
        } else {
            on(&mut model, Panel::ProgramTable, "web:0");
        }
        pass(&mut model, UNSEEN_MS);
        match order::make(&model, action.id, None) {
            Ok(Judged::Ask(_)) => {}
            Ok(Judged::Free(_)) => panic!("{:?} goes unasked", action.id),
            Err(why) => panic!("{:?}: {why}", action.id),
        }
    }
}

#[test]
fn escape_never_leaves_and_q_does() {
    let mut model = attached();
    for _ in 0..5 {
        assert!(!press(&mut model, key(Code::Esc)).contains(&Effect::Detach));
    }
    assert!(press(&mut model, char('q')).contains(&Effect::Detach));
    press(&mut model, char(':'));
    assert!(press(&mut model, ctrl('c')).contains(&Effect::Detach), "from anywhere");
}

#[test]
fn a_filter_applies_while_it_is_typed_and_escape_brings_the_old_one_back() {
    let mut model = attached();
    press(&mut model, char('2'));
    press(&mut model, char('/'));
    type_text(&mut model, "failed");
    let labels = |model: &Model| -> Vec<String> {
        rows::rows(model, Panel::BackendTable).iter().map(|row| row.key().label()).collect()
    };
    assert_eq!(labels(&model), ["api", "api/10.0.0.3:80"]);
    press(&mut model, key(Code::Esc));
    assert_eq!(labels(&model).len(), 6);
}

#[test]
fn the_palette_does_what_its_line_says() {
    let mut model = attached();
    press(&mut model, char(':'));
    type_text(&mut model, "drain api/10.0.0.2");
    let effects = press(&mut model, key(Code::Enter));
    assert_eq!(sent(&effects), ["backend drain api/10.0.0.2:80"]);
}

#[test]
fn a_pasted_text_is_never_keys() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.1:80");
    assert_eq!(update(&mut model, Msg::Paste("dyxq".to_owned())), Vec::new());
    assert!(model.pending.is_empty());
}

#[test]
fn the_log_follows_the_selected_program() {
    let mut model = attached();
    let effects = press(&mut model, char('4'));
    let follow = |name: &str| Effect::FollowLog { name: name.to_owned(), instance: 0 };
    assert_eq!(effects, [follow("mailer")]);
    assert_eq!(press(&mut model, char('j')), [follow("web")]);
    assert_eq!(press(&mut model, char('1')), Vec::new(), "elsewhere it stays");
}

#[test]
fn a_row_that_vanished_is_not_acted_on_through_its_neighbour() {
    let mut model = attached();
    on(&mut model, Panel::BackendTable, "api/10.0.0.2:80");
    model.moment.backends.retain(|row| row.key != 2);
    let delta = Box::new(Delta::default());
    update(&mut model, Msg::Frame(Box::new(Frame::Delta { delta })));
    assert_eq!(press(&mut model, char('d')), Vec::new());
    pass(&mut model, UNSEEN_MS);
    assert_eq!(sent(&press(&mut model, char('e'))), ["backend enable api/10.0.0.3:80"]);
}

#[test]
fn every_action_can_be_performed_anywhere() {
    for action in all() {
        for view in View::ALL {
            let mut model = attached();
            model.view = view;
            super::actions::perform(&mut model, action.id, None);
            let mut empty = Model::new(Size { width: 80, height: 24 }, START_MS);
            empty.view = view;
            super::actions::perform(&mut empty, action.id, None);
        }
    }
}

#[test]
fn an_undo_of_an_enable_is_a_drain() {
    let mut model = attached();
    for row in &mut model.moment.backends {
        if row.key == 1 {
            row.backend.state = BackendState::Drained;
        }
    }
    let key = rows::find(&model, "api/10.0.0.1:80").unwrap();
    let Ok(Judged::Free(order)) = order::make(&model, Id::Enable, Some(&key)) else {
        panic!("enabling interrupts nothing")
    };
    let undo = order.changes()[0].undo.clone().unwrap();
    let Command::Backend { verb, .. } = undo.command else { panic!("{undo:?}") };
    assert_eq!(verb, BackendVerb::Drain { timeout_ms: None });
}

fn came(model: &mut Model, seqs: std::ops::Range<u64>) {
    let records =
        seqs.map(|seq| RequestRecord { seq, status: 200, ..RequestRecord::default() }).collect();
    update(model, Msg::Requests { number: model.requests.number, records, lost: 0 });
}

#[test]
fn requests_are_asked_for_while_their_view_is_open() {
    let mut model = attached();
    let asked = press(&mut model, char('6'));
    let [Effect::FollowRequests { filter, number }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((filter, *number), (&Filter::default(), model.requests.number));
    assert!(press(&mut model, char('j')).is_empty(), "asked once");
    press(&mut model, char('/'));
    let typed = type_text(&mut model, "status:5xx");
    let [Effect::FollowRequests { filter, number }] = typed.as_slice() else { panic!("{typed:?}") };
    assert_eq!(filter.status, Some(Status::Class(5)));
    // What the first asking still brings is of other requests.
    let records = vec![RequestRecord::default()];
    update(&mut model, Msg::Requests { number: number - 1, records, lost: 0 });
    assert!(model.requests.records.is_empty());
    update(&mut model, Msg::Press(Press { chord: key(Code::Enter), edit: None }));
    assert_eq!(press(&mut model, char('1')), [Effect::StopRequests]);
}

#[test]
fn rows_follow_until_somebody_reads_them() {
    let mut model = attached();
    press(&mut model, char('6'));
    came(&mut model, 0..5);
    let cursor = |model: &Model| model.lists.of(Panel::RequestTable).cursor.clone();
    let request = |seq| Some(crate::tui::model::key::Key::Request { worker: 0, seq });
    assert_eq!(cursor(&model), request(4));
    press(&mut model, char('j'));
    came(&mut model, 5..9);
    assert_eq!((cursor(&model), model.requests.unseen), (request(3), 4));
    press(&mut model, char('f'));
    assert_eq!((cursor(&model), model.requests.unseen), (request(8), 0));
    press(&mut model, char('j'));
    came(&mut model, 9..10);
    assert_eq!(cursor(&model), request(7));
}
