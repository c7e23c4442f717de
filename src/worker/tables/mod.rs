//! The file's own tables of variables, compiled: what a text comes to by words, networks or shares.
//!
//! Asked only when a text names one; what it looks up is written into a buffer that the table keeps.
//! A table names others in no circle, so no buffer is wanted twice at a time.

mod networks;
mod shares;
mod words;

use std::cell::RefCell;

use super::routes::Spans;
use super::variables::{self, Facts, Groups, Manner, Value};
use crate::config::model::table::{self, Lookup};
use crate::config::template::{Template, Variable};
use networks::Networks;
use shares::Shares;
use words::Words;

/// By the places that texts name them by.
#[derive(Default)]
pub(crate) struct Tables {
    list: Vec<Table>,
}

struct Table {
    source: Template,
    default: Template,
    entries: Entries,
    /// What is being looked up.
    looked_up: RefCell<Vec<u8>>,
    /// All that it goes by, through other tables, too.
    leaves: Vec<Variable>,
}

enum Entries {
    Words(Box<Words>),
    Networks(Networks),
    Shares(Shares),
}

impl Tables {
    pub(crate) fn compile(tables: &[table::Table]) -> Self {
        let compiled = |table: &table::Table| Table {
            source: table.source.clone(),
            default: table.default.clone(),
            entries: match &table.lookup {
                Lookup::Words(words) => Entries::Words(Box::new(Words::compile(words))),
                Lookup::Networks(networks) => Entries::Networks(Networks::compile(networks)),
                Lookup::Shares(shares) => Entries::Shares(Shares::compile(shares)),
            },
            looked_up: RefCell::default(),
            leaves: leaves(table, tables),
        };
        Self { list: tables.iter().map(compiled).collect() }
    }

    /// The variable itself, or all that a table's goes by.
    pub(crate) fn leaves<'t>(&'t self, variable: &'t Variable) -> &'t [Variable] {
        match variable {
            Variable::Table(at) => &self.list[usize::from(*at)].leaves,
            other => std::slice::from_ref(other),
        }
    }

    /// Appends what the table comes to for a request.
    pub(crate) fn write(&self, out: &mut Vec<u8>, at: u16, facts: &Facts<'_>) -> Value {
        let table = &self.list[usize::from(at)];
        let mut looked_up = table.looked_up.borrow_mut();
        looked_up.clear();
        variables::render(&mut looked_up, &table.source, facts, Manner::Plain);
        let mut spans = Spans::default();
        let found = match &table.entries {
            Entries::Words(words) => words.find(&looked_up, &mut spans),
            Entries::Networks(networks) => networks.find(&looked_up),
            Entries::Shares(shares) => shares.find(&looked_up),
        };
        let groups = Groups { subject: &looked_up, spans: &spans };
        let facts = Facts { groups, ..*facts };
        variables::render(out, found.unwrap_or(&table.default), &facts, Manner::Plain);
        Value::Written
    }
}

/// The configuration's check has found no circle.
fn leaves(table: &table::Table, tables: &[table::Table]) -> Vec<Variable> {
    let mut found = Vec::new();
    for variable in table.templates().flat_map(Template::variables) {
        let further = match variable {
            Variable::Table(at) => leaves(&tables[usize::from(*at)], tables),
            // Its own expression's.
            Variable::Capture(_) => Vec::new(),
            other => vec![other.clone()],
        };
        for variable in further {
            if !found.contains(&variable) {
                found.push(variable);
            }
        }
    }
    found
}
