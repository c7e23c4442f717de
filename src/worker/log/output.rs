//! One log file as the writing thread has it: open or not, and what a failure left unfinished.
//!
//! A file only ever gets whole lines in their order: the end of a line that was cut by a failure is
//! the first thing written when writing goes on. What else could not be written is lost, and counted.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::config::limits::{LOG_RETRY_MS, LOG_STALL_MS};
use crate::sys;

pub(super) struct Output {
    path: PathBuf,
    file: Option<File>,
    /// It is a pipe whose reader has left.
    is_broken: bool,
    /// The rest of a line whose beginning is in the file.
    owed: Vec<u8>,
    /// Why the last attempt failed: the kernel's number.
    failing: Option<i32>,
    retry_at_us: u64,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) lines: u64,
    pub(super) lost: u64,
    /// The kernel's number of a failure.
    pub(super) error: Option<i32>,
}

impl Output {
    pub(super) fn new(path: PathBuf) -> Self {
        let owed = Vec::new();
        Self { path, file: None, is_broken: false, owed, failing: None, retry_at_us: 0 }
    }

    pub(super) fn failing(&self) -> Option<i32> {
        self.failing
    }

    /// The file that was opened elsewhere, or else the one of that name, from here on, which may be
    /// another one. Tried at once, so that whoever rotates sees the new file.
    pub(super) fn reopen(&mut self, opened: Option<File>) -> Written {
        self.file = opened;
        self.is_broken = false;
        self.owed.clear();
        self.retry_at_us = 0;
        match self.open() {
            Ok(()) => {
                self.failing = None;
                Written::default()
            }
            Err(error) => Written { error: Some(self.failed(&error)), ..Written::default() },
        }
    }

    /// Writes a batch of whole lines.
    pub(super) fn write(&mut self, batch: &[u8], lines: u64) -> Written {
        let is_to_be_opened = self.file.is_none() || self.is_broken;
        if is_to_be_opened && sys::clock::monotonic_us() < self.retry_at_us {
            return Written { lost: lines, ..Written::default() };
        }
        if let Err(error) = self.open() {
            return Written { lost: lines, error: Some(self.failed(&error)), lines: 0 };
        }
        let owed = std::mem::take(&mut self.owed);
        let paid = match self.push(&owed) {
            (_, Ok(())) => self.push(batch),
            (count, Err(error)) => {
                self.owed = owed[count..].to_vec();
                (0, Err(error))
            }
        };
        let (count, error) = match paid {
            (_, Ok(())) => {
                self.succeeded();
                return Written { lines, ..Written::default() };
            }
            (count, Err(error)) => (count, error),
        };
        let rest = &batch[count..];
        let is_cut = count > 0 && batch[count - 1] != b'\n';
        if is_cut {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            self.owed = rest[..end].to_vec();
        }
        let lost = rest.split(|byte| *byte == b'\n').count() as u64 - 1 - u64::from(is_cut);
        Written { lines: lines - lost, lost, error: Some(self.failed(&error)) }
    }

    fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(sys::append::open(&self.path)?);
        } else if std::mem::take(&mut self.is_broken)
            // Where the pipe can not be opened here, the one that there was may have a reader again.
            && let Ok(file) = sys::append::open(&self.path)
        {
            self.file = Some(file);
        }
        Ok(())
    }

    /// How many bytes were written, and why not all.
    fn push(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let is_stuck = self.failing.is_some();
        let Some(file) = &mut self.file else {
            return (0, Err(io::ErrorKind::NotConnected.into()));
        };
        let mut count = 0;
        while count < bytes.len() {
            match file.write(&bytes[count..]) {
                Ok(0) => return (count, Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => count += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The other files of this thread wait only once for a pipe that is not read.
                    if is_stuck || sys::append::wait(file, LOG_STALL_MS).is_err() {
                        return (count, Err(error));
                    }
                }
                Err(error) => return (count, Err(error)),
            }
        }
        (count, Ok(()))
    }

    /// Said once, however often it happens until it is over.
    fn failed(&mut self, error: &io::Error) -> i32 {
        if self.failing.is_none() {
            let path = self.path.display();
            sys::log::error!(
                "worker",
                "write {path}: {error}; lines are lost until it can be written"
            );
        }
        // A pipe whose reader has left may be another one when it is opened again.
        self.is_broken = error.kind() == io::ErrorKind::BrokenPipe;
        if self.file.is_none() || self.is_broken {
            self.retry_at_us = sys::clock::monotonic_us() + LOG_RETRY_MS * 1000;
        }
        let number = error.raw_os_error().unwrap_or(UNNUMBERED);
        self.failing = Some(number);
        number
    }

    fn succeeded(&mut self) {
        if self.failing.take().is_some() {
            sys::log::notice!("worker", "{} is written again", self.path.display());
        }
    }
}

/// `EIO`, for failures that the kernel did not number.
const UNNUMBERED: i32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_moved_file_gets_nothing_after_it_was_opened_again() {
        let folder = folder();
        let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
        let mut output = Output::new(path.clone());
        assert_eq!(output.write(b"one\n", 1), Written { lines: 1, ..Written::default() });
        std::fs::rename(&path, &moved).unwrap();
        assert_eq!(output.write(b"two\n", 1).lines, 1);
        assert_eq!(output.reopen(None), Written::default());
        assert_eq!(std::fs::read(&path).unwrap(), b"", "there at once");
        output.write(b"three\n", 1);
        assert_eq!(std::fs::read(&moved).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }

    #[test]
    fn what_can_not_be_opened_is_lost_and_tried_again_later() {
        let folder = folder();
        let path = folder.path().join("absent/log");
        let mut output = Output::new(path.clone());
        let first = output.write(b"one\ntwo\n", 2);
        assert_eq!((first.lines, first.lost, first.error), (0, 2, Some(2)));
        assert_eq!(output.write(b"x\n", 1), Written { lost: 1, ..Written::default() }, "not yet");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        assert_eq!(output.reopen(None).error, None);
        assert_eq!(output.write(b"three\n", 1).lines, 1);
        assert_eq!(output.failing(), None);
    }

    #[test]
    fn a_full_disk_loses_lines_and_says_why() {
        let mut output = Output::new("/dev/full".into());
        let written = output.write(b"one\n", 1);
        assert_eq!((written.lines, written.lost, written.error), (0, 1, Some(28)));
        assert_eq!(output.failing(), Some(28));
    }

    #[test]
    fn a_pipe_without_a_reader_neither_blocks_nor_tears_a_line() {
        let folder = folder();
        let path = folder.path().join("pipe");
        rustix_pipe(&path);
        let mut output = Output::new(path.clone());
        assert_eq!(output.write(b"lost\n", 1).lost, 1, "nobody reads it");
        let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        output.reopen(None);
        let line = [[b'x'; 99].as_slice(), b"\n"].concat();
        let batch = line.repeat(1000);
        let written = output.write(&batch, 1000);
        assert_eq!(written.lines + written.lost, 1000);
        assert!(written.lost > 0 && written.error.is_some(), "more than a pipe holds");
        // The reader comes back, and finds whole lines only.
        let mut read = vec![0; 4 * 65_536];
        let count = std::io::Read::read(&mut reader, &mut read).unwrap();
        output.write(b"after\n", 1);
        let more = std::io::Read::read(&mut reader, &mut read[count..]).map_or(0, |more| more);
        let text = String::from_utf8(read[..count + more].to_vec()).unwrap();
        assert!(text.lines().all(|seen| seen.len() == 99 || seen == "after"), "{text}");
        assert!(text.ends_with("after\n"));
    }

    fn rustix_pipe(path: &std::path::Path) {
        let status = std::process::Command::new("mkfifo").arg(path).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}
