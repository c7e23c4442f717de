//! When a file is full, and how it and its backups move one further.
//!
//! A kill between two of the renames leaves a gap among the backups. The next rotation fills the gap
//! and moves nothing beyond it, so nothing is dropped too early.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{RETRY_US, RotatingFile};

impl RotatingFile {
    /// Moves every backup one further. What can not be moved is written on, and tried again later.
    pub(super) fn rotate(&mut self, now_us: u64) {
        if now_us < self.rotate_at_us {
            return;
        }
        match shift(&self.path, self.limits.backups) {
            Ok(()) => self.open = None,
            Err(error) => {
                self.rotate_at_us = now_us + RETRY_US;
                let text = format!("rotate {}: {error}", self.path.display());
                self.trouble.warn(&text, now_us);
            }
        }
    }
}

/// How much of `bytes` belongs into a file of this size: up to the line end that fills it.
pub(super) fn piece_len(bytes: &[u8], file_bytes: u64, max_bytes: u64) -> usize {
    if max_bytes == 0 {
        return bytes.len();
    }
    let room = usize::try_from(max_bytes.saturating_sub(file_bytes)).unwrap_or(usize::MAX);
    let from = room.saturating_sub(1).min(bytes.len());
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

fn shift(path: &Path, backups: u32) -> io::Result<()> {
    if backups == 0 {
        return fs::remove_file(path);
    }
    let is_free = |number: &u32| !backup(path, *number).exists();
    let free = (1..backups).find(is_free).unwrap_or(backups);
    for number in (1..free).rev() {
        match fs::rename(backup(path, number), backup(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, backup(path, 1))
}

fn backup(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(format!(".{number}"));
    name.into()
}
