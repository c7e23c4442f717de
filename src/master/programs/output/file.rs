//! A log file that rotates at a line's end: `<file>`, then `.1` the youngest to `.N` the oldest.
//!
//! No byte is lost or written twice. When the file can not be written, what comes is kept up to a
//! bound and tried again each second; beyond the bound it is counted, and the log says so once a
//! minute. Removed from outside (or moved away by another rotator), it is made again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::config::limits::PROGRAM_FILE_WAITING_BYTES_MAX;
use crate::sys::log;

const RETRY_US: u64 = 1_000_000;
const LOOK_US: u64 = 1_000_000;
const WARN_US: u64 = 60_000_000;

pub(in crate::master::programs) struct RotatingFile {
    path: PathBuf,
    /// 0: never rotate.
    max_bytes: u64,
    backups: u32,
    open: Option<Open>,
    /// Not written yet, because writing failed.
    waiting: Vec<u8>,
    retry_at_us: u64,
    rotate_at_us: u64,
    lost_bytes: u64,
    warned_at_us: Option<u64>,
}

struct Open {
    file: File,
    bytes: u64,
    /// What the path must still name.
    inode: u64,
    looked_us: u64,
}

impl RotatingFile {
    pub(in crate::master::programs) fn new(path: PathBuf, max_bytes: u64, backups: u32) -> Self {
        Self {
            path,
            max_bytes,
            backups,
            open: None,
            waiting: Vec::new(),
            retry_at_us: 0,
            rotate_at_us: 0,
            lost_bytes: 0,
            warned_at_us: None,
        }
    }

    pub(in crate::master::programs) fn set_limits(&mut self, max_bytes: u64, backups: u32) {
        self.max_bytes = max_bytes;
        self.backups = backups;
    }

    /// Opens the path anew with the next byte: somebody moved the file away on purpose.
    pub(in crate::master::programs) fn reopen(&mut self) {
        self.open = None;
    }

    pub(in crate::master::programs) fn write(&mut self, bytes: &[u8], now_us: u64) {
        if self.waiting.is_empty() {
            if let Err((error, written)) = self.try_write(bytes, now_us) {
                self.failed(&error, now_us);
                self.keep(&bytes[written..]);
            }
            return;
        }
        self.keep(bytes);
        self.tick(now_us);
    }

    /// When the kept bytes are tried again; nothing when there are none.
    pub(in crate::master::programs) fn deadline_us(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.retry_at_us)
    }

    pub(in crate::master::programs) fn tick(&mut self, now_us: u64) {
        if self.deadline_us().is_some_and(|retry_us| now_us >= retry_us) {
            self.retry(now_us);
        }
    }

    fn retry(&mut self, now_us: u64) {
        let waiting = std::mem::take(&mut self.waiting);
        if let Err((error, written)) = self.try_write(&waiting, now_us) {
            self.waiting = waiting;
            self.waiting.drain(..written);
            self.failed(&error, now_us);
        } else if self.lost_bytes > 0 {
            let path = self.path.display();
            log::warning!(
                "programs",
                "{path} is written again, {} bytes were lost",
                self.lost_bytes
            );
            self.lost_bytes = 0;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = PROGRAM_FILE_WAITING_BYTES_MAX - self.waiting.len();
        let kept = bytes.len().min(room);
        self.waiting.extend_from_slice(&bytes[..kept]);
        self.lost_bytes += (bytes.len() - kept) as u64;
    }

    fn failed(&mut self, error: &io::Error, now_us: u64) {
        self.open = None;
        self.retry_at_us = now_us + RETRY_US;
        self.warn(&format!("write {}: {error}", self.path.display()), now_us);
    }

    /// At most once a minute: a full disk must not fill the engine's log.
    fn warn(&mut self, text: &str, now_us: u64) {
        if self.warned_at_us.is_none_or(|warned_us| now_us >= warned_us + WARN_US) {
            self.warned_at_us = Some(now_us);
            log::warning!("programs", "{text}");
        }
    }

    /// Writes everything, or tells how many bytes it wrote before the error.
    fn try_write(&mut self, bytes: &[u8], now_us: u64) -> Result<(), (io::Error, usize)> {
        let mut written = 0;
        while written < bytes.len() {
            let rest = &bytes[written..];
            self.opened(now_us).map_err(|error| (error, written))?;
            let open = self.open.as_mut().expect("opened just above");
            let piece = &rest[..piece_len(rest, open.bytes, self.max_bytes)];
            let count = match open.file.write(piece) {
                Ok(0) => return Err((io::ErrorKind::WriteZero.into(), written)),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err((error, written)),
            };
            open.bytes += count as u64;
            written += count;
            let is_full = self.max_bytes > 0 && open.bytes >= self.max_bytes;
            if is_full && piece[count - 1] == b'\n' && now_us >= self.rotate_at_us {
                self.rotate(now_us);
            }
        }
        Ok(())
    }

    fn opened(&mut self, now_us: u64) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            if now_us < open.looked_us + LOOK_US {
                return Ok(());
            }
            open.looked_us = now_us;
            if fs::metadata(&self.path).is_ok_and(|metadata| metadata.ino() == open.inode) {
                return Ok(());
            }
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        let file = match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                options.open(&self.path)?
            }
            opened => opened?,
        };
        let metadata = file.metadata()?;
        let (bytes, inode) = (metadata.len(), metadata.ino());
        self.open = Some(Open { file, bytes, inode, looked_us: now_us });
        Ok(())
    }

    /// Moves every backup one further. What can not be moved is written on, and tried again later.
    fn rotate(&mut self, now_us: u64) {
        match shift(&self.path, self.backups) {
            Ok(()) => self.open = None,
            Err(error) => {
                self.rotate_at_us = now_us + RETRY_US;
                self.warn(&format!("rotate {}: {error}", self.path.display()), now_us);
            }
        }
    }
}

/// How much of `bytes` belongs into a file of this size: up to the line end that fills it.
fn piece_len(bytes: &[u8], file_bytes: u64, max_bytes: u64) -> usize {
    if max_bytes == 0 {
        return bytes.len();
    }
    let room = usize::try_from(max_bytes.saturating_sub(file_bytes)).unwrap_or(usize::MAX);
    let from = room.saturating_sub(1);
    bytes.iter().skip(from).position(|byte| *byte == b'\n').map_or(bytes.len(), |at| from + at + 1)
}

fn shift(path: &Path, backups: u32) -> io::Result<()> {
    if backups == 0 {
        return fs::remove_file(path);
    }
    for number in (1..backups).rev() {
        match fs::rename(backup(path, number), backup(path, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, backup(path, 1))
}

fn backup(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}
