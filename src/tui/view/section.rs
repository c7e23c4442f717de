//! A section: a rule, then the rows of one panel in columns. What most views are made of.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::{Canvas, content, take};
use super::listing::Listing;
use crate::tui::model::rows::Row;
use crate::tui::theme::Role;
use crate::tui::widget::columns::{self, Column, Placed};
use crate::tui::widget::rule::Rule;

/// Draws a panel's rows under a rule that carries the columns' names and the facts. `draw` writes
/// one row at the places it is given.
pub(super) fn table<'a>(
    canvas: &mut Canvas<'a>,
    mut area: Rect,
    listing: &Listing<'a>,
    heading: &Heading<'_>,
    draw: impl Fn(&mut Canvas<'a>, &Row<'a>, &Placed, u16),
) {
    let rule_row = take(&mut area, 1);
    let placed = columns::place(heading.columns, content(area));
    let mut rule = Rule::new(heading.title, canvas.skin);
    let filter = &canvas.model.lists.of(listing.panel).filter;
    if !filter.is_empty() {
        rule = rule.and(canvas.strong(format!("/{filter}"), Role::Warn));
    }
    if let Some(facts) = &heading.facts {
        rule = rule.facts(facts.clone());
    }
    rule.columns(&placed).draw(canvas.buffer, rule_row, canvas.skin);
    listing.draw(canvas, area, |canvas, row, place| draw(canvas, row, &placed, place.y));
}

pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    pub(super) columns: &'a [Column],
    pub(super) facts: Option<Line<'a>>,
}
