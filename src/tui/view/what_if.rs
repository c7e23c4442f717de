//! What another strategy would do with the requests as they came: a model, and always said to be one.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::explain::{Explanation, Held, LABEL, Modelled, words};
use crate::control::wire::UpstreamRow;

use super::canvas::{Canvas, content, row, take};
use crate::tui::model::overlay::STRATEGIES;
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column, Placed};
use crate::tui::widget::rule::Rule;
use crate::tui::widget::{bar, number, pen};

/// Rule, titles and a strategy.
pub(super) const HEIGHT_MIN: u16 = 3;
/// Which column holds the strip of shares.
const STRIP: usize = 6;
/// Cells of a strategy's name, of a figure's, and of one backend, in the whole picture.
const NAME: u16 = 15;
const FIGURE: u16 = 14;
const BACKEND: u16 = 8;
/// Figures of a strategy, backend by backend.
const FIGURES: [&str; 3] = ["share", "max in flight", "p99"];

/// Rows that the short table needs for everything.
pub(super) fn height(canvas: &Canvas, upstream: &UpstreamRow) -> u16 {
    let known = canvas.model.explained.of(upstream);
    let count = known.map_or(STRATEGIES.len(), |known| known.what_if.strategies.len());
    count.clamp(1, 32) as u16 + HEIGHT_MIN - 1
}

/// One row a strategy.
pub(super) fn short(canvas: &mut Canvas, mut area: Rect, upstream: &UpstreamRow) {
    let Some(explanation) = begin(canvas, &mut area, upstream) else { return };
    let columns = [
        Column::left("strategy", NAME),
        Column::right("max share", 9),
        Column::right("max in flight", 13).priority(3),
        Column::right("est. p95", 8),
        Column::right("est. p99", 8).priority(4),
        Column::right("clients split", 13).priority(5),
        Column::left("shares", 10).priority(2).grow(40),
    ];
    let placed = columns::place(&columns, indented(content(area)));
    let titles = take(&mut area, 1);
    placed.titles(canvas.buffer, titles.y, titles.x, canvas.skin);
    for (at, modelled) in (0..).zip(&explanation.what_if.strategies) {
        let place = row(content(area), at);
        if place.height == 0 {
            break;
        }
        strategy(canvas, &placed, place, modelled);
    }
}

fn strategy(canvas: &mut Canvas, placed: &Placed, place: Rect, modelled: &Modelled) {
    let name = name(canvas, modelled);
    running(canvas, place, modelled);
    if !modelled.impossible.is_empty() {
        canvas.row(placed, place.y, &[name]);
        let x = (place.x + 2 + NAME + 2).min(place.right());
        let rest = Rect { x, width: place.right() - x, ..place };
        let text = format!("not possible: the upstream {}", modelled.impossible);
        let line = canvas.cell(text, Role::Dim);
        canvas.line(rest, &line);
        return;
    }
    let split = number::percent(modelled.clients_split);
    let cells = [
        name,
        canvas.bold(number::percent(modelled.max_share), Role::Bright),
        canvas.cell(number::count(u64::from(modelled.in_flight_max)), Role::Text),
        canvas.latency(u64::from(modelled.service_us.p95)),
        canvas.latency(u64::from(modelled.service_us.p99)),
        canvas.cell(split, Role::Text),
    ];
    canvas.row(placed, place.y, &cells);
    if let Some(strip) = placed.cell(STRIP, place.y) {
        bar::shares(canvas.buffer, strip, &shares(modelled), canvas.skin);
    }
}

/// Every figure of every strategy, backend by backend, as far as there is room.
pub(super) fn whole(canvas: &mut Canvas, mut area: Rect, upstream: &UpstreamRow) {
    let Some(explanation) = begin(canvas, &mut area, upstream) else { return };
    let titles = take(&mut area, 1);
    let what_if = &explanation.what_if;
    backend_titles(canvas, content(titles), &what_if.backends);
    let area = content(area);
    let count = what_if.strategies.len().max(1);
    let figures = (usize::from(area.height) / count).clamp(1, FIGURES.len());
    for (at, modelled) in what_if.strategies.iter().enumerate() {
        for (figure, label) in FIGURES.iter().enumerate().take(figures) {
            let place = row(area, (at * figures + figure) as u16);
            if place.height == 0 {
                return;
            }
            if figure == 0 {
                running(canvas, place, modelled);
                let name = name(canvas, modelled);
                canvas.line(part(place, 2, NAME), &name);
            }
            if !modelled.impossible.is_empty() {
                if figure == 0 {
                    let text = format!("not possible: the upstream {}", modelled.impossible);
                    let line = canvas.cell(text, Role::Dim);
                    canvas.line(part(place, 2 + NAME + 2, u16::MAX), &line);
                }
                continue;
            }
            let label = canvas.cell(*label, Role::Dim);
            canvas.line(part(place, 2 + NAME, FIGURE), &label);
            figure_row(canvas, part(place, 2 + NAME + FIGURE, u16::MAX), modelled, figure);
        }
    }
}

fn backend_titles(canvas: &mut Canvas, area: Rect, backends: &[String]) {
    let title = canvas.cell("strategy", Role::Dim);
    canvas.line(part(area, 2, NAME), &title);
    for (at, name) in telling(backends).into_iter().enumerate() {
        let place = part(area, backend_x(at), BACKEND);
        let end =
            pen::shorten(tail(name), BACKEND - 3, pen::Clip::End, canvas.skin.glyphs.ellipsis);
        let line = Line::from(vec![
            canvas.span(format!("{} ", canvas.skin.glyphs.swatch), Role::series(at)),
            canvas.span(end.into_owned(), Role::Dim),
        ]);
        canvas.right(Rect { width: place.width.min(BACKEND - 1), ..place }, &line);
    }
}

/// Without the port where all have the same.
fn telling(backends: &[String]) -> Vec<&str> {
    let parts = || backends.iter().map(|name| name.rsplit_once(':').unwrap_or((name, "")));
    let is_same = parts().all(|(_, port)| Some(port) == parts().next().map(|(_, port)| port));
    if is_same && backends.len() > 1 {
        parts().map(|(host, _)| host).collect()
    } else {
        backends.iter().map(String::as_str).collect()
    }
}

/// What tells the addresses of one upstream apart stands at their ends.
fn tail(name: &str) -> &str {
    let start = name.char_indices().rev().nth(usize::from(BACKEND) - 4).map_or(0, |(at, _)| at);
    &name[start..]
}

fn backend_x(at: usize) -> u16 {
    2 + NAME + FIGURE + (at as u16).saturating_mul(BACKEND)
}

fn figure_row(canvas: &mut Canvas, area: Rect, modelled: &Modelled, figure: usize) {
    for (at, share) in modelled.parts.iter().enumerate() {
        let place = part(area, (at as u16).saturating_mul(BACKEND), BACKEND - 1);
        let cell = match figure {
            0 => canvas.bold(number::percent(share.share), Role::Bright),
            1 => canvas.cell(number::count(u64::from(share.in_flight_max)), Role::Text),
            _ => canvas.latency(u64::from(share.service_us.p99)),
        };
        canvas.right(place, &cell);
    }
}

/// The rule, and the explanation when there is something to show; else says why there is not.
fn begin<'a>(
    canvas: &mut Canvas<'a>,
    area: &mut Rect,
    upstream: &UpstreamRow,
) -> Option<&'a Explanation> {
    let rule = take(area, 1);
    let explanation = canvas.model.explained.of(upstream);
    let Some(explanation) = explanation.filter(|it| it.what_if.held.arrivals > 0) else {
        canvas.rule(rule, "What if", LABEL.to_owned());
        let why = match (canvas.model.explained.why.as_str(), explanation) {
            ("", Some(_)) => "no request in the last minute to replay",
            ("", None) => "asking the engine",
            (why, _) => why,
        };
        let line = canvas.cell(why.to_owned(), Role::Dim);
        canvas.line(row(content(*area), 0), &line);
        return None;
    };
    let separator = canvas.skin.glyphs.separator;
    let room = usize::from(rule.width).saturating_sub(24);
    let facts = facts(&explanation.what_if.held)
        .into_iter()
        .map(|held| format!("{held}{separator}{LABEL}"))
        .find(|facts| usize::from(pen::width(facts)) <= room)
        .unwrap_or_else(|| LABEL.to_owned());
    let facts = canvas.cell(facts, Role::Dim);
    Rule::new("What if", canvas.skin).facts(facts).draw(canvas.buffer, rule, canvas.skin);
    Some(explanation)
}

/// What was replayed: in full, and as short as is still honest.
pub(super) fn facts(held: &Held) -> [String; 2] {
    [words::held(held), words::held_short(held)]
}

fn name(canvas: &Canvas, modelled: &Modelled) -> Line<'static> {
    let text = modelled.strategy.replace('_', " ");
    if modelled.is_running {
        canvas.bold(text, Role::Bright)
    } else {
        canvas.cell(text, Role::Text)
    }
}

fn running(canvas: &mut Canvas, place: Rect, modelled: &Modelled) {
    if modelled.is_running {
        let sign = canvas.cell(canvas.skin.glyphs.folded, Role::Ok);
        canvas.line(Rect { width: place.width.min(1), ..place }, &sign);
    }
}

pub(super) fn shares(modelled: &Modelled) -> Vec<f64> {
    modelled.parts.iter().map(|part| part.share).collect()
}

/// Beside the sign of the running one.
fn indented(area: Rect) -> Rect {
    part(area, 2, u16::MAX)
}

fn part(area: Rect, x: u16, width: u16) -> Rect {
    let x = x.min(area.width);
    Rect { x: area.x + x, width: width.min(area.width - x), ..area }
}
