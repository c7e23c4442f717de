//! A log file that rotates at a line's end: `<file>`, then `.1` the youngest to `.N` the oldest.
//!
//! No byte is lost or written twice, whenever this process is killed: what a pipe holds is moved
//! into the file by the kernel in one step ([`crate::sys::peek`]), where the file allows it. When
//! the file can not be written, what comes waits ([`trouble`]), also when its file system does not
//! answer, which holds up nobody else ([`lend`]). Removed from outside (or moved away
//! by another rotator), it is made again; cut short from outside, it goes on where it ends.

pub(super) mod lend;
pub(super) mod pack;

mod disk;
mod open;
mod rotate;
#[cfg(test)]
mod tests;
mod trouble;

use std::io;
use std::path::PathBuf;

use self::disk::Disk;
use self::lend::{Away, Done, Head, Lent, Put, Whose};
use self::pack::Packing;
use self::trouble::Trouble;
use crate::config::model::output::{Compress, Overflow, Rotate};
use crate::sys;
use crate::sys::blocking::Pool;

const RETRY_US: u64 = 1_000_000;
const LOOK_US: u64 = 1_000_000;
/// How soon it is tried again where threads are only busy.
const BUSY_US: u64 = 10_000;

pub(in crate::master::programs) struct RotatingFile {
    path: PathBuf,
    limits: Limits,
    /// A stand-in for the one that is away.
    disk: Disk,
    away: Option<Away>,
    /// Since when no thread was to be had for it.
    refused_us: Option<u64>,
    /// Where the threads are.
    pool: Pool,
    trouble: Trouble,
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
    Pipe(Head<'a>),
    Memory,
}

/// Why not everything was written, and how much was.
#[derive(Debug)]
struct Stopped {
    error: io::Error,
    written: usize,
}

impl RotatingFile {
    pub(in crate::master::programs) fn new(path: PathBuf, limits: Limits, pool: Pool) -> Self {
        let disk = Disk::new(path.clone(), limits);
        let (trouble, packing) = (Trouble::default(), Packing::Wanted);
        Self { path, limits, disk, away: None, refused_us: None, pool, trouble, packing }
    }

    pub(in crate::master::programs) fn set_limits(&mut self, limits: Limits) {
        (self.limits, self.disk.limits) = (limits, limits);
        if self.packing == Packing::Failed {
            self.packing = Packing::Wanted;
        }
    }

    /// Opens the path anew with the next byte: somebody moved the file away on purpose.
    pub(in crate::master::programs) fn reopen(&mut self) {
        self.disk.open = None;
    }

    /// Takes `seen`, which the pipe begins with, out of it and into the file. How much of it has left
    /// the pipe: all, or less when what can not be written has to wait there.
    pub(in crate::master::programs) fn pour(
        &mut self,
        head: Head<'_>,
        seen: &[u8],
        overflow: Overflow,
        now_us: u64,
    ) -> usize {
        match self.written_ahead(head, now_us) {
            Some(0) => {}
            Some(count) => return count,
            None => return 0,
        }
        if self.trouble.is_waiting() {
            self.tick(now_us);
        }
        let mut written = 0;
        if !self.trouble.is_retried_later(now_us) {
            match self.put(seen, Origin::Pipe(head), now_us) {
                Put::Done => {
                    self.trouble.is_over(&self.path);
                    return seen.len();
                }
                Put::Lent => {
                    return match overflow {
                        Overflow::Block => 0,
                        Overflow::Drop => self.take_over(head, seen, now_us),
                    };
                }
                Put::Stopped(stopped) => {
                    written = stopped.written;
                    self.failed(&stopped.error, now_us);
                }
            }
        }
        match overflow {
            Overflow::Block => written,
            Overflow::Drop => {
                let rest = &seen[written..];
                match sys::peek::discard(head.pipe, rest.len()) {
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
            Put::Done => self.trouble.is_over(&self.path),
            Put::Lent => {}
            Put::Stopped(Stopped { error, written }) => {
                self.failed(&error, now_us);
                self.trouble.keep(&bytes[written..]);
            }
        }
    }

    /// Removes the file and makes it anew, with what waited for it forgotten. What is linked to is cut
    /// short instead, and what is no file stays. One whose file system does not answer is cleared when
    /// it does, unless that is known before.
    pub(in crate::master::programs) fn clear(&mut self, now_us: u64) -> io::Result<()> {
        self.settle(now_us);
        drop(self.trouble.take_waiting());
        if self.away.is_none() && self.disk.open.is_some() {
            return self.disk.clear(now_us);
        }
        let clear = move |disk: &mut Disk| Done::Cleared(disk.clear_wherever(now_us));
        match self.lend(Whose::Nobody, now_us, clear)? {
            Lent::Back(Done::Cleared(cleared)) => cleared,
            Lent::Back(_) | Lent::Away => Err(lend::silent()),
        }
    }

    pub(in crate::master::programs) fn leave(&mut self) -> (Vec<u8>, u64) {
        self.settle(sys::clock::monotonic_us());
        let (waiting, lost_bytes) = self.trouble.leave();
        ([self.in_flight(), waiting].concat(), lost_bytes)
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

    /// When the kept bytes are tried again, or a file that is away is looked after; nothing when there
    /// is neither.
    pub(in crate::master::programs) fn deadline_us(&self) -> Option<u64> {
        self.back_us().or_else(|| self.trouble.deadline_us())
    }

    pub(in crate::master::programs) fn tick(&mut self, now_us: u64) {
        self.settle(now_us);
        let is_due = |retry_us| now_us >= retry_us;
        if self.away.is_some() || !self.trouble.deadline_us().is_some_and(is_due) {
            return;
        }
        let waiting = self.trouble.take_waiting();
        match self.put(&waiting, Origin::Memory, now_us) {
            Put::Done => self.trouble.is_over(&self.path),
            Put::Lent => {}
            Put::Stopped(Stopped { error, written }) => {
                self.trouble.put_back(waiting, written);
                self.failed(&error, now_us);
            }
        }
    }

    fn failed(&mut self, error: &io::Error, now_us: u64) {
        if self.away.is_some() {
            return self.is_silent(now_us);
        }
        if self.is_refused_for_now(now_us) {
            return self.trouble.is_tried_at(now_us + BUSY_US);
        }
        self.trouble.begins(&self.path, error, now_us);
    }

    /// What was noticed while the file was written.
    fn take_news(&mut self, now_us: u64) {
        self.disk.limits = self.limits;
        if let Some(warning) = self.disk.warning.take() {
            self.trouble.warn(&warning, now_us);
        }
        if std::mem::take(&mut self.disk.has_rotated) {
            self.packing = match self.packing {
                Packing::Running => Packing::Running,
                Packing::Wanted | Packing::Idle | Packing::Failed => Packing::Wanted,
            };
        }
    }
}
