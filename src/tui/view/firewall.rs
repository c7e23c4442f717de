//! What firewalls took for attacks, by kinds: below the requests that they were.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::Canvas;
use super::listing::Listing;
use super::section::{self, Heading};
use crate::control::firewall::{Alarm, Verdict};
use crate::control::text;
use crate::tui::model::Model;
use crate::tui::model::panel::Panel;
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::Column;
use crate::tui::widget::{number, pen};

pub(super) fn rows(model: &Model) -> Vec<Row<'_>> {
    let firewall = model.moment.firewall.iter();
    firewall.flat_map(|firewall| &firewall.alarms).map(Row::Alarm).collect()
}

pub(super) fn draw(canvas: &mut Canvas, area: Rect) {
    let listing = Listing::of(canvas, Panel::AlarmTable);
    let alarms = || {
        listing.rows.iter().filter_map(|row| match row {
            Row::Alarm(alarm) => Some(*alarm),
            _ => None,
        })
    };
    let rules = alarms().map(|alarm| pen::width(&alarm.rule)).max().unwrap_or(0);
    let places = alarms().map(|alarm| pen::width(&alarm.place)).max().unwrap_or(0);
    let columns = [
        Column::left("", 9),
        Column::left("", 8),
        Column::right("times", 6),
        Column::name("rule", rules, (12, 22)),
        Column::name("where", places, (8, 30)),
        Column::left("client", 15).priority(3),
        Column::left("what", 16).priority(2).grow(120),
    ];
    let facts = canvas.cell(facts(canvas), Role::Dim);
    let heading = Heading { title: "Firewall", columns: &columns, facts: Some(facts) };
    section::table(canvas, area, &listing, &heading, |canvas, row, placed, y| {
        let Row::Alarm(alarm) = row else { return };
        let cells = cells(canvas, alarm);
        canvas.row(placed, y, &cells);
    });
}

/// What the selected row leads to, and the sums.
fn facts(canvas: &Canvas) -> String {
    let Some(firewall) = &canvas.model.moment.firewall else { return String::new() };
    let separator = canvas.skin.glyphs.separator;
    format!(
        "{} blocked{separator}{} let pass{separator}{} looked at{separator}copy: what lets it pass",
        number::count(firewall.blocked),
        number::count(firewall.detected),
        number::compact(firewall.inspected, 7),
    )
}

fn cells<'a>(canvas: &Canvas<'a>, alarm: &'a Alarm) -> Vec<Line<'a>> {
    let role = match alarm.verdict {
        Verdict::Detected => Role::Warn,
        Verdict::Blocked => Role::Bad,
    };
    let what = if alarm.excerpt.is_empty() {
        format!("{}{}", alarm.host, alarm.path)
    } else {
        format!("{}  {}{}", alarm.excerpt, alarm.host, alarm.path)
    };
    vec![
        canvas.cell(format!("{}Z", number::clock(alarm.last_ms)), Role::Dim),
        canvas.cell(alarm.verdict.name(), role),
        canvas.cell(number::compact(alarm.count, 6), Role::Text),
        canvas.bold(text::plain(&alarm.rule).into_owned(), Role::Bright),
        canvas.cell(text::plain(&alarm.place).into_owned(), Role::Text),
        canvas.cell(alarm.client.as_str(), Role::Text),
        canvas.cell(text::plain(&what).into_owned(), Role::Dim),
    ]
}
