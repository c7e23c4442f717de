//! The first screen: what is wrong, what flows, and everything else in one line each.
//!
//! How many rows each section gets depends on the terminal and on how many upstreams and workers
//! there are, never on how much is wrong, so that nothing moves when something happens.

mod flow;
mod programs;
mod upstreams;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::text;

use super::canvas::{Canvas, take};
use super::listing::Listing;
use super::section::{self, Heading};
use super::{backends, events, state, workers};
use crate::tui::action;
use crate::tui::action::hint;
use crate::tui::model::Model;
use crate::tui::model::attention::{self, Attention};
use crate::tui::model::panel::{Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::{self, Row};
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(super) use programs::tally;

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "overview",
    title: "Overview",
    short_title: "Ovr",
    help: "what needs attention, traffic, everything in short",
    panels: &[
        PanelFacts::rows("matters", matters).when_empty(|_| Empty::Fits("nothing needs attention")),
        PanelFacts::rows("upstreams", every_upstream)
            .at_height(16)
            .when_empty(|_| backends::NO_UPSTREAMS),
        PanelFacts::rows("workers", rows::workers)
            .at_height(24)
            .when_empty(|_| workers::NO_WORKERS),
        PanelFacts::rows("programs", rows::programs)
            .sorted_by("state")
            .at_height(16)
            .when_empty(|_| super::programs::NO_PROGRAMS),
        PanelFacts::rows("events", rows::events).at_height(24),
    ],
};

fn matters(model: &Model) -> Vec<Row<'_>> {
    attention::list(model).into_iter().map(|it| Row::Attention(Box::new(it))).collect()
}

fn every_upstream(model: &Model) -> Vec<Row<'_>> {
    model.moment.upstreams.iter().map(Row::Upstream).collect()
}

/// Below this width a row that needs attention does not say what kind of thing it is.
const KIND_WIDTH_MIN: u16 = 110;
/// Which column of it says what is wrong.
const TEXT: usize = 3;
/// Below this width it shows the key that helps without its name.
const REMEDY_WIDTH_MIN: u16 = 80;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let shown = canvas.shown();
    let mut rest = body;
    for (part, height) in plan(canvas, body, &shown) {
        let area = take(&mut rest, height);
        match part {
            Part::Traffic => flow::draw(canvas, area),
            Part::Panel(Panel::Attention) => attention(canvas, area),
            Part::Panel(Panel::Upstreams) => upstreams::draw(canvas, area),
            Part::Panel(Panel::Workers) => workers::brief(canvas, area),
            Part::Panel(Panel::Programs) => programs::draw(canvas, area),
            Part::Panel(_) => events::brief(canvas, area),
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Traffic,
    Panel(Panel),
}

/// Rows for each section, its rule included: first what each needs, then what is left, in order of
/// worth.
fn plan(canvas: &Canvas, body: Rect, shown: &[Panel]) -> Vec<(Part, u16)> {
    if let [only] = shown {
        return vec![(Part::Panel(*only), body.height)];
    }
    let live = &canvas.model.moment;
    let count = |rows: usize| rows.clamp(1, 64) as u16;
    let (least, most): (&[u16], &[u16]) = match body.height {
        0..19 => (&[3, 1, 3, 1, 2, 2], &[4, 1, 6, 2, 6, 6]),
        19..25 => (&[3, 3, 4, 1, 2, 2], &[4, 3, 6, 2, 4, 4]),
        25..37 => (&[3, 4, 4, 1, 4, 2], &[4, 4, 8, 4, 8, 12]),
        _ => (&[5, 4, 4, 2, 6, 5], &[8, 4, 16, 8, 24, 64]),
    };
    let upstreams = count(live.upstreams.len());
    let workers = count(workers::brief_rows(live.workers.len(), body.width));
    let programs = count(live.programs.len());
    let wanted = [
        most[0],
        most[1],
        upstreams.min(most[2]),
        workers.min(most[3]),
        programs.min(most[4]),
        most[5],
    ];
    let parts = [
        Part::Panel(Panel::Attention),
        Part::Traffic,
        Part::Panel(Panel::Upstreams),
        Part::Panel(Panel::Workers),
        Part::Panel(Panel::Programs),
        Part::Panel(Panel::Events),
    ];
    let is_shown = |part: Part| match part {
        Part::Traffic => true,
        Part::Panel(panel) => shown.contains(&panel),
    };
    let rule = |part: Part, rows: u16| match part {
        Part::Traffic if rows == 1 => 0,
        Part::Traffic | Part::Panel(_) => 1,
    };
    let mut heights: Vec<(Part, u16, u16)> = (0..parts.len())
        .filter(|at| is_shown(parts[*at]))
        .map(|at| (parts[at], least[at].min(wanted[at]), wanted[at]))
        .collect();
    let used: u16 = heights.iter().map(|(part, rows, _)| rows + rule(*part, *rows)).sum();
    let mut spare = body.height.saturating_sub(used);
    for worth in [2, 0, 3, 4, 5, 1] {
        let same = |part: Part| match (part, parts[worth]) {
            (Part::Traffic, Part::Traffic) => true,
            (Part::Panel(one), Part::Panel(other)) => one == other,
            (Part::Traffic, Part::Panel(_)) | (Part::Panel(_), Part::Traffic) => false,
        };
        if let Some((_, rows, wanted)) = heights.iter_mut().find(|(part, ..)| same(*part)) {
            let more = wanted.saturating_sub(*rows).min(spare);
            *rows += more;
            spare -= more;
        }
    }
    heights.into_iter().map(|(part, rows, _)| (part, rows + rule(part, rows))).collect()
}

fn attention(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::Attention);
    // What it says about itself is worth more than what it is called.
    let is_narrow = area.width < REMEDY_WIDTH_MIN;
    let kind_width = if area.width >= KIND_WIDTH_MIN { 8 } else { 0 };
    let columns = [
        Column::left("", state::WIDTH),
        Column::left("", kind_width).priority(3),
        Column::name("", widest_name(canvas), (12, 28)),
        Column::left("", 13).priority(2).grow(80),
        Column::right("", 6).priority(2),
        Column::left("", if is_narrow { 5 } else { 10 }),
    ];
    let count = listing.count(area.height.saturating_sub(1));
    let facts = if listing.rows.is_empty() {
        Line::default()
    } else {
        canvas.cell(format!("{count}{}worst first", canvas.skin.glyphs.separator), Role::Dim)
    };
    let heading = Heading { title: "Attention", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Attention(row) = row else { return };
        let room = placed.cell(TEXT, y).map_or(0, |cell| cell.width);
        let mut cells = attention_cells(canvas, row, is_narrow);
        // Better a whole clause than half of the next; half of the first is better than nothing.
        let text = text::plain(&row.text);
        let clauses = pen::clauses(&text, room);
        if !clauses.is_empty() {
            cells[TEXT] = canvas.cell(clauses.to_owned(), Role::Text);
        }
        canvas.row(placed, y, &cells);
    });
}

/// Of all that could need attention, so that the column keeps its place.
fn widest_name(canvas: &Canvas) -> u16 {
    let live = &canvas.model.moment;
    let backends = live
        .backends
        .iter()
        .map(|row| pen::width(&row.upstream) + 1 + pen::width(&row.backend.name));
    let programs = live.programs.iter().map(|row| pen::width(&row.program.name) + 3);
    backends.chain(programs).max().unwrap_or(0)
}

fn attention_cells<'a>(canvas: &Canvas<'a>, row: &Attention, is_narrow: bool) -> Vec<Line<'a>> {
    let look = state::attention(row.word, row.severity, canvas.skin);
    let age = if row.since_ms == 0 {
        canvas.none()
    } else {
        let age = canvas.model.seen_ms().saturating_sub(row.since_ms);
        canvas.cell(number::age(age), Role::Dim)
    };
    let remedy = hint::remedy(canvas.model, &row.key)
        .filter(|id| canvas.model.may_operate() || !action::of(*id).is_order());
    let remedy = remedy.map_or(Line::default(), |id| {
        let action = action::of(id);
        Line::from(vec![
            canvas.strong(canvas.model.keys.name(id), Role::Accent),
            canvas.span(
                if is_narrow { String::new() } else { format!(" {}", action.label) },
                Role::Text,
            ),
        ])
    });
    vec![
        canvas.state(&row.key, look, row.word),
        canvas.cell(row.kind, Role::Dim),
        canvas.bold(row.name.clone(), Role::Bright),
        canvas.cell(text::plain(&row.text).into_owned(), Role::Text),
        age,
        remedy,
    ]
}
