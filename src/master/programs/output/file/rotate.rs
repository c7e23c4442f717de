//! When a file has had its time, and how it and its backups move one further.
//!
//! A kill between two of the renames leaves a gap among the backups. The next rotation fills the gap
//! and moves nothing beyond it, so nothing is dropped too early.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::pack::{self, PACKED};
use crate::config::model::output::Rotate;

/// Which hour, day or week of the local time it is; the same one while nothing rotates by time.
pub(super) fn period(rotate: Rotate, local_ms: u64) -> u64 {
    const HOUR_MS: u64 = 3_600_000;
    const DAY_MS: u64 = 24 * HOUR_MS;
    match rotate {
        Rotate::Size => 0,
        Rotate::Hourly => local_ms / HOUR_MS,
        Rotate::Daily => local_ms / DAY_MS,
        // The epoch began on a Thursday.
        Rotate::Weekly => (local_ms / DAY_MS + 3) / 7,
    }
}

/// What a file may still take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes until the next line end ends it.
    pub(super) until_full: u64,
    /// Bytes until it ends where it stands, so that output without line ends is bounded too.
    pub(super) until_cut: u64,
}

impl Room {
    pub(super) const ENDLESS: Self = Self { until_full: u64::MAX, until_cut: u64::MAX };
}

/// How much of `bytes` goes into a file with this room: up to the line end that fills it.
pub(super) fn piece_len(bytes: &[u8], room: Room) -> usize {
    let until_full = usize::try_from(room.until_full).unwrap_or(usize::MAX);
    let until_cut = usize::try_from(room.until_cut).unwrap_or(usize::MAX);
    let from = until_full.saturating_sub(1).min(bytes.len());
    let end = memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1);
    end.min(until_cut)
}

/// Moves every backup one further, and the file to be the first of them.
pub(super) fn shift(path: &Path, backups: u32) -> io::Result<()> {
    if backups == 0 {
        return fs::remove_file(path);
    }
    let is_free = |number: &u32| names(path, *number).iter().all(|name| !name.exists());
    let last = (1..backups).find(is_free).unwrap_or(backups);
    for name in names(path, last) {
        remove(&name)?;
    }
    for number in (1..last).rev() {
        let (from, to) = (names(path, number), names(path, number + 1));
        // One that is packed as well was to be taken away.
        let is_packed = from[1..].iter().any(|name| name.exists());
        if is_packed {
            remove(&from[0])?;
        }
        for (from, to) in from.iter().zip(&to) {
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    fs::rename(path, backup(path, 1))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A backup as it is, and as it is packed.
fn names(path: &Path, number: u32) -> [PathBuf; 1 + PACKED.len()] {
    let plain = backup(path, number);
    let packed = PACKED.map(|ending| pack::with(&plain, ending));
    let [gzip, zstd] = packed;
    [plain, gzip, zstd]
}

pub(super) fn backup(path: &Path, number: u32) -> PathBuf {
    pack::with(path, &format!(".{number}"))
}
