//! Bytes into lines. A line longer than the bound is cut there, so that a program that never ends
//! one costs bounded memory; each part that is not the last says that it goes on.
//!
//! In two steps, because most lines are never read one by one: first into blocks that end where a
//! line does, which costs the copying, and into texts only for who wants them.

use crate::config::limits::PROGRAM_LINE_BYTES_MAX;

/// What follows a part of a line.
pub(in crate::master::programs) const GOES_ON: &str = " [the line goes on]";

#[derive(Default)]
pub(in crate::master::programs) struct Lines {
    /// The line that has no end yet.
    begun: Vec<u8>,
}

impl Lines {
    /// What has ended with these bytes, with what was begun before: each block holds whole lines, or
    /// a piece of one that is too long.
    pub(super) fn take_blocks(&mut self, bytes: &[u8], mut block: impl FnMut(&[u8])) {
        let ended = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let (ended, rest) = bytes.split_at(ended);
        if !ended.is_empty() {
            if self.begun.is_empty() {
                block(ended);
            } else {
                self.begun.extend_from_slice(ended);
                block(&self.begun);
                self.begun.clear();
            }
        }
        self.begun.extend_from_slice(rest);
        while self.begun.len() > PROGRAM_LINE_BYTES_MAX {
            block(&self.begun[..PROGRAM_LINE_BYTES_MAX]);
            self.begun.drain(..PROGRAM_LINE_BYTES_MAX);
        }
    }

    pub(super) fn leave(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }

    pub(super) fn take_up(&mut self, begun: &[u8]) {
        self.begun.extend_from_slice(begun);
    }

    pub(in crate::master::programs) fn take(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        self.take_blocks(bytes, |block| texts(block).for_each(&mut line));
    }

    /// What was begun is all that comes: a line, cut where it is too long.
    pub(super) fn end_block(&mut self) -> Option<Vec<u8>> {
        let begun = std::mem::take(&mut self.begun);
        (!begun.is_empty()).then_some(begun)
    }

    pub(in crate::master::programs) fn end(&mut self) -> Option<String> {
        self.end_block().map(|begun| text(&begun))
    }
}

/// The lines of a block as texts, without their ends.
pub(super) fn texts(block: &[u8]) -> impl Iterator<Item = String> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let line_bytes = line_bytes(rest);
        let (line, behind) = rest.split_at(line_bytes);
        rest = behind;
        Some(match line.strip_suffix(b"\n") {
            Some(whole) => text(whole),
            None if line.len() == PROGRAM_LINE_BYTES_MAX => text(line) + GOES_ON,
            None => text(line),
        })
    })
}

/// How long the first line is, with its end; as long as a line may be, when it is longer.
pub(super) fn line_bytes(block: &[u8]) -> usize {
    let with_end = block.len().min(PROGRAM_LINE_BYTES_MAX + 1);
    let ended = memchr::memchr(b'\n', &block[..with_end]).map(|at| at + 1);
    ended.unwrap_or(block.len().min(PROGRAM_LINE_BYTES_MAX))
}

pub(super) fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}
