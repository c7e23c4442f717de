//! The last lines of an instance, bounded by bytes.

use std::collections::VecDeque;

use crate::config::limits::PROGRAM_LOG_RING_BYTES;
use crate::control::wire::{LogLine, Stream};

#[derive(Default)]
pub(super) struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl Ring {
    pub(super) fn push(&mut self, line: LogLine) {
        self.bytes += cost(&line);
        self.lines.push_back(line);
        while self.bytes > PROGRAM_LOG_RING_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= cost(&oldest);
        }
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.bytes = 0;
    }

    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// The last line that is the program's own.
    pub(super) fn last(&self) -> Option<&LogLine> {
        self.lines.iter().rev().find(|line| match line.stream {
            Stream::Stdout | Stream::Stderr => true,
            Stream::Mark => false,
        })
    }
}

/// Empty lines cost memory too.
fn cost(line: &LogLine) -> usize {
    line.text.len() + size_of::<LogLine>()
}
