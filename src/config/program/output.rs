//! Where the output of an instance goes: `stdout`, `stderr`.

use std::path::PathBuf;

use super::super::limits;
use super::super::model::output::{Compress, Format, LogTarget, Output, Overflow, Rotate, Told};
use super::super::section::{Section, unknown_word};

const LOG_BYTES_MAX: u64 = 50 << 20;
const LOG_BACKUPS: u32 = 10;
const OVERFLOWS: [(&str, Overflow); 2] = [("drop", Overflow::Drop), ("block", Overflow::Block)];

const ROTATES: [(&str, Rotate); 4] = [
    ("size", Rotate::Size),
    ("hourly", Rotate::Hourly),
    ("daily", Rotate::Daily),
    ("weekly", Rotate::Weekly),
];
const COMPRESSES: [(&str, Compress); 3] =
    [("no", Compress::No), ("gzip", Compress::Gzip), ("zstd", Compress::Zstd)];
const FORMATS: [(&str, Format); 3] =
    [("plain", Format::Plain), ("prefix", Format::Prefix), ("json", Format::Json)];
/// Supervisor's and other rotators' words for the same.
const OTHERS: [(&str, &str); 12] = [
    ("capture", "capture_bytes"),
    ("capture_maxbytes", "capture_bytes"),
    ("events_enabled", "events"),
    ("path", "file"),
    ("logfile", "file"),
    ("maxbytes", "max_bytes"),
    ("logfile_maxbytes", "max_bytes"),
    ("size", "max_bytes"),
    ("logfile_backups", "backups"),
    ("compression", "compress"),
    ("stripansi", "strip_ansi"),
    ("console", "engine"),
];

pub(super) fn read(section: &mut Section<'_>, own: &[&str]) -> Output {
    let redirect_stderr = section.flag("redirect_stderr").unwrap_or(false);
    if let (true, Some(span)) = (redirect_stderr, section.key_span("stderr")) {
        let message = "`stderr` has no meaning with `redirect_stderr`";
        section.report.error(&span, message, "it goes where `stdout` does");
    }
    Output {
        stdout: log_target(section, "stdout", own),
        stderr: log_target(section, "stderr", own),
        redirect_stderr,
    }
}

fn log_target(section: &mut Section<'_>, key: &'static str, own: &[&str]) -> LogTarget {
    let mut target = LogTarget {
        file: None,
        max_bytes: LOG_BYTES_MAX,
        backups: LOG_BACKUPS,
        rotate: Rotate::default(),
        compress: Compress::default(),
        overflow: Overflow::default(),
        format: Format::default(),
        strip_ansi: false,
        engine: false,
        syslog: false,
        told: Told::default(),
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
    target.backups =
        table.integer("backups", 0..=limits::PROGRAM_LOG_BACKUPS_MAX).unwrap_or(target.backups);
    target.rotate = choice(&mut table, "rotate", &ROTATES).unwrap_or_default();
    target.compress = choice(&mut table, "compress", &COMPRESSES).unwrap_or_default();
    target.overflow = choice(&mut table, "overflow", &OVERFLOWS).unwrap_or_default();
    target.format = choice(&mut table, "format", &FORMATS).unwrap_or_default();
    target.strip_ansi = table.flag("strip_ansi").unwrap_or(false);
    target.engine = table.flag("engine").unwrap_or(false);
    target.syslog = table.flag("syslog").unwrap_or(false);
    target.told = Told {
        capture_bytes: table
            .size_within("capture_bytes", 0..=limits::PROGRAM_CAPTURE_BYTES_MAX)
            .unwrap_or_default(),
        events: table.flag("events").unwrap_or(false),
    };
    table.finish(&OTHERS);
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
