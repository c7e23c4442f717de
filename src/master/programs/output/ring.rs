//! The last lines of an instance, bounded by bytes.
//!
//! What the program wrote is kept in blocks as it came, and becomes lines when somebody reads: of a
//! flood hardly any line is ever read.

use std::collections::VecDeque;

use super::lines;
use crate::config::limits::{PROGRAM_LOG_BLOCK_BYTES, PROGRAM_LOG_RING_BYTES};
use crate::control::wire::{LogLine, Stream};

#[derive(Default)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
}

struct Entry {
    wall_ms: u64,
    stream: Stream,
    /// Of a mark one line, whatever it holds; else a block of lines.
    text: Box<[u8]>,
}

impl Ring {
    /// Keeps a block of whole lines, or of a line's piece, that was written at that moment.
    pub(super) fn push(&mut self, (wall_ms, stream): (u64, Stream), block: &[u8]) {
        let mut rest = last_lines(block, PROGRAM_LOG_RING_BYTES);
        while !rest.is_empty() {
            let (text, behind) = rest.split_at(whole_lines(rest, PROGRAM_LOG_BLOCK_BYTES));
            self.add(Entry { wall_ms, stream, text: text.into() });
            rest = behind;
        }
    }

    /// The supervisor's own remark.
    pub(super) fn mark(&mut self, wall_ms: u64, text: &str) {
        self.add(Entry { wall_ms, stream: Stream::Mark, text: text.as_bytes().into() });
    }

    fn add(&mut self, entry: Entry) {
        self.bytes += entry.cost();
        self.entries.push_back(entry);
        while self.bytes > PROGRAM_LOG_RING_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.cost();
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Made as they are asked for, from either end.
    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = LogLine> {
        self.entries.iter().flat_map(Entry::lines)
    }

    /// The last line that is the program's own; nothing when there is none.
    pub(super) fn last(&self) -> String {
        let own = self.entries.iter().rev().find(|entry| entry.stream != Stream::Mark);
        own.map_or_else(String::new, |entry| lines::text(entry.last_line()))
    }
}

impl Entry {
    /// A small one costs memory beyond its text, too.
    fn cost(&self) -> usize {
        self.text.len() + size_of::<Self>()
    }

    fn lines(&self) -> std::vec::IntoIter<LogLine> {
        let line = |text: String| LogLine {
            wall_ms: self.wall_ms,
            stream: self.stream,
            text,
            ..LogLine::default()
        };
        let lines: Vec<LogLine> = match self.stream {
            Stream::Mark => vec![line(String::from_utf8_lossy(&self.text).into_owned())],
            Stream::Stdout | Stream::Stderr => lines::texts(&self.text).map(line).collect(),
        };
        lines.into_iter()
    }

    /// Of a block, without its end.
    fn last_line(&self) -> &[u8] {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        memchr::memrchr(b'\n', text).map_or(text, |at| &text[at + 1..])
    }
}

/// So much of the block's end, from where a line begins.
fn last_lines(block: &[u8], bytes_max: usize) -> &[u8] {
    let Some(beyond) = block.len().checked_sub(bytes_max).filter(|beyond| *beyond > 0) else {
        return block;
    };
    match memchr::memchr(b'\n', &block[beyond - 1..]) {
        Some(at) => &block[beyond + at..],
        None => &block[beyond..],
    }
}

/// How much of the block to keep in one piece: as many whole lines as fit, or one.
fn whole_lines(block: &[u8], bytes_max: usize) -> usize {
    if block.len() <= bytes_max {
        return block.len();
    }
    let ended = memchr::memrchr(b'\n', &block[..bytes_max]).map(|at| at + 1);
    ended.unwrap_or_else(|| lines::line_bytes(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: (u64, Stream) = (7, Stream::Stdout);

    fn texts(ring: &Ring) -> Vec<String> {
        ring.lines().map(|line| line.text).collect()
    }

    #[test]
    fn blocks_are_read_as_lines_from_either_end() {
        let mut ring = Ring::default();
        ring.push(MOMENT, b"a\nb\r\n\n");
        ring.mark(8, "two\nlines");
        ring.push(MOMENT, b"c");
        assert_eq!(texts(&ring), ["a", "b", "", "two\nlines", "c"]);
        let mut backwards: Vec<String> = ring.lines().rev().map(|line| line.text).collect();
        backwards.reverse();
        assert_eq!(backwards, texts(&ring));
        assert_eq!(ring.last(), "c");
        ring.clear();
        assert_eq!((texts(&ring).len(), ring.last().as_str()), (0, ""));
    }

    #[test]
    fn a_block_of_any_size_leaves_its_last_whole_lines() {
        let line = format!("{}\n", "x".repeat(99));
        let mut ring = Ring::default();
        for lines in [1, 1_000, 10_000, 3] {
            ring.push(MOMENT, line.repeat(lines).as_bytes());
            let kept = texts(&ring);
            assert!(kept.iter().all(|text| text.len() == 99), "none is cut");
            let bytes = kept.len() * line.len();
            assert!(bytes <= PROGRAM_LOG_RING_BYTES, "{bytes}");
        }
        let bytes = texts(&ring).len() * line.len();
        assert!(bytes + 2 * PROGRAM_LOG_BLOCK_BYTES > PROGRAM_LOG_RING_BYTES, "{bytes}");
    }

    #[test]
    fn a_line_longer_than_everything_leaves_its_end() {
        let mut ring = Ring::default();
        ring.push(MOMENT, &vec![b'x'; PROGRAM_LOG_RING_BYTES + 9]);
        assert!(ring.bytes <= PROGRAM_LOG_RING_BYTES && ring.last().len() > 1);
    }
}
