//! What a list's filter asks: words that rows hold or do not hold, and what their columns are, as in
//! `state=failed p99>50ms !10.0.3`.
//!
//! A column's name that is not known, or half of a comparison, is a word like any other: nothing
//! that is typed is an error.

use std::cmp::Ordering;

use super::Model;
use super::columns::{self, Cell, Unit};
use super::rows::Row;

pub(super) struct Filter(Vec<Term>);

#[derive(Debug, PartialEq)]
enum Term {
    Has(String),
    Lacks(String),
    Is { column: &'static str, test: Test, value: Value },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    Other,
    More,
    Less,
    AtLeast,
    AtMost,
}

#[derive(Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

/// The longer sign first, so that it is not taken for the shorter.
const SIGNS: [(&str, Test); 6] = [
    (">=", Test::AtLeast),
    ("<=", Test::AtMost),
    ("!=", Test::Other),
    (">", Test::More),
    ("<", Test::Less),
    ("=", Test::Equal),
];

impl Filter {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.to_lowercase().split_whitespace().filter_map(term).collect())
    }

    /// Whether every term holds.
    pub(super) fn is_match(&self, model: &Model, row: &Row<'_>) -> bool {
        let text = row.text();
        self.0.iter().all(|term| match term {
            Term::Has(word) => text.contains(word.as_str()),
            Term::Lacks(word) => !text.contains(word.as_str()),
            Term::Is { column, test, value } => {
                columns::cell(model, row, column).is_some_and(|cell| holds(&cell, *test, value))
            }
        })
    }
}

/// Nothing for what is only begun: `p99>`, `!`.
fn term(word: &str) -> Option<Term> {
    let sign = |(sign, test): &(&'static str, Test)| Some((word.find(sign)?, *sign, *test));
    let first = SIGNS.iter().filter_map(sign).min_by_key(|(at, ..)| *at);
    if let Some((at, sign, test)) = first
        && let Some(column) = columns::named(&word[..at])
    {
        let text = &word[at + sign.len()..];
        if text.is_empty() {
            return None;
        }
        let value = match column.unit {
            Unit::Word => Some(Value::Text(text.to_owned())),
            Unit::Count | Unit::Time | Unit::Share | Unit::Bytes => {
                column.unit.parse(text).map(Value::Number)
            }
        };
        if let Some(value) = value {
            return Some(Term::Is { column: column.name, test, value });
        }
    }
    match word.strip_prefix('!') {
        Some("") => None,
        Some(word) => Some(Term::Lacks(word.to_owned())),
        None => Some(Term::Has(word.to_owned())),
    }
}

fn holds(cell: &Cell, test: Test, value: &Value) -> bool {
    match (cell, value) {
        (Cell::Number(cell), Value::Number(value)) => {
            // What is shown as 12% is found by `=12%`.
            let is_equal = (cell - value).abs() < value.abs().max(1.0) / 200.0;
            match (test, cell.total_cmp(value)) {
                (Test::Equal, _) => is_equal,
                (Test::Other, _) => !is_equal,
                (Test::More, order) => order == Ordering::Greater,
                (Test::Less, order) => order == Ordering::Less,
                (Test::AtLeast, order) => order != Ordering::Less,
                (Test::AtMost, order) => order != Ordering::Greater,
            }
        }
        (Cell::Text(cell), Value::Text(value)) => {
            let cell = cell.to_lowercase();
            match test {
                // Also while the word is being typed.
                Test::Equal => cell.starts_with(value.as_str()),
                Test::Other => !cell.starts_with(value.as_str()),
                Test::More => cell > *value,
                Test::Less => cell < *value,
                Test::AtLeast => cell >= *value,
                Test::AtMost => cell <= *value,
            }
        }
        (Cell::Number(_), Value::Text(_)) | (Cell::Text(_), Value::Number(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_are_meant() {
        let number = |column, test, value| Term::Is { column, test, value: Value::Number(value) };
        let state = Value::Text("failed".to_owned());
        for (word, expected) in [
            ("p99>50", Some(number("p99", Test::More, 50_000.0))),
            ("p99>=1.5s", Some(number("p99", Test::AtLeast, 1_500_000.0))),
            ("p95<200us", Some(number("p95", Test::Less, 200.0))),
            ("age>5m", Some(number("age", Test::More, 300_000_000.0))),
            ("cpu>10%", Some(number("cpu", Test::More, 10.0))),
            ("mem<=300m", Some(number("mem", Test::AtMost, 300.0 * 1024.0 * 1024.0))),
            ("req/s!=2k", Some(number("req/s", Test::Other, 2_000.0))),
            ("state=failed", Some(Term::Is { column: "state", test: Test::Equal, value: state })),
            ("p99>", None),
            ("p99>many", Some(Term::Has("p99>many".to_owned()))),
            ("colour=red", Some(Term::Has("colour=red".to_owned()))),
            ("/a?b=c", Some(Term::Has("/a?b=c".to_owned()))),
            ("!get", Some(Term::Lacks("get".to_owned()))),
            ("!", None),
        ] {
            assert_eq!(term(word), expected, "{word}");
        }
    }
}
