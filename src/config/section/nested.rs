//! What a key holds that is more than one value: lists, tables, lists of tables.
//!
//! As in the table itself, each reader notes the key it asks for.

use toml::de::DeValue;

use super::{Form, Section, Value, asked, description, raw_text_of, text_of};
use crate::config::report::Located;

impl<'a> Section<'a> {
    /// A list of texts; a single text is a list of one.
    pub(in crate::config) fn texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        let report = self.report;
        let items = self.items_as(key, "text, or a list of texts").into_iter();
        items.filter_map(|value| text_of(report, value, "a string")).collect()
    }

    /// The same, each where it stands also when it is none.
    pub(super) fn texts_as(
        &mut self,
        key: &'static str,
        form: &'static str,
    ) -> Vec<Option<Located<String>>> {
        let (report, items) = (self.report, self.items_as(key, form));
        items.into_iter().map(|value| text_of(report, value, "a string")).collect()
    }

    /// The same, not expanded.
    pub(in crate::config) fn raw_texts(&mut self, key: &'static str) -> Vec<Located<String>> {
        let (report, items) = (self.report, self.items_as(key, "text, or a list of texts"));
        items.into_iter().filter_map(|value| raw_text_of(report, value, "a string")).collect()
    }

    /// The values of a list; a single value is a list of one.
    pub(in crate::config) fn items(&mut self, key: &'static str) -> Vec<&'a Value<'a>> {
        self.items_as(key, asked::OPEN)
    }

    fn items_as(&mut self, key: &'static str, form: &'static str) -> Vec<&'a Value<'a>> {
        match self.get(key, || form.to_owned()) {
            None => Vec::new(),
            Some(value) => match value.get_ref() {
                DeValue::Array(items) => items.iter().collect(),
                _ => vec![value],
            },
        }
    }

    /// A table of fixed keys: `check = { ... }` or `[upstream.api.check]`.
    pub(in crate::config) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        self.section_as(key, "table")
    }

    fn section_as(&mut self, key: &'static str, form: &'static str) -> Option<Section<'a>> {
        let value = self.get(key, || form.to_owned())?;
        self.inner(key, value, Form::Table)
    }

    /// A value of a list, as a table.
    pub(in crate::config) fn item(&self, key: &str, value: &'a Value<'a>) -> Option<Section<'a>> {
        self.inner(key, value, Form::Item)
    }

    fn inner(&self, key: &str, value: &'a Value<'a>, form: Form) -> Option<Section<'a>> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.unexpected(value, "a table");
        };
        let (report, title, span) = (self.report, self.title_of(key), value.span());
        Some(Section { report, title, form, span, table, asked: Vec::new() })
    }

    fn title_of(&self, key: &str) -> String {
        match self.form {
            Form::File => key.to_owned(),
            Form::Table | Form::Item => format!("{}.{key}", self.title),
        }
    }

    /// The tables of `[[server]]`.
    pub(in crate::config) fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.get(key, || "list of tables".to_owned()) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            let name = self.key_span(key).unwrap_or_else(|| value.span());
            self.report.error(
                &name,
                format!("expected a list of tables, found one {}", value.get_ref().type_str()),
                format!("write `[[{}]]`", self.title_of(key)),
            );
            return Vec::new();
        };
        items.iter().filter_map(|item| self.item(key, item)).collect()
    }

    /// The tables of `[upstream.NAME]`, in the order of the file.
    pub(in crate::config) fn named_sections(
        &mut self,
        key: &'static str,
    ) -> Vec<(Located<String>, Self)> {
        let named = || "tables by name".to_owned();
        let Some(value) = self.get(key, named) else { return Vec::new() };
        let DeValue::Table(tables) = value.get_ref() else {
            let hint = format!("write `[{key}.NAME]`");
            let message = format!("expected named tables, found {}", description(value));
            self.report.error(&value.span(), message, hint);
            return Vec::new();
        };
        let mut named: Vec<_> = tables
            .iter()
            .filter_map(|(name, value)| {
                let text = name.get_ref().as_ref();
                let section = self.inner(&format!("{key}.{text}"), value, Form::Table)?;
                Some((Located { value: text.to_owned(), span: name.span() }, section))
            })
            .collect();
        named.sort_by_key(|(name, _)| name.span.start);
        named
    }

    /// The texts of a table of free keys, in the order of the file; not expanded.
    pub(in crate::config) fn pairs(
        &mut self,
        key: &'static str,
    ) -> Vec<(Located<String>, Located<String>)> {
        let Some(table) = self.section_as(key, "table of texts") else { return Vec::new() };
        let mut pairs: Vec<_> = table
            .table
            .iter()
            .filter_map(|(name, value)| {
                let text = raw_text_of(self.report, value, "a string")?;
                Some((Located { value: name.get_ref().to_string(), span: name.span() }, text))
            })
            .collect();
        pairs.sort_by_key(|(name, _)| name.span.start);
        pairs
    }

    /// The texts of a table of free keys, one or a list each, in the order of the file; not
    /// expanded.
    pub(in crate::config) fn entries(
        &mut self,
        key: &'static str,
    ) -> Vec<(Located<String>, Vec<Located<String>>)> {
        let Some(table) = self.section_as(key, "table of texts, or lists of them") else {
            return Vec::new();
        };
        let report = self.report;
        let mut entries: Vec<_> = table
            .table
            .iter()
            .map(|(name, value)| {
                let values: Vec<&Value<'_>> = match value.get_ref() {
                    DeValue::Array(items) => items.iter().collect(),
                    _ => vec![value],
                };
                let texts = values
                    .into_iter()
                    .filter_map(|value| raw_text_of(report, value, "a string"))
                    .collect();
                (Located { value: name.get_ref().to_string(), span: name.span() }, texts)
            })
            .collect();
        entries.sort_by_key(|(name, _)| name.span.start);
        entries
    }
}
