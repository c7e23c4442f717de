//! What each action of the registry does. Orders go through `orders`; all else is done here.

use crate::control::requests::RequestRecord;
use crate::control::wire::Severity;
use crate::tui::action::{Id, hint};
use crate::tui::model::key::Key;
use crate::tui::model::log_find::{Purpose, Towards};
use crate::tui::model::panel::{Panel, View};
use crate::tui::model::{Model, rows, split};
use crate::tui::msg::Effect;

use super::cursor::{self, Cause, Move};
use super::{
    attach, copy, folds, log_find, logs, marks, nodes, orders, overlays, past, pointer, requests,
    signals, sorting,
};

/// `target` is given by the palette; keys act on the row under the cursor.
pub(super) fn perform(model: &mut Model, id: Id, target: Option<&Key>) -> Vec<Effect> {
    match id {
        Id::Up
        | Id::Down
        | Id::Top
        | Id::Bottom
        | Id::HalfUp
        | Id::HalfDown
        | Id::PageUp
        | Id::PageDown => cursor::go(model, stride(model, id)),
        Id::NextPanel => next_panel(model, 1),
        Id::PreviousPanel => next_panel(model, -1),
        Id::Show(view) => show(model, view),
        Id::Open => return open(model),
        Id::Back => back(model),
        Id::Log => log(model, target),
        Id::Follow if model.focus() == Panel::RequestTable => requests::resume(model),
        Id::Follow => model.open_log_mut().follow(),
        Id::Pause => past::pause(model),
        Id::Travel(step) => past::travel(model, step),
        Id::Then => past::then(model),
        Id::Wrap => wrap(model),
        Id::Include => logs::turn_requests(model),
        Id::Search => log_find::open(model, Purpose::Search),
        Id::Keep => log_find::open(model, Purpose::Keep),
        Id::NextMatch => log_find::next(model, Towards::Older),
        Id::PreviousMatch => log_find::next(model, Towards::Newer),
        Id::Signal => signals::open(model, target),
        Id::Attach => attach::open(model, target),
        Id::SortNext => sorting::step(model, 1),
        Id::SortPrevious => sorting::step(model, -1),
        Id::SortReverse => sorting::reverse(model),
        Id::Fold => folds::turn(model),
        Id::FoldAll => folds::turn_all(model),
        Id::Mark => marks::turn(model),
        Id::MarkRange => marks::range(model),
        Id::Zoom => zoom(model),
        Id::Split => split(model),
        Id::Filter => overlays::open_filter(model),
        Id::Theme => overlays::open_theme(model),
        Id::Strategy => overlays::open_strategy(model, target),
        Id::Add => overlays::open_add(model, target),
        Id::WhatIf => model.lower = model.lower.next(),
        Id::Nodes => nodes::open(model),
        Id::Palette => overlays::open_palette(model),
        Id::Help => overlays::open_help(model),
        Id::Mouse => return pointer::turn(model),
        Id::Copy => match copy::take(model) {
            Some(effect) => return vec![effect],
            None => model.say(Severity::Info, "there is nothing to copy here"),
        },
        Id::Export => overlays::open_export(model),
        Id::Repaint => return vec![Effect::Repaint],
        Id::Suspend => return vec![Effect::Suspend],
        Id::Quit => return quit(model),
        Id::Detach => return vec![Effect::Detach],
        #[rustfmt::skip]
        Id::Restart | Id::Roll | Id::Start | Id::Stop | Id::Kill | Id::Clear | Id::ReloadProgram
        | Id::ScaleUp | Id::ScaleDown | Id::Drain | Id::Cut | Id::Remove | Id::Enable | Id::TakeDown
        | Id::WeightUp | Id::WeightDown | Id::Reset | Id::Undo | Id::Reload | Id::Apply | Id::Revert
        | Id::Reopen | Id::Upgrade | Id::Shutdown => return orders::order(model, id, target),
    }
    Vec::new()
}

fn zoom(model: &mut Model) {
    model.is_zoomed = !model.is_zoomed;
    cursor::settle(model, Cause::Operator);
}

fn split(model: &mut Model) {
    model.turn_split();
    model.is_zoomed = false;
    if model.beside.is_some() && !split::has_room(model) {
        model.beside = None;
        let text = "two views need 24 rows, or 140 columns";
        model.say(Severity::Info, text.to_owned());
    }
    cursor::settle(model, Cause::Operator);
}

/// How far a moving key goes; a page is what the screen shows.
fn stride(model: &Model, id: Id) -> Move {
    let half = isize::try_from(model.size.height / 2).unwrap_or(isize::MAX).max(2);
    let strides = [
        (Id::Up, Move::By(-1)),
        (Id::Down, Move::By(1)),
        (Id::Top, Move::First),
        (Id::Bottom, Move::Last),
        (Id::HalfUp, Move::By(-half)),
        (Id::HalfDown, Move::By(half)),
        (Id::PageUp, Move::By(-half * 2)),
        (Id::PageDown, Move::By(half * 2)),
    ];
    strides.iter().find(|(key, _)| *key == id).map_or(Move::By(0), |(_, stride)| *stride)
}

fn wrap(model: &mut Model) {
    let log = model.open_log_mut();
    log.is_wrapped = !log.is_wrapped;
}

fn show(model: &mut Model, view: View) {
    model.turn_to(view);
    model.is_zoomed = false;
    cursor::settle(model, Cause::Operator);
}

/// In Balance the panels are the upstreams.
fn next_panel(model: &mut Model, by: isize) {
    if model.view != View::Balance {
        return cursor::turn_focus(model, by);
    }
    let upstreams = &model.moment.upstreams;
    if upstreams.is_empty() {
        return;
    }
    let at = model
        .balance_upstream()
        .and_then(|shown| upstreams.iter().position(|row| row.name == shown.name))
        .unwrap_or(0);
    let to = (at as isize + by).rem_euclid(upstreams.len() as isize) as usize;
    model.balance_of = Some(upstreams[to].name.clone());
    cursor::settle(model, Cause::Operator);
}

/// From a row to the view that shows it in full; from a node to that node alone.
fn open(model: &mut Model) -> Vec<Effect> {
    let key = rows::selected(model).map(|row| row.key());
    if let Some(Key::Node { name }) = key {
        return nodes::choose(model, model.nodes.named(&name));
    }
    open_row(model);
    Vec::new()
}

fn open_row(model: &mut Model) {
    let Some(row) = rows::selected(model) else { return };
    let key = match &row {
        // An event leads to what it is about, when that is still there.
        rows::Row::Event(event) => {
            let target = event.target.clone();
            match rows::find(model, &target) {
                Some(key) => key,
                None => return model.say(Severity::Info, format!("{target} is not there to open")),
            }
        }
        rows::Row::Request(record) => match backend_of(model, record) {
            Some(key) => key,
            None => return model.say(Severity::Info, "no backend of it is there to open"),
        },
        rows::Row::Plan(row) => match hint::named_by(model, row) {
            Some(key) => key,
            None => return model.say(Severity::Info, "there is nothing of it to open"),
        },
        rows::Row::Alarm(_) | rows::Row::Record(_) => return,
        rows::Row::Attention(_)
        | rows::Row::Upstream(_)
        | rows::Row::Backend(_)
        | rows::Row::Program(_)
        | rows::Row::Worker(_) => row.key(),
    };
    open_key(model, key);
}

/// The backend that a request was sent to last, in the life that is there now.
fn backend_of(model: &Model, record: &RequestRecord) -> Option<Key> {
    let (upstream, name) = (record.upstream.as_deref()?, record.backend.as_deref()?);
    let row = model.backends_of(upstream).find(|row| row.backend.name == name)?;
    Some(Key::of_backend(row))
}

fn open_key(model: &mut Model, key: Key) {
    model.is_zoomed = false;
    let view = model.view;
    match &key {
        Key::Backend { upstream, .. } if view == View::Backends => {
            model.balance_of = Some(upstream.clone());
            cursor::put(model, View::Balance, Panel::BalanceTable, Some(key));
        }
        Key::Upstream { name } if view == View::Backends => {
            model.balance_of = Some(name.clone());
            cursor::put(model, View::Balance, Panel::BalanceTable, None);
        }
        Key::Program { .. } if view == View::Programs => {
            cursor::put(model, View::Programs, Panel::ProgramLog, None);
        }
        Key::Backend { .. } | Key::Upstream { .. } => {
            cursor::put(model, View::Backends, Panel::BackendTable, Some(key));
        }
        Key::Program { .. } => {
            cursor::put(model, View::Programs, Panel::ProgramTable, Some(key));
        }
        Key::Worker { .. } => cursor::put(model, View::Workers, Panel::WorkerTable, Some(key)),
        Key::Request { .. } => cursor::put(model, View::Requests, Panel::RequestTable, Some(key)),
        Key::Alarm { .. } => cursor::put(model, View::Requests, Panel::AlarmTable, Some(key)),
        Key::Event { .. } => cursor::put(model, View::Events, Panel::EventTable, Some(key)),
        // Of those that need attention, limits.
        Key::Record { .. } => cursor::put(model, View::Workers, Panel::LimitTable, Some(key)),
        Key::Node { .. } => {}
        // What is wrong with the file is told with its places there.
        Key::Config | Key::Plan { .. } => {
            cursor::put(model, View::Config, Panel::ConfigTable, None);
        }
    }
}

/// One level up: marks, filter, zoom, focus, then the Overview. Never out of the console.
fn back(model: &mut Model) {
    let focus = model.focus();
    if !model.marks.is_empty() {
        model.marks.clear();
    } else if !model.lists.of(focus).filter.is_empty() {
        model.lists.of_mut(focus).filter.clear();
    } else if model.is_zoomed {
        model.is_zoomed = false;
    } else if focus.is_log() && log_find::clear(model) {
        // What was searched for or left out is undone first.
    } else if focus != model.view.panels()[0] {
        model.lists.set_focus(model.view, model.view.panels()[0]);
    } else if model.past.is_some() {
        past::leave(model);
    } else {
        model.notice = None;
    }
    cursor::settle(model, Cause::Operator);
}

/// `q` leaves a zoom or the past first.
fn quit(model: &mut Model) -> Vec<Effect> {
    if model.is_zoomed {
        model.is_zoomed = false;
        return Vec::new();
    }
    if model.past.is_some() {
        past::leave(model);
        return Vec::new();
    }
    vec![Effect::Detach]
}

fn log(model: &mut Model, target: Option<&Key>) {
    let key = target.cloned().or_else(|| rows::selected(model).map(|row| row.key()));
    let program = match &key {
        Some(Key::Program { .. }) => key.clone(),
        Some(Key::Backend { key, .. }) => {
            let row = model.backend(*key).and_then(|row| model.program_of(row));
            row.map(Key::of_program)
        }
        Some(
            Key::Upstream { .. }
            | Key::Worker { .. }
            | Key::Event { .. }
            | Key::Request { .. }
            | Key::Plan { .. }
            | Key::Alarm { .. }
            | Key::Record { .. }
            | Key::Config
            | Key::Node { .. },
        )
        | None => None,
    };
    let Some(program) = program else {
        return model.say(Severity::Info, "no program of ours is behind this row");
    };
    model.is_zoomed = false;
    cursor::put(model, View::Programs, Panel::ProgramTable, Some(program));
    cursor::put(model, View::Programs, Panel::ProgramLog, None);
}
