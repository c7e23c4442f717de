//! A row that is whatever its view says of it: cells by name. For tables that nothing else knows of:
//! cursor, filter, order and copying need no more than this.

use super::columns::Cell;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// Which of its panel's rows it is, also in words.
    pub(crate) identity: String,
    pub(crate) cells: Vec<(&'static str, Cell)>,
    /// What `y` takes.
    pub(crate) copy: String,
}

impl Record {
    pub(crate) fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|(known, _)| *known == name).map(|(_, cell)| cell)
    }

    /// Empty where there is none.
    pub(crate) fn word(&self, name: &str) -> &str {
        match self.cell(name) {
            Some(Cell::Text(text)) => text,
            Some(Cell::Number(_)) | None => "",
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        match self.cell(name) {
            Some(Cell::Number(value)) => Some(*value),
            Some(Cell::Text(_)) | None => None,
        }
    }

    /// The same as a count.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        self.number(name).map(|value| value as u64)
    }

    /// All of its words.
    pub(crate) fn text(&self) -> String {
        let words = self.cells.iter().filter_map(|(_, cell)| match cell {
            Cell::Text(text) => Some(text.as_str()),
            Cell::Number(_) => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A cell of a count.
pub(crate) fn count(value: u64) -> Cell {
    Cell::Number(value as f64)
}

/// The same of what may be below zero.
pub(crate) fn signed(value: i64) -> Cell {
    Cell::Number(value as f64)
}

pub(crate) fn words(value: impl Into<String>) -> Cell {
    Cell::Text(value.into())
}
