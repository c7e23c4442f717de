//! Writing TOML for people: keys in a sensible order, each with the line that it comes from.

use std::fmt::Write as _;

use super::Place;

/// A TOML text that grows.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    pub(super) fn comment(&mut self, text: &str) {
        for line in text.lines() {
            let _infallible = writeln!(self.0, "# {}", shown(line));
        }
    }

    /// A table's header, after an empty line.
    pub(super) fn table(&mut self, header: &str, place: &Place) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        let _infallible = writeln!(self.0, "{header}  # {}", shown(&place.short()));
    }

    /// `value` is TOML already.
    pub(super) fn key(&mut self, key: &str, value: &str, place: &Place) {
        let _infallible = writeln!(self.0, "{key} = {value}  # {}", shown(&place.short()));
    }

    /// What follows from no line of the file.
    pub(super) fn implied(&mut self, key: &str, value: &str, why: &str) {
        let _infallible = writeln!(self.0, "{key} = {value}  # {}", shown(why));
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// A comment may hold no control character.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A basic string.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _infallible = write!(quoted, "\\u{:04X}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

pub(super) fn strings<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| string(text.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

/// A key of a table, quoted where it must be.
pub(super) fn bare_or_quoted(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { string(key) }
}

/// `{ a = 1, b = 2 }`.
pub(super) fn inline(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_is_read_back() {
        for text in ["", "plain", "a \"b\" \\ c", "two\nlines\t", "\u{7}\u{1b}[0m", "é漢\u{85}"] {
            let document = format!("key = {}", string(text));
            let parsed: std::collections::BTreeMap<String, String> =
                ::toml::from_str(&document).expect(&document);
            assert_eq!(parsed["key"], text);
        }
    }
}
