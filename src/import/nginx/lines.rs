//! The keys of a table on their way to the page.

use crate::import::Place;
use crate::import::page::{self, Page};

#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<(String, String, Place)>);

impl Lines {
    /// `value` is TOML already. A key has one value: the last word counts, as with nginx.
    pub(super) fn add(&mut self, key: &str, value: impl Into<String>, place: &Place) {
        let (value, place) = (value.into(), place.clone());
        match self.0.iter_mut().find(|(known, _, _)| known == key) {
            Some(known) => (known.1, known.2) = (value, place),
            None => self.0.push((key.to_owned(), value, place)),
        }
    }

    pub(super) fn text(&mut self, key: &str, value: &str, place: &Place) {
        self.add(key, page::string(value), place);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _, _)| known == key)
    }

    /// The value of a key, as TOML.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _, _)| known == key);
        found.map(|(_, value, _)| value.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn write(&self, page: &mut Page) {
        for (key, value, place) in &self.0 {
            page.key(key, value, place);
        }
    }
}
