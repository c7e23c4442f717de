//! What is collected while a file is read: every error with its span, and how text expands.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::dotenv::Variables;
use super::named::Named;
use super::variables;

/// A range of bytes of the file.
pub(super) type Span = Range<usize>;

/// What is asked of the machine while a file is read; tests and `parse` answer from nothing.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// A variable of the environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The folder that relative paths start from; without one they stay relative.
    pub(super) base: Option<&'a Path>,
    pub(super) is_folder: &'a dyn Fn(&Path) -> bool,
    /// Whether files of a folder can be served, or a file be; the error says why not.
    pub(super) is_served: &'a dyn Fn(&Path) -> Result<(), String>,
    pub(super) is_user: &'a dyn Fn(&str) -> bool,
    /// Whether a file can be run; the error says why not.
    pub(super) is_program: &'a dyn Fn(&Path) -> Result<(), String>,
    /// The variables of a file, `None` when there is no such file; the error is the whole message.
    pub(super) env_file: &'a dyn Fn(&Path) -> Result<Option<Variables>, String>,
    pub(super) is_zone: &'a dyn Fn(&str) -> bool,
    /// Seconds since the Unix epoch; without them no dates are judged.
    pub(super) now_s: Option<i64>,
    /// The text of a file that is answered as it is; the error says why there is none.
    pub(super) page: &'a dyn Fn(&Path) -> Result<String, String>,
    /// Whether a file holds a token; the error is the whole message.
    pub(super) token: &'a dyn Fn(&Path) -> Result<(), String>,
    /// The same of a password.
    pub(super) password: &'a dyn Fn(&Path) -> Result<(), String>,
    /// The same of users with theirs.
    pub(super) users: &'a dyn Fn(&Path) -> Result<(), String>,
    /// Whether a file holds rules of ModSecurity; the folders of what it includes, or the whole
    /// message.
    pub(super) rules: &'a dyn Fn(&Path) -> Result<Vec<PathBuf>, String>,
    /// What a file has of a certificate's authority; the error is the whole message.
    pub(super) staple: &'a dyn Fn(&Path) -> Result<Vec<u8>, String>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// One error, not yet in lines and columns.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) hint: String,
}

/// Shared by everything that reads one file; errors are added through a shared reference, so that
/// readers of tables can nest.
pub(super) struct Report<'a> {
    name: &'a str,
    text: &'a str,
    /// Where each line begins.
    line_starts: Vec<usize>,
    pub(super) surroundings: Surroundings<'a>,
    /// Syntax errors were met, so that what seems missing may only be unread.
    pub(super) is_broken: bool,
    /// Variables of the file's own.
    pub(super) named: Named,
    found: RefCell<Vec<Finding>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(name: &'a str, text: &'a str, surroundings: Surroundings<'a>) -> Self {
        let after_newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let line_starts = std::iter::once(0).chain(after_newlines).collect();
        let found = RefCell::default();
        let named = Named::default();
        Self { name, text, line_starts, surroundings, is_broken: false, named, found }
    }

    pub(super) fn error(&self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        let finding = Finding { span: span.clone(), message: message.into(), hint: hint.into() };
        self.found.borrow_mut().push(finding);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// Keeps only the errors that stand on lines `is_kept` approves of.
    pub(super) fn retain(&self, is_kept: impl Fn(&Finding) -> bool) {
        self.found.borrow_mut().retain(|finding| is_kept(finding));
    }

    /// The line a byte stands on, from zero.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// A path from the file's own folder, so that it means the same wherever the engine starts. One
    /// that begins with a variable stays as it is: the variable may hold the whole path.
    pub(super) fn absolute(&self, path: PathBuf) -> PathBuf {
        match self.surroundings.base {
            Some(base) if !starts_with_variable(&path) => base.join(path),
            Some(_) | None => path,
        }
    }

    /// The part of a value's source that holds `needle`, else all of it: a caret below one variable
    /// of a long command says more than one below the command.
    pub(super) fn narrow(&self, span: &Span, needle: &str) -> Span {
        match self.text.get(span.clone()).and_then(|source| source.find(needle)) {
            Some(at) if !needle.is_empty() => span.start + at..span.start + at + needle.len(),
            Some(_) | None => span.clone(),
        }
    }

    /// A part of a text, by its bytes, where the file writes the text without escapes; else all of it.
    pub(super) fn within(&self, text: &Located<String>, part: Range<usize>) -> Span {
        let source = self.text.get(text.span.clone()).unwrap_or_default();
        match source.find(&text.value) {
            Some(at) => {
                let start = text.span.start + at;
                start + part.start..start + part.end
            }
            None => text.span.clone(),
        }
    }

    /// Expands a value by the environment; reports what is unknown and then keeps the text.
    pub(super) fn expand(&self, text: &str, span: &Span) -> Option<String> {
        match variables::expand(text, self.surroundings.variable) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                self.bad_variable(&error, span, "no such variable in the environment");
                None
            }
        }
    }

    /// Checks the variables of a text that is expanded when a program is spawned.
    pub(super) fn check_variables(&self, text: &str, span: &Span, own: &[&str]) {
        let known = |name: &str| {
            let is_known = own.contains(&name) || (self.surroundings.variable)(name).is_some();
            if !is_known {
                let unknown = variables::ExpandError::Unknown(name.to_owned());
                let hint = if name == "PORT" {
                    "PORT is for programs with `serves`"
                } else {
                    "in neither the environment nor this program's `environment`"
                };
                self.bad_variable(&unknown, span, hint);
            }
            Some(String::new())
        };
        if let Err(error) = variables::expand(text, &known) {
            self.bad_variable(&error, span, "");
        }
    }

    fn bad_variable(&self, error: &variables::ExpandError, span: &Span, hint: &str) {
        let (needle, hint) = match error {
            variables::ExpandError::Unknown(name) => (format!("${{{name}}}"), hint),
            variables::ExpandError::BadName(name) => {
                (format!("${{{name}}}"), "write `$${` for a literal `${`")
            }
            variables::ExpandError::Unclosed => ("${".to_owned(), "close it with `}`"),
        };
        self.error(&self.narrow(span, &needle), error.to_string(), hint);
    }

    pub(super) fn into_parts(self) -> (&'a str, &'a str, Vec<Finding>) {
        (self.name, self.text, self.found.into_inner())
    }
}

fn starts_with_variable(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().starts_with(b"${")
}
