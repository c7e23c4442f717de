//! Readers of an instance's output, or of all, each behind a bounded queue. A reader that is too slow
//! loses lines and finds a mark that says how many; it never slows the program or the master.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Follow;
use super::hearer::{Hearer, Told};
use crate::config::limits::PROGRAM_FOLLOWERS_MAX;
use crate::control::wire::{LogLine, Stream};

#[derive(Default)]
pub(in crate::master::programs) struct Followers {
    readers: Vec<Reader>,
}

/// Those who read several instances at once: each of these tells them what it says, so that they hear
/// of instances that come later too.
pub(in crate::master::programs) type Hub = Rc<RefCell<Followers>>;

/// What a reader is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::master::programs) struct Wanted {
    /// None: both, with the supervisor's marks.
    pub(in crate::master::programs) stream: Option<Stream>,
    /// Of a hub, the name of the only program; none: all.
    pub(in crate::master::programs) program: Option<String>,
}

struct Reader {
    wanted: Wanted,
    hearer: Hearer,
    lost: u64,
}

impl Followers {
    /// What is kept, then what is told from here on to whoever follows; nothing when too many do.
    pub(super) fn add(
        &mut self,
        wanted: Wanted,
        kept: Bytes,
        follow: Follow,
    ) -> Option<mpsc::Receiver<Bytes>> {
        self.readers.retain(|reader| !reader.hearer.is_gone());
        let (hearer, receiver) = Hearer::new();
        hearer.begin(kept);
        match follow {
            Follow::Yes if self.readers.len() >= PROGRAM_FOLLOWERS_MAX => return None,
            Follow::Yes => self.readers.push(Reader { wanted, hearer, lost: 0 }),
            // The sender is dropped, so the reader sees the end after what is kept.
            Follow::No => {}
        }
        Some(receiver)
    }

    pub(super) fn has_any(&self) -> bool {
        !self.readers.is_empty()
    }

    pub(super) fn tell(&mut self, line: &LogLine) {
        if self.readers.is_empty() {
            return;
        }
        let encoded = encode([line]);
        self.readers.retain_mut(|reader| reader.tell(line, &encoded));
    }
}

impl Reader {
    /// Whether it still reads.
    fn tell(&mut self, line: &LogLine, encoded: &Bytes) -> bool {
        if !self.wanted.is_met_by(line) {
            return !self.hearer.is_gone();
        }
        if self.lost > 0 && self.hearer.has_caught_up() {
            let text = format!("{} lines lost: the reader was too slow", self.lost);
            let wall_ms = line.wall_ms;
            let mark = LogLine { wall_ms, stream: Stream::Mark, text, ..LogLine::default() };
            if self.hearer.tell(&encode([&mark])) == Told::Yes {
                self.lost = 0;
            }
        }
        let told = match self.lost {
            0 => self.hearer.tell(encoded),
            _ => Told::TooMuch,
        };
        if told == Told::TooMuch {
            self.lost += 1;
        }
        told != Told::Gone && !self.hearer.is_gone()
    }
}

impl Wanted {
    pub(super) fn is_met_by(&self, line: &LogLine) -> bool {
        let is_of = |program: &String| {
            line.program.rsplit_once(':').is_some_and(|(name, _instance)| name == program)
        };
        let is_on = |stream| line.stream == stream || line.stream == Stream::Mark;
        self.program.as_ref().is_none_or(is_of) && self.stream.is_none_or(is_on)
    }
}

/// One JSON value a line.
pub(super) fn encode(lines: impl IntoIterator<Item = impl Borrow<LogLine>>) -> Bytes {
    let mut encoded = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut encoded, line.borrow()).expect("a line of text is always JSON");
        encoded.push(b'\n');
    }
    encoded.into()
}
