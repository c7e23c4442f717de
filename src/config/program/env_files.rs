//! `env_files`: files of variables, read again at every start; here only whether they can be.

use super::super::limits;
use super::super::model::process::EnvFile;
use super::super::report::{Located, Report};
use super::super::section::{Section, raw_text_of};
use super::directory;

/// What systemd writes before a file that need not be there.
const OPTIONAL: char = '-';

/// The files, and the variables they hold now.
#[derive(Default)]
pub(super) struct EnvFiles {
    pub(super) files: Vec<EnvFile>,
    names: Vec<String>,
}

impl EnvFiles {
    /// What the rest of the program's keys may refer to.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> EnvFiles {
    let mut found = EnvFiles::default();
    let items = section.items("env_files");
    let report = section.report;
    if let Some(beyond) = items.get(limits::PROGRAM_ENV_FILES_MAX) {
        let message = format!("more than {} files of variables", limits::PROGRAM_ENV_FILES_MAX);
        report.error(&beyond.span(), message, "");
    }
    for text in items.into_iter().filter_map(|item| raw_text_of(report, item, "a string")) {
        let file = file(report, &text, own);
        if !directory::holds_variables(&file.path) {
            found.names.extend(names(report, &text, &file));
        }
        found.files.push(file);
    }
    found
}

fn file(report: &Report<'_>, text: &Located<String>, own: &[&str]) -> EnvFile {
    let stripped = text.value.strip_prefix(OPTIONAL);
    let is_optional = stripped.is_some();
    let value = stripped.unwrap_or(&text.value).to_owned();
    let path = directory::path(report, &Located { value, span: text.span.clone() }, own);
    EnvFile { path, is_optional }
}

fn names(report: &Report<'_>, text: &Located<String>, file: &EnvFile) -> Vec<String> {
    match (report.surroundings.env_file)(&file.path) {
        Ok(Some(variables)) => variables.into_iter().map(|(name, _)| name).collect(),
        Ok(None) if file.is_optional => Vec::new(),
        Ok(None) => {
            let message = format!("no file {} on this machine", file.path.display());
            report.error(&text.span, message, "\"-FILE\" for one that need not be there");
            Vec::new()
        }
        Err(message) => {
            report.error(&text.span, message, "");
            Vec::new()
        }
    }
}
