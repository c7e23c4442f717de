//! `directory`, and paths of its kind: where a program is started, maybe one for each instance.

use std::path::{Path, PathBuf};

use super::super::report::{Located, Report};
use super::super::section::Section;
use super::super::variables::{self, ExpandError};

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Option<PathBuf> {
    let text = section.raw_text("directory")?;
    let report = section.report;
    let path = path(report, &text, own);
    if !holds_variables(&path) && !(report.surroundings.is_folder)(&path) {
        let message = format!("no folder {} on this machine", path.display());
        report.error(&text.span, message, "");
    }
    Some(path)
}

/// A path whose variables are the instance's to expand, or one without any, absolute.
pub(super) fn path(report: &Report<'_>, text: &Located<String>, own: &[&str]) -> PathBuf {
    report.check_variables(&text.value, &text.span, own);
    let of_machine = |name: &str| {
        let is_own = own.contains(&name);
        (!is_own).then(|| (report.surroundings.variable)(name)).flatten()
    };
    match variables::expand(&text.value, &of_machine) {
        // What is left of a dollar and a brace is meant as it is written.
        Ok(expanded) => report.absolute(PathBuf::from(expanded.replace("${", "$${"))),
        Err(ExpandError::Unknown(_) | ExpandError::Unclosed | ExpandError::BadName(_)) => {
            report.absolute(PathBuf::from(&text.value))
        }
    }
}

/// Whether the path is only known when an instance is started.
pub(super) fn holds_variables(path: &Path) -> bool {
    path.to_string_lossy().contains("${")
}
