//! Who did what, and what came of it: newest first, in short on the Overview, in full here.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::text;
use crate::control::wire::{EventRecord, Severity};

use super::canvas::{Canvas, content, row, take};
use super::listing::Listing;
use super::section::{self, Heading};
use super::state;
use crate::tui::model::panel::{Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::{self, Row};
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "events",
    title: "Events",
    short_title: "Ev",
    help: "who did what, and what came of it",
    panels: &[PanelFacts::rows("events", rows::events)],
};

/// Rows below the table, beside the selected event's result: rule, and the command.
const DETAIL_HEIGHT: u16 = 2;
const RESULT_HEIGHT_MAX: usize = 6;
const DETAIL_HEIGHT_MIN: u16 = 14;

pub(super) fn brief(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::Events);
    table(canvas, area, &listing);
}

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let listing = Listing::of(canvas, Panel::EventTable);
    let mut rest = body;
    let has_detail = body.height >= DETAIL_HEIGHT_MIN && !canvas.model.is_zoomed;
    let detail_height = match listing.selected() {
        Some(Row::Event(event)) if has_detail => DETAIL_HEIGHT + result_height(event),
        _ => 0,
    };
    let area = take(&mut rest, body.height - detail_height);
    table(canvas, area, &listing);
    if let Some(Row::Event(event)) = listing.selected().filter(|_| has_detail) {
        detail(canvas, rest, event);
    }
}

fn table<'a>(canvas: &mut Canvas<'a>, area: Rect, listing: &Listing<'a>) {
    let events = canvas.model.events.iter();
    let widest = events.clone().map(|event| pen::width(&event.target)).max().unwrap_or(0);
    let verbs = events.map(|event| pen::width(&event.verb)).max().unwrap_or(0);
    let columns = [
        Column::left("", 9),
        Column::left("", 10).priority(3),
        Column::name("", verbs, (8, 12)),
        Column::name("", widest, (14, 24)),
        Column::left("", 12).priority(2).grow(120),
    ];
    let count = listing.count(area.height.saturating_sub(1));
    let facts = format!("{count}{}newest first", canvas.skin.glyphs.separator);
    let facts = canvas.cell(facts, Role::Dim);
    let heading = Heading { title: "Events", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, listing, &heading, |canvas, row, placed, y| {
        let Row::Event(event) = row else { return };
        let cells = cells(canvas, event);
        canvas.row(placed, y, &cells);
    });
}

fn cells<'a>(canvas: &Canvas<'a>, event: &'a EventRecord) -> Vec<Line<'a>> {
    let who_role = if event.who == "engine" { Role::Dim } else { Role::Accent };
    // The user's number is with the selected event.
    let name = event.who.split(" (").next().unwrap_or_default();
    let result_role = match event.severity {
        Severity::Info => Role::Dim,
        Severity::Good | Severity::Warn | Severity::Bad => state::severity_role(event.severity),
    };
    vec![
        canvas.cell(format!("{}Z", number::clock(event.wall_ms)), Role::Dim),
        canvas.cell(text::plain(name), who_role),
        canvas.cell(text::plain(&event.verb), Role::Bright),
        canvas.cell(text::plain(&event.target), Role::Text),
        canvas.cell(text::plain(brief_result(event)), result_role),
    ]
}

/// The whole result, and the command that would do the same.
fn detail(canvas: &mut Canvas, mut area: Rect, event: &EventRecord) {
    let rule_row = take(&mut area, 1);
    let age = number::age(canvas.model.seen_ms().saturating_sub(event.wall_ms));
    let who = text::plain(&event.who);
    canvas.rule(rule_row, "Selected", format!("by {who}, {age} ago"));
    let area = content(area);
    let lines: Vec<&str> = event.result.lines().collect();
    let height = result_height(event);
    for (at, words) in (0..height).zip(&lines) {
        let result = canvas.cell(text::plain(words), Role::Text);
        canvas.line(row(area, at), &result);
    }
    let line = if event.cli.is_empty() {
        canvas.cell("no command does the same", Role::Dim)
    } else {
        Line::from(vec![
            canvas.span("the same by command: ", Role::Dim),
            canvas.strong(text::plain(&event.cli), Role::Bright),
        ])
    };
    canvas.line(row(area, height), &line);
}

/// A refused configuration is told with the lines it is about.
fn result_height(event: &EventRecord) -> u16 {
    event.result.lines().count().clamp(1, RESULT_HEIGHT_MAX) as u16
}

/// A result on one line: the first of several.
fn brief_result(event: &EventRecord) -> &str {
    event.result.lines().next().unwrap_or_default()
}
