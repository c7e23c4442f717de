//! `command` and `environment`: what is run, and what it is told.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::super::report::{Located, Report, Span};
use super::super::section::Section;
use super::super::variables;
use super::directory;

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Option<Vec<String>> {
    let command = section.raw_text("command");
    if section.key_span("command").is_none() {
        section.missing("command", "such as `command = \"python3 app.py\"`");
    }
    let command = command?;
    words(section.report, "command", &command, own)
}

/// The words of a side command.
pub(super) fn side(
    section: &mut Section<'_>,
    key: &'static str,
    own: &[&str],
) -> Option<Vec<String>> {
    let command = section.raw_text(key)?;
    words(section.report, key, &command, own)
}

fn words(
    report: &Report<'_>,
    key: &str,
    command: &Located<String>,
    own: &[&str],
) -> Option<Vec<String>> {
    report.check_variables(&command.value, &command.span, own);
    match shell_words::split(&command.value) {
        Ok(words) if words.first().is_some_and(|word| !word.is_empty()) => Some(words),
        Ok(_) => {
            let message = format!("`{key}` is empty");
            report.error(&command.span, message, "name a program to run");
            None
        }
        Err(_) => {
            let message = format!("`{key}` does not split into words");
            report.error(&command.span, message, "a quote is not closed");
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

/// What a command is found by.
pub(super) struct Found<'a> {
    pub(super) directory: Option<&'a Path>,
    pub(super) environment: &'a [(String, Located<String>)],
}

impl Found<'_> {
    /// Reports a command that no start could run. One that is only known at the start, for its
    /// variables or a `PATH` that a file may set, is left to the start.
    pub(super) fn check(&self, section: &mut Section<'_>, words: &[String]) {
        let Some(command) = section.raw_text("command") else { return };
        let has_files = section.key_span("env_files").is_some();
        self.check_word(section.report, &command.span, words, has_files);
    }

    /// The same of its side commands, wherever they are written.
    pub(super) fn check_side(&self, section: &mut Section<'_>) {
        const HOOKS: [&str; 4] = ["pre_start", "post_start", "pre_stop", "post_stop"];
        let has_files = section.key_span("env_files").is_some();
        let mut commands = Vec::from_iter(whole(section, "stop_command"));
        for key in ["reload", "on_fatal", "ready", "live", "startup"] {
            commands.extend(table(section, key).and_then(|mut table| whole(&mut table, "command")));
        }
        if let Some(mut hooks) = table(section, "hooks") {
            for key in HOOKS {
                commands.extend(whole(&mut hooks, key));
                let own = table(&mut hooks, key);
                commands.extend(own.and_then(|mut hook| whole(&mut hook, "command")));
            }
        }
        for command in commands {
            // What does not split is told where it is read.
            let words = shell_words::split(&command.value).unwrap_or_default();
            self.check_word(section.report, &command.span, &words, has_files);
        }
    }

    fn check_word(&self, report: &Report<'_>, command: &Span, words: &[String], has_files: bool) {
        let word = words.first().filter(|word| !word.is_empty() && !word.contains("${"));
        let Some(word) = word else { return };
        let span = report.narrow(command, word);
        if !word.contains('/') {
            let Some(path) = self.search_path(report).filter(|_| !has_files) else { return };
            if !is_in(report, &path, word) {
                let message = format!("no program `{word}` on this machine");
                report.error(&span, message, format!("looked for in {path}"));
            }
            return;
        }
        let folder = self.directory.filter(|folder| !directory::holds_variables(folder));
        let path = match folder {
            _ if word.starts_with('/') => PathBuf::from(word),
            // That it is missing is told where it is named.
            Some(folder) if !(report.surroundings.is_folder)(folder) => return,
            Some(folder) => folder.join(word),
            // From wherever the engine is started.
            None => return,
        };
        if let Err(reason) = (report.surroundings.is_program)(&path) {
            report.error(&span, format!("run {}: {reason}", path.display()), "");
        }
    }

    fn search_path(&self, report: &Report<'_>) -> Option<String> {
        let variable = report.surroundings.variable;
        match self.environment.iter().find(|(name, _)| name == "PATH") {
            Some((_, value)) => variables::expand(&value.value, variable).ok(),
            None => variable("PATH"),
        }
    }
}

/// A text, if it is one; what else it may be is told where it is read.
fn whole(section: &mut Section<'_>, key: &'static str) -> Option<Located<String>> {
    let is_text = matches!(section.value(key)?.get_ref(), DeValue::String(_));
    if is_text { section.raw_text(key) } else { None }
}

fn table<'a>(section: &mut Section<'a>, key: &'static str) -> Option<Section<'a>> {
    let is_table = matches!(section.value(key)?.get_ref(), DeValue::Table(_));
    if is_table { section.section(key) } else { None }
}

fn is_in(report: &Report<'_>, path: &str, word: &str) -> bool {
    let folders = path.split(':').map(|folder| if folder.is_empty() { "." } else { folder });
    folders
        .map(|folder| Path::new(folder).join(word))
        .any(|candidate| (report.surroundings.is_program)(&candidate).is_ok())
}
