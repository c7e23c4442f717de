//! What the pointer can be on, by what it is and not by where: a row that has moved is still that row.

use super::key::Key;
use super::panel::{Panel, View};
use crate::tui::action::Id;

/// Two clicks on a row within this open it.
pub(crate) const DOUBLE_MS: u64 = 400;

/// Whether the terminal reports clicks to us. It can not select text meanwhile, so it is off at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mouse {
    #[default]
    Off,
    On,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Tab(View),
    Row(Panel, Key),
    /// A panel beside its rows, or one without any.
    Panel(Panel),
    /// A key in the footer.
    Hint(Id),
    /// An entry of the list that lies over the view, by its number.
    Choice(usize),
    /// A question's buttons.
    Go,
    Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Click,
    /// So many rows down; negative: up.
    Wheel(isize),
}
