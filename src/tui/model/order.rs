//! The two steps of an order: what could interrupt something is a `Question` until it is answered.
//!
//! A `Confirmed` can be sent and has no constructor outside this file: `judge` gives one only for
//! what interrupts nothing, and `Question::answer` only for what the operator confirmed. The rule
//! is proportion: nothing running, no question; something running, one key that is not the same
//! key; the last backend or everything, the name typed out.

use tui_input::Input;

use crate::control::call::Command;

use super::key::Key;

/// One change asked for, with the row it concerns and what takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) command: Command,
    pub(crate) verb: &'static str,
    pub(crate) undo: Option<Undo>,
}

/// What `u` sends, and how it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) key: Key,
    pub(crate) command: Command,
    /// `enable api/10.0.3.5:8080`.
    pub(crate) label: String,
}

/// What a change interrupts, in the words and numbers of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Goes at once.
    Nothing,
    /// Asks for `y`.
    Something { facts: Vec<String> },
    /// Asks for `name` to be typed.
    Last { facts: Vec<String>, name: String },
}

/// Changes that may be sent. Cannot be made outside this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confirmed(Vec<Change>);

impl Confirmed {
    pub(crate) fn changes(&self) -> &[Change] {
        &self.0
    }

    pub(crate) fn into_changes(self) -> Vec<Change> {
        self.0
    }
}

/// A prompt: what would happen, and what makes it happen. The focus starts on Cancel.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// `Drain the last healthy backend of "static"?`
    pub(crate) title: String,
    pub(crate) facts: Vec<String>,
    /// The word on the button that goes ahead.
    pub(crate) verb: &'static str,
    pub(crate) gate: Gate,
    pub(crate) is_go_focused: bool,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(crate) enum Gate {
    Yes,
    Name { expected: String, typed: Input },
}

pub(crate) enum Judged {
    Free(Confirmed),
    Ask(Box<Question>),
}

impl Judged {
    /// What would be sent, asked about or not.
    pub(crate) fn changes(&self) -> &[Change] {
        match self {
            Self::Free(confirmed) => confirmed.changes(),
            Self::Ask(question) => &question.changes,
        }
    }
}

/// Decides whether changes go at once or are asked about; `weight` is what they interrupt.
pub(crate) fn judge(title: String, changes: Vec<Change>, weight: Weight) -> Judged {
    let verb = changes.first().map_or("go", |change| change.verb);
    let (facts, gate) = match weight {
        Weight::Nothing => return Judged::Free(Confirmed(changes)),
        Weight::Something { facts } => (facts, Gate::Yes),
        Weight::Last { facts, name } => {
            (facts, Gate::Name { expected: name, typed: Input::default() })
        }
    };
    Judged::Ask(Box::new(Question { title, facts, verb, gate, is_go_focused: false, changes }))
}

impl Question {
    /// Whether going ahead is possible: always for a `y`, only with the name for the heavy ones.
    pub(crate) fn is_open(&self) -> bool {
        match &self.gate {
            Gate::Yes => true,
            Gate::Name { expected, typed } => typed.value() == expected,
        }
    }

    /// The operator said yes. The question comes back when the gate is still shut.
    pub(crate) fn answer(self: Box<Self>) -> Result<Confirmed, Box<Self>> {
        if self.is_open() { Ok(Confirmed(self.changes)) } else { Err(self) }
    }
}
