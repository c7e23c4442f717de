//! What lies over the view, one at a time: while it does, it gets the keys.

use tui_input::Input;

use super::attached::Attached;
use super::key::Key;
use super::log_find::Purpose;
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

/// What programs are asked by signal, the harmless first, and what it usually means.
pub(crate) const SIGNALS: [(&str, &str); 10] = [
    ("HUP", "read the configuration again"),
    ("USR1", "reopen logs, by custom"),
    ("USR2", "its own meaning"),
    ("WINCH", "the window has changed"),
    ("CONT", "go on after STOP"),
    ("STOP", "hold still"),
    ("INT", "as Ctrl-C"),
    ("TERM", "end in order"),
    ("QUIT", "end, often with a core dump"),
    ("ABRT", "end with a core dump"),
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
    /// Drawn in the footer line; a log's search or filter, which applies while it is typed.
    Find {
        input: Input,
        purpose: Purpose,
        before: String,
    },
    /// Which signal to send to these programs.
    Signal {
        targets: Vec<Key>,
        selected: usize,
    },
    /// Drawn below the output of the program that is spoken to.
    Attached(Attached),
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
    /// As what to save the screen.
    Export {
        selected: usize,
    },
    /// Which of several engines is shown: all, or one alone.
    Nodes {
        selected: usize,
    },
}
