//! What each panel remembers about its list: the cursor by identity, the filter and the order.

use super::key::Key;
use super::panel::{Panel, View};

/// While the cursor moves, rows keep their places for this long, so that nothing slides away under
/// the finger.
pub(crate) const HOLD_MS: u64 = 1_000;

/// After a row vanished and the cursor fell on its neighbour, orders are refused for this long: the
/// operator has not seen yet where the cursor is.
pub(crate) const UNSEEN_MS: u64 = 400;

#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) cursor: Option<Key>,
    /// Where the cursor stood last; the place it falls back to when its row vanishes.
    pub(crate) position: usize,
    /// When the cursor fell on another row by itself.
    pub(crate) fell_at_ms: Option<u64>,
    pub(crate) filter: String,
    pub(crate) sort: Sort,
    pub(crate) held: Option<Held>,
}

/// The order of rows while the cursor moves.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) until_ms: u64,
    pub(crate) order: Vec<Key>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) by: SortBy,
    pub(crate) is_reversed: bool,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SortBy {
    /// As the configuration lists them; worst first where trouble is listed; newest event first.
    #[default]
    Natural,
    /// A column by its name: words from the first letter on, numbers from the most down, the worst
    /// state first.
    Column(&'static str),
}

impl SortBy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Natural => "their own order",
            Self::Column(name) => name,
        }
    }
}

impl Sort {
    /// What is wrong must not be below the edge of a list that has no room.
    pub(crate) fn at_first(panel: Panel) -> Self {
        Self { by: panel.facts().sorted_by, is_reversed: false }
    }
}

/// The lists of all panels, and which panel of each view has the focus.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    lists: [List; Panel::ALL.len()],
    focus: [Panel; View::ALL.len()],
}

impl Default for Lists {
    fn default() -> Self {
        let list = |panel| List { sort: Sort::at_first(panel), ..List::default() };
        Self { lists: Panel::ALL.map(list), focus: View::ALL.map(|view| view.panels()[0]) }
    }
}

impl Lists {
    pub(crate) fn of(&self, panel: Panel) -> &List {
        &self.lists[panel as usize]
    }

    pub(crate) fn of_mut(&mut self, panel: Panel) -> &mut List {
        &mut self.lists[panel as usize]
    }

    /// The panel of a view that was focused last.
    pub(crate) fn focus(&self, view: View) -> Panel {
        self.focus[view as usize]
    }

    pub(crate) fn set_focus(&mut self, view: View, panel: Panel) {
        assert!(view.panels().contains(&panel), "{panel:?} is no panel of {view:?}");
        self.focus[view as usize] = panel;
    }
}

impl List {
    /// Whether the operator has had time to see where the cursor is.
    pub(crate) fn is_seen(&self, now_ms: u64) -> bool {
        self.fell_at_ms.is_none_or(|fell_at_ms| now_ms >= fell_at_ms + UNSEEN_MS)
    }
}
