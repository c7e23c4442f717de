//! Which keys are asked for and what is expected of them, noted for the test that holds
//! `configs/REFERENCE.md` to it. Outside of tests nothing is noted.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// Of a key that takes several forms, which only its reader knows.
pub(in crate::config) const OPEN: &str = "";

pub(super) fn number<N: Display>(range: &RangeInclusive<N>) -> String {
    format!("number, {} to {}", range.start(), range.end())
}

#[cfg(not(test))]
pub(super) fn note(_title: &str, _key: &'static str, _form: impl FnOnce() -> String) {}

#[cfg(test)]
pub(super) fn note(title: &str, key: &'static str, form: impl FnOnce() -> String) {
    notes::NOTES.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            notes.push(notes::Note { title: title.to_owned(), key, form: form() });
        }
    });
}

#[cfg(test)]
pub(in crate::config) mod notes {
    use std::cell::RefCell;

    /// One question of a reader.
    #[derive(Clone, Debug)]
    pub(in crate::config) struct Note {
        /// Of the table, as errors call it.
        pub(in crate::config) title: String,
        pub(in crate::config) key: &'static str,
        /// What is expected, or `OPEN`.
        pub(in crate::config) form: String,
    }

    thread_local! {
        pub(super) static NOTES: RefCell<Option<Vec<Note>>> = const { RefCell::new(None) };
    }

    /// What readers ask for while `read` runs.
    pub(in crate::config) fn of(read: impl FnOnce()) -> Vec<Note> {
        NOTES.set(Some(Vec::new()));
        read();
        NOTES.take().unwrap_or_default()
    }
}
