//! What the questions about an instance were last answered, shared between the task that asks and
//! the row that shows it, so that an answer that changes nothing wakes nobody.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

#[derive(Debug, Default)]
pub(super) struct Pulse {
    state: Beat,
}

#[derive(Debug, Default)]
enum Beat {
    /// Nothing was asked yet.
    #[default]
    Unknown,
    Good,
    /// What is waited for, where nothing is asked.
    Awaited(String),
    Failing {
        /// What is asked: `probe`, `liveness`.
        what: &'static str,
        place: String,
        times: u32,
        why: String,
    },
}

pub(super) type SharedPulse = Rc<RefCell<Pulse>>;

impl Pulse {
    pub(super) fn await_word(&mut self, what: impl Into<String>) {
        self.state = Beat::Awaited(what.into());
    }

    pub(super) fn succeeded(&mut self) {
        self.state = Beat::Good;
    }

    /// So many times in a row by now.
    pub(super) fn failed(&mut self, what: &'static str, place: &str, why: String) -> u32 {
        let before = match &self.state {
            Beat::Failing { times, .. } => *times,
            Beat::Unknown | Beat::Good | Beat::Awaited(_) => 0,
        };
        let times = before.saturating_add(1);
        self.state = Beat::Failing { what, place: place.to_owned(), times, why };
        times
    }

    pub(super) fn clear(&mut self) {
        self.state = Beat::Unknown;
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self.state, Beat::Good)
    }
}

/// For people; empty when there is nothing to say.
impl fmt::Display for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Beat::Unknown | Beat::Good => Ok(()),
            Beat::Awaited(what) => f.write_str(what),
            Beat::Failing { what, place, times, why } => {
                write!(f, "{what} failed {times}x: {why}")?;
                if place.is_empty() { Ok(()) } else { write!(f, " ({place})") }
            }
        }
    }
}
