//! Names that people type and that become folders, paths of the API and keys of the console.

use super::limits;
use super::report::{Located, Report};

/// Reports a name that could not be typed in a shell, a URL path or `NAME:INSTANCE`.
pub(super) fn check(report: &Report<'_>, kind: &str, name: &Located<String>) {
    let text = &name.value;
    if !is_plain(text) {
        let hint = "letters, digits, `_`, `-` and `.`, starting with a letter or digit";
        report.error(&name.span, format!("`{text}` is no name for {kind}"), hint);
    } else if text.len() > limits::NAME_BYTES_MAX {
        let most = limits::NAME_BYTES_MAX;
        let message = format!("this name for {kind} is longer than {most} characters");
        report.error(&name.span, message, "");
    }
}

/// What `check` lets pass.
pub(super) fn is_valid(text: &str) -> bool {
    is_plain(text) && text.len() <= limits::NAME_BYTES_MAX
}

fn is_plain(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().all(is_plain) && text.starts_with(|c: char| c.is_alphanumeric())
}
