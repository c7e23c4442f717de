//! Requests as they end, newest first: who asked for what, how it went, and who asks most.

use std::collections::HashMap;
use std::hash::Hash;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::{Canvas, content, row, take};
use super::firewall;
use super::listing::Listing;
use super::section::{self, Heading};
use super::state;
use crate::control::requests::RequestRecord;
use crate::tui::model::Model;
use crate::tui::model::key::Kind;
use crate::tui::model::panel::{self, Empty, Panel, PanelFacts, ViewFacts};
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(crate) const VIEW: ViewFacts = ViewFacts {
    name: "requests",
    title: "Requests",
    short_title: "Req",
    help: "requests as they end; in their filter also status:5xx upstream:api backend: path: client:",
    panels: &[
        PanelFacts::rows("requests", rows).when_empty(|model| match model.past {
            Some(_) => Empty::Says("no request of that time is kept here"),
            None => Empty::NoneYet,
        }),
        PanelFacts::rows("attacks", firewall::rows)
            .only(Kind::Alarm)
            .at_height(16)
            .shown_if(|model| !firewall::rows(model).is_empty()),
    ],
};

fn rows(model: &Model) -> Vec<Row<'_>> {
    model.requests.shown().map(Row::Request).collect()
}

/// Narrower terminals tell it of the selected request only.
const PROTOCOL_WIDTH_MIN: u16 = 120;
/// Rule, the request, its circumstances.
const DETAIL_HEIGHT: u16 = 3;
const DETAIL_BODY_MIN: u16 = 14;
/// Rule and the most frequent of each kind.
const TOPS_HEIGHT: u16 = 6;
const TOPS_BODY_MIN: u16 = 24;
const TOPS_WIDTH_MIN: u16 = 90;

pub(in crate::tui) fn draw(canvas: &mut Canvas, body: Rect) {
    let mut body = body;
    match canvas.shown()[..] {
        [Panel::AlarmTable] => return firewall::draw(canvas, body),
        [_, Panel::AlarmTable] => {
            let height = panel::alarm_table_height(canvas.model, body.height);
            let requests_height = body.height - height;
            let requests = take(&mut body, requests_height);
            firewall::draw(canvas, body);
            body = requests;
        }
        _ => {}
    }
    let listing = Listing::of(canvas, Panel::RequestTable);
    let is_whole = !canvas.model.is_zoomed;
    let has_tops = is_whole && body.height >= TOPS_BODY_MIN && body.width >= TOPS_WIDTH_MIN;
    let selected = match listing.selected() {
        Some(Row::Request(record)) if is_whole && body.height >= DETAIL_BODY_MIN => Some(*record),
        _ => None,
    };
    let tops_height = if has_tops { TOPS_HEIGHT } else { 0 };
    let detail_height = selected.map_or(0, |_| DETAIL_HEIGHT);
    let mut rest = body;
    let area = take(&mut rest, body.height.saturating_sub(detail_height + tops_height));
    table(canvas, area, &listing);
    if let Some(record) = selected {
        let area = take(&mut rest, DETAIL_HEIGHT);
        detail(canvas, area, record);
    }
    if has_tops {
        tops(canvas, rest, &listing);
    }
}

fn table<'a>(canvas: &mut Canvas<'a>, area: Rect, listing: &Listing<'a>) {
    let records = || {
        listing.rows.iter().filter_map(|row| match row {
            Row::Request(record) => Some(*record),
            _ => None,
        })
    };
    let widest = |text: fn(&RequestRecord) -> u16| records().map(text).max().unwrap_or(0);
    let clients = widest(|record| pen::width(&record.client));
    let backends = widest(|record| record.backend.as_deref().map_or(0, pen::width));
    let methods = widest(|record| pen::width(&record.method));
    let paths = widest(|record| pen::width(&record.path) + 1);
    let hosts = widest(|record| pen::width(&record.host));
    let columns = [
        Column::left("", 9),
        Column::left("status", 6),
        Column::left("", methods.clamp(4, 9)),
        Column::left("protocol", if area.width < PROTOCOL_WIDTH_MIN { 0 } else { 8 }).priority(7),
        Column::right("took", 6),
        Column::right("sent", 5).priority(6),
        Column::name("client", clients, (9, 39)).priority(2),
        Column::name("backend", backends, (9, 30)).priority(3),
        Column::name("host", hosts, (least(hosts, 14), 24)).priority(5),
        Column::name("path", paths, (least(paths, 18), 120)),
    ];
    let facts = canvas.cell(listing.count(area.height.saturating_sub(1)), Role::Dim);
    let title = title(canvas);
    let heading = Heading { title: &title, columns: &columns, facts: Some(facts) };
    section::table(canvas, area, listing, &heading, |canvas, row, placed, y| {
        let Row::Request(record) = row else { return };
        let cells = cells(canvas, record);
        canvas.row(placed, y, &cells);
    });
}

/// Short ones leave their room to clients and backends, which are worth nothing when cut.
fn least(widest: u16, usual: u16) -> u16 {
    const TITLE: u16 = 4;
    usual.min(widest.max(TITLE))
}

/// Whether the rows move, and what is missing of them.
fn title(canvas: &Canvas) -> String {
    let tail = &canvas.model.requests;
    let held = match tail.until_ms {
        Some(_) => Some(" as they were".to_owned()),
        None => tail.is_held.then(|| format!(" held, +{} new", number::count(tail.unseen))),
    };
    let lost = (tail.lost > 0).then(|| format!(", {} not shown", number::compact(tail.lost, 7)));
    let ended = (!tail.ended.is_empty()).then(|| format!(": {}", tail.ended));
    let parts = [Some("Requests".to_owned()), held, lost, ended];
    parts.into_iter().flatten().collect()
}

fn cells<'a>(canvas: &Canvas<'a>, record: &'a RequestRecord) -> Vec<Line<'a>> {
    let look = state::status(record.status, canvas.skin);
    let backend = match (&record.backend, record.tries) {
        (None, _) => canvas.none(),
        (Some(name), 0 | 1) => canvas.cell(name.as_str(), Role::Text),
        (Some(name), tries) => Line::from(vec![
            canvas.span(format!("{tries}{}", canvas.skin.glyphs.times), Role::Warn),
            canvas.span(name.as_str(), Role::Text),
        ]),
    };
    vec![
        canvas.cell(format!("{}Z", number::clock(record.wall_ms)), Role::Dim),
        Line::from(vec![
            canvas.span(format!("{} ", look.glyph), look.role),
            canvas.strong(record.status.to_string(), look.role),
        ]),
        canvas.cell(record.method.as_str(), Role::Text),
        canvas.cell(record.protocol.as_str(), Role::Dim),
        canvas.cell(number::latency(u64::from(record.service_us)), Role::Text),
        canvas.cell(number::bytes(record.bytes), Role::Dim),
        canvas.cell(record.client.as_str(), Role::Text),
        backend,
        canvas.cell(host(canvas, record), Role::Dim),
        canvas.cell(path(canvas, record), Role::Bright),
    ]
}

/// As far as it is kept.
fn host(canvas: &Canvas, record: &RequestRecord) -> String {
    format!("{}{}", record.host, cut(canvas, record.is_host_cut))
}

fn path(canvas: &Canvas, record: &RequestRecord) -> String {
    format!("{}{}", record.path, cut(canvas, record.is_path_cut))
}

fn target(canvas: &Canvas, record: &RequestRecord) -> String {
    host(canvas, record) + &path(canvas, record)
}

fn cut(canvas: &Canvas, is_cut: bool) -> &'static str {
    if is_cut { canvas.skin.glyphs.ellipsis } else { "" }
}

fn detail(canvas: &mut Canvas, mut area: Rect, record: &RequestRecord) {
    let rule = take(&mut area, 1);
    let age = number::age(canvas.model.seen_ms().saturating_sub(record.wall_ms));
    let when = format!("{}Z, {age} ago", number::clock_millis(record.wall_ms));
    canvas.rule(rule, "Selected", when);
    let area = content(area);
    let request = format!("{} {} {}", record.method, target(canvas, record), record.protocol);
    let request = canvas.bold(request, Role::Bright);
    canvas.line(row(area, 0), &request);
    let to = match (&record.upstream, &record.backend) {
        (Some(upstream), Some(backend)) => format!("{upstream}/{backend}"),
        (Some(upstream), None) => format!("{upstream}, no backend"),
        (None, _) => "no upstream".to_owned(),
    };
    let mut spans = Vec::new();
    for (name, value) in [
        ("", record.status.to_string()),
        ("in ", number::latency(u64::from(record.service_us))),
        ("sent ", number::bytes(record.bytes)),
        ("client ", record.client.clone()),
        ("to ", to),
        ("tries ", record.tries.to_string()),
        ("worker ", record.worker.to_string()),
    ] {
        spans.push(canvas.span(name, Role::Dim));
        spans.push(canvas.span(value, Role::Text));
        spans.push(canvas.span("  ", Role::Dim));
    }
    canvas.line(row(area, 1), &Line::from(spans));
}

/// The most frequent statuses, clients and paths of the rows.
fn tops(canvas: &mut Canvas, mut area: Rect, listing: &Listing) {
    let rule = take(&mut area, 1);
    let of = format!("of {}", number::count(listing.rows.len() as u64));
    canvas.rule(rule, "Most frequent", of);
    let area = content(area);
    let records: Vec<&RequestRecord> = listing
        .rows
        .iter()
        .filter_map(|row| match row {
            Row::Request(record) => Some(*record),
            _ => None,
        })
        .collect();
    let clients_width = 26.min(area.width / 4);
    let places = [(0, 14), (16, clients_width), (18 + clients_width, area.width)];
    let lines = usize::from(area.height);
    let targets = most(&records, lines, |it| (&it.host, &it.path, it.is_host_cut, it.is_path_cut));
    let tables: [Vec<(String, usize)>; 3] = [
        named(most(&records, lines, |it| it.status), |it| it.status.to_string()),
        named(most(&records, lines, |it| &it.client), |it| it.client.clone()),
        named(targets, |it| target(canvas, it)),
    ];
    for ((at, width), table) in places.into_iter().zip(tables) {
        let width = width.min(area.width.saturating_sub(at));
        for (line, (text, count)) in (0..area.height).zip(table) {
            let place = Rect { x: area.x + at, width, ..row(area, line) };
            let count = format!("{:>5} ", number::compact(count as u64, 5));
            let room = width.saturating_sub(pen::width(&count));
            let glyph = canvas.skin.glyphs.ellipsis;
            let text = pen::shorten(&text, room, pen::Clip::Middle, glyph).into_owned();
            let role = match text.parse() {
                Ok(status) if at == 0 => state::status(status, canvas.skin).role,
                Ok(_) | Err(_) => Role::Text,
            };
            let line = Line::from(vec![canvas.span(count, Role::Dim), canvas.span(text, role)]);
            canvas.line(place, &line);
        }
    }
}

/// Of each value one record that has it and how many do: the `count` most frequent, those of one
/// number by value.
fn most<'a, K: Ord + Hash>(
    records: &[&'a RequestRecord],
    count: usize,
    value: impl Fn(&'a RequestRecord) -> K,
) -> Vec<(&'a RequestRecord, usize)> {
    let mut counts: HashMap<K, (&RequestRecord, usize)> = HashMap::new();
    for record in records {
        counts.entry(value(record)).or_insert((record, 0)).1 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, (_, many)), (b, (_, few))| few.cmp(many).then_with(|| a.cmp(b)));
    counts.into_iter().map(|(_, counted)| counted).take(count).collect()
}

fn named(
    counted: Vec<(&RequestRecord, usize)>,
    name: impl Fn(&RequestRecord) -> String,
) -> Vec<(String, usize)> {
    counted.into_iter().map(|(record, count)| (name(record), count)).collect()
}
