//! Words looked for in a log, and words that lines must hold to be shown.
//!
//! How words match is `control::text::places`.

use crate::control::text;
use crate::control::wire::{LogLine, Stream};

use super::log_tail::LogTail;

/// What the two prompts of a log ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Marked where they stand, and gone to.
    Search,
    /// Lines without them are not shown.
    Keep,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Find {
    pub(crate) searched: String,
    pub(crate) kept: String,
    /// The number of the line that was gone to last.
    pub(crate) at: Option<u64>,
}

impl Find {
    pub(crate) fn of(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Search => &self.searched,
            Purpose::Keep => &self.kept,
        }
    }
}

fn holds(line: &LogLine, words: &str) -> bool {
    words.is_empty() || !text::places(&text::plain(&line.text), words).is_empty()
}

impl LogTail {
    /// What the pane shows, oldest first, each with its number. The supervisor's marks stay: they
    /// say which life a line belongs to.
    pub(crate) fn shown(&self) -> impl DoubleEndedIterator<Item = (u64, &LogLine)> {
        let kept = &self.find.kept;
        self.numbered().filter(move |(_, line)| line.stream == Stream::Mark || holds(line, kept))
    }

    /// Numbers of the lines that hold what is searched for, oldest first.
    pub(crate) fn matches(&self) -> Vec<u64> {
        if self.find.searched.is_empty() {
            return Vec::new();
        }
        let searched = &self.find.searched;
        self.shown().filter(|(_, line)| holds(line, searched)).map(|(number, _)| number).collect()
    }

    /// Which of the matches was gone to, counted from the newest, and how many there are.
    pub(crate) fn standing(&self) -> (usize, usize) {
        let matches = self.matches();
        let at = matches.iter().rev().position(|number| Some(*number) == self.find.at);
        (at.map_or(0, |at| at + 1), matches.len())
    }

    /// The newest match at or above the bottom of the pane.
    pub(crate) fn go_to_first(&mut self, page: usize) -> bool {
        let bottom = self.shown().rev().nth(self.above_end).map(|(number, _)| number);
        let matches = self.matches();
        let found = matches.iter().rev().find(|number| bottom.is_none_or(|last| **number <= last));
        let found = found.or(matches.last()).copied();
        self.go_to(found, page)
    }

    /// The next match further up (older), or down; round at the ends.
    pub(crate) fn go_to_next(&mut self, towards: Towards, page: usize) -> bool {
        let matches = self.matches();
        let at = matches.iter().position(|number| Some(*number) == self.find.at);
        let found = match (at, towards) {
            (None, _) | (Some(0), Towards::Older) => matches.last(),
            (Some(at), Towards::Older) => matches.get(at - 1),
            (Some(at), Towards::Newer) => matches.get(at + 1).or(matches.first()),
        };
        let found = found.copied();
        self.go_to(found, page)
    }

    /// With the line in the middle of the pane, as far as there are lines around it.
    fn go_to(&mut self, number: Option<u64>, page: usize) -> bool {
        self.find.at = number;
        let Some(number) = number else { return false };
        let below = self.shown().rev().position(|(other, _)| other == number).unwrap_or(0);
        let most = self.shown().count().saturating_sub(page.max(1));
        self.above_end = below.saturating_sub(page / 2).min(most);
        if self.is_following() {
            self.unseen = 0;
        }
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Towards {
    Older,
    Newer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> LogTail {
        let mut log = LogTail::default();
        for text in lines {
            let stream = if text.starts_with('-') { Stream::Mark } else { Stream::Stdout };
            log.push(LogLine { stream, text: (*text).to_owned(), ..LogLine::default() });
        }
        log
    }

    fn texts(log: &LogTail) -> Vec<&str> {
        log.shown().map(|(_, line)| line.text.as_str()).collect()
    }

    #[test]
    fn a_search_goes_up_from_the_bottom_and_round() {
        let mut log = log(&["a 1", "b", "a 2", "b", "a 3", "b"]);
        log.find.searched = "a".to_owned();
        assert!(log.go_to_first(2));
        assert_eq!((log.find.at, log.standing()), (Some(4), (1, 3)));
        for (towards, at, standing) in [
            (Towards::Older, 2, 2),
            (Towards::Older, 0, 3),
            (Towards::Older, 4, 1),
            (Towards::Newer, 0, 3),
            (Towards::Newer, 2, 2),
        ] {
            assert!(log.go_to_next(towards, 2));
            assert_eq!((log.find.at, log.standing().0), (Some(at), standing), "{towards:?}");
        }
        log.find.searched = "nowhere".to_owned();
        assert!(!log.go_to_first(2));
    }

    #[test]
    fn kept_lines_and_marks_are_shown_and_numbers_outlive_dropped_lines() {
        let mut log = log(&["get /a", "post /b", "- exit 1", "get /c"]);
        log.find.kept = "get".to_owned();
        assert_eq!(texts(&log), ["get /a", "- exit 1", "get /c"]);
        log.find.searched = "/c".to_owned();
        assert!(log.go_to_first(1));
        let at = log.find.at;
        for number in 0..super::super::log_tail::LINES_MAX - 1 {
            log.push(LogLine { text: format!("post {number}"), ..LogLine::default() });
        }
        assert_eq!(texts(&log), ["get /c"]);
        assert_eq!((log.find.at, log.standing()), (at, (1, 1)));
    }
}
