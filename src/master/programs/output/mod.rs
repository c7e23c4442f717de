//! What an instance prints: kept in a ring for consoles, followed live, and written to files.
//!
//! Bytes go to the file as they come and to the ring as lines. Nothing here is ever asked to wait:
//! a slow follower loses lines and is told how many, a full disk costs the file and not the ring.

pub(super) mod file;
pub(super) mod follow;
pub(super) mod lines;
pub(super) mod pipe;
pub(super) mod ring;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::config::model::output::{self, Overflow};
use crate::control::wire::{LogLine, Stream};
use crate::sys::clock;

use file::RotatingFile;
use follow::Followers;
use lines::Lines;
use ring::Ring;

/// A file that several instances or both streams may share.
pub(super) type SharedFile = Rc<RefCell<RotatingFile>>;

#[derive(Default)]
pub(super) struct Output {
    ring: Ring,
    followers: Followers,
    stdout: Channel,
    stderr: Channel,
}

#[derive(Default)]
struct Channel {
    lines: Lines,
    file: Option<SharedFile>,
    overflow: Overflow,
}

impl Output {
    /// From now on, the begun lines included.
    pub(super) fn set_target(
        &mut self,
        source: Source,
        target: &output::LogTarget,
        file: Option<SharedFile>,
    ) {
        let channel = self.channel_mut(source);
        channel.file = file;
        channel.overflow = target.overflow;
    }

    /// Whether what the program writes is to stay in its pipe until it is written elsewhere.
    fn is_poured(&self, source: Source) -> bool {
        self.channel(source).file.is_some()
    }

    /// Takes of what is `seen` in the pipe what has a place to go to, and tells how much that is.
    fn pour(&mut self, source: Source, pipe: BorrowedFd<'_>, seen: &[u8]) -> usize {
        let channel = self.channel(source);
        let taken = match &channel.file {
            Some(file) => {
                let now_us = clock::monotonic_us();
                file.borrow_mut().pour(pipe, seen, channel.overflow, now_us)
            }
            None => 0,
        };
        self.note(source, &seen[..taken]);
        taken
    }

    /// Takes what the program wrote and is nowhere else.
    fn take(&mut self, source: Source, bytes: &[u8]) {
        if let Some(file) = &self.channel(source).file {
            file.borrow_mut().write(bytes, clock::monotonic_us());
        }
        self.note(source, bytes);
    }

    /// Its lines, for who reads along.
    fn note(&mut self, source: Source, bytes: &[u8]) {
        let wall_ms = clock::wall_ms();
        let Self { ring, followers, stdout, stderr } = self;
        let channel = match source {
            Source::Stdout => stdout,
            Source::Stderr => stderr,
        };
        channel.lines.take(bytes, |text| {
            add(ring, followers, LogLine { wall_ms, stream: source.stream(), text });
        });
    }

    fn channel_mut(&mut self, source: Source) -> &mut Channel {
        match source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        }
    }

    fn channel(&self, source: Source) -> &Channel {
        match source {
            Source::Stdout => &self.stdout,
            Source::Stderr => &self.stderr,
        }
    }

    /// The stream has ended: what has no line end by now is a line.
    pub(super) fn end(&mut self, source: Source) {
        let Some(text) = self.channel_mut(source).lines.end() else { return };
        let line = LogLine { wall_ms: clock::wall_ms(), stream: source.stream(), text };
        add(&mut self.ring, &mut self.followers, line);
    }

    /// The supervisor's own remark; only in the ring, files hold the program's bytes alone.
    pub(super) fn mark(&mut self, text: String) {
        let line = LogLine { wall_ms: clock::wall_ms(), stream: Stream::Mark, text };
        add(&mut self.ring, &mut self.followers, line);
    }

    /// The last line the program wrote, for the row.
    pub(super) fn last_line(&self) -> &str {
        self.ring.last().map_or("", |line| line.text.as_str())
    }

    /// The kept lines, then the coming ones when the reader follows. `stream`: only that one, with
    /// the supervisor's marks. `tail`: of those kept only so many.
    pub(super) fn read(
        &mut self,
        stream: Option<Stream>,
        tail: Option<u32>,
        follow: Follow,
    ) -> mpsc::Receiver<Bytes> {
        let wanted = || self.ring.lines().filter(|line| follow::is_wanted(stream, line));
        let skipped = tail.map_or(0, |tail| wanted().count().saturating_sub(tail as usize));
        let kept = follow::encode(wanted().skip(skipped));
        self.followers.add(stream, kept, follow)
    }
}

fn add(ring: &mut Ring, followers: &mut Followers, line: LogLine) {
    followers.tell(&line);
    ring.push(line);
}

/// Which of a program's two descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stdout,
    Stderr,
}

impl Source {
    fn stream(self) -> Stream {
        match self {
            Self::Stdout => Stream::Stdout,
            Self::Stderr => Stream::Stderr,
        }
    }
}

/// Whether a reader wants what is yet to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    No,
    Yes,
}
