//! Keys while something lies over the view: typing, choosing, confirming. Esc always closes.

use tui_input::{Input, InputRequest};

use crate::tui::action::chord::{Chord, Code};
use crate::tui::action::{self, palette};
use crate::tui::model::key::Key;
use crate::tui::model::order::{Gate, Question};
use crate::tui::model::overlay::{Overlay, STRATEGIES};
use crate::tui::model::{Model, rows};
use crate::tui::msg::{Effect, Press};

use super::cursor::{self, Cause};
use super::{actions, orders};

/// Typed text longer than this is nobody's filter.
const TYPED_MAX: usize = 256;

pub(super) fn press(model: &mut Model, press: Press) -> Vec<Effect> {
    let Some(overlay) = model.overlay.take() else { return Vec::new() };
    match overlay {
        Overlay::Help { filter, scroll } => help(model, press, filter, scroll),
        Overlay::Palette { input, selected } => palette(model, press, input, selected),
        Overlay::Filter { input, before } => filter(model, press, input, before),
        Overlay::Confirm(question) => confirm(model, press, question),
        Overlay::Theme { selected, before } => theme(model, press.chord, selected, before),
        Overlay::Strategy { upstream, selected } => {
            strategy(model, press.chord, upstream, selected)
        }
    }
}

/// Pasted text goes where text is typed, and nowhere else: it can never be read as keys.
pub(super) fn paste(model: &mut Model, text: &str) {
    let input = match &mut model.overlay {
        Some(
            Overlay::Help { filter: input, .. }
            | Overlay::Palette { input, .. }
            | Overlay::Filter { input, .. },
        ) => input,
        Some(Overlay::Confirm(Question { gate: Gate::Name { typed, .. }, .. })) => typed,
        Some(Overlay::Confirm(_) | Overlay::Theme { .. } | Overlay::Strategy { .. }) | None => {
            return;
        }
    };
    for char in text.chars().filter(|char| !char.is_control()) {
        edit(input, InputRequest::InsertChar(char));
    }
    apply_filter(model);
}

pub(super) fn open_filter(model: &mut Model) {
    let before = model.lists.of(model.focus()).filter.clone();
    model.overlay = Some(Overlay::Filter { input: Input::new(before.clone()), before });
}

pub(super) fn open_theme(model: &mut Model) {
    let selected = model.themes.iter().position(|name| *name == model.theme).unwrap_or(0);
    model.overlay = Some(Overlay::Theme { selected, before: model.theme.clone() });
}

pub(super) fn open_strategy(model: &mut Model, target: Option<&Key>) {
    let key = target.cloned().or_else(|| rows::selected(model).map(|row| row.key()));
    let upstream = match key {
        Some(Key::Upstream { name }) => name,
        Some(
            Key::Backend { .. }
            | Key::Program { .. }
            | Key::Worker { .. }
            | Key::Event { .. }
            | Key::Config,
        )
        | None => match model.balance_upstream() {
            Some(row) => row.name.clone(),
            None => return,
        },
    };
    let Some(row) = model.upstream(&upstream) else { return };
    let selected = STRATEGIES.iter().position(|name| *name == row.strategy).unwrap_or(0);
    model.overlay = Some(Overlay::Strategy { upstream, selected });
}

fn help(model: &mut Model, press: Press, mut filter: Input, scroll: usize) -> Vec<Effect> {
    let scroll = match press.chord.code {
        Code::Esc => return Vec::new(),
        Code::Char('?' | 'q') if filter.value().is_empty() => return Vec::new(),
        Code::F(1) => return Vec::new(),
        Code::Down => scroll + 1,
        Code::Up => scroll.saturating_sub(1),
        Code::PageDown => scroll + 10,
        Code::PageUp => scroll.saturating_sub(10),
        Code::Char('j') if filter.value().is_empty() => scroll + 1,
        Code::Char('k') if filter.value().is_empty() => scroll.saturating_sub(1),
        Code::Char(_)
        | Code::Left
        | Code::Right
        | Code::Home
        | Code::End
        | Code::Enter
        | Code::Tab
        | Code::BackTab
        | Code::Backspace
        | Code::Delete
        | Code::F(_) => {
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
    let selected = match step(press.chord) {
        Some(by) => selected.saturating_add_signed(by).min(last),
        None => match press.chord.code {
            Code::Esc => return Vec::new(),
            Code::Enter => {
                let Some(entry) = entries.into_iter().nth(selected) else { return Vec::new() };
                return actions::perform(model, entry.id, entry.key.as_ref());
            }
            _ => {
                typed(&mut input, press);
                0
            }
        },
    };
    model.overlay = Some(Overlay::Palette { input, selected });
    Vec::new()
}

fn filter(model: &mut Model, press: Press, mut input: Input, before: String) -> Vec<Effect> {
    let focus = model.focus();
    match press.chord.code {
        Code::Esc => model.lists.of_mut(focus).filter = before,
        Code::Enter => model.lists.of_mut(focus).filter = input.value().trim().to_owned(),
        _ => {
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

fn confirm(model: &mut Model, press: Press, mut question: Question) -> Vec<Effect> {
    let is_yes = matches!(question.gate, Gate::Yes);
    match press.chord.code {
        Code::Esc => return Vec::new(),
        Code::Char('n' | 'q') if is_yes => return Vec::new(),
        Code::Char('y') if is_yes && !press.chord.is_ctrl => return go(model, question),
        Code::Enter if question.is_go_focused || (!is_yes && question.is_open()) => {
            return go(model, question);
        }
        Code::Enter if is_yes => return Vec::new(),
        Code::Enter => {
            let Gate::Name { typed, .. } = &question.gate else { return Vec::new() };
            // With nothing typed the focus is on Cancel; a name half typed is not a decision.
            if typed.value().is_empty() {
                return Vec::new();
            }
        }
        Code::Tab | Code::BackTab | Code::Left | Code::Right => {
            question.is_go_focused = !question.is_go_focused;
        }
        _ => {
            if let Gate::Name { typed: input, .. } = &mut question.gate {
                typed(input, press);
            }
        }
    }
    model.overlay = Some(Overlay::Confirm(question));
    Vec::new()
}

fn go(model: &mut Model, question: Question) -> Vec<Effect> {
    match question.answer() {
        Ok(confirmed) => orders::send(model, confirmed),
        Err(question) => {
            model.overlay = Some(Overlay::Confirm(question));
            Vec::new()
        }
    }
}

fn theme(model: &mut Model, chord: Chord, selected: usize, before: String) -> Vec<Effect> {
    let last = model.themes.len().saturating_sub(1);
    if let Some(by) = step(chord) {
        let selected = selected.saturating_add_signed(by).min(last);
        model.overlay = Some(Overlay::Theme { selected, before });
        let name = model.themes.get(selected).cloned();
        return name.map(|name| use_theme(model, name)).unwrap_or_default();
    }
    match chord.code {
        Code::Enter => Vec::new(),
        Code::Esc | Code::Char('q' | 'T') => use_theme(model, before),
        _ => {
            model.overlay = Some(Overlay::Theme { selected, before });
            Vec::new()
        }
    }
}

fn use_theme(model: &mut Model, name: String) -> Vec<Effect> {
    model.theme.clone_from(&name);
    vec![Effect::UseTheme(name)]
}

fn strategy(model: &mut Model, chord: Chord, upstream: String, selected: usize) -> Vec<Effect> {
    if let Some(by) = step(chord) {
        let selected = selected.saturating_add_signed(by).min(STRATEGIES.len() - 1);
        model.overlay = Some(Overlay::Strategy { upstream, selected });
        return Vec::new();
    }
    match chord.code {
        Code::Enter => orders::strategy(model, &upstream, STRATEGIES[selected]),
        Code::Esc | Code::Char('q') => Vec::new(),
        _ => {
            model.overlay = Some(Overlay::Strategy { upstream, selected });
            Vec::new()
        }
    }
}

/// Keys that move in a list of choices; letters are text where text is typed.
fn step(chord: Chord) -> Option<isize> {
    match (chord.code, chord.is_ctrl) {
        (Code::Down | Code::Tab, _) | (Code::Char('n'), true) => Some(1),
        (Code::Up | Code::BackTab, _) | (Code::Char('p'), true) => Some(-1),
        (Code::PageDown, _) => Some(10),
        (Code::PageUp, _) => Some(-10),
        _ => None,
    }
}

fn typed(input: &mut Input, press: Press) {
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
