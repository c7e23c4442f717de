//! Variables that the file itself makes: their names are known before any text is taken apart, so
//! that a table may be written anywhere in the file.

use std::cell::RefCell;

use super::template::{Stage, Variable};

/// Kept by the report of a file.
#[derive(Debug, Default)]
pub(super) struct Named {
    tables: RefCell<Vec<Known>>,
    /// What steps set.
    own: RefCell<Vec<String>>,
}

/// A table, and from when on it means anything.
#[derive(Debug)]
struct Known {
    name: String,
    stage: Stage,
}

impl Named {
    /// Whether the name was free; the table has the next number then.
    pub(super) fn add_table(&self, name: &str) -> bool {
        let mut tables = self.tables.borrow_mut();
        let is_free = !tables.iter().any(|known| known.name == name);
        // What it needs is known once all tables are read.
        tables.push(Known { name: name.to_owned(), stage: Stage::Request });
        is_free
    }

    pub(super) fn settle_table(&self, at: usize, stage: Stage) {
        self.tables.borrow_mut()[at].stage = stage;
    }

    /// Makes a variable known that steps set; whether there is room for it.
    pub(super) fn add_own(&self, name: &str, most: usize) -> bool {
        let mut own = self.own.borrow_mut();
        if !own.iter().any(|known| known == name) {
            own.push(name.to_owned());
        }
        own.len() <= most
    }

    pub(super) fn variable(&self, name: &str) -> Option<Variable> {
        let table = self.tables.borrow().iter().position(|known| known.name == name);
        let own = || self.own.borrow().iter().position(|known| known == name);
        let table = table.and_then(|at| u16::try_from(at).ok()).map(Variable::Table);
        table.or_else(|| own().and_then(|at| u16::try_from(at).ok()).map(Variable::Own))
    }

    /// From when on a variable means anything.
    pub(super) fn known_from(&self, variable: &Variable) -> Stage {
        match variable {
            Variable::Table(at) => self.tables.borrow()[usize::from(*at)].stage,
            other => other.known_from(),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        let tables = self.tables.borrow();
        let own = self.own.borrow();
        tables.iter().map(|known| &known.name).chain(own.iter()).cloned().collect()
    }
}
