//! Regular expressions of the file: checked here, compiled again by whoever matches with them.
//!
//! They match bytes, in time that grows with the text alone. `\w`, `\d` and the like mean ASCII, as
//! in nginx; look-around and references back do not exist.

use regex::bytes::{Regex, RegexBuilder};

use super::limits;
use super::model::route::Case;
use super::report::{Located, Report};
use super::template::Groups;

/// Compiles a pattern; the error is one line.
pub(crate) fn compile(pattern: &str, case: Case) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .case_insensitive(case == Case::Insensitive)
        .size_limit(limits::REGEX_BYTES_MAX)
        .build()
        .map_err(|error| reason(&error))
}

/// What is wrong, without the picture of the pattern that the crate draws.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

/// Reports a pattern that is none; the groups of one that is.
pub(super) fn check(report: &Report<'_>, pattern: &Located<String>, case: Case) -> Option<Groups> {
    match compile(&pattern.value, case) {
        Ok(regex) => {
            let names = regex.capture_names().map(|name| name.unwrap_or_default().to_owned());
            Some(Groups { names: names.collect() })
        }
        Err(reason) => {
            let message = format!("`{}` is no regular expression", pattern.value.escape_debug());
            report.error(&pattern.span, message, reason);
            None
        }
    }
}
