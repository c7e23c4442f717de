//! Where a program's output goes: twelve keys there, two tables here.

use super::options::{Options, Remarks, boolean};
use super::{Place, expand};
use crate::config::limits::{PROGRAM_CAPTURE_BYTES_MAX, PROGRAM_LOG_BACKUPS_MAX};
use crate::import::page;

/// A table in one line, and the first line of the file that says something of it.
pub(super) struct Table {
    pub(super) pairs: Vec<(String, String)>,
    pub(super) place: Place,
}

/// `channel` is `stdout` or `stderr`; nothing where all is as without a word.
pub(super) fn read(
    options: &Options<'_>,
    channel: &str,
    folder: Option<&str>,
    remarks: &mut Remarks,
) -> Option<Table> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut first: Option<Place> = None;
    let mut add = |key: &str, value: String, place: Place| {
        pairs.push((key.to_owned(), value));
        first.get_or_insert(place);
    };
    if let Some((file, place)) = file(options, channel, folder, remarks) {
        match file {
            File::Named(path) => add("file", page::string(&expand::written(&path)), place),
            File::Syslog => add("syslog", "true".to_owned(), place),
            File::Kept => {}
        }
    }
    if let Some((bytes, place)) = options.size(&format!("{channel}_logfile_maxbytes"), remarks) {
        add("max_bytes", size(bytes), place);
    }
    if let Some((backups, place)) = options.integer(&format!("{channel}_logfile_backups"), remarks)
    {
        match u32::try_from(backups) {
            Ok(count) if count <= PROGRAM_LOG_BACKUPS_MAX => {
                add("backups", count.to_string(), place);
            }
            _ => {
                let most = PROGRAM_LOG_BACKUPS_MAX;
                remarks.warn(&place, format!("{backups} backups: here from 0 to {most}"));
                add("backups", backups.clamp(0, most.into()).to_string(), place);
            }
        }
    }
    if let Some((bytes, place)) = options.size(&format!("{channel}_capture_maxbytes"), remarks)
        && bytes > 0
    {
        if bytes > PROGRAM_CAPTURE_BYTES_MAX {
            remarks.warn(&place, "the most that is captured is 1MB");
        }
        add("capture_bytes", size(bytes.min(PROGRAM_CAPTURE_BYTES_MAX)), place);
    }
    for (key, ours) in [("events_enabled", "events"), ("syslog", "syslog")] {
        if let Some((true, place)) = options.flag(&format!("{channel}_{key}"), remarks) {
            add(ours, "true".to_owned(), place);
        }
    }
    // The same said twice.
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
    Some(Table { pairs, place: first? })
}

pub(super) enum File {
    Named(String),
    Syslog,
    /// In memory, for consoles and clients.
    Kept,
}

/// What `stdout_logfile` or `stderr_logfile` says.
pub(super) fn file(
    options: &Options<'_>,
    channel: &str,
    folder: Option<&str>,
    remarks: &mut Remarks,
) -> Option<(File, Place)> {
    let text = options.text(&format!("{channel}_logfile"), remarks)?;
    let file = match text.value.to_lowercase().as_str() {
        // An automatic file is removed when the daemon starts again.
        "auto" | "none" | "off" => File::Kept,
        "syslog" => File::Syslog,
        "" => {
            remarks.mistake(&text.place, format!("`{channel}_logfile` is empty"));
            File::Kept
        }
        _ => File::Named(path(&text.value, folder, &text.place, remarks)),
    };
    Some((file, text.place))
}

/// Relative paths begin there where the daemon stands.
pub(super) fn path(
    text: &str,
    folder: Option<&str>,
    place: &Place,
    remarks: &mut Remarks,
) -> String {
    if let Some(rest) = text.strip_prefix("~/") {
        let home = std::env::var("HOME").unwrap_or_default();
        return format!("{}/{rest}", home.trim_end_matches('/'));
    }
    let is_absolute = text.starts_with('/') || text.starts_with(expand::MARKS[0]);
    match folder {
        _ if is_absolute => text.to_owned(),
        Some(folder) => format!("{}/{text}", folder.trim_end_matches('/')),
        None => {
            let remark = format!(
                "`{}` begins where supervisord is started; here, in the folder of the configuration",
                expand::written(text)
            );
            remarks.warn(place, remark);
            text.to_owned()
        }
    }
}

/// Bytes in the largest unit that says them exactly.
pub(super) fn size(bytes: u64) -> String {
    let units = [(30, "GB"), (20, "MB"), (10, "KB")];
    let exact = units.iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    let text = match exact {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => format!("{bytes}B"),
    };
    page::string(&text)
}

/// Whether stderr goes where stdout does.
pub(super) fn is_redirected(options: &Options<'_>) -> bool {
    options.entry("redirect_stderr").and_then(|entry| boolean(&entry.value)) == Some(true)
}
