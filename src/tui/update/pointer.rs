//! The pointer: a click selects, a second one opens, the wheel moves; a click on what names a key is
//! that key. What asks when it comes by key asks when it comes by click.

use crate::control::wire::Severity;
use crate::tui::action::chord::{self, Code};
use crate::tui::action::{Id, hint};
use crate::tui::model::Model;
use crate::tui::model::key::Key;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::panel::{self, Panel};
use crate::tui::model::pointer::{Act, DOUBLE_MS, Hit, Mouse};
use crate::tui::msg::{Effect, Press};

use super::cursor::{self, Cause, Move};
use super::{actions, overlays};

pub(super) fn turn(model: &mut Model) -> Vec<Effect> {
    let (mouse, text) = match model.mouse {
        Mouse::Off => {
            let key = model.keys.name(Id::Mouse);
            let key = if key.is_empty() { "again" } else { &key };
            let words =
                format!("the mouse is ours: click, double click, wheel; {key} gives it back");
            (Mouse::On, words)
        }
        Mouse::On => {
            (Mouse::Off, "the mouse is the terminal's again, for selecting text".to_owned())
        }
    };
    model.mouse = mouse;
    model.say(Severity::Info, text);
    vec![Effect::Mouse(mouse)]
}

pub(super) fn came(model: &mut Model, hit: Hit, act: Act) -> Vec<Effect> {
    if model.mouse == Mouse::Off {
        // Sent before the terminal heard that nobody wants to know.
        return Vec::new();
    }
    if act == Act::Click {
        super::make_room(model);
    }
    if is_covered(model) {
        return over(model, hit, act);
    }
    match (hit, act) {
        (Hit::Tab(view), Act::Click) => actions::perform(model, Id::Show(view), None),
        (Hit::Hint(id), Act::Click) => actions::perform(model, id, None),
        (Hit::Row(panel, key), Act::Click) => click(model, panel, &key),
        (Hit::Panel(panel), Act::Click) => {
            focus(model, panel);
            Vec::new()
        }
        (Hit::Row(panel, _) | Hit::Panel(panel), Act::Wheel(by)) => {
            focus(model, panel);
            cursor::go(model, Move::By(by));
            Vec::new()
        }
        (Hit::Tab(_) | Hit::Hint(_) | Hit::Choice(_) | Hit::Go | Hit::Cancel, _) => Vec::new(),
    }
}

/// Whether something lies over the view; a line that is typed at its edge does not.
fn is_covered(model: &Model) -> bool {
    match &model.overlay {
        None | Some(Overlay::Filter { .. } | Overlay::Find { .. }) => false,
        Some(
            Overlay::Help { .. }
            | Overlay::Palette { .. }
            | Overlay::Signal { .. }
            | Overlay::Attached(_)
            | Overlay::Confirm(_)
            | Overlay::Theme { .. }
            | Overlay::Strategy { .. }
            | Overlay::Export { .. }
            | Overlay::Nodes { .. },
        ) => true,
    }
}

fn focus(model: &mut Model, panel: Panel) {
    if panel::shown(model).contains(&panel) {
        model.lists.set_focus(model.view, panel);
        cursor::settle(model, Cause::Operator);
    }
}

fn click(model: &mut Model, panel: Panel, key: &Key) -> Vec<Effect> {
    focus(model, panel);
    let now_ms = model.now_ms;
    let list = model.lists.of_mut(panel);
    list.cursor = Some(key.clone());
    list.fell_at_ms = None;
    cursor::settle(model, Cause::Operator);
    let last = model.clicked.replace((key.clone(), now_ms));
    let is_second = last.is_some_and(|(last, at_ms)| last == *key && now_ms < at_ms + DOUBLE_MS);
    if is_second { actions::perform(model, Id::Open, None) } else { Vec::new() }
}

/// As the keys that do the same: up and down a list, Enter, Esc, `y`.
fn over(model: &mut Model, hit: Hit, act: Act) -> Vec<Effect> {
    let key = |code| Press { chord: chord::key(code), edit: None };
    match (hit, act) {
        (_, Act::Wheel(by)) if matches!(model.overlay, Some(Overlay::Attached(_))) => {
            cursor::go(model, Move::By(by));
            Vec::new()
        }
        (_, Act::Wheel(by)) => {
            let code = if by > 0 { Code::Down } else { Code::Up };
            overlays::press(model, key(code))
        }
        (Hit::Choice(at), Act::Click) => choose(model, at),
        (Hit::Go, Act::Click) => go(model),
        (Hit::Cancel, Act::Click) => overlays::press(model, key(Code::Esc)),
        (Hit::Tab(_) | Hit::Row(..) | Hit::Panel(_) | Hit::Hint(_), Act::Click) => Vec::new(),
    }
}

/// The button does not spare the name.
fn go(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Confirm(question)) = &mut model.overlay else { return Vec::new() };
    if !question.is_open() {
        model.say(Severity::Info, "type the name first");
        return Vec::new();
    }
    question.is_go_focused = true;
    overlays::press(model, Press { chord: chord::key(Code::Enter), edit: None })
}

/// The first click shows what a choice would be, the second takes it. A line of help is a key.
fn choose(model: &mut Model, at: usize) -> Vec<Effect> {
    let selected = match &model.overlay {
        Some(Overlay::Help { filter, .. }) => {
            let lines = hint::help_matching(model, filter.value());
            let Some(action) = lines.get(at) else { return Vec::new() };
            model.overlay = None;
            return actions::perform(model, action.id, None);
        }
        Some(
            Overlay::Palette { selected, .. }
            | Overlay::Signal { selected, .. }
            | Overlay::Theme { selected, .. }
            | Overlay::Strategy { selected, .. }
            | Overlay::Export { selected }
            | Overlay::Nodes { selected },
        ) => *selected,
        Some(
            Overlay::Filter { .. }
            | Overlay::Find { .. }
            | Overlay::Attached(_)
            | Overlay::Confirm(_),
        )
        | None => return Vec::new(),
    };
    if selected == at {
        return overlays::press(model, Press { chord: chord::key(Code::Enter), edit: None });
    }
    let code = if at > selected { Code::Down } else { Code::Up };
    let mut effects = Vec::new();
    for _ in 0..at.abs_diff(selected) {
        effects = overlays::press(model, Press { chord: chord::key(code), edit: None });
    }
    effects
}
