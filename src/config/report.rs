//! What is collected while a file is read: every error with its span, and how text expands.

use std::cell::RefCell;
use std::ops::Range;

use super::variables;

/// A range of bytes of the file.
pub(super) type Span = Range<usize>;

/// Where a variable's value comes from.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

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
    lookup: Lookup<'a>,
    found: RefCell<Vec<Finding>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(name: &'a str, text: &'a str, lookup: Lookup<'a>) -> Self {
        Self { name, text, lookup, found: RefCell::default() }
    }

    pub(super) fn name(&self) -> &'a str {
        self.name
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
        self.text.as_bytes()[..offset.min(self.text.len())].iter().filter(|b| **b == b'\n').count()
    }

    /// The part of a value's source that holds `needle`, else all of it: a caret below one variable
    /// of a long command says more than one below the command.
    pub(super) fn narrow(&self, span: &Span, needle: &str) -> Span {
        match self.text.get(span.clone()).and_then(|source| source.find(needle)) {
            Some(at) if !needle.is_empty() => span.start + at..span.start + at + needle.len(),
            Some(_) | None => span.clone(),
        }
    }

    /// Expands a value by the environment; reports what is unknown and then keeps the text.
    pub(super) fn expand(&self, text: &str, span: &Span) -> Option<String> {
        match variables::expand(text, self.lookup) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                self.bad_variable(&error, span, "no such variable in the environment");
                None
            }
        }
    }

    /// Checks the variables of a text that is expanded when a program is spawned.
    pub(super) fn check_variables(&self, text: &str, span: &Span, own: &[&str], hint: &str) {
        let known =
            |name: &str| own.contains(&name).then(String::new).or_else(|| (self.lookup)(name));
        if let Err(error) = variables::expand(text, &known) {
            self.bad_variable(&error, span, hint);
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
