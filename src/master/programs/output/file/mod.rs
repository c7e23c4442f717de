//! A log file that rotates at a line's end: `<file>`, then `.1` the youngest to `.N` the oldest.
//!
//! No byte is lost or written twice, whenever this process is killed: what a pipe holds is moved
//! into the file by the kernel in one step ([`crate::sys::peek`]), where the file allows it. When
//! the file can not be written, what comes waits ([`trouble`]). Removed from outside (or moved away
//! by another rotator), it is made again; cut short from outside, it goes on where it ends.

pub(super) mod pack;

mod open;
mod rotate;
#[cfg(test)]
mod tests;
mod trouble;

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use self::open::{Looked, Open};
use self::pack::Packing;
use self::rotate::Room;
use self::trouble::Trouble;
use crate::config::limits::PROGRAM_LINE_BYTES_MAX;
use crate::config::model::output::{Compress, Overflow, Rotate};
use crate::sys;
use crate::sys::blocking::{Late, Pool};

const RETRY_US: u64 = 1_000_000;
const LOOK_US: u64 = 1_000_000;
/// The error of a file system that does not answer.
const SILENT: io::ErrorKind = io::ErrorKind::TimedOut;

pub(in crate::master::programs) struct RotatingFile {
    path: PathBuf,
    limits: Limits,
    open: Option<Open>,
    /// A look at the path that was not answered yet.
    looking: Option<Late<io::Result<Looked>>>,
    /// Where such looks are made.
    pool: Pool,
    trouble: Trouble,
    rotate_at_us: u64,
    packing: Packing,
}

/// When a file is full, and what is kept of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::master::programs) struct Limits {
    /// 0: never full.
    pub(in crate::master::programs) max_bytes: u64,
    pub(in crate::master::programs) backups: u32,
    pub(in crate::master::programs) rotate: Rotate,
    pub(in crate::master::programs) compress: Compress,
}

/// Where the bytes to write are.
#[derive(Clone, Copy)]
enum Origin<'a> {
    /// Seen in this pipe, and still there.
    Pipe(BorrowedFd<'a>),
    Memory,
}

/// Why not everything was written, and how much was.
struct Stopped {
    error: io::Error,
    written: usize,
}

impl RotatingFile {
    pub(in crate::master::programs) fn new(path: PathBuf, limits: Limits, pool: Pool) -> Self {
        let (trouble, packing) = (Trouble::default(), Packing::Wanted);
        Self { path, limits, open: None, looking: None, pool, trouble, rotate_at_us: 0, packing }
    }

    pub(in crate::master::programs) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        if self.packing == Packing::Failed {
            self.packing = Packing::Wanted;
        }
    }

    /// Opens the path anew with the next byte: somebody moved the file away on purpose.
    pub(in crate::master::programs) fn reopen(&mut self) {
        (self.open, self.looking) = (None, None);
    }

    /// Takes `seen`, which the pipe begins with, out of it and into the file. How much of it has left
    /// the pipe: all, or less when what can not be written has to wait there.
    pub(in crate::master::programs) fn pour(
        &mut self,
        pipe: BorrowedFd<'_>,
        seen: &[u8],
        overflow: Overflow,
        now_us: u64,
    ) -> usize {
        if self.trouble.is_waiting() {
            self.tick(now_us);
        }
        let mut written = 0;
        if !self.trouble.is_retried_later(now_us) {
            match self.put(seen, Origin::Pipe(pipe), now_us) {
                Ok(()) => {
                    self.trouble.is_over(&self.path);
                    return seen.len();
                }
                Err(stopped) => {
                    written = stopped.written;
                    self.failed(&stopped.error, now_us);
                }
            }
        }
        match overflow {
            Overflow::Block => written,
            Overflow::Drop => {
                let rest = &seen[written..];
                match sys::peek::discard(pipe, rest.len()) {
                    Ok(()) => self.trouble.keep(rest),
                    // Still in the pipe, if anywhere.
                    Err(_) => return written,
                }
                seen.len()
            }
        }
    }

    /// Takes bytes that are nowhere else. What can not be written waits, or is lost.
    pub(in crate::master::programs) fn write(&mut self, bytes: &[u8], now_us: u64) {
        if self.trouble.is_waiting() {
            self.tick(now_us);
        }
        if self.trouble.is_retried_later(now_us) {
            self.trouble.keep(bytes);
            return;
        }
        match self.put(bytes, Origin::Memory, now_us) {
            Ok(()) => self.trouble.is_over(&self.path),
            Err(Stopped { error, written }) => {
                self.failed(&error, now_us);
                self.trouble.keep(&bytes[written..]);
            }
        }
    }

    /// Removes the file and makes it anew, with what waited for it forgotten. What is linked to is cut
    /// short instead, and what is no file stays.
    pub(in crate::master::programs) fn clear(&mut self, now_us: u64) -> io::Result<()> {
        self.open = None;
        drop(self.trouble.take_waiting());
        match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => {
                fs::remove_file(&self.path)?;
                self.opened(now_us).map(drop)
            }
            Ok(_) if fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file()) => {
                fs::File::options().write(true).truncate(true).open(&self.path).map(drop)
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(in crate::master::programs) fn leave(&mut self) -> (Vec<u8>, u64) {
        self.trouble.leave()
    }

    pub(in crate::master::programs) fn take_up(&mut self, waiting: &[u8], lost_bytes: u64) {
        self.trouble.take_up(waiting, lost_bytes);
    }

    /// Why it can not be written at present.
    pub(in crate::master::programs) fn trouble(&self) -> Option<&str> {
        self.trouble.reason()
    }

    pub(in crate::master::programs) fn lost_bytes(&self) -> u64 {
        self.trouble.lost_in_all()
    }

    /// When the kept bytes are tried again; nothing when there are none.
    pub(in crate::master::programs) fn deadline_us(&self) -> Option<u64> {
        self.trouble.deadline_us()
    }

    pub(in crate::master::programs) fn tick(&mut self, now_us: u64) {
        if self.deadline_us().is_none_or(|retry_us| now_us < retry_us) {
            return;
        }
        let waiting = self.trouble.take_waiting();
        match self.put(&waiting, Origin::Memory, now_us) {
            Ok(()) => self.trouble.is_over(&self.path),
            Err(Stopped { error, written }) => {
                self.trouble.put_back(waiting, written);
                self.failed(&error, now_us);
            }
        }
    }

    fn failed(&mut self, error: &io::Error, now_us: u64) {
        // To close a file may take as long as to look for it.
        if error.kind() != SILENT {
            self.open = None;
        }
        self.trouble.begins(&self.path, error, now_us);
    }

    /// Writes everything, and rotates where a line end fills the file.
    fn put(&mut self, bytes: &[u8], origin: Origin<'_>, now_us: u64) -> Result<(), Stopped> {
        let mut written = 0;
        while written < bytes.len() {
            let count = self
                .put_piece(&bytes[written..], origin, now_us)
                .map_err(|error| Stopped { error, written })?;
            written += count;
        }
        Ok(())
    }

    /// Writes what belongs into the file as it is, up to the line end that fills it.
    fn put_piece(&mut self, rest: &[u8], origin: Origin<'_>, now_us: u64) -> io::Result<usize> {
        let room = self.room(now_us)?;
        let open = self.opened(now_us)?;
        let file_bytes = open.bytes()?;
        let piece = &rest[..rotate::piece_len(rest, room)];
        let count = open.put(piece, file_bytes, origin)?;
        open.is_at_line_end = piece[count - 1] == b'\n';
        let is_full = open.is_at_line_end && count as u64 >= room.until_full;
        if is_full || count as u64 >= room.until_cut {
            self.rotate(now_us);
        }
        Ok(count)
    }

    /// How much the file may still take: not all of a room that is full is known to have been used up,
    /// as the process that did so may have been killed there.
    fn room(&mut self, now_us: u64) -> io::Result<Room> {
        let limits = self.limits;
        let period = match limits.rotate {
            Rotate::Size => 0,
            rotate => rotate::period(rotate, sys::local_time::shifted_ms(sys::clock::wall_ms())),
        };
        let cut_bytes = match limits.max_bytes {
            0 => u64::MAX,
            max_bytes => max_bytes.saturating_add(PROGRAM_LINE_BYTES_MAX as u64),
        };
        loop {
            let open = self.opened(now_us)?;
            if !open.is_rotatable() {
                return Ok(Room::ENDLESS);
            }
            let bytes = open.bytes()?;
            let is_full = limits.max_bytes > 0 && bytes >= limits.max_bytes;
            let is_over = bytes > 0 && limits.rotate != Rotate::Size && period > open.period;
            let is_rotated = bytes >= cut_bytes || open.is_at_line_end && (is_full || is_over);
            if !is_rotated {
                let until_full = match limits.max_bytes {
                    _ if is_full || is_over => 0,
                    0 => u64::MAX,
                    max_bytes => max_bytes - bytes,
                };
                return Ok(Room { until_full, until_cut: cut_bytes - bytes });
            }
            // Ends: what was rotated is empty, and what can not be is not tried again at once.
            if now_us < self.rotate_at_us {
                return Ok(Room { until_full: 0, until_cut: u64::MAX });
            }
            self.rotate(now_us);
        }
    }
}
