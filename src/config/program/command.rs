//! `command` and `environment`: what is run, and what it is told.

use super::super::report::Located;
use super::super::section::Section;
use super::super::variables;

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Option<Vec<String>> {
    let command = section.raw_text("command");
    if section.key_span("command").is_none() {
        section.missing("command", "such as `command = \"python3 app.py\"`");
    }
    let command = command?;
    section.report.check_variables(&command.value, &command.span, own);
    match shell_words::split(&command.value) {
        Ok(words) if words.first().is_some_and(|word| !word.is_empty()) => Some(words),
        Ok(_) => {
            section.report.error(&command.span, "`command` is empty", "name a program to run");
            None
        }
        Err(_) => {
            let message = "`command` does not split into words";
            section.report.error(&command.span, message, "a quote is not closed");
            None
        }
    }
}

pub(super) fn environment(section: &mut Section<'_>) -> Vec<(String, Located<String>)> {
    let report = section.report;
    section
        .pairs("environment")
        .into_iter()
        .map(|(name, value)| {
            if !variables::is_name(&name.value) {
                let message = format!("`{}` is not a variable's name", name.value.escape_debug());
                report.error(&name.span, message, "letters, digits and `_`");
            }
            (name.value, value)
        })
        .collect()
}
