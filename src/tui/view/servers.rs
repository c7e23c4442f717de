//! The servers of the configuration: where each listens, how long its certificate is good, and what
//! became of its requests; below the workers, which answer for all of them.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::control::certificate::SOON_DAYS;
use crate::control::server_row::ServerRow;
use crate::control::text;

use super::canvas::Canvas;
use super::listing::Listing;
use super::section::{self, Heading};
use crate::tui::model::Model;
use crate::tui::model::columns::{Column as Known, Unit, column};
use crate::tui::model::key::Kind;
use crate::tui::model::panel::{Panel, PanelFacts};
use crate::tui::model::record::{Record, count, signed, words};
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(super) const PANEL: PanelFacts = PanelFacts::rows("servers", rows)
    .only(Kind::Record)
    .at_height(24)
    .with_columns(&COLUMNS)
    .shown_if(|model| !model.moment.head.servers.is_empty());

static COLUMNS: [Known; 7] = [
    column("listens", Unit::Word),
    column("tls", Unit::Word),
    column("days", Unit::Count),
    column("requests", Unit::Count),
    column("2xx", Unit::Count),
    column("4xx", Unit::Count),
    column("errors", Unit::Count),
];

pub(super) fn rows(model: &Model) -> Vec<Row<'_>> {
    model.moment.head.servers.iter().map(|server| Row::Record(Box::new(record(server)))).collect()
}

fn record(server: &ServerRow) -> Record {
    let listens: Vec<&str> = server.listens.iter().map(|listen| listen.address.as_str()).collect();
    let speech = match (
        server.listens.iter().any(|listen| listen.tls),
        server.listens.iter().any(|listen| listen.http2),
    ) {
        (true, true) => "TLS h2",
        (true, false) => "TLS",
        (false, true) => "h2",
        (false, false) => "",
    };
    let mut cells = vec![
        ("name", words(server.name.clone())),
        ("listens", words(listens.join(" "))),
        ("tls", words(speech)),
    ];
    cells.extend(server.certificate_days_left.map(|days| ("days", signed(days))));
    if let Some(served) = &server.served {
        cells.extend([
            ("requests", count(served.requests)),
            ("2xx", count(served.responses.success)),
            ("4xx", count(served.responses.client_error)),
            ("errors", count(served.responses.server_error)),
            ("sent", count(served.bytes_out)),
        ]);
    }
    Record {
        identity: format!("{} {}", server.name, listens.first().unwrap_or(&"")),
        cells,
        copy: if server.hosts.is_empty() { server.name.clone() } else { server.hosts.join(" ") },
    }
}

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::ServerTable);
    let widest = |name: &str| {
        let records = listing.rows.iter().filter_map(|row| match row {
            Row::Record(record) => Some(pen::width(record.word(name))),
            _ => None,
        });
        records.max().unwrap_or(0)
    };
    let columns = [
        Column::name("", widest("name"), (14, 40)),
        Column::name("listens", widest("listens"), (15, 40)).priority(2),
        Column::left("", 6),
        Column::right("days left", 9).priority(3),
        Column::right("requests", 8),
        Column::right("2xx", 7).priority(4),
        Column::right("4xx", 7).priority(2),
        Column::right("errors", 7),
        Column::right("sent", 6).priority(5),
    ];
    let facts = canvas.cell(listing.count(area.height.saturating_sub(1)), Role::Dim);
    let heading = Heading { title: "Servers", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Record(record) = row else { return };
        let cells = cells(canvas, record);
        canvas.row(placed, y, &cells);
    });
}

fn cells<'a>(canvas: &Canvas<'a>, record: &Record) -> Vec<Line<'a>> {
    let amount = |name: &str, role: Role| match record.count(name) {
        None => canvas.none(),
        Some(0) => canvas.cell("0", Role::Dim),
        Some(value) => canvas.cell(number::compact(value, 7), role),
    };
    let days = match record.number("days") {
        None => canvas.none(),
        Some(days) => {
            let role = match days as i64 {
                ..0 => Role::Bad,
                0..SOON_DAYS => Role::Warn,
                _ => Role::Text,
            };
            canvas.cell(format!("{days:.0}"), role)
        }
    };
    let sent = match record.count("sent") {
        None => canvas.none(),
        Some(bytes) => canvas.cell(number::bytes(bytes), Role::Dim),
    };
    vec![
        canvas.bold(text::plain(record.word("name")).into_owned(), Role::Bright),
        canvas.cell(text::plain(record.word("listens")).into_owned(), Role::Dim),
        canvas.cell(record.word("tls").to_owned(), Role::Text),
        days,
        amount("requests", Role::Text),
        amount("2xx", Role::Text),
        amount("4xx", Role::Warn),
        amount("errors", Role::Bad),
        sent,
    ]
}
