//! Going back in time: what is shown, what is not sent, and that the present goes on meanwhile.

use super::*;
use crate::control::sample::{BackendSample, Sample};
use crate::control::wire::{EventRecord, LogLine, Severity};

const SECOND_MS: u64 = 1_000;

fn take(model: &mut Model, frame: Frame) {
    update(model, Msg::Frame(Box::new(frame)));
}

/// A second passes in which each backend finishes `requests`.
fn second(model: &mut Model, requests: u32) {
    pass(model, SECOND_MS);
    let sample = |row: &BackendRow| BackendSample {
        key: row.key,
        requests,
        active: requests,
        ..BackendSample::default()
    };
    let sample = Sample {
        wall_ms: model.now_ms,
        requests: requests * 4,
        backends: model.present().backends.iter().map(sample).collect(),
        ..Sample::default()
    };
    take(model, Frame::Sample { sample: Box::new(sample) });
}

fn event(model: &mut Model, seq: u64) {
    let wall_ms = model.now_ms;
    let event = EventRecord {
        seq,
        wall_ms,
        verb: "drain".to_owned(),
        target: "api/10.0.0.1:80".to_owned(),
        severity: Severity::Good,
        ..EventRecord::default()
    };
    take(model, Frame::Event { event: Box::new(event) });
}

fn becomes(model: &mut Model, state: BackendState) {
    let mut after = model.present().clone();
    after.backends[0].backend.state = state;
    after.backends[0].since_ms = model.now_ms;
    let delta = crate::control::delta::diff(model.present(), &after);
    take(model, Frame::Delta { delta: Box::new(delta) });
}

/// Ten quiet seconds; a drain; ten more, of other traffic.
fn lived() -> Model {
    let mut model = attached();
    (0..10).for_each(|_| second(&mut model, 3));
    pass(&mut model, SECOND_MS / 2);
    becomes(&mut model, BackendState::Draining);
    event(&mut model, 1);
    (0..10).for_each(|_| second(&mut model, 8));
    model
}

fn state(model: &Model) -> BackendState {
    model.moment.backends[0].backend.state
}

fn ago_s(model: &Model) -> u64 {
    model.ago_ms() / SECOND_MS
}

#[test]
fn a_moment_is_shown_as_it_was_and_the_present_goes_on_unseen() {
    let mut model = lived();
    let seen = |model: &Model| (state(model), model.moment.backends[1].backend.active);
    press(&mut model, char('p'));
    assert_eq!((ago_s(&model), seen(&model)), (0, (BackendState::Draining, 8)));
    for _ in 0..10 {
        press(&mut model, char('['));
    }
    assert_eq!((ago_s(&model), seen(&model)), (10, (BackendState::Up, 3)));
    assert_eq!((model.history.len(), model.events.len()), (10, 0));
    // Meanwhile it fails, and time goes on.
    becomes(&mut model, BackendState::Failed);
    second(&mut model, 1);
    event(&mut model, 2);
    assert_eq!((ago_s(&model), seen(&model)), (11, (BackendState::Up, 3)));
    press(&mut model, char('p'));
    assert_eq!((state(&model), model.past.is_none()), (BackendState::Failed, true));
    assert_eq!((model.history.len(), model.events.len()), (21, 2));
    press(&mut model, char('['));
    assert_eq!(state(&model), BackendState::Draining);
}

#[test]
fn steps_are_seconds_minutes_and_events_and_end_where_time_does() {
    let mut model = lived();
    press(&mut model, char(')'));
    assert_eq!(model.notice.as_ref().unwrap().text, "this is the present");
    press(&mut model, char('('));
    // The first second that shows it.
    assert_eq!((ago_s(&model), model.events.len()), (9, 1));
    assert_eq!(state(&model), BackendState::Draining);
    press(&mut model, char('('));
    assert_eq!(ago_s(&model), 9, "there is no event before it");
    press(&mut model, char('{'));
    assert_eq!((ago_s(&model), model.history.len()), (19, 1), "the oldest second");
    press(&mut model, char('{'));
    assert_eq!(model.notice.as_ref().unwrap().text, "this is the oldest second that is kept");
    press(&mut model, char(')'));
    assert_eq!(ago_s(&model), 9);
    press(&mut model, char(']'));
    assert_eq!(ago_s(&model), 8);
    press(&mut model, char('}'));
    assert!(model.past.is_none(), "past the last second is the present");
}

#[test]
fn nothing_is_ordered_in_the_past() {
    let mut model = lived();
    press(&mut model, char('2'));
    press(&mut model, char('j'));
    press(&mut model, char('['));
    for letter in ['d', 'e', 'x', '+', 'u', 'D'] {
        assert_eq!(press(&mut model, char(letter)), [], "{letter}");
        let notice = &model.notice.as_ref().unwrap().text;
        assert_eq!(notice, "not sent: this is the past; p comes back to now", "{letter}");
    }
    press(&mut model, char(':'));
    type_text(&mut model, "drain api/10.0.0.2:80");
    assert_eq!(press(&mut model, key(Code::Enter)), []);
    let entries = crate::tui::action::palette::entries(&model, "");
    assert!(entries.iter().all(|entry| !crate::tui::action::of(entry.id).is_order()));
    press(&mut model, key(Code::Esc));
    press(&mut model, char('q'));
    assert!(model.past.is_none(), "q leaves the past before the console");
    assert_eq!(press(&mut model, char('q')), [Effect::Detach]);
}

#[test]
fn a_row_leads_to_when_it_happened_or_began() {
    let mut model = lived();
    press(&mut model, char('8'));
    press(&mut model, char('t'));
    assert_eq!((ago_s(&model), state(&model)), (9, BackendState::Draining));
    press(&mut model, char('['));
    assert_eq!(state(&model), BackendState::Up);
}

#[test]
fn logs_and_requests_end_where_the_moment_does() {
    let mut model = lived();
    press(&mut model, char('7'));
    let start_ms = model.now_ms;
    let line =
        |at: u64| LogLine { wall_ms: start_ms - at, text: at.to_string(), ..LogLine::default() };
    let of = crate::tui::model::log_tail::Whose::All;
    let lines = [9_000, 5_000, 500].map(line).to_vec();
    update(&mut model, Msg::LogLines { of: of.clone(), lines });
    let shown = |model: &Model| -> Vec<String> {
        model.open_log().shown().map(|(_, line)| line.text.clone()).collect()
    };
    press(&mut model, char('p'));
    press(&mut model, char('['));
    update(&mut model, Msg::LogLines { of, lines: vec![line(0)] });
    // The log of everything begins with what happened.
    assert_eq!(shown(&model), ["drain api/10.0.0.1:80", "9000", "5000"]);
    press(&mut model, char('6'));
    let number = model.requests.number;
    let record = |seq: u64| RequestRecord {
        seq,
        wall_ms: start_ms - 3_000 + seq * 1_000,
        ..RequestRecord::default()
    };
    let records = (0..5).map(record).collect();
    update(&mut model, Msg::Requests { number, records, lost: 0 });
    let count = |model: &Model| rows::rows(model, Panel::RequestTable).len();
    assert_eq!(count(&model), 3);
    press(&mut model, char('p'));
    assert_eq!((count(&model), shown(&model).len()), (5, 0));
    press(&mut model, char('7'));
    assert_eq!(shown(&model), ["drain api/10.0.0.1:80", "9000", "5000", "500", "0"]);
}

#[test]
fn the_moment_looked_at_may_fall_off_the_edge() {
    let mut model = lived();
    press(&mut model, char('{'));
    let oldest_ms = model.past.as_ref().unwrap().at_ms;
    (0..crate::tui::model::SAMPLES_MAX).for_each(|_| second(&mut model, 1));
    let past = model.past.as_ref().unwrap();
    assert!(past.at_ms > oldest_ms);
    assert_eq!(model.history.len(), 1);
    assert_eq!(model.history.len() + past.samples.len(), crate::tui::model::SAMPLES_MAX);
}

#[test]
fn a_console_that_attaches_anew_is_in_the_present() {
    let mut model = lived();
    press(&mut model, char('{'));
    let frame = Frame::Snapshot {
        role: Role::Operate,
        snapshot: Box::new(snapshot()),
        history: Vec::new(),
        events: Vec::new(),
        tape: Tape::default(),
    };
    take(&mut model, frame);
    assert!(model.past.is_none());
    assert_eq!((model.history.len(), state(&model)), (20, BackendState::Up));
}
