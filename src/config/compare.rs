//! What is different between two texts of a configuration, in the file's own words: which upstream,
//! which key, what it was and what it would be.
//!
//! Pure. Says nothing about what follows from it. Values that may be secrets are told to differ, and
//! not what they are.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::veil;

/// Longer values are cut here.
const VALUE_CHARS_MAX: usize = 60;
/// What stands for a value that is nobody else's business.
const HIDDEN: &str = "***";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Added,
    Removed,
    Changed,
}

/// One section that is different: `upstream api`, `program web`, `server shop.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) sign: Sign,
    /// `engine`, `server`, `upstream` ...
    pub(crate) kind: String,
    /// Empty for what there is only one of.
    pub(crate) name: String,
    /// What in it is different; of a section that comes or goes, nothing.
    pub(crate) details: Vec<Detail>,
}

/// One key of a section: `strategy`, `check.interval`, `backend 10.0.3.9:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) sign: Sign,
    pub(crate) key: String,
    /// Empty for what comes.
    pub(crate) from: String,
    /// Empty for what goes.
    pub(crate) to: String,
}

/// How many sections there are in both that are the same.
pub(crate) fn unchanged(old: &str, new: &str) -> usize {
    let (old, new) = (sections(old), sections(new));
    old.iter().filter(|(key, value)| new.get(*key) == Some(value)).count()
}

/// A text that is no TOML has no sections: its errors are told elsewhere.
pub(crate) fn sections_between(old: &str, new: &str) -> Vec<Section> {
    let (old, new) = (sections(old), sections(new));
    let mut keys: Vec<&Key> =
        old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
    keys.sort();
    let section = |key: &Key| {
        let (sign, details) = match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(old), Some(new)) => (Sign::Changed, details(old, new)),
            (None, _) => (Sign::Added, Vec::new()),
            (Some(_), None) => (Sign::Removed, Vec::new()),
        };
        Some(Section { sign, kind: key.kind.clone(), name: key.name.clone(), details })
    };
    keys.into_iter().filter_map(section).collect()
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// In the order in which one thinks of a configuration.
    rank: usize,
    kind: String,
    name: String,
}

const KINDS: [&str; 12] = [
    "engine", "control", "map", "geo", "split", "server", "stream", "limit", "upstream", "group",
    "listener", "program",
];

impl Key {
    fn new(kind: &str, name: String) -> Self {
        let rank = KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len());
        Self { rank, kind: kind.to_owned(), name }
    }
}

fn sections(text: &str) -> BTreeMap<Key, Value> {
    let mut sections = BTreeMap::new();
    for (kind, value) in text.parse::<Table>().unwrap_or_default() {
        match value {
            Value::Table(tables) if tables.values().all(Value::is_table) && !tables.is_empty() => {
                for (name, value) in tables {
                    sections.insert(Key::new(&kind, name), value);
                }
            }
            Value::Array(list) => {
                for (at, value) in list.into_iter().enumerate() {
                    let name = identity(&value).unwrap_or_else(|| (at + 1).to_string());
                    let mut key = Key::new(&kind, name);
                    // Two that call themselves the same are told apart by their order.
                    while sections.contains_key(&key) {
                        key.name.push('+');
                    }
                    sections.insert(key, value);
                }
            }
            value => {
                sections.insert(Key::new(&kind, String::new()), value);
            }
        }
    }
    sections
}

/// What tells an element of a list from the others.
fn identity(value: &Value) -> Option<String> {
    let table = value.as_table()?;
    let keys = ["hosts", "host", "address", "path", "name", "listen"];
    let found = keys.iter().find_map(|key| table.get(*key));
    found.map(|value| words("", value)).filter(|words| !words.is_empty())
}

fn details(old: &Value, new: &Value) -> Vec<Detail> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Detail>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Table(old), Value::Table(new)) => {
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            for key in keys {
                pair(&joined(path, key, '.'), (old.get(key), new.get(key)), found);
            }
        }
        (Value::Array(old), Value::Array(new)) if are_tables(old) && are_tables(new) => {
            let (old, new) = (by_identity(old), by_identity(new));
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            for key in keys {
                let path = joined(path, key, ' ');
                pair(&path, (old.get(key).copied(), new.get(key).copied()), found);
            }
        }
        (old, new) => found.push(Detail {
            sign: Sign::Changed,
            key: path.to_owned(),
            from: words(path, old),
            to: words(path, new),
        }),
    }
}

fn pair(path: &str, (old, new): (Option<&Value>, Option<&Value>), found: &mut Vec<Detail>) {
    let key = path.to_owned();
    match (old, new) {
        (Some(old), Some(new)) => compare(path, old, new, found),
        (Some(old), None) => {
            let from = words(path, old);
            found.push(Detail { sign: Sign::Removed, key, from, to: String::new() });
        }
        (None, Some(new)) => {
            let to = words(path, new);
            found.push(Detail { sign: Sign::Added, key, from: String::new(), to });
        }
        (None, None) => {}
    }
}

fn joined(path: &str, key: &str, between: char) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}{between}{key}") }
}

fn are_tables(list: &[Value]) -> bool {
    list.iter().all(Value::is_table)
}

fn by_identity(list: &[Value]) -> BTreeMap<String, &Value> {
    let name =
        |(at, value): (usize, &Value)| identity(value).unwrap_or_else(|| (at + 1).to_string());
    list.iter().enumerate().map(|(at, value)| (name((at, value)), value)).collect()
}

/// A value as one reads it; of a table, its keys and values.
fn words(path: &str, value: &Value) -> String {
    if path.split('.').any(veil::is_secret) {
        return HIDDEN.to_owned();
    }
    let text = match value {
        Value::String(text) => veil::text(text),
        Value::Array(list) => {
            list.iter().map(|value| words(path, value)).collect::<Vec<_>>().join(" ")
        }
        Value::Table(table) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{key}={}", words(&joined(path, key, '.'), value))
            };
            table.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            value.to_string()
        }
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
