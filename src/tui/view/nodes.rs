//! Several engines: whose each row is, how they stand together, and the choice of one.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::wire;

use super::canvas::{Canvas, row};
use crate::tui::model::Link;
use crate::tui::model::key::Key;
use crate::tui::model::nodes::{Node, tag};
use crate::tui::model::pointer::Hit;
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column};
use crate::tui::widget::pen::{self, Clip};
use crate::tui::widget::{number, overlay};

/// Narrower lists have the node in the names of their rows.
const WIDTH_MIN: u16 = 72;
const NAME_WIDTH: (u16, u16) = (4, 12);
/// ` 12s`: how old a row is.
const AGE_WIDTH: u16 = 5;
const CHOICE_WIDTH: u16 = 76;

/// Cells of the column that says whose a row is; none where that need not be said.
pub(super) fn column_width(canvas: &Canvas, area: Rect) -> u16 {
    let nodes = &canvas.model.nodes;
    if !nodes.are_mixed() || area.width < WIDTH_MIN {
        return 0;
    }
    let widest = nodes.all.iter().map(|node| pen::width(&node.name)).max().unwrap_or(0);
    widest.clamp(NAME_WIDTH.0, NAME_WIDTH.1) + AGE_WIDTH
}

/// Writes whose row it is; returns what its name need not say then.
pub(super) fn cell(canvas: &mut Canvas, key: &Key, area: Rect) -> Option<String> {
    let model = canvas.model;
    let node = &model.nodes.all[model.nodes.of(key)?];
    let role = if node.link == Link::Live { Role::Dim } else { Role::Bad };
    let age = node.stale_ms(model.now_ms).map(number::age);
    let room = area.width.saturating_sub(AGE_WIDTH);
    let name = pen::shorten(&node.name, room, Clip::Middle, canvas.skin.glyphs.ellipsis);
    let line = Line::from(vec![
        canvas.span(name, role),
        canvas.span(age.map_or_else(String::new, |age| format!(" {age}")), Role::Bad),
    ]);
    canvas.line(area, &line);
    Some(tag::suffix(&node.name))
}

/// How many are there, and the one that was lost first: `2/3 LIVE  x edge2 STALE 12s`.
pub(super) fn standing(canvas: &Canvas) -> Vec<Span<'static>> {
    let (model, glyphs) = (canvas.model, canvas.skin.glyphs);
    let all = &model.nodes.all;
    let live = all.iter().filter(|node| node.link == Link::Live).count();
    let (glyph, role) = match live {
        0 => (glyphs.failed, Role::Bad),
        live if live < all.len() => (glyphs.warning, Role::Warn),
        _ => (glyphs.up, Role::Ok),
    };
    let mut spans = vec![
        canvas.span(format!("{glyph} "), role),
        canvas.strong(format!("{live}/{} LIVE", all.len()), role),
    ];
    let lost = all.iter().filter_map(|node| Some((node.stale_ms(model.now_ms)?, node)));
    if let Some((age_ms, node)) = lost.max_by_key(|(age_ms, _)| *age_ms) {
        let text = format!("  {} {} STALE {}", glyphs.failed, node.name, number::age(age_ms));
        spans.push(canvas.strong(text, Role::Bad));
    }
    spans.push(Span::raw("  "));
    spans
}

/// All together, or one alone.
pub(super) fn choice(canvas: &mut Canvas, area: Rect, selected: usize) {
    let nodes = &canvas.model.nodes;
    let title = Line::from(canvas.strong(" Nodes ", Role::Accent));
    let size = (CHOICE_WIDTH, nodes.all.len() as u16 + 3);
    let inner = overlay::open(canvas.buffer, area, size, &title, canvas.skin);
    let widest = nodes.all.iter().map(|node| pen::width(&node.name)).max().unwrap_or(0);
    let columns = [
        Column::left("", 1),
        Column::name("", widest.max(9), (9, 24)),
        Column::left("", 12),
        Column::right("", 7).priority(3),
        Column::right("", 6).priority(4),
        Column::left("", 9).priority(2).grow(40),
    ];
    let table =
        Rect { x: inner.x + 2.min(inner.width), width: inner.width.saturating_sub(2), ..inner };
    let placed = columns::place(&columns, table);
    for at in 0..=nodes.all.len() {
        let place = row(inner, at as u16);
        if place.height == 0 {
            return;
        }
        let is_current = nodes.chosen.map_or(0, |chosen| chosen + 1) == at;
        let cells = match at.checked_sub(1) {
            Some(node) => node_cells(canvas, &nodes.all[node], is_current),
            None => vec![mark(canvas, is_current), canvas.bold("all nodes", Role::Bright)],
        };
        canvas.row(&placed, place.y, &cells);
        canvas.hit(place, Hit::Choice(at));
        if at == selected {
            pen::select(canvas.buffer, place, canvas.skin);
        }
    }
    let line = canvas.cell("Enter shows it, Esc goes back", Role::Dim);
    canvas.right(row(inner, inner.height.saturating_sub(1)), &line);
}

fn mark(canvas: &Canvas, is_current: bool) -> Line<'static> {
    canvas.cell(if is_current { canvas.skin.glyphs.fits } else { " " }, Role::Ok)
}

fn node_cells<'a>(canvas: &Canvas<'a>, node: &'a Node, is_current: bool) -> Vec<Line<'a>> {
    let glyphs = canvas.skin.glyphs;
    let (glyph, word, role, why) = match &node.link {
        Link::Live => (glyphs.up, "LIVE".to_owned(), Role::Ok, ""),
        Link::Connecting { why } => {
            (glyphs.starting, "CONNECTING".to_owned(), Role::Info, why.as_str())
        }
        Link::Stale { why, .. } => {
            let age = node.stale_ms(canvas.model.now_ms).map(number::age).unwrap_or_default();
            (glyphs.failed, format!("STALE {age}"), Role::Bad, why.as_str())
        }
    };
    let head = &node.snapshot.head;
    let rtt = node.rtt_ms.map_or_else(String::new, |rtt_ms| format!("{rtt_ms}ms"));
    let generation =
        if head.generation > 0 { format!("gen {}", head.generation) } else { String::new() };
    let may = match node.role {
        wire::Role::Operate => "operate",
        wire::Role::Read => "read only",
    };
    let last = if node.link == Link::Live {
        canvas.cell(format!("{may}  {} {}", head.name, head.version), Role::Dim)
    } else {
        canvas.cell(crate::control::text::plain(why), Role::Dim)
    };
    vec![
        mark(canvas, is_current),
        canvas.bold(node.name.as_str(), Role::Bright),
        Line::from(vec![canvas.span(format!("{glyph} "), role), canvas.strong(word, role)]),
        canvas.cell(rtt, Role::Dim),
        canvas.cell(generation, Role::Dim),
        last,
    ]
}
