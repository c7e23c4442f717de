//! Keys while something lies over the view: typing, choosing, confirming. Esc always closes.

use tui_input::{Input, InputRequest};

use crate::tui::action::chord::{Chord, Code, Reading};
use crate::tui::action::{self, Id, palette};
use crate::tui::export::Format;
use crate::tui::model::key::Key;
use crate::tui::model::order::{Gate, Question};
use crate::tui::model::overlay::{Overlay, STRATEGIES};
use crate::tui::model::{Model, rows};
use crate::tui::msg::{Effect, Press};

use super::cursor::{self, Cause};
use super::{actions, attach, log_find, nodes, orders, signals};

/// Typed text longer than this is nobody's filter.
const TYPED_MAX: usize = 256;

pub(super) fn press(model: &mut Model, press: Press) -> Vec<Effect> {
    let Some(overlay) = model.overlay.take() else { return Vec::new() };
    match overlay {
        Overlay::Help { filter, scroll } => help(model, press, filter, scroll),
        Overlay::Palette { input, selected } => palette(model, press, input, selected),
        Overlay::Filter { input, before } => filter(model, press, input, before),
        Overlay::Find { input, purpose, before } => {
            log_find::press(model, press, input, (purpose, before))
        }
        Overlay::Signal { targets, selected } => {
            signals::press(model, press.chord, targets, selected)
        }
        Overlay::Attached(attached) => attach::press(model, press, attached),
        Overlay::Confirm(question) => confirm(model, press, question),
        Overlay::Theme { selected, before } => theme(model, press.chord, selected, before),
        Overlay::Strategy { upstream, selected } => {
            strategy(model, press.chord, upstream, selected)
        }
        Overlay::Export { selected } => export(model, press.chord, selected),
        Overlay::Nodes { selected } => nodes::press(model, press.chord, selected),
    }
}

/// Pasted text goes where text is typed, and nowhere else: it can never be read as keys.
pub(super) fn paste(model: &mut Model, text: &str) {
    let text = text.chars().filter(|char| !char.is_control());
    let input = match &mut model.overlay {
        Some(Overlay::Attached(attached)) => {
            return text
                .for_each(|char| attach::edit(attached, Some(InputRequest::InsertChar(char))));
        }
        Some(
            Overlay::Help { filter: input, .. }
            | Overlay::Palette { input, .. }
            | Overlay::Filter { input, .. }
            | Overlay::Find { input, .. },
        ) => input,
        Some(Overlay::Confirm(question)) => match &mut question.gate {
            Gate::Name { typed, .. } => typed,
            Gate::Yes => return,
        },
        Some(
            Overlay::Theme { .. }
            | Overlay::Strategy { .. }
            | Overlay::Signal { .. }
            | Overlay::Export { .. }
            | Overlay::Nodes { .. },
        )
        | None => return,
    };
    for char in text {
        edit(input, InputRequest::InsertChar(char));
    }
    apply_filter(model);
    log_find::apply(model);
}

pub(super) fn open_filter(model: &mut Model) {
    let before = model.lists.of(model.focus()).filter.clone();
    model.overlay = Some(Overlay::Filter { input: Input::new(before.clone()), before });
}

pub(super) fn open_palette(model: &mut Model) {
    model.overlay = Some(Overlay::Palette { input: Input::default(), selected: 0 });
}

pub(super) fn open_help(model: &mut Model) {
    model.overlay = Some(Overlay::Help { filter: Input::default(), scroll: 0 });
}

/// The palette with the beginning of a command in it.
pub(super) fn open_add(model: &mut Model, target: Option<&Key>) {
    let Some(upstream) = upstream_of(model, target) else { return };
    let input = Input::new(format!("add {upstream}/"));
    model.overlay = Some(Overlay::Palette { input, selected: 0 });
}

pub(super) fn open_theme(model: &mut Model) {
    let selected = model.themes.iter().position(|entry| entry.name == model.theme).unwrap_or(0);
    model.overlay = Some(Overlay::Theme { selected, before: model.theme.clone() });
}

pub(super) fn open_export(model: &mut Model) {
    model.overlay = Some(Overlay::Export { selected: 0 });
}

pub(super) fn open_strategy(model: &mut Model, target: Option<&Key>) {
    let shown = || model.balance_upstream().map(|row| row.name.clone());
    let Some(upstream) = upstream_of(model, target).or_else(shown) else { return };
    let Some(row) = model.upstream(&upstream) else { return };
    let selected = STRATEGIES.iter().position(|name| *name == row.strategy).unwrap_or(0);
    model.overlay = Some(Overlay::Strategy { upstream, selected });
}

/// The upstream that is meant or selected, if it is one.
fn upstream_of(model: &Model, target: Option<&Key>) -> Option<String> {
    let key = target.cloned().or_else(|| rows::selected(model).map(|row| row.key()));
    match key? {
        Key::Upstream { name } => Some(name),
        Key::Backend { .. }
        | Key::Program { .. }
        | Key::Worker { .. }
        | Key::Event { .. }
        | Key::Request { .. }
        | Key::Plan { .. }
        | Key::Alarm { .. }
        | Key::Record { .. }
        | Key::Config
        | Key::Node { .. } => None,
    }
}

fn help(model: &mut Model, press: Press, mut filter: Input, scroll: usize) -> Vec<Effect> {
    let is_typing = !filter.value().is_empty();
    let scroll = match press.chord.reading() {
        Reading::Close => return Vec::new(),
        Reading::Step(by) | Reading::Aside(by) => scroll.saturating_add_signed(by),
        Reading::Other if !is_typing && is_shut(model, press.chord, Id::Help) => {
            return Vec::new();
        }
        Reading::Other if !is_typing && press.chord.is_any("j") => scroll + 1,
        Reading::Other if !is_typing && press.chord.is_any("k") => scroll.saturating_sub(1),
        Reading::Other | Reading::Accept => {
            typed(&mut filter, press);
            0
        }
    };
    let lines = action::hint::help_matching(model, filter.value()).len();
    model.overlay = Some(Overlay::Help { filter, scroll: scroll.min(lines.saturating_sub(1)) });
    Vec::new()
}

fn palette(model: &mut Model, press: Press, mut input: Input, selected: usize) -> Vec<Effect> {
    let entries = palette::entries(model, input.value());
    let last = entries.len().saturating_sub(1);
    let selected = match press.chord.reading() {
        Reading::Close => return Vec::new(),
        Reading::Accept => {
            let Some(entry) = entries.into_iter().nth(selected) else { return Vec::new() };
            if let Some(typed) = entry.typed {
                return orders::typed(model, typed);
            }
            return actions::perform(model, entry.id, entry.key.as_ref());
        }
        Reading::Step(by) | Reading::Aside(by) => selected.saturating_add_signed(by).min(last),
        Reading::Other => {
            typed(&mut input, press);
            0
        }
    };
    model.overlay = Some(Overlay::Palette { input, selected });
    Vec::new()
}

fn filter(model: &mut Model, press: Press, mut input: Input, before: String) -> Vec<Effect> {
    let focus = model.focus();
    match press.chord.reading() {
        Reading::Close => model.lists.of_mut(focus).filter = before,
        Reading::Accept => {}
        Reading::Step(_) | Reading::Aside(_) | Reading::Other => {
            typed(&mut input, press);
            model.overlay = Some(Overlay::Filter { input, before });
            apply_filter(model);
        }
    }
    cursor::settle(model, Cause::Operator);
    Vec::new()
}

/// The filter applies while it is typed.
fn apply_filter(model: &mut Model) {
    let Some(Overlay::Filter { input, .. }) = &model.overlay else { return };
    let value = input.value().trim().to_owned();
    let focus = model.focus();
    let list = model.lists.of_mut(focus);
    list.filter = value;
    list.held = None;
    cursor::settle(model, Cause::Operator);
}

fn confirm(model: &mut Model, press: Press, mut question: Box<Question>) -> Vec<Effect> {
    let chord = press.chord;
    match (&mut question.gate, chord.reading()) {
        (_, Reading::Aside(_)) => question.is_go_focused = !question.is_go_focused,
        (_, Reading::Accept) if question.is_go_focused => return go(model, question),
        (_, Reading::Close) | (Gate::Yes, Reading::Accept) => return Vec::new(),
        (Gate::Yes, Reading::Other) if chord.is_any("y") => return go(model, question),
        (Gate::Yes, Reading::Other) if chord.is_any("nq") => return Vec::new(),
        (Gate::Yes, Reading::Other) if matches!(chord.code, Code::Left | Code::Right) => {
            question.is_go_focused = !question.is_go_focused;
        }
        (Gate::Yes, Reading::Other | Reading::Step(_)) => {}
        // With nothing typed the focus is on Cancel; a name half typed is not a decision.
        (Gate::Name { typed, .. }, Reading::Accept) if typed.value().is_empty() => {
            return Vec::new();
        }
        (Gate::Name { .. }, Reading::Accept) => return go(model, question),
        (Gate::Name { typed: input, .. }, Reading::Other | Reading::Step(_)) => {
            typed(input, press);
        }
    }
    model.overlay = Some(Overlay::Confirm(question));
    Vec::new()
}

/// Leaves the question where it is while its gate is shut.
fn go(model: &mut Model, question: Box<Question>) -> Vec<Effect> {
    match question.answer() {
        Ok(confirmed) => orders::send(model, confirmed),
        Err(question) => {
            model.overlay = Some(Overlay::Confirm(question));
            Vec::new()
        }
    }
}

fn theme(model: &mut Model, chord: Chord, selected: usize, before: String) -> Vec<Effect> {
    match chord.reading() {
        Reading::Accept => Vec::new(),
        Reading::Close => use_theme(model, before),
        Reading::Other if is_shut(model, chord, Id::Theme) => use_theme(model, before),
        Reading::Other if chord.is_any("g") => {
            model.overlay = Some(Overlay::Theme { selected, before });
            vec![Effect::TurnGlyphs]
        }
        reading @ (Reading::Step(_) | Reading::Aside(_) | Reading::Other) => {
            let selected = chosen(selected, reading, chord, model.themes.len());
            model.overlay = Some(Overlay::Theme { selected, before });
            match model.themes.get(selected).map(|entry| entry.name.clone()) {
                Some(name) if name != model.theme => use_theme(model, name),
                Some(_) | None => Vec::new(),
            }
        }
    }
}

fn use_theme(model: &mut Model, name: String) -> Vec<Effect> {
    model.theme.clone_from(&name);
    vec![Effect::UseTheme(name)]
}

fn strategy(model: &mut Model, chord: Chord, upstream: String, selected: usize) -> Vec<Effect> {
    match chord.reading() {
        Reading::Accept => orders::strategy(model, &upstream, STRATEGIES[selected]),
        Reading::Close => Vec::new(),
        Reading::Other if is_shut(model, chord, Id::Strategy) => Vec::new(),
        reading @ (Reading::Step(_) | Reading::Aside(_) | Reading::Other) => {
            let selected = chosen(selected, reading, chord, STRATEGIES.len());
            model.overlay = Some(Overlay::Strategy { upstream, selected });
            Vec::new()
        }
    }
}

/// The screen that is saved is the one below the box.
fn export(model: &mut Model, chord: Chord, selected: usize) -> Vec<Effect> {
    match chord.reading() {
        Reading::Accept => vec![Effect::Export(Format::ALL[selected])],
        Reading::Close => Vec::new(),
        Reading::Other if is_shut(model, chord, Id::Export) => Vec::new(),
        reading @ (Reading::Step(_) | Reading::Aside(_) | Reading::Other) => {
            let selected = chosen(selected, reading, chord, Format::ALL.len());
            model.overlay = Some(Overlay::Export { selected });
            Vec::new()
        }
    }
}

/// The key that opened a box closes it, too, and so does `q`.
pub(super) fn is_shut(model: &Model, chord: Chord, opened_by: Id) -> bool {
    chord.is_any("q") || model.keys.is_key(opened_by, chord)
}

/// The choice after a key in a list of `count` without text to type.
pub(super) fn chosen(selected: usize, reading: Reading, chord: Chord, count: usize) -> usize {
    let by = match reading {
        Reading::Step(by) | Reading::Aside(by) => by,
        Reading::Other if chord.is_any("j") => 1,
        Reading::Other if chord.is_any("k") => -1,
        Reading::Other | Reading::Accept | Reading::Close => 0,
    };
    selected.saturating_add_signed(by).min(count.saturating_sub(1))
}

pub(super) fn typed(input: &mut Input, press: Press) {
    if let Some(request) = press.edit {
        edit(input, request);
    }
}

fn edit(input: &mut Input, request: InputRequest) {
    if matches!(request, InputRequest::InsertChar(_)) && input.value().len() >= TYPED_MAX {
        return;
    }
    input.handle(request);
}
