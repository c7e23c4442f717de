//! Several engines in one console: whose a row is, who is ordered, what is lost and comes back.

use super::*;
use crate::control::sample::Sample;
use crate::control::wire::EventRecord;
use crate::tui::action::palette;
use crate::tui::model::key::Key;
use crate::tui::model::nodes::Node;
use crate::tui::model::pending::Stage;

fn of(node: usize, msg: Msg) -> Msg {
    Msg::Of { node, msg: Box::new(msg) }
}

fn arrive(model: &mut Model, node: usize) -> Vec<Effect> {
    let frame = Frame::Snapshot {
        role: Role::Operate,
        snapshot: Box::new(Snapshot {
            head: Head { name: "default".to_owned(), wall_ms: model.now_ms, ..Head::default() },
            ..snapshot()
        }),
        history: Vec::new(),
        events: Vec::new(),
        tape: Tape::default(),
    };
    update(model, of(node, Msg::Frame(Box::new(frame))))
}

/// Both with the same engine, as far as its rows tell.
fn pair() -> Model {
    let mut model = Model::new(Size { width: 100, height: 30 }, START_MS);
    let node = |name: &str| Node::new(name.to_owned(), format!("ssh {name} pilothouse"), START_MS);
    model.nodes.all = vec![node("edge1"), node("edge2")];
    arrive(&mut model, 0);
    arrive(&mut model, 1);
    let now_ms = model.now_ms + UNSEEN_MS;
    update(&mut model, Msg::Tick { now_ms });
    model
}

fn lose(model: &mut Model, node: usize) {
    update(model, of(node, Msg::LinkLost { why: "Connection refused".to_owned() }));
}

/// A node that speaks stays live.
fn hear(model: &mut Model, node: usize, ms: u64) {
    let now_ms = model.now_ms + ms;
    update(model, Msg::Tick { now_ms });
    let sample = Box::new(Sample { wall_ms: now_ms, requests: 3, ..Sample::default() });
    update(model, of(node, Msg::Frame(Box::new(Frame::Sample { sample }))));
}

#[test]
fn an_order_goes_to_the_node_of_its_row() {
    let mut model = pair();
    on(&mut model, Panel::BackendTable, "api@edge2/10.0.0.1:80");
    let effects = press(&mut model, char('d'));
    assert_eq!(sent(&effects), ["backend drain api@edge2/10.0.0.1:80"]);
    let key = &model.pending[0].key;
    assert_eq!(model.nodes.of(key), Some(1));
    // The same row of the other node is not touched, nor shown as if it were.
    let other = Key::of_backend(&model.moment.backends[0]);
    assert_eq!((model.nodes.of(&other), model.pending_on(&other).is_some()), (Some(0), false));
}

#[test]
fn marks_reach_over_nodes_and_stay_with_their_rows() {
    let mut model = pair();
    on(&mut model, Panel::BackendTable, "api@edge1/10.0.0.1:80");
    press(&mut model, char(' '));
    on(&mut model, Panel::BackendTable, "api@edge2/10.0.0.2:80");
    press(&mut model, char(' '));
    assert_eq!(
        sent(&press(&mut model, char('d'))),
        ["backend drain api@edge1/10.0.0.1:80", "backend drain api@edge2/10.0.0.2:80"]
    );
}

#[test]
fn rows_of_a_node_that_is_lost_take_no_orders_and_the_others_do() {
    let mut model = pair();
    lose(&mut model, 1);
    hear(&mut model, 0, 3_000);
    assert_eq!(model.link, Link::Live);
    on(&mut model, Panel::BackendTable, "api@edge2/10.0.0.1:80");
    assert_eq!(sent(&press(&mut model, char('d'))), Vec::<String>::new());
    let said = model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(said.contains("edge2 does not answer") && said.contains("3 s old"), "{said}");
    on(&mut model, Panel::BackendTable, "api@edge1/10.0.0.1:80");
    assert_eq!(sent(&press(&mut model, char('d'))), ["backend drain api@edge1/10.0.0.1:80"]);
    // That it is lost is the first thing that needs attention, with ssh's own words.
    let rows = rows::rows(&model, Panel::Attention);
    let rows::Row::Attention(first) = &rows[0] else { panic!("{rows:?}") };
    assert_eq!((first.word, first.name.as_str()), ("STALE", "edge2"));
    assert!(first.text.contains("Connection refused"), "{}", first.text);
    arrive(&mut model, 1);
    on(&mut model, Panel::BackendTable, "api@edge2/10.0.0.1:80");
    assert_eq!(sent(&press(&mut model, char('d'))), ["backend drain api@edge2/10.0.0.1:80"]);
}

#[test]
fn an_order_whose_answer_was_lost_says_so_when_its_node_is_back() {
    let mut model = pair();
    for node in ["edge1", "edge2"] {
        on(&mut model, Panel::BackendTable, &format!("api@{node}/10.0.0.1:80"));
        press(&mut model, char('d'));
    }
    lose(&mut model, 1);
    arrive(&mut model, 1);
    let is_failed = |pending: &crate::tui::model::pending::Pending| {
        matches!(pending.stage, Stage::Failed { .. })
    };
    assert_eq!(model.pending.iter().map(is_failed).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_silent_node_is_stale_by_itself() {
    let mut model = pair();
    hear(&mut model, 0, 2_000);
    hear(&mut model, 0, 2_000);
    let stale = |model: &Model| {
        model.nodes.all.iter().map(|node| node.stale_ms(model.now_ms).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(stale(&model), [false, true]);
    // Its stream goes on: only silence was noticed.
    hear(&mut model, 1, 500);
    assert_eq!(stale(&model), [false, false]);
}

#[test]
fn what_concerns_an_engine_as_a_whole_needs_a_chosen_one() {
    let mut model = pair();
    type_text(&mut model, ":upgrade");
    press(&mut model, key(Code::Enter));
    let said = model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(said.contains("choose it with @"), "{said}");
    press(&mut model, char('@'));
    press(&mut model, char('j'));
    press(&mut model, char('j'));
    let effects = press(&mut model, key(Code::Enter));
    assert!(effects.contains(&Effect::ChooseNode(Some(1))), "{effects:?}");
    assert_eq!((model.nodes.chosen, model.moment.head.name.as_str()), (Some(1), "edge2"));
    assert_eq!(model.moment.backends.len(), snapshot().backends.len());
    type_text(&mut model, ":upgrade");
    press(&mut model, key(Code::Enter));
    assert!(is_asking(&model));
    let effects = press(&mut model, char('y'));
    assert_eq!(sent(&effects), ["upgrade"]);
    assert_eq!(model.nodes.of(&model.pending[0].key), Some(1));
}

#[test]
fn the_palette_names_the_node_and_the_line_that_does_the_same_there() {
    let model = pair();
    let entries = palette::entries(&model, "drain edge2 10.0.0.1");
    let entry = entries.first().expect("found by the node's name");
    assert_eq!(entry.text, "drain api@edge2/10.0.0.1:80");
    let line = palette::line(&model, entry);
    assert_eq!(line, Some(Ok("ssh edge2 pilothouse backend drain api/10.0.0.1:80".to_owned())));
    let entries = palette::entries(&model, "log web edge1");
    let line = palette::line(&model, &entries[0]);
    assert_eq!(line, Some(Ok("ssh edge1 pilothouse program log web:0".to_owned())));
}

#[test]
fn events_and_seconds_of_all_are_one_past() {
    let mut model = pair();
    for node in [0, 1] {
        let event = EventRecord {
            seq: 7,
            wall_ms: model.now_ms,
            target: "api/10.0.0.1:80".to_owned(),
            ..EventRecord::default()
        };
        update(&mut model, of(node, Msg::Frame(Box::new(Frame::Event { event: Box::new(event) }))));
    }
    let targets: Vec<&str> = model.events.iter().map(|event| event.target.as_str()).collect();
    assert_eq!(targets, ["api@edge1/10.0.0.1:80", "api@edge2/10.0.0.1:80"]);
    hear(&mut model, 0, 1_000);
    hear(&mut model, 1, 0);
    assert_eq!(model.history.back().map(|sample| sample.requests), Some(6));
    press(&mut model, char('p'));
    assert!(model.past.is_some());
    assert_eq!(model.moment.backends.len(), 2 * snapshot().backends.len());
    press(&mut model, char('p'));
    assert_eq!(model.moment.backends.len(), 2 * snapshot().backends.len());
}

#[test]
fn a_filter_finds_the_rows_of_a_node() {
    let mut model = pair();
    on(&mut model, Panel::ProgramTable, "web@edge1:0");
    press(&mut model, char('/'));
    type_text(&mut model, "node=edge2");
    press(&mut model, key(Code::Enter));
    let labels: Vec<String> =
        rows::rows(&model, Panel::ProgramTable).iter().map(|row| row.key().label()).collect();
    assert_eq!(labels, ["mailer@edge2:0", "web@edge2:0"]);
}
