//! What each screen shows: pure functions of the model and the skin into a buffer of cells.
//!
//! Nothing here changes the model or remembers anything; what is selected, filtered or folded is
//! the model's word. At any size something sensible is drawn and nothing panics.

mod about;
pub(super) mod backends;
pub(super) mod balance;
pub(super) mod canvas;
mod certificates;
pub(super) mod config;
mod detail;
pub(super) mod events;
mod firewall;
mod frame;
mod limits;
mod listing;
pub(super) mod logs;
mod nodes;
mod over_time;
mod overlay;
pub(super) mod overview;
pub(super) mod programs;
pub(super) mod requests;
mod ruler;
mod section;
mod servers;
mod state;
mod verdict;
mod welcome;
mod what_if;
pub(super) mod workers;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_fit;
#[cfg(test)]
mod fixture_logs;
#[cfg(test)]
mod fixture_nodes;
#[cfg(test)]
mod fixture_past;
#[cfg(test)]
mod fixture_plan;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::model::overlay::Overlay;
use super::model::pointer::Hit;
use super::model::split::{self, Pane, Split};
use super::model::{Model, Welcome};
use super::theme::skin::Skin;

use canvas::Canvas;

/// Draws the whole screen. `area` is the terminal, as `model.size` says. Returns what a pointer would
/// be on, later ones above earlier ones.
pub(crate) fn render(
    buffer: &mut Buffer,
    area: Rect,
    model: &Model,
    skin: &Skin,
) -> Vec<(Rect, Hit)> {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return Vec::new();
    }
    for position in area.positions() {
        buffer[position].reset();
    }
    buffer.set_style(area, skin.base());
    let pane = split::main(model);
    let mut canvas = Canvas { buffer, model, skin, pane, hits: Vec::new() };
    if frame::is_tiny(area) {
        frame::one_line(&mut canvas, area);
        return canvas.hits;
    }
    let mut body = frame::draw(&mut canvas, area);
    if let Some(other) = split::other(model) {
        beside(&mut canvas, &mut body, other);
    }
    canvas.pane.view.draw(&mut canvas, body);
    over(&mut canvas, area);
    canvas.hits
}

/// The view that is only looked at; `body` keeps what it leaves. A pointer there turns to it.
fn beside(canvas: &mut Canvas, body: &mut Rect, pane: Pane) {
    let mut area = *body;
    if let Split::Rows(_) = split::split(canvas.model) {
        area.height = split::rows_below(body.height);
        body.height -= area.height;
        area.y = body.bottom();
    } else {
        area.width = body.width.saturating_sub(1) / 2;
        body.width -= area.width + 1;
        area.x = body.right() + 1;
    }
    let main = std::mem::replace(&mut canvas.pane, pane);
    let count = canvas.hits.len();
    pane.view.draw(canvas, area);
    canvas.hits.truncate(count);
    canvas.hit(area, Hit::Tab(pane.view));
    canvas.pane = main;
}

/// What lies over the view.
fn over(canvas: &mut Canvas, area: Rect) {
    if canvas.model.welcome == Welcome::Shown && canvas.model.overlay.is_none() {
        welcome::draw(canvas, area);
    }
    match &canvas.model.overlay {
        None | Some(Overlay::Filter { .. } | Overlay::Find { .. } | Overlay::Attached(_)) => {}
        Some(Overlay::Help { filter, scroll }) => {
            overlay::help(canvas, area, filter.value(), *scroll);
        }
        Some(Overlay::Palette { input, selected }) => {
            overlay::palette(canvas, area, input, *selected);
        }
        Some(Overlay::Confirm(question)) => overlay::confirm(canvas, area, question),
        Some(Overlay::Nodes { selected }) => nodes::choice(canvas, area, *selected),
        Some(Overlay::Theme { selected, .. }) => overlay::theme(canvas, area, *selected),
        Some(Overlay::Signal { targets, selected }) => {
            overlay::signal(canvas, area, targets, *selected);
        }
        Some(Overlay::Strategy { upstream, selected }) => {
            overlay::strategy(canvas, area, upstream, *selected);
        }
        Some(Overlay::Export { selected }) => overlay::export(canvas, area, *selected),
    }
}
