//! Errors that read like the compiler's: what is wrong, where, the line, a caret, what would help.
//!
//! Collects and prints; decides nothing. Columns count characters from one.

use std::fmt;
use std::ops::Range;

use super::report::Report;
use super::veil;

/// More than this tells nobody more; the rest is counted.
const SHOWN_MAX: usize = 64;
/// A longer line is shown as a window around the caret.
const LINE_CHARS_MAX: usize = 160;
/// What stands for a value that is a secret.
const HIDDEN: &str = "\"***\"";
/// How much of a long line stays visible before the caret.
const LEAD_CHARS: usize = 40;

/// All that is wrong with one configuration, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Errors {
    pub(crate) list: Vec<Diagnostic>,
    /// Found beyond those listed.
    pub(crate) more: usize,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) file: String,
    pub(crate) message: String,
    /// `None` for an error about the file as a whole.
    pub(crate) place: Option<Place>,
    pub(crate) hint: String,
}

/// Where in the text; line and column from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) line_text: String,
    /// Characters the carets cover; at least one.
    pub(crate) width: usize,
}

impl Errors {
    /// An error about the file as a whole: it cannot be read.
    pub(super) fn of_file(file: &str, message: String, hint: &str) -> Self {
        let hint = hint.to_owned();
        Self {
            list: vec![Diagnostic { file: file.to_owned(), message, place: None, hint }],
            more: 0,
        }
    }

    pub(super) fn of_report(report: Report<'_>) -> Self {
        let (name, text, mut found) = report.into_parts();
        found.sort_by_key(|finding| finding.span.start);
        let more = found.len().saturating_sub(SHOWN_MAX);
        found.truncate(SHOWN_MAX);
        // Errors are logged, and told by the API.
        let shown = veil::document(text);
        let list = found
            .into_iter()
            .map(|finding| Diagnostic {
                file: name.to_owned(),
                message: without_secret(finding.message, &finding.span, (text, &shown)),
                place: Some(Place::of(&shown, &finding.span)),
                hint: finding.hint,
            })
            .collect();
        Self { list, more }
    }
}

/// What an error says of a value that is a secret, which may be its beginning only.
fn without_secret(message: String, span: &Range<usize>, (plain, shown): (&str, &str)) -> String {
    let [Some(plain), Some(shown)] = [plain, shown].map(|text| text.get(span.clone())) else {
        return message;
    };
    let message = veil::text(&message);
    if plain == shown {
        return message;
    }
    if let Some((before, _)) = message.split_once("found string ") {
        return format!("{before}found string {HIDDEN}");
    }
    let value = plain.trim_matches(['"', '\'']);
    if value.len() < 3 { message } else { message.replace(value, HIDDEN) }
}

impl Place {
    fn of(text: &str, span: &Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.floor_char_boundary(span.end.min(text.len())).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let line_text = text[line_start..line_end].trim_end_matches('\r').to_owned();
        Self {
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            line_text,
            width: text[start..end.min(line_end)].trim_end().chars().count().max(1),
        }
    }

    /// The line as shown, the caret's offset in it, and how many carets fit: control characters
    /// would reach the reader's terminal, and a line of megabytes would fill it.
    fn window(&self) -> (String, usize, usize) {
        let caret = self.column - 1;
        let is_long = self.line_text.chars().count() > LINE_CHARS_MAX;
        let skipped = if is_long { caret.saturating_sub(LEAD_CHARS) } else { 0 };
        let shown: String = self
            .line_text
            .chars()
            .skip(skipped)
            .take(LINE_CHARS_MAX)
            .map(|c| if c == '\t' { ' ' } else { c })
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        let offset = caret - skipped;
        let room = shown.chars().count().saturating_sub(offset).max(1);
        (shown, offset, self.width.min(room))
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        if self.more > 0 {
            write!(f, "\n\nand {} more errors", self.more)?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        let Some(place) = &self.place else {
            write!(f, "\n --> {}", self.file)?;
            return if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  = {}", self.hint) };
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len());
        let (line, offset, width) = place.window();
        write!(f, "\n{gutter}--> {}:{}:{}", self.file, place.line, place.column)?;
        write!(f, "\n{gutter} |\n{number} | {line}")?;
        write!(f, "\n{gutter} | {}{}", " ".repeat(offset), "^".repeat(width))?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " {}", self.hint) }
    }
}
