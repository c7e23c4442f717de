//! Two views at once: the one that keys act on, and one that is only looked at, to its right where the
//! terminal is wide, else below it.

use super::Model;
use super::panel::{self, View};

/// Halves of this are as wide as the narrowest terminal that shows every column.
const COLUMNS_WIDTH_MIN: u16 = 140;
const ROWS_HEIGHT_MIN: u16 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Alone,
    /// The other view is to the right.
    Columns(View),
    /// The other view is below.
    Rows(View),
}

/// A view with its part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pane {
    pub(crate) view: View,
    /// Rows of the terminal that it would fill alone, strips included.
    pub(crate) height: u16,
    /// Keys act on it.
    pub(crate) has_focus: bool,
}

/// How the screen is shared; a terminal too small for two views shows the one.
pub(crate) fn split(model: &Model) -> Split {
    let Some(view) = model.beside.filter(|view| *view != model.view && !model.is_zoomed) else {
        return Split::Alone;
    };
    if model.size.width >= COLUMNS_WIDTH_MIN {
        Split::Columns(view)
    } else if has_room(model) {
        Split::Rows(view)
    } else {
        Split::Alone
    }
}

pub(crate) fn has_room(model: &Model) -> bool {
    model.size.width >= COLUMNS_WIDTH_MIN || model.size.height >= ROWS_HEIGHT_MIN
}

/// The view that keys act on.
pub(crate) fn main(model: &Model) -> Pane {
    let below = match split(model) {
        Split::Alone | Split::Columns(_) => 0,
        Split::Rows(_) => rows_below(body_height(model)),
    };
    let height = model.size.height.saturating_sub(below);
    Pane { view: model.view, height, has_focus: true }
}

/// The view that is shown beside it.
pub(crate) fn other(model: &Model) -> Option<Pane> {
    let (view, height) = match split(model) {
        Split::Alone => return None,
        Split::Columns(view) => (view, model.size.height),
        Split::Rows(view) => {
            let body_height = body_height(model);
            (view, model.size.height - body_height + rows_below(body_height))
        }
    };
    Some(Pane { view, height, has_focus: false })
}

/// Rows between the strips.
pub(crate) fn body_height(model: &Model) -> u16 {
    let strips = if model.size.height >= panel::TABS_HEIGHT_MIN { 3 } else { 2 };
    model.size.height.saturating_sub(strips + panel::ruler_height(model))
}

/// Of so many rows, those of the lower view.
pub(crate) fn rows_below(body_height: u16) -> u16 {
    body_height * 2 / 5
}

impl Model {
    /// Whether it is on the screen.
    pub(crate) fn is_in_view(&self, view: View) -> bool {
        self.view == view || other(self).is_some_and(|pane| pane.view == view)
    }

    /// Makes it the view that keys act on; one that is shown beside it changes places with it.
    pub(crate) fn turn_to(&mut self, view: View) {
        if view == self.view {
            return;
        }
        if self.beside == Some(view) {
            self.beside = Some(self.view);
        }
        self.before = self.view;
        self.view = view;
    }

    /// Shows the view before this one beside it; or none any more.
    pub(crate) fn turn_split(&mut self) {
        let begun = match (self.before, self.view) {
            (before, view) if before != view => before,
            (_, View::Logs) => View::Events,
            (..) => View::Logs,
        };
        self.beside = if self.beside.is_some() { None } else { Some(begun) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::Size;

    fn model(width: u16, height: u16) -> Model {
        let mut model = Model::new(Size { width, height }, 0);
        model.turn_to(View::Programs);
        model.turn_split();
        model
    }

    #[test]
    fn the_view_before_is_beside_where_it_fits() {
        assert_eq!(split(&model(200, 20)), Split::Columns(View::Overview));
        assert_eq!(split(&model(80, 24)), Split::Rows(View::Overview));
        assert_eq!(split(&model(80, 23)), Split::Alone);
    }

    #[test]
    fn rows_are_shared_without_rest() {
        for height in ROWS_HEIGHT_MIN..200 {
            let model = model(80, height);
            let strips = height - body_height(&model);
            let both = main(&model).height + other(&model).unwrap().height - strips;
            assert_eq!(both, height);
        }
    }

    #[test]
    fn going_to_the_other_view_changes_places() {
        let mut model = model(200, 60);
        model.turn_to(View::Overview);
        assert_eq!((model.view, split(&model)), (View::Overview, Split::Columns(View::Programs)));
        assert!(model.is_in_view(View::Programs) && !model.is_in_view(View::Logs));
        model.turn_split();
        assert_eq!(split(&model), Split::Alone);
    }

    #[test]
    fn at_first_it_is_the_output() {
        let mut model = Model::new(Size { width: 200, height: 60 }, 0);
        model.turn_split();
        assert_eq!(split(&model), Split::Columns(View::Logs));
    }
}
