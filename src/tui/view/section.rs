//! A section: a rule, then the rows of one panel in columns. What most views are made of.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::canvas::{Canvas, content, take};
use super::listing::Listing;
use super::nodes;
use crate::tui::model;
use crate::tui::model::list::Sort;
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
    let mut inner = content(area);
    let node = Rect { width: nodes::column_width(canvas, inner).min(inner.width), ..inner };
    inner.x += node.width;
    inner.width -= node.width;
    let list = canvas.model.lists.of(listing.panel);
    let sort = Some(list.sort).filter(|sort| *sort != Sort::at_first(listing.panel));
    let sign = if sort.is_some_and(|sort| sort.is_reversed) {
        canvas.skin.glyphs.rising
    } else {
        canvas.skin.glyphs.falling
    };
    let by = sort.map(|sort| sort.by.name());
    let placed = columns::place(heading.columns, inner)
        .sorted(|title| Some(sign).filter(|_| by == Some(model::columns::titled(title))));
    let mut rule = Rule::new(heading.title, canvas.skin);
    let filter = &list.filter;
    if !filter.is_empty() {
        rule = rule.and(canvas.strong(format!("/{filter}"), Role::Warn));
    }
    if let Some(by) = by {
        rule = rule.and(canvas.span(format!("by {by} {sign}"), Role::Accent));
    }
    if let Some(facts) = &heading.facts {
        rule = rule.facts(facts.clone());
    }
    rule.columns(&placed).draw(canvas.buffer, rule_row, canvas.skin);
    listing.draw(canvas, area, |canvas, row, place| {
        let whose = Rect { y: place.y, height: 1, ..node };
        let said = if node.width > 0 { nodes::cell(canvas, &row.key(), whose) } else { None };
        match said {
            Some(said) => draw(canvas, row, &placed.leaving_out(said), place.y),
            None => draw(canvas, row, &placed, place.y),
        }
    });
}

pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    pub(super) columns: &'a [Column],
    pub(super) facts: Option<Line<'a>>,
}
