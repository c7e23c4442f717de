//! The last lines of one program's output, or of all, bounded, with follow and scroll.

use std::collections::VecDeque;

use crate::control::wire::LogLine;

use super::key::Key;
use super::log_find::Find;

pub(crate) const LINES_MAX: usize = 5_000;
pub(crate) const BYTES_MAX: usize = 4 << 20;

/// Whose output a stream of lines is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    One(Key),
    All,
}

/// Which program, its lines, and how far up the reader has gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogTail {
    /// The program whose lines these are; of all, none.
    pub(crate) of: Option<Key>,
    /// Oldest first.
    pub(crate) lines: VecDeque<LogLine>,
    /// Lines below the bottom of the pane; zero follows.
    pub(crate) above_end: usize,
    /// Lines that came while the reader was scrolled up.
    pub(crate) unseen: usize,
    pub(crate) is_wrapped: bool,
    /// Why there is nothing more to come; empty while the stream lives.
    pub(crate) ended: String,
    pub(crate) find: Find,
    /// What was said later is not shown: the past is looked at.
    pub(crate) until_ms: Option<u64>,
    bytes: usize,
    /// The number of the first line that is there: numbers stay when the oldest lines go.
    first: u64,
}

impl LogTail {
    pub(crate) fn is_following(&self) -> bool {
        self.above_end == 0
    }

    /// Another program: nothing of the last one stays.
    pub(crate) fn turn_to(&mut self, of: Option<Key>) {
        let find = Find { at: None, ..std::mem::take(&mut self.find) };
        let (is_wrapped, until_ms) = (self.is_wrapped, self.until_ms);
        *self = Self { of, is_wrapped, find, until_ms, ..Self::default() };
    }

    pub(crate) fn numbered(&self) -> impl DoubleEndedIterator<Item = (u64, &LogLine)> {
        let numbered = self.lines.iter().enumerate();
        let numbered = numbered.map(|(at, line)| (self.first + at as u64, line));
        numbered.filter(|(_, line)| self.is_of_the_time(line))
    }

    fn is_of_the_time(&self, line: &LogLine) -> bool {
        self.until_ms.is_none_or(|until_ms| line.wall_ms <= until_ms)
    }

    pub(crate) fn push(&mut self, line: LogLine) {
        let is_of_the_time = self.is_of_the_time(&line);
        self.bytes += line.text.len();
        self.lines.push_back(line);
        let is_shown = self.find.kept.is_empty()
            || self.shown().next_back().is_some_and(|(number, _)| number == self.last());
        if !self.is_following() && is_of_the_time && is_shown {
            self.above_end += 1;
            self.unseen += 1;
        }
        self.forget();
    }

    /// Where its time belongs: lines of other sources may have come before it.
    pub(crate) fn insert(&mut self, line: LogLine) {
        let later = self.lines.iter().rev().take_while(|other| other.wall_ms > line.wall_ms);
        let later = later.count();
        if later == 0 {
            return self.push(line);
        }
        let at = self.lines.len() - later;
        if let Some(found) = self.find.at.as_mut().filter(|found| **found >= self.first + at as u64)
        {
            *found += 1;
        }
        self.bytes += line.text.len();
        self.lines.insert(at, line);
        if later < self.above_end {
            self.above_end += 1;
            self.unseen += 1;
        }
        self.forget();
    }

    /// Lines that nobody wants to see any more.
    pub(crate) fn leave_out(&mut self, is_unwanted: impl Fn(&LogLine) -> bool) {
        self.lines.retain(|line| !is_unwanted(line));
        self.bytes = self.lines.iter().map(|line| line.text.len()).sum();
        self.find.at = None;
        self.follow();
    }

    fn forget(&mut self) {
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
            self.first += 1;
        }
        self.above_end = self.above_end.min(self.lines.len().saturating_sub(1));
    }

    fn last(&self) -> u64 {
        (self.first + self.lines.len() as u64).saturating_sub(1)
    }

    /// Away from the end by so many lines (negative: towards it), until the first line is at the top
    /// of a pane of `page` lines.
    pub(crate) fn scroll(&mut self, lines: isize, page: usize) {
        let most = self.shown().count().saturating_sub(page.max(1));
        self.above_end = self.above_end.saturating_add_signed(lines).min(most);
        if self.is_following() {
            self.unseen = 0;
        }
    }

    pub(crate) fn follow(&mut self) {
        self.above_end = 0;
        self.unseen = 0;
    }
}
