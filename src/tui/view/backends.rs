//! Backends by upstream, a drain's progress, and the selected row in detail.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::text;
use crate::control::wire::{BackendRow, BackendState, UpstreamRow};

use super::canvas::{Canvas, take};
use super::listing::Listing;
use super::section::{self, Heading};
use super::{detail, state, verdict};
use crate::tui::model::key::Key;
use crate::tui::model::panel::{Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::{self, Row};
use crate::tui::model::{attention, traffic};
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "backends",
    title: "Backends",
    short_title: "Back",
    help: "backends by upstream, drains under way",
    panels: &[PanelFacts::tree("backends", rows::tree).when_empty(|_| NO_UPSTREAMS)],
};

pub(super) const NO_UPSTREAMS: Empty =
    Empty::Says("no upstreams: add [upstream.NAME] to the configuration, then : reload");

/// Rows below the table: a drain with its rule, and the detail with its rule.
const DRAIN_HEIGHT: u16 = 4;
const DRAIN_HEIGHT_SHORT: u16 = 3;
const DETAIL_HEIGHT: u16 = 8;
const DRAIN_HEIGHT_MIN: u16 = 18;
const DETAIL_HEIGHT_MIN: u16 = 26;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let listing = Listing::of(canvas, Panel::BackendTable);
    let mut rest = body;
    let draining = draining(canvas, &listing);
    let is_zoomed = canvas.model.is_zoomed;
    let drain_height = match draining {
        None => 0,
        Some(_) if body.height < DRAIN_HEIGHT_MIN || is_zoomed => 0,
        Some(_) if body.height < DETAIL_HEIGHT_MIN => DRAIN_HEIGHT_SHORT,
        Some(_) => DRAIN_HEIGHT,
    };
    // Beside a drain the rows of the table are worth more than one of them in full.
    let needed = listing.rows.len().min(200) as u16 + 1 + drain_height + DETAIL_HEIGHT;
    let is_crowded = drain_height > 0 && needed > body.height;
    let has_detail = body.height >= DETAIL_HEIGHT_MIN && !is_zoomed && !is_crowded;
    let detail_height = if has_detail { DETAIL_HEIGHT } else { 0 };
    let table_height = body.height.saturating_sub(drain_height + detail_height);
    let table_area = take(&mut rest, table_height);
    table(canvas, table_area, &listing);
    if let Some(row) = draining.filter(|_| drain_height > 0) {
        let area = take(&mut rest, drain_height);
        detail::drain(canvas, area, row);
    }
    match listing.selected() {
        Some(Row::Backend(row)) => detail::backend(canvas, rest, row),
        Some(Row::Upstream(row)) => detail::upstream(canvas, rest, row),
        Some(
            Row::Attention(_)
            | Row::Program(_)
            | Row::Worker(_)
            | Row::Event(_)
            | Row::Request(_)
            | Row::Plan(_)
            | Row::Alarm(_)
            | Row::Record(_),
        )
        | None => {}
    }
}

/// The drain to show: the selected backend's, else the first one under way.
fn draining<'a>(canvas: &Canvas<'a>, listing: &Listing<'a>) -> Option<&'a BackendRow> {
    let is_draining = |row: &&BackendRow| {
        row.backend.drain.is_some() && row.backend.state == BackendState::Draining
    };
    let selected = match listing.selected() {
        Some(Row::Backend(row)) => Some(*row).filter(is_draining),
        _ => None,
    };
    selected.or_else(|| canvas.model.moment.backends.iter().find(is_draining))
}

fn table<'a>(canvas: &mut Canvas<'a>, area: Rect, listing: &Listing<'a>) {
    let model = canvas.model;
    let names = model.moment.backends.iter().map(|row| pen::width(&row.backend.name) + 4);
    let widest = names.max().unwrap_or(0);
    let columns = [
        Column::name("", widest, (16, 34)),
        Column::left("state", 10),
        Column::right("weight", 6).priority(4),
        Column::right(traffic::unit(model), 7).priority(2),
        Column::right("share", 6).priority(3),
        Column::right("in flight", 9),
        Column::right("p95", 6).priority(2),
        Column::right("5xx", 6).priority(5),
        Column::left("since", 6).priority(4),
        Column::left("check", 8).priority(6).grow(60),
    ];
    let upstreams = model.moment.upstreams.len();
    let count = listing.count(area.height.saturating_sub(1));
    let separator = canvas.skin.glyphs.separator;
    let facts = format!(
        "{} backends{separator}{upstreams} upstreams{separator}{count} rows",
        model.moment.backends.len()
    );
    let heading = Heading {
        title: "Backends",
        columns: &columns,
        facts: Some(canvas.cell(facts, Role::Dim)),
    };
    section::table(canvas, area, listing, &heading, |canvas, row, placed, y| {
        let cells = match row {
            Row::Upstream(row) => upstream_cells(canvas, row),
            Row::Backend(row) => backend_cells(canvas, row),
            Row::Attention(_)
            | Row::Program(_)
            | Row::Worker(_)
            | Row::Event(_)
            | Row::Request(_)
            | Row::Plan(_)
            | Row::Alarm(_)
            | Row::Record(_) => return,
        };
        canvas.row(placed, y, &cells);
    });
}

fn upstream_cells<'a>(canvas: &Canvas<'a>, row: &'a UpstreamRow) -> Vec<Line<'a>> {
    let model = canvas.model;
    let members: Vec<&BackendRow> = model.backends_of(&row.name).collect();
    let up = members.iter().filter(|row| attention::takes_requests(row.backend.state)).count();
    let role = match up {
        0 => Role::Bad,
        _ if up < members.len() => Role::Warn,
        _ => Role::Ok,
    };
    let rate = traffic::upstream_rate(model, &row.name).round() as u64;
    let p95_us = u64::from(traffic::upstream_p95_us(model, &row.name));
    let active: u64 = members.iter().map(|row| u64::from(row.backend.active)).sum();
    let is_folded = model.is_folded(&row.name);
    let glyphs = canvas.skin.glyphs;
    let sign = if is_folded { glyphs.folded } else { glyphs.unfolded };
    let name = Line::from(vec![
        canvas.span(format!("{sign} "), Role::Dim),
        canvas.strong(row.name.as_str(), Role::Bright),
        canvas.span(verdict::kind_tag(row.kind), Role::Dim),
        canvas.span(if row.differs.is_empty() { "" } else { " differs" }, Role::Warn),
    ]);
    let mut strategy = verdict::strategy_label(&row.strategy, &members);
    if is_folded {
        strategy = format!("{strategy} ({} folded)", members.len());
    }
    vec![
        name,
        canvas.bold(format!("{up}/{} up", members.len()), role),
        Line::default(),
        canvas.bold(number::compact(rate, 7), Role::Bright),
        Line::default(),
        in_flight(canvas, row, active),
        canvas.latency(p95_us),
        Line::default(),
        Line::default(),
        canvas.cell(strategy, Role::Violet),
    ]
}

fn backend_cells<'a>(canvas: &Canvas<'a>, row: &'a BackendRow) -> Vec<Line<'a>> {
    let (model, backend) = (canvas.model, &row.backend);
    let series = model
        .backends_of(&row.upstream)
        .position(|other| other.key == row.key)
        .map_or(Role::Dim, Role::series);
    let name = Line::from(vec![
        Span::raw("  "),
        canvas.span(format!("{} ", canvas.skin.glyphs.swatch), series),
        canvas.span(backend.name.as_str(), Role::Text),
    ]);
    let look = state::backend(backend.state, canvas.skin);
    let rate = traffic::backend_rate(model, row.key).round() as u64;
    let p95_us = u64::from(traffic::backend_p95_us(model, row.key));
    let weight_role = if backend.weight == row.file_weight { Role::Text } else { Role::Warn };
    vec![
        name,
        canvas.state(&Key::of_backend(row), look, state::backend_word(backend.state)),
        canvas.cell(number::count(u64::from(backend.weight)), weight_role),
        canvas.amount(rate, number::compact(rate, 7)),
        canvas.cell(number::percent(backend.actual_share), Role::Text),
        load(canvas, row),
        canvas.latency(p95_us),
        server_errors(canvas, row),
        canvas.cell(number::age(model.seen_ms().saturating_sub(row.since_ms)), Role::Dim),
        remark(canvas, row),
    ]
}

/// What an upstream's backends have in flight, and what waits for them: `40+12`.
fn in_flight<'a>(canvas: &Canvas<'a>, row: &UpstreamRow, active: u64) -> Line<'a> {
    match row.admission.queue.as_ref().map_or(0, |queue| queue.queued) {
        0 => canvas.amount(active, number::count(active)),
        queued => canvas.bold(format!("{}+{queued}", number::count(active)), Role::Warn),
    }
}

/// In flight, with its bound where there is one: `12/40`.
fn load<'a>(canvas: &Canvas<'a>, row: &BackendRow) -> Line<'a> {
    let active = row.backend.active;
    let text = row.backend.capacity.beside(number::count(u64::from(active)));
    if row.backend.capacity.is_full(active) {
        return canvas.cell(text, Role::Warn);
    }
    canvas.amount(u64::from(active), text)
}

fn server_errors<'a>(canvas: &Canvas<'a>, row: &BackendRow) -> Line<'a> {
    let responses = &row.backend.responses;
    let finished = row.backend.requests.max(1) as f64;
    let share = responses.server_error as f64 / finished;
    let role = if responses.server_error == 0 { Role::Dim } else { Role::Warn };
    canvas.cell(number::percent(share), role)
}

/// Why it is in its state, else what the last check said, else the program behind it or the name
/// that led there.
fn remark<'a>(canvas: &Canvas<'a>, row: &'a BackendRow) -> Line<'a> {
    if !row.reason.is_empty() {
        canvas.cell(text::plain(&row.reason), Role::Text)
    } else if !row.check.is_empty() {
        canvas.cell(text::plain(&row.check), Role::Dim)
    } else if let Some(program) = &row.backend.program {
        canvas.cell(program.as_str(), Role::Dim)
    } else if let Some(host) = &row.backend.host {
        canvas.cell(text::plain(host), Role::Dim)
    } else {
        canvas.none()
    }
}
