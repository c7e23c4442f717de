//! What views and their panels are, as the registry has them, and which panels a terminal of a given
//! size has room for.

use super::columns::Column;
use super::key::Kind;
use super::list::SortBy;
use super::overlay::Overlay;
use super::rows::Row;
use super::split::{self, Pane};
use super::{Model, about};

pub(crate) use crate::tui::views::{Panel, View};

/// What a view is called, and what it is made of.
#[derive(Debug)]
pub(crate) struct ViewFacts {
    /// In the palette, the manual and a file of keys.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The title for narrow terminals.
    pub(crate) short_title: &'static str,
    /// A sentence, for help.
    pub(crate) help: &'static str,
    /// Of each panel, in the order of the registry's line.
    pub(crate) panels: &'static [PanelFacts],
}

/// Where rows come from, before filter and order.
pub(crate) type RowsOf = for<'a> fn(&'a Model) -> Vec<Row<'a>>;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Rows(RowsOf),
    /// Rows below headings that keep their order.
    Tree(RowsOf),
    /// It scrolls by lines and is searched.
    Lines,
}

/// What is said where there are no rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    NoneYet,
    Says(&'static str),
    /// It is good that there are none.
    Fits(&'static str),
}

/// What a panel shows, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelFacts {
    /// What its rows are called, for counts and empty states.
    pub(crate) noun: &'static str,
    pub(crate) content: Content,
    /// Its rows are of this kind alone.
    pub(crate) kind: Option<Kind>,
    pub(crate) sorted_by: SortBy,
    /// Names that its rows have beside the common columns.
    pub(crate) columns: &'static [Column],
    /// The height of terminal from which it is drawn (the shrink table of the console's design).
    height_min: u16,
    is_filled: fn(&Model) -> bool,
    pub(crate) when_empty: fn(&Model) -> Empty,
}

impl PanelFacts {
    pub(crate) const fn rows(noun: &'static str, of: RowsOf) -> Self {
        Self::of(noun, Content::Rows(of))
    }

    pub(crate) const fn tree(noun: &'static str, of: RowsOf) -> Self {
        Self::of(noun, Content::Tree(of))
    }

    pub(crate) const fn lines(noun: &'static str) -> Self {
        Self::of(noun, Content::Lines)
    }

    const fn of(noun: &'static str, content: Content) -> Self {
        Self {
            noun,
            content,
            kind: None,
            sorted_by: SortBy::Natural,
            columns: &[],
            height_min: 0,
            is_filled: |_| true,
            when_empty: |_| Empty::NoneYet,
        }
    }

    pub(crate) const fn only(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    pub(crate) const fn sorted_by(self, column: &'static str) -> Self {
        Self { sorted_by: SortBy::Column(column), ..self }
    }

    pub(crate) const fn with_columns(self, columns: &'static [Column]) -> Self {
        Self { columns, ..self }
    }

    pub(crate) const fn at_height(self, height_min: u16) -> Self {
        Self { height_min, ..self }
    }

    /// Without such rows it is not drawn at all.
    pub(crate) const fn shown_if(self, is_filled: fn(&Model) -> bool) -> Self {
        Self { is_filled, ..self }
    }

    pub(crate) const fn when_empty(self, when_empty: fn(&Model) -> Empty) -> Self {
        Self { when_empty, ..self }
    }
}

impl Panel {
    pub(crate) fn facts(self) -> &'static PanelFacts {
        let view = self.view();
        let at = view.panels().iter().position(|panel| *panel == self);
        &view.facts().panels[at.expect("a panel is one of its view's")]
    }

    pub(crate) fn is_log(self) -> bool {
        matches!(self.facts().content, Content::Lines)
    }
}

/// The panels of the current view that there is room for, in order of reading; never empty. Views
/// draw these and no others, so the focus is always on something visible.
pub(crate) fn shown(model: &Model) -> Vec<Panel> {
    shown_in(model, split::main(model))
}

/// The same of either view on the screen.
pub(crate) fn shown_in(model: &Model, pane: Pane) -> Vec<Panel> {
    let all = pane.view.panels();
    let wanted = model.lists.focus(pane.view);
    let is_filled = |panel: Panel| (panel.facts().is_filled)(model);
    if model.is_zoomed && all.contains(&wanted) && is_filled(wanted) {
        return vec![wanted];
    }
    let is_fitting = |panel: &Panel| pane.height >= panel.facts().height_min && is_filled(*panel);
    let fitting: Vec<Panel> = all.iter().copied().filter(is_fitting).collect();
    if fitting.is_empty() { vec![all[0]] } else { fitting }
}

/// Rows of attacks below the requests, with the rule above them.
pub(crate) fn alarm_table_height(model: &Model, body_height: u16) -> u16 {
    let alarms = model.moment.firewall.as_ref().map_or(0, |firewall| firewall.alarms.len());
    let all = alarms.clamp(1, ALARM_ROWS_MAX) as u16 + 1;
    all.min(body_height / 3)
}

const ALARM_ROWS_MAX: usize = 8;

/// Tabs need a row that a lower terminal does not have; the numbers work all the same.
pub(crate) const TABS_HEIGHT_MIN: u16 = 24;

/// Rows of the line that says where in the past one is.
pub(crate) fn ruler_height(model: &Model) -> u16 {
    match (&model.past, model.size.height) {
        (None, _) | (Some(_), 0..RULER_HEIGHT_MIN) => 0,
        (Some(_), RULER_HEIGHT_MIN..RULER_HEIGHT_TALL) => 1,
        (Some(_), RULER_HEIGHT_TALL..) => 2,
    }
}

const RULER_HEIGHT_MIN: u16 = 12;
/// From here on there is room for the traffic, too.
const RULER_HEIGHT_TALL: u16 = 30;

/// The table of programs takes what its rows need, up to half of the body.
const PROGRAM_ROWS_MIN: u16 = 4;

pub(crate) fn program_table_height(model: &Model, body_height: u16, is_alone: bool) -> u16 {
    if is_alone {
        return body_height;
    }
    let all = model.moment.programs.len().clamp(1, 200) as u16 + 1;
    all.min((body_height / 2).max(PROGRAM_ROWS_MIN))
}

/// Lines of the log in view.
pub(crate) fn log_rows(model: &Model) -> u16 {
    let pane = split::main(model);
    let strips = model.size.height - split::body_height(model);
    let body_height = pane.height.saturating_sub(strips);
    let is_alone = shown(model).len() == 1;
    let table_height = if is_alone { 0 } else { program_table_height(model, body_height, false) };
    let about_height = if is_alone { 0 } else { about::lines(model, pane.height).len() as u16 };
    let prompt_height = u16::from(matches!(model.overlay, Some(Overlay::Attached(_))));
    body_height.saturating_sub(table_height + about_height + 1 + prompt_height)
}
