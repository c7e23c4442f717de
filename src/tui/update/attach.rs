//! Attached to a program: its output is shown, and what is typed goes to its standard input. Ends
//! with a key, or with the life that was spoken to.

use tui_input::InputRequest;

use crate::control::wire::{LogLine, Severity, Stream};
use crate::tui::action::chord::{self, Chord, Reading};
use crate::tui::action::{self, Id};
use crate::tui::model::attached::Attached;
use crate::tui::model::key::Key;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{self, Panel, View};
use crate::tui::model::{Link, Model};
use crate::tui::msg::{Effect, Press};

use super::{cursor, orders};

/// Telnet's way out; Esc and Ctrl-C are others.
pub(crate) const LEAVE: Chord = chord::ctrl(']');
/// A longer line is no line that is typed.
const LINE_MAX: usize = 4_096;

pub(super) fn open(model: &mut Model, target: Option<&Key>) {
    let (key, incarnation) = match action::attach::listener(model, target) {
        Ok(listener) => listener,
        Err(why) => return model.say(Severity::Info, why),
    };
    cursor::put(model, View::Programs, Panel::ProgramTable, Some(key.clone()));
    cursor::put(model, View::Programs, Panel::ProgramLog, None);
    // Where only one panel has room, it is the output.
    model.is_zoomed = false;
    model.is_zoomed = !panel::shown(model).contains(&Panel::ProgramLog);
    model.log.follow();
    model.overlay = Some(Overlay::Attached(Attached::new(key, incarnation)));
}

pub(super) fn press(model: &mut Model, press: Press, mut attached: Attached) -> Vec<Effect> {
    let is_out = press.chord == LEAVE || model.keys.is_key(Id::Detach, press.chord);
    let mut effects = Vec::new();
    match press.chord.reading() {
        _ if is_out => return leave(model, &attached.key, None),
        Reading::Close => return leave(model, &attached.key, None),
        Reading::Accept => effects = send(model, &mut attached),
        Reading::Step(by @ (1 | -1)) => attached.recall(-by),
        Reading::Step(by) => cursor::go(model, cursor::Move::By(by)),
        Reading::Aside(_) | Reading::Other => edit(&mut attached, press.edit),
    }
    model.overlay = Some(Overlay::Attached(attached));
    effects
}

pub(super) fn edit(attached: &mut Attached, request: Option<InputRequest>) {
    let Some(request) = request else { return };
    let is_more = matches!(request, InputRequest::InsertChar(_));
    if !is_more || attached.input.value().len() < LINE_MAX {
        attached.input.handle(request);
    }
}

fn send(model: &mut Model, attached: &mut Attached) -> Vec<Effect> {
    let line = attached.take();
    model.log.follow();
    mark(model, format!("> {line}"));
    let bytes = format!("{line}\n").into_bytes();
    orders::input(model, &attached.key, attached.incarnation, bytes)
}

fn leave(model: &mut Model, key: &Key, why: Option<&str>) -> Vec<Effect> {
    let label = key.label();
    let (severity, text) = match why {
        None => (Severity::Info, format!("detached from {label}; it goes on")),
        Some(why) => (Severity::Warn, format!("detached: {label} {why}")),
    };
    mark(model, "detached".to_owned());
    model.say(severity, text);
    Vec::new()
}

/// In the output as shown here: the engine does not keep what was said to a program.
fn mark(model: &mut Model, text: String) {
    let wall_ms = model.now_ms;
    model.log.push(LogLine { wall_ms, stream: Stream::Mark, text, ..LogLine::default() });
}

/// Of several engines, the one it runs on.
fn is_out_of_reach(model: &Model, key: &Key) -> bool {
    let node = model.nodes.of(key).map(|at| &model.nodes.all[at]);
    node.is_some_and(|node| node.link != Link::Live)
}

/// Nobody is left attached to a life that is over, or over a line that is lost.
pub(super) fn end_with_its_life(model: &mut Model) {
    let Some(Overlay::Attached(attached)) = &model.overlay else { return };
    let Key::Program { name, instance } = &attached.key else { return };
    let why = match model.program(name, *instance) {
        _ if model.link != Link::Live || is_out_of_reach(model, &attached.key) => {
            Some("can not be reached, the engine does not answer")
        }
        None => Some("is gone"),
        Some(row) if row.incarnation != attached.incarnation => Some("has started anew"),
        Some(row) if !row.standing.is_listening => Some("does not listen any more"),
        Some(_) => None,
    };
    let Some(why) = why else { return };
    let key = attached.key.clone();
    model.overlay = None;
    leave(model, &key, Some(why));
}
