//! The certificates that clients are shown, and how long each is good: below the workers that show
//! them.

use ratatui::layout::Rect;

use crate::control::certificate::{Certificate, Standing};
use crate::control::text;

use super::canvas::{Canvas, content, row, take};
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column};
use crate::tui::widget::rule::Rule;

/// More are told of when something is wrong with them.
const ROWS_MAX: usize = 8;

/// How many rows it needs; none without certificates.
pub(super) fn height(certificates: usize) -> u16 {
    if certificates == 0 { 0 } else { certificates.min(ROWS_MAX) as u16 + 2 }
}

pub(super) fn draw(canvas: &mut Canvas, mut area: Rect) {
    let rule_row = take(&mut area, 1);
    let columns = [
        Column::left("", 24),
        Column::right("days left", 9),
        Column::left("for", 20).priority(2).grow(60),
        Column::left("signed by", 20).priority(3).grow(60),
    ];
    let placed = columns::place(&columns, content(area));
    let head = &canvas.model.moment.head;
    let mut shown: Vec<&Certificate> = head.certificates.iter().collect();
    shown.sort_by_key(|certificate| certificate.not_after_ms);
    let facts = format!("{} in all", shown.len());
    Rule::new("Certificates", canvas.skin).says(facts, canvas.skin).columns(&placed).draw(
        canvas.buffer,
        rule_row,
        canvas.skin,
    );
    let wall_ms = head.wall_ms;
    for (at, certificate) in shown.iter().take(usize::from(area.height).min(ROWS_MAX)).enumerate() {
        let role = match certificate.standing(wall_ms) {
            Standing::Good => Role::Text,
            Standing::Stuck | Standing::Soon => Role::Warn,
            Standing::Early | Standing::Expired | Standing::Refusing => Role::Bad,
        };
        let cells = [
            canvas.bold(text::plain(&certificate.server).into_owned(), Role::Bright),
            canvas.cell(certificate.days_left.to_string(), role),
            canvas.cell(text::plain(&certificate.names.join(" ")).into_owned(), Role::Dim),
            canvas.cell(text::plain(&certificate.issuer).into_owned(), Role::Dim),
        ];
        canvas.row(&placed, row(area, at as u16).y, &cells);
    }
}
