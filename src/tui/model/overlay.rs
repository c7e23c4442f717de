//! What lies over the view, one at a time: while it does, it gets the keys.

use tui_input::Input;

use super::order::Question;

/// What an upstream's strategy can be changed to, by the names of the API.
pub(crate) const STRATEGIES: [&str; 8] = [
    "round_robin",
    "least_conn",
    "ip_hash",
    "random",
    "random_two",
    "hash",
    "hash_consistent",
    "least_time",
];

#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    /// Keys of this view, filtered by what is typed.
    Help {
        filter: Input,
        scroll: usize,
    },
    /// Drawn as a box; entries come from `action::palette`.
    Palette {
        input: Input,
        selected: usize,
    },
    /// Drawn in the footer line; the filter applies while it is typed.
    Filter {
        input: Input,
        before: String,
    },
    Confirm(Box<Question>),
    /// Shown live while moving; Esc goes back to `before`.
    Theme {
        selected: usize,
        before: String,
    },
    Strategy {
        upstream: String,
        selected: usize,
    },
}
