//! How an action's answer is made and read; its shape is in `wire`.

use super::wire::{Answer, Outcome};

impl Answer {
    pub(crate) fn changed(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Changed, message: message.into() }
    }

    pub(crate) fn unchanged(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unchanged, message: message.into() }
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Unknown, message: message.into() }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused, message: message.into() }
    }

    /// The state asked for holds.
    pub(crate) fn is_done(&self) -> bool {
        match self.outcome {
            Outcome::Changed | Outcome::Unchanged => true,
            Outcome::Unknown | Outcome::Refused => false,
        }
    }
}
