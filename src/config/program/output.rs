//! Where the output of an instance goes: `stdout`, `stderr`.

use std::path::PathBuf;

use super::super::model::output::{LogTarget, Output, Overflow};
use super::super::section::{Section, unknown_word};

const LOG_BYTES_MAX: u64 = 50 << 20;
const LOG_BACKUPS: u32 = 10;
const LOG_BACKUPS_MAX: u32 = 1_000;
const OVERFLOWS: [(&str, Overflow); 2] = [("drop", Overflow::Drop), ("block", Overflow::Block)];

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Output {
    Output {
        stdout: log_target(section, "stdout", own),
        stderr: log_target(section, "stderr", own),
    }
}

fn log_target(section: &mut Section<'_>, key: &'static str, own: &[&str]) -> LogTarget {
    let mut target = LogTarget {
        file: None,
        max_bytes: LOG_BYTES_MAX,
        backups: LOG_BACKUPS,
        overflow: Overflow::default(),
    };
    let Some(mut table) = section.section(key) else { return target };
    if let Some(file) = table.raw_text("file") {
        table.report.check_variables(&file.value, &file.span, own);
        if file.value.is_empty() {
            table.report.error(&file.span, "`file` is empty", "name a file, or leave it out");
        }
        target.file = Some(table.report.absolute(PathBuf::from(file.value)));
    }
    target.max_bytes = table.size("max_bytes").unwrap_or(target.max_bytes);
    target.backups = table.integer("backups", 0..=LOG_BACKUPS_MAX).unwrap_or(target.backups);
    target.overflow = choice(&mut table, "overflow", &OVERFLOWS).unwrap_or_default();
    table.finish(&[("path", "file"), ("maxbytes", "max_bytes"), ("size", "max_bytes")]);
    target
}

/// The meaning of the word that `key` has, of those there are.
fn choice<T: Copy>(section: &mut Section<'_>, key: &'static str, known: &[(&str, T)]) -> Option<T> {
    let word = section.text(key)?;
    let meaning = known.iter().find(|(name, _)| *name == word.value);
    if meaning.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        unknown_word(section.report, key, &word, &names);
    }
    meaning.map(|(_, meaning)| *meaning)
}
