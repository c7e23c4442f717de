//! `needs`: what must have come so far before an instance is started.

use toml::de::DeValue;

use super::super::model::vitals::{Need, Until};
use super::super::report::{Located, Span};
use super::super::section::{Section, unknown_word};
use super::vitals::{self, Own};

/// What is needed, and where the name of a needed program stands.
#[derive(Clone, Debug)]
pub(in crate::config) struct Draft {
    pub(in crate::config) need: Need,
    pub(in crate::config) at: Span,
}

/// Docker Compose's and systemd's words for the same.
const OTHERS: [(&str, &str); 6] = [
    ("condition", "until"),
    ("state", "until"),
    ("name", "program"),
    ("service", "program"),
    ("process", "program"),
    ("address", "listening"),
];

pub(super) fn read(section: &mut Section<'_>, own: Own<'_>) -> Vec<Draft> {
    let items = section.items("needs");
    items
        .into_iter()
        .filter_map(|value| match value.get_ref() {
            // A name alone is what most mean.
            DeValue::String(name) => Some(Draft {
                need: Need::Program { name: name.to_string(), until: Until::Ready },
                at: value.span(),
            }),
            DeValue::Table(_) => section.item("needs", value).and_then(|table| need(table, own)),
            _ => section.unexpected(value, "a program's name or a table"),
        })
        .collect()
}

fn need(mut table: Section<'_>, own: Own<'_>) -> Option<Draft> {
    let program = table.text("program");
    let until = table.text("until");
    let listening = vitals::place(&mut table, "listening", own);
    let expression = vitals::expression(&mut table, "log");
    let is_given = |key| table.key_span(key).is_some();
    let need = match (is_given("program"), is_given("log"), is_given("listening")) {
        (true, false, false) => program.clone().map(|name| Need::Program {
            name: name.value,
            until: until.as_ref().map_or(Until::Ready, |word| condition(&table, word)),
        }),
        (true, true, false) => program
            .clone()
            .zip(expression)
            .map(|(name, expression)| Need::Line { program: name.value, expression }),
        (false, false, true) => listening.map(Need::Listening),
        _ => {
            let hint = "one of { program = \"db\", until = \"ready\" }, \
                        { program = \"db\", log = \"regex\" }, { listening = \"127.0.0.1:5432\" }";
            table.report.error(&table.span, "`needs` does not say what is needed", hint);
            None
        }
    };
    if let (Some(span), false) = (table.key_span("until"), is_given("program") && !is_given("log"))
    {
        table.report.error(&span, "`until` without `program`, or beside `log`", "remove it");
    }
    let at = program.map_or_else(|| table.span.clone(), |name| name.span);
    table.finish(&OTHERS);
    Some(Draft { need: need?, at })
}

fn condition(table: &Section<'_>, word: &Located<String>) -> Until {
    let found = Until::ALL.into_iter().find(|until| until.name() == word.value);
    found.unwrap_or_else(|| {
        unknown_word(table.report, "condition", word, &Until::ALL.map(Until::name));
        Until::Ready
    })
}
