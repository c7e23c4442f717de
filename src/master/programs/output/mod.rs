//! What an instance prints: kept in a ring for consoles, followed live, and written to files.
//!
//! Bytes go to the file as they come and to the ring as lines. Nothing here ever waits: a slow
//! follower loses lines and is told how many, a full disk costs the file and not the ring. Only
//! programs do, where what they print is left in their pipes.

pub(super) mod file;
pub(super) mod form;
pub(super) mod outlet;
pub(super) mod pipe;
pub(super) mod sinks;

mod ansi;
mod captured;
mod compress;
pub(super) mod follow;
mod hearer;
pub(super) mod left;
pub(super) mod lines;
pub(super) mod merged;
mod ring;
mod sought;
mod syslog;
mod tap;
#[cfg(test)]
mod tests;
pub(super) mod voice;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use regex::bytes::Regex;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::config::model::output::Told;
use crate::control::wire::{LogLine, Stream};
use crate::supervise::capture::Capture;
use crate::sys;
use crate::sys::clock;

use file::RotatingFile;
use file::lend::Head;
use follow::{Followers, Hub, Wanted};
use lines::Lines;
use ring::Ring;
use sinks::Sinks;
use sought::Sought;
use tap::Taps;
use voice::Voice;

/// A file that several instances or both streams may share.
pub(super) type SharedFile = Rc<RefCell<RotatingFile>>;

#[derive(Default)]
pub(in crate::master) struct Output {
    ring: Ring,
    audience: Audience,
    sought: Sought,
    stdout: Channel,
    stderr: Channel,
    /// Of the process that runs.
    voice: Option<Voice>,
}

#[derive(Default)]
struct Channel {
    lines: Lines,
    sinks: Sinks,
    taps: Taps,
    capture: Option<Capture>,
    /// Whether listeners may hear everything that is written.
    is_told: bool,
}

/// Who reads along.
#[derive(Default)]
struct Audience {
    followers: Followers,
    /// Those who read several instances, and the name under which they hear of this one.
    beyond: Option<(Hub, String)>,
}

impl Audience {
    fn has_any(&self) -> bool {
        let is_heard = |(hub, _): &(Hub, String)| hub.borrow().has_any();
        self.followers.has_any() || self.beyond.as_ref().is_some_and(is_heard)
    }

    fn tell(&mut self, line: &LogLine) {
        self.followers.tell(line);
        if let Some((hub, program)) = self.beyond.as_ref().filter(|(hub, _)| hub.borrow().has_any())
        {
            hub.borrow_mut().tell(&LogLine { program: program.clone(), ..line.clone() });
        }
    }
}

/// What a look at a pipe has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Bytes(usize),
    /// There is a line that has no end yet, which was left in the pipe.
    Begun,
    /// There is something, but it has to wait in the pipe.
    Held,
    End,
}

/// What becomes of a line that has no end yet and that only whole lines are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Leave,
    Take,
}

impl Output {
    /// Of the instance called `program`, whose lines the hub's readers hear too.
    pub(super) fn new(hub: Hub, program: String) -> Self {
        let audience = Audience { beyond: Some((hub, program)), ..Audience::default() };
        Self { audience, ..Self::default() }
    }

    /// From now on, the begun lines included.
    pub(super) fn set_sinks(&mut self, source: Source, sinks: Sinks, told: Told) {
        let channel = self.channel_mut(source);
        (channel.sinks, channel.is_told) = (sinks, told.events);
        self.set_capture(source, told.capture_bytes as usize);
    }

    #[cfg(test)]
    pub(super) fn lines_sought(&self) -> usize {
        self.sought.count()
    }

    pub(super) fn set_voice(&mut self, voice: Voice) {
        self.voice = Some(voice);
    }

    /// Whether what the program writes is to stay in its pipe until it is written elsewhere.
    fn is_poured(&self, source: Source) -> bool {
        !self.channel(source).sinks.is_empty()
    }

    /// Takes of the text that is `seen` in the pipe what has a place to go to.
    fn pour_text(&mut self, source: Source, head: Head<'_>, seen: &[u8], tail: Tail) -> Taken {
        let now_us = clock::monotonic_us();
        let sinks = &self.channel(source).sinks;
        if sinks.is_held(now_us) {
            return Taken::Held;
        }
        if let Some(file) = sinks.exact_file() {
            let seen = &seen[..sinks.at_once(seen)];
            let taken = file.borrow_mut().pour(head, seen, sinks.overflow, now_us);
            compress::begin(file);
            self.note(source, &seen[..taken.min(seen.len())]);
            return if taken == 0 { Taken::Held } else { Taken::Bytes(taken) };
        }
        let count = sinks.whole(seen, tail);
        if count == 0 {
            return Taken::Begun;
        }
        // Written first: a kill before the next step repeats the piece, none loses it.
        self.note(source, &seen[..count]);
        match sys::peek::discard(head.pipe, count) {
            Ok(()) => Taken::Bytes(count),
            // Reading tells what is wrong with it.
            Err(_) => Taken::Held,
        }
    }

    /// Nobody looks at the pipe again: what a thread writes of what is `seen` there leaves it.
    fn take_over(&mut self, source: Source, head: Head<'_>, seen: &[u8]) {
        let Some(file) = self.channel(source).sinks.exact_file() else { return };
        let taken = file.borrow_mut().take_over(head, seen, clock::monotonic_us());
        self.note(source, &seen[..taken.min(seen.len())]);
    }

    /// Takes text that is nowhere else.
    fn take_text(&mut self, source: Source, bytes: &[u8]) {
        if let Some(file) = self.channel(source).sinks.exact_file() {
            file.borrow_mut().write(bytes, clock::monotonic_us());
            compress::begin(file);
        }
        self.note(source, bytes);
    }

    /// Its lines, for who reads along and who gets them in another form.
    fn note(&mut self, source: Source, bytes: &[u8]) {
        let moment = (clock::wall_ms(), source.stream());
        let Self { ring, audience, sought, stdout, stderr, voice } = self;
        let Channel { lines, sinks, taps, capture: _, is_told } = match source {
            Source::Stdout => stdout,
            Source::Stderr => stderr,
        };
        taps.tell(bytes);
        let stripped = sinks.strip(bytes);
        if let (Some(voice), true) = (voice, *is_told) {
            voice.wrote(source, stripped.as_deref().unwrap_or(bytes));
        }
        if let Some(stripped) = &stripped {
            sinks.take_bytes(stripped);
        }
        // Nobody pays for lines that nobody reads one by one.
        let is_read = sinks.is_by_line() || sought.has_any() || audience.has_any();
        lines.take_blocks(stripped.as_deref().unwrap_or(bytes), |block| {
            if is_read {
                for text in lines::texts(block) {
                    sinks.take_line(moment, &text);
                    let line = said(moment, text);
                    sought.look_at(&line);
                    audience.tell(&line);
                }
            }
            ring.push(moment, block);
        });
        sinks.flush(clock::monotonic_us());
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

    /// Whether its lines go beyond files.
    fn has_outlets(&self, source: Source) -> bool {
        self.channel(source).sinks.has_outlets()
    }

    /// The stream has ended: what has no line end by now is a line.
    pub(super) fn end(&mut self, source: Source) {
        self.end_capture(source);
        let moment = (clock::wall_ms(), source.stream());
        let Channel { lines, sinks, .. } = self.channel_mut(source);
        let Some(begun) = lines.end_block() else { return };
        let text = lines::text(&begun);
        sinks.take_line(moment, &text);
        sinks.flush(clock::monotonic_us());
        let line = said(moment, text);
        self.sought.look_at(&line);
        self.audience.tell(&line);
        self.ring.push(moment, &begun);
    }

    /// The line that was begun, for whoever goes on reading.
    pub(super) fn leave(&mut self, source: Source) -> Vec<u8> {
        self.channel_mut(source).lines.leave()
    }

    pub(super) fn take_up(&mut self, source: Source, begun: &[u8]) {
        self.channel_mut(source).lines.take_up(begun);
    }

    /// Begins anew: its files and what is kept. Every file is tried; the first error is told.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.ring.clear();
        self.stdout.taps.truncated();
        self.stderr.taps.truncated();
        let mut result = Ok(());
        for file in [&self.stdout, &self.stderr].into_iter().filter_map(|it| it.sinks.file.as_ref())
        {
            result = result.and(file.borrow_mut().clear(clock::monotonic_us()));
        }
        result
    }

    /// Why something can not be written, empty when all can, and how many bytes were lost so far.
    pub(super) fn trouble(&self) -> (String, u64) {
        let sinks = [&self.stdout.sinks, &self.stderr.sinks];
        let files = sinks.map(|sinks| sinks.file.as_ref());
        let is_shared = matches!(files, [Some(one), Some(other)] if Rc::ptr_eq(one, other));
        let of_file = |file: &SharedFile| {
            let file = file.borrow();
            (file.trouble().unwrap_or_default().to_owned(), file.lost_bytes())
        };
        let of_files = files.into_iter().skip(usize::from(is_shared)).flatten().map(of_file);
        let now_us = clock::monotonic_us();
        let others = sinks.into_iter().map(|sinks| sinks.trouble(now_us));
        of_files.chain(others).fold((String::new(), 0), |(first, lost), (reason, bytes)| {
            (if first.is_empty() { reason } else { first }, lost + bytes)
        })
    }

    /// What tells that a stream's bytes may not have to wait in their pipe any longer.
    fn room(&self, source: Source) -> Option<Rc<Notify>> {
        self.channel(source).sinks.room()
    }

    /// The same of a file whose file system has not answered yet.
    fn coming(&self, source: Source) -> Option<Arc<Notify>> {
        self.channel(source).sinks.file.as_ref()?.borrow().coming()
    }

    /// Whether the stream's bytes are to go somewhere as they come, and not only its lines.
    fn is_hurried(&self, source: Source) -> bool {
        let Channel { sinks, taps, .. } = self.channel(source);
        taps.has_any() || sinks.exact_file().is_some()
    }

    /// What was said at that moment by somebody who has no pipe to be read.
    pub(in crate::master) fn say(&mut self, moment: (u64, Stream), text: &str) {
        for text in lines::texts(text.as_bytes()) {
            self.ring.push(moment, text.as_bytes());
            self.audience.tell(&said(moment, text));
        }
    }

    /// The supervisor's own remark; only in the ring, files hold the program's bytes alone.
    pub(super) fn mark(&mut self, text: String) {
        let wall_ms = clock::wall_ms();
        self.ring.mark(wall_ms, &text);
        self.audience.tell(&said((wall_ms, Stream::Mark), text));
    }

    /// Told once the program writes a line that matches.
    pub(super) fn seek(&mut self, expression: Regex) -> oneshot::Receiver<()> {
        self.sought.add(expression)
    }

    /// Whether it is among the kept lines of this life.
    pub(super) fn has_said(&self, expression: &Regex) -> bool {
        let of_life = self.ring.lines().rev().take_while(|line| !is_birth(line));
        let mut own = of_life.filter(|line| line.stream != Stream::Mark);
        own.any(|line| expression.is_match(line.text.as_bytes()))
    }

    /// The last line the program wrote, for the row.
    pub(super) fn last_line(&self) -> String {
        self.ring.last()
    }

    /// What is kept of one stream, as the program wrote it.
    pub(super) fn text(&self, source: Source) -> String {
        let mut text = String::new();
        for line in self.ring.lines().filter(|line| line.stream == source.stream()) {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// The stream's bytes as they come; nothing when too many read along already.
    pub(super) fn tap(&mut self, source: Source) -> Option<mpsc::Receiver<Bytes>> {
        self.channel_mut(source).taps.add()
    }

    /// The kept lines, then the coming ones when the reader follows. `stream`: only that one, with
    /// the supervisor's marks. `tail`: of those kept only so many. Nothing when too many follow.
    pub(in crate::master) fn read(
        &mut self,
        stream: Option<Stream>,
        tail: Option<u32>,
        follow: Follow,
    ) -> Option<mpsc::Receiver<Bytes>> {
        let reader = Wanted { stream, program: None };
        let wanted = || self.ring.lines().filter(|line| reader.is_met_by(line));
        let skipped = tail.map_or(0, |tail| wanted().count().saturating_sub(tail as usize));
        let kept = follow::encode(wanted().skip(skipped));
        self.audience.followers.add(reader, kept, follow)
    }
}

/// How the mark of a start begins.
pub(super) const BIRTH: &str = "started, pid ";

fn is_birth(line: &LogLine) -> bool {
    line.stream == Stream::Mark && line.text.starts_with(BIRTH)
}

fn said((wall_ms, stream): (u64, Stream), text: String) -> LogLine {
    LogLine { wall_ms, stream, text, program: String::new() }
}

/// Which of a program's two descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
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
