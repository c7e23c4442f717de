//! One table of the file, read key by key into final types.
//!
//! Each reader notes the key it asks for; `finish` then reports every key nobody asked for. A value
//! of the wrong type or out of range is reported where it stands and reads as absent, so that the
//! next error is found too. Knows TOML and the report, but no key's name.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Located, Report, Span};
use super::{duration, nearest, size};

pub(super) mod asked;
mod nested;

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// The longest time limit that can be written: a year; beyond it is a typing mistake.
const DURATION_MS_MAX: u64 = 366 * 86_400_000;

/// What a file says that the configuration names.
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Of its name.
    pub(super) span: Span,
}

#[derive(Clone, Copy)]
enum Form {
    File,
    Table,
    /// One of a list of tables.
    Item,
}

pub(super) struct Section<'a> {
    pub(super) report: &'a Report<'a>,
    /// As the file writes it, without brackets: `upstream.api`; empty for the file itself.
    title: String,
    form: Form,
    /// The header, or the inline table: where a missing key is reported.
    pub(super) span: Span,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn root(report: &'a Report<'a>, document: &'a Spanned<DeTable<'a>>) -> Self {
        let (span, table) = (document.span(), document.get_ref());
        Self { report, title: String::new(), form: Form::File, span, table, asked: Vec::new() }
    }

    /// The raw value, for keys that take several forms.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.get(key, || asked::OPEN.to_owned())
    }

    /// The value of a key; `form` is what readers of the reference are told of it.
    fn get(&mut self, key: &'static str, form: impl FnOnce() -> String) -> Option<&'a Value<'a>> {
        asked::note(&self.title, key, form);
        // Several readers may look at one key.
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    /// Where a key's name stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.table.get_key_value(key).map(|(name, _)| name.span())
    }

    /// A text, with the environment's variables in place.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Located<String>> {
        self.text_as(key, "text")
    }

    fn text_as(&mut self, key: &'static str, form: &'static str) -> Option<Located<String>> {
        let value = self.get(key, || form.to_owned())?;
        text_of(self.report, value, "a string")
    }

    /// A text whose variables belong to a program's instance.
    pub(super) fn raw_text(&mut self, key: &'static str) -> Option<Located<String>> {
        let value = self.get(key, || "text".to_owned())?;
        raw_text_of(self.report, value, "a string")
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key, || "`true` or `false`".to_owned())?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.unexpected(value, "true or false"),
        }
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let value = self.get(key, || asked::number(&range))?;
        let Some(number) = integer_of(value) else {
            return self.unexpected(value, "a whole number");
        };
        let in_range = u32::try_from(number).ok().filter(|number| range.contains(number));
        if in_range.is_none() {
            let (least, most) = range.into_inner();
            self.report.error(
                &value.span(),
                format!("`{key}` is {number}, out of range"),
                format!("expected {least} to {most}"),
            );
        }
        in_range
    }

    /// A whole number that may be negative.
    pub(super) fn signed(&mut self, key: &'static str, range: RangeInclusive<i32>) -> Option<i32> {
        let value = self.get(key, || asked::number(&range))?;
        let number = integer_of(value).and_then(|number| i32::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        let expected = format!("a number from {} to {}", range.start(), range.end());
        number.or_else(|| self.unexpected(value, &expected))
    }

    /// Milliseconds; zero is a duration.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<u64> {
        let value = self.get(key, || "duration".to_owned())?;
        self.duration_of(key, value)
    }

    /// Milliseconds; zero would mean "at once", which no limit can keep.
    pub(super) fn positive_duration(&mut self, key: &'static str) -> Option<u64> {
        let value = self.get(key, || "duration, not zero".to_owned())?;
        let duration_ms = self.duration_of(key, value)?;
        if duration_ms == 0 {
            let hint = "expected more than zero";
            self.report.error(&value.span(), format!("`{key}` is zero"), hint);
            return None;
        }
        Some(duration_ms)
    }

    /// Milliseconds from a number of seconds (Supervisor's way) or a duration.
    pub(super) fn seconds(&mut self, key: &'static str) -> Option<u64> {
        let value = self.get(key, || "seconds, or duration".to_owned())?;
        match value.get_ref() {
            DeValue::Integer(_) => {
                let number = integer_of(value).and_then(|number| u64::try_from(number).ok());
                let duration_ms = number.and_then(|seconds| seconds.checked_mul(1_000));
                match duration_ms.filter(|duration_ms| *duration_ms <= DURATION_MS_MAX) {
                    Some(duration_ms) => Some(duration_ms),
                    None => self.unexpected(value, "a number of seconds up to a year"),
                }
            }
            DeValue::String(_) => self.duration_of(key, value),
            _ => self.unexpected(value, "a number of seconds, or a duration such as \"1s\""),
        }
    }

    /// Bytes.
    pub(super) fn size(&mut self, key: &'static str) -> Option<u64> {
        let value = self.get(key, || "size".to_owned())?;
        self.size_of(value)
    }

    fn size_of(&self, value: &Value<'_>) -> Option<u64> {
        let DeValue::String(text) = value.get_ref() else {
            return self.unexpected(value, "a size such as \"50MB\"");
        };
        let bytes = size::parse(text);
        if bytes.is_none() {
            self.report.error(
                &value.span(),
                format!("`{text}` is not a size"),
                "a whole number and a unit: \"512B\", \"10KB\", \"50MB\", \"1GB\"",
            );
        }
        bytes
    }

    /// Bytes within bounds.
    pub(super) fn size_within(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let (least, most) = range.clone().into_inner();
        let within = || match most {
            u64::MAX => format!("size, {} and up", size::display(least)),
            most => format!("size, {} to {}", size::display(least), size::display(most)),
        };
        let value = self.get(key, within)?;
        let bytes = self.size_of(value)?;
        if !range.contains(&bytes) {
            let span = value.span();
            let message = format!("`{key}` is {}, out of range", size::display(bytes));
            let hint = format!("expected {} to {}", size::display(least), size::display(most));
            self.report.error(&span, message, hint);
            return None;
        }
        Some(bytes)
    }

    /// A folder that must exist.
    pub(super) fn folder(&mut self, key: &'static str) -> Option<PathBuf> {
        let text = self.text_as(key, "folder that is there")?;
        let path = self.report.absolute(PathBuf::from(text.value));
        if !(self.report.surroundings.is_folder)(&path) {
            let message = format!("no folder {} on this machine", path.display());
            self.report.error(&text.span, message, "");
        }
        Some(path)
    }

    /// A user that must exist.
    pub(super) fn user(&mut self, key: &'static str) -> Option<String> {
        let user = self.text_as(key, "user of this machine")?;
        if !(self.report.surroundings.is_user)(&user.value) {
            let message = format!("no user `{}` on this machine", user.value);
            self.report.error(&user.span, message, "");
        }
        Some(user.value)
    }

    /// The contents of a file that is used as it is.
    pub(super) fn page(&mut self, key: &'static str) -> Option<String> {
        self.page_at(key).map(|page| page.text)
    }

    /// The same, with where it is.
    pub(super) fn page_at(&mut self, key: &'static str) -> Option<Page> {
        let text = self.text_as(key, "file")?;
        self.page_of(text)
    }

    /// The same of several files, or of one.
    pub(super) fn pages_at(&mut self, key: &'static str) -> Vec<Option<Page>> {
        let paths = self.texts_as(key, "file, or a list of files");
        paths.into_iter().map(|text| self.page_of(text?)).collect()
    }

    fn page_of(&self, Located { value, span }: Located<String>) -> Option<Page> {
        let path = self.report.absolute(PathBuf::from(value));
        match (self.report.surroundings.page)(&path) {
            Ok(text) => Some(Page { path, text, span }),
            Err(reason) => {
                let message = format!("read {}: {reason}", path.display());
                self.report.error(&span, message, "");
                None
            }
        }
    }

    /// A key of the contract that this version does not act on: better refused than ignored.
    pub(super) fn unsupported(&mut self, key: &'static str, hint: &str) {
        self.asked.push(key);
        if let Some(span) = self.key_span(key) {
            self.report.error(&span, format!("`{key}` is not supported by this version"), hint);
        }
    }

    /// Reports a key that must be there.
    pub(super) fn missing(&self, key: &str, hint: &str) {
        if !self.report.is_broken {
            self.report.error(&self.span, format!("{} has no `{key}`", self.place()), hint);
        }
    }

    /// Reports the keys that nobody asked for. `others` maps the words of nginx and Supervisor to
    /// those of this file.
    pub(super) fn finish(self, others: &[(&str, &'static str)]) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let same = others.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours);
            let hint = match same.or_else(|| nearest::nearest(name, &self.asked)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected {}", listed(&self.asked)),
            };
            let place = self.place();
            self.report.error(&key.span(), format!("unknown key `{name}` in {place}"), hint);
        }
    }

    /// How errors call this table.
    fn place(&self) -> String {
        match self.form {
            Form::File => "the file".to_owned(),
            Form::Table => format!("[{}]", self.title),
            Form::Item => format!("[[{}]]", self.title),
        }
    }

    fn duration_of(&self, key: &str, value: &Value<'_>) -> Option<u64> {
        let DeValue::String(text) = value.get_ref() else {
            return self.unexpected(value, "a duration such as \"30s\"");
        };
        let duration_ms = duration::parse(text);
        match duration_ms {
            Some(duration_ms) if duration_ms <= DURATION_MS_MAX => Some(duration_ms),
            Some(_) => {
                let message = format!("`{key}` is longer than a year");
                self.report.error(&value.span(), message, "");
                None
            }
            None => {
                self.report.error(
                    &value.span(),
                    format!("`{text}` is not a duration"),
                    "a whole number and a unit: \"500ms\", \"30s\", \"2m\", \"1h30m\"",
                );
                None
            }
        }
    }

    pub(super) fn unexpected<T>(&self, value: &Value<'_>, expected: &str) -> Option<T> {
        unexpected(self.report, value, expected)
    }
}

/// A text with the environment's variables in place.
pub(super) fn text_of(
    report: &Report<'_>,
    value: &Value<'_>,
    expected: &str,
) -> Option<Located<String>> {
    let raw = raw_text_of(report, value, expected)?;
    let expanded = report.expand(&raw.value, &raw.span)?;
    Some(Located { value: expanded, span: raw.span })
}

pub(super) fn raw_text_of(
    report: &Report<'_>,
    value: &Value<'_>,
    expected: &str,
) -> Option<Located<String>> {
    match value.get_ref() {
        DeValue::String(text) if text.contains('\0') => {
            report.error(&value.span(), "a string holds a zero byte", "");
            None
        }
        DeValue::String(text) => Some(Located { value: text.to_string(), span: value.span() }),
        _ => unexpected(report, value, expected),
    }
}

pub(super) fn integer_of(value: &Value<'_>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn unexpected<T>(report: &Report<'_>, value: &Value<'_>, expected: &str) -> Option<T> {
    let found = description(value);
    report.error(&value.span(), format!("expected {expected}, found {found}"), "");
    None
}

/// A value in words: `integer 30`, `string`, `table`.
fn description(value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::Integer(integer) => format!("integer {integer}"),
        DeValue::Float(float) => format!("float {float}"),
        DeValue::Boolean(flag) => format!("boolean {flag}"),
        DeValue::String(text) => format!("string {:?}", text.chars().take(40).collect::<String>()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            value.get_ref().type_str().to_owned()
        }
    }
}

/// "`a`, `b` or `c`".
fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

/// Reports a word that is none of the known ones.
pub(super) fn unknown_word(
    report: &Report<'_>,
    kind: &str,
    word: &Located<String>,
    known: &[&str],
) {
    let hint = match nearest::nearest(&word.value, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected {}", listed(known)),
    };
    report.error(&word.span, format!("unknown {kind} `{}`", word.value.escape_debug()), hint);
}
