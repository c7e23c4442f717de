//! Reading what is translated: the only file of this folder that touches the disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::limits::import::{IMPORT_BYTES_MAX, IMPORT_FILES_MAX};

/// A file's text; the error is what was wrong, without the file's name.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|error| plain(&error))?;
    if metadata.len() > IMPORT_BYTES_MAX {
        return Err(format!("larger than {} MB", IMPORT_BYTES_MAX >> 20));
    }
    let bytes = fs::read(path).map_err(|error| plain(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n');
        format!("not UTF-8 in line {}", line.count())
    })
}

/// What went wrong, as the rest of our errors says it: without the kernel's number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Whether something can be read there as a page.
pub(super) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Whether there is a folder.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// The files of a pattern, sorted; the error is what was wrong with the pattern.
pub(super) fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let found = glob::glob_with(&pattern.to_string_lossy(), options);
    let mut paths: Vec<PathBuf> =
        found.map_err(|error| error.to_string())?.flatten().take(IMPORT_FILES_MAX + 1).collect();
    if paths.len() > IMPORT_FILES_MAX {
        return Err(format!("more than {IMPORT_FILES_MAX} files match"));
    }
    paths.sort();
    Ok(paths)
}
