//! Limits: what became of requests, and whom each refused most; below the workers, which keep them
//! together. A row leads to what would change the file: more room, a trial, a client shut out.

use std::net::IpAddr;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::control::firewall::{Firewall, Offender as Attacker};
use crate::control::limit::{Limit, Offender};
use crate::control::text;

use super::canvas::Canvas;
use super::listing::Listing;
use super::section::{self, Heading};
use crate::tui::model::Model;
use crate::tui::model::columns::{Column as Known, Unit, column};
use crate::tui::model::key::Kind;
use crate::tui::model::panel::{Panel, PanelFacts};
use crate::tui::model::record::{Record, count, words};
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(super) const PANEL: PanelFacts = PanelFacts::rows("limits", rows)
    .only(Kind::Record)
    .at_height(24)
    .with_columns(&COLUMNS)
    .shown_if(|model| !model.moment.head.limits.is_empty() || model.moment.firewall.is_some());

static COLUMNS: [Known; 6] = [
    column("passed", Unit::Count),
    column("delayed", Unit::Count),
    column("refused", Unit::Count),
    column("trial", Unit::Count),
    column("now", Unit::Count),
    column("limit", Unit::Word),
];

/// The row of all firewalls, among those of limits.
const FIREWALL: &str = "firewall";
/// Of each limit, below its own row.
const OFFENDERS_MAX: usize = 3;
const NUMBER_WIDTH: usize = 7;

/// Who refuses most comes first, and below each those whom it refuses most.
pub(super) fn rows(model: &Model) -> Vec<Row<'_>> {
    let limits = model.moment.head.limits.iter().map(|limit| (limit.refused, of_limit(limit)));
    let firewall = model.moment.firewall.iter().map(|it| (it.blocked, of_firewall(it)));
    let mut all: Vec<(u64, Vec<Record>)> = limits.chain(firewall).collect();
    all.sort_by_key(|(refused, _)| std::cmp::Reverse(*refused));
    all.into_iter().flat_map(|(_, records)| records).map(|it| Row::Record(Box::new(it))).collect()
}

fn of_limit(limit: &Limit) -> Vec<Record> {
    let offenders = limit.offenders.iter().take(OFFENDERS_MAX);
    let offenders = offenders.map(|offender| offending(limit, offender));
    std::iter::once(record(limit)).chain(offenders).collect()
}

/// Attacks, and below them whom most came from. What a firewall only watches is on trial.
fn of_firewall(firewall: &Firewall) -> Vec<Record> {
    let whole = Record {
        identity: FIREWALL.to_owned(),
        cells: vec![
            ("name", words(FIREWALL)),
            ("passed", count(firewall.inspected.saturating_sub(firewall.blocked))),
            ("refused", count(firewall.blocked)),
            ("trial", count(firewall.detected)),
        ],
        copy: "firewall = { mode = \"detect\" }".to_owned(),
    };
    let offender = |offender: &Attacker| Record {
        identity: format!("{FIREWALL} {}", offender.client),
        cells: vec![
            ("limit", words(FIREWALL)),
            ("client", words(offender.client.clone())),
            ("refused", count(offender.blocked)),
            ("trial", count(offender.detected)),
        ],
        copy: shutting_out(&offender.client),
    };
    let offenders = firewall.offenders.iter().take(OFFENDERS_MAX).map(offender);
    std::iter::once(whole).chain(offenders).collect()
}

/// What shuts a client out. What is no address is no client: there is nothing to shut out by it.
fn shutting_out(client: &str) -> String {
    match client.parse::<IpAddr>() {
        Ok(address) => format!("access = [\"deny {address}\"]"),
        Err(_) => text::plain(client).into_owned(),
    }
}

fn record(limit: &Limit) -> Record {
    let mut cells = vec![
        ("name", words(limit.name.clone())),
        ("passed", count(limit.passed)),
        ("delayed", count(limit.delayed)),
        ("refused", count(limit.refused)),
        ("trial", count(limit.delayed_dry_run + limit.refused_dry_run)),
    ];
    if limit.kind == "connections" {
        cells.push(("now", count(limit.in_progress)));
    }
    // Whoever could not be counted was not limited either.
    if limit.uncounted > 0 || limit.evicted > 0 {
        cells.push(("state", words("full")));
    }
    Record { identity: format!("limit {}", limit.name), cells, copy: limit.relief.clone() }
}

fn offending(limit: &Limit, offender: &Offender) -> Record {
    Record {
        identity: format!("limit {} {}", limit.name, offender.key),
        cells: vec![
            ("limit", words(limit.name.clone())),
            ("client", words(offender.key.clone())),
            ("refused", count(offender.refused)),
        ],
        copy: shutting_out(&offender.key),
    }
}

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::LimitTable);
    let names = listing.rows.iter().filter_map(|row| match row {
        Row::Record(record) => {
            Some(pen::width(record.word("name")).max(pen::width(record.word("client")) + 2))
        }
        _ => None,
    });
    let columns = [
        Column::name("", names.max().unwrap_or(0), (16, 40)),
        Column::right("passed", NUMBER_WIDTH as u16),
        Column::right("delayed", NUMBER_WIDTH as u16).priority(3),
        Column::right("refused", NUMBER_WIDTH as u16),
        Column::right("on trial", 8).priority(4),
        Column::right("now", 6).priority(3),
        Column::left("copy gives", 24).priority(2).grow(40),
    ];
    let moment = &canvas.model.moment;
    let blocked = moment.firewall.as_ref().map_or(0, |firewall| firewall.blocked);
    let refused: u64 = moment.head.limits.iter().map(|limit| limit.refused).sum();
    let facts = format!("{} refused", number::compact(refused + blocked, NUMBER_WIDTH));
    let facts = Some(canvas.cell(facts, Role::Dim));
    let heading = Heading { title: "Limits", columns: &columns, facts };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Record(record) = row else { return };
        let cells = cells(canvas, record);
        canvas.row(placed, y, &cells);
    });
}

fn cells<'a>(canvas: &Canvas<'a>, record: &Record) -> Vec<Line<'a>> {
    let amount = |name: &str, role: Role| match record.count(name) {
        None | Some(0) => canvas.none(),
        Some(value) => canvas.cell(number::compact(value, NUMBER_WIDTH), role),
    };
    let client = record.word("client");
    let (name, gives) = if client.is_empty() {
        let role = if record.word("state").is_empty() { Role::Bright } else { Role::Warn };
        let name = canvas.bold(text::plain(record.word("name")).into_owned(), role);
        let is_firewall = record.identity == FIREWALL;
        (name, if is_firewall { "a trial" } else { "more room, or a trial" })
    } else {
        let name = Line::from(vec![
            Span::raw("  "),
            canvas.span(text::plain(client).into_owned(), Role::Text),
        ]);
        (name, if client.parse::<IpAddr>().is_ok() { "a rule that shuts it out" } else { "" })
    };
    vec![
        name,
        amount("passed", Role::Text),
        amount("delayed", Role::Text),
        amount("refused", Role::Warn),
        amount("trial", Role::Text),
        amount("now", Role::Dim),
        canvas.cell(gives, Role::Dim),
    ]
}
