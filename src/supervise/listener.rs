//! Supervisor's event protocol 3.0, as seen from the side that sends events.
//!
//! [`Listener`] reads what one process answers, [`Pool`] holds the events that wait for any process
//! of a listener. Pure: bytes in, meanings out. Who is told what, and what becomes of one that breaks
//! the protocol, is the master's matter.

use std::collections::VecDeque;

const READY: &[u8] = b"READY\n";
const RESULT: &[u8] = b"RESULT ";
const ACCEPTED: &[u8] = b"OK";
/// `RESULT ` and a number are shorter.
const LINE_BYTES_MAX: usize = 40;

/// Where a listener stands. There is no state for one that broke the protocol: it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has started, or has answered, and has not said that it is ready for the next event.
    Acknowledged,
    Ready,
    /// It has an event and has not answered.
    Busy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    standing: Standing,
    /// Said, but not yet understood.
    begun: Vec<u8>,
    /// The length of the result that is being read.
    result: Option<usize>,
    result_bytes_max: usize,
}

/// What was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Ready,
    /// The event is done with.
    Accepted,
    /// It is for somebody else, or for later.
    Rejected,
    /// What it said is nothing that the protocol has there; nothing more is understood.
    Nonsense(String),
}

impl Listener {
    pub(crate) fn new(standing: Standing, result_bytes_max: usize) -> Self {
        Self { standing, begun: Vec::new(), result: None, result_bytes_max }
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// An event is on its way to it.
    pub(crate) fn begin(&mut self) {
        debug_assert_eq!(self.standing, Standing::Ready, "it has to say that it is ready");
        self.standing = Standing::Busy;
    }

    /// Takes what was read, in whatever pieces.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.begun.extend_from_slice(bytes);
        let mut said = Vec::new();
        // Ends: each turn takes bytes away, or is the last.
        while let Some(next) = self.next() {
            let is_last = matches!(next, Said::Nonsense(_));
            said.push(next);
            if is_last {
                self.begun.clear();
                break;
            }
        }
        said
    }

    fn next(&mut self) -> Option<Said> {
        match (self.standing, self.result) {
            (_, _) if self.begun.is_empty() && self.result != Some(0) => None,
            (Standing::Acknowledged, _) => self.ready(),
            (Standing::Ready, _) => Some(self.nonsense("while it waited for an event")),
            (Standing::Busy, None) => self.result_line(),
            (Standing::Busy, Some(length)) => self.result(length),
        }
    }

    fn ready(&mut self) -> Option<Said> {
        let seen = self.begun.len().min(READY.len());
        if self.begun[..seen] != READY[..seen] {
            return Some(self.nonsense("in place of READY"));
        }
        if seen < READY.len() {
            return None;
        }
        self.begun.drain(..seen);
        self.standing = Standing::Ready;
        Some(Said::Ready)
    }

    fn result_line(&mut self) -> Option<Said> {
        let seen = self.begun.len().min(RESULT.len());
        let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') else {
            let is_possible =
                self.begun[..seen] == RESULT[..seen] && self.begun.len() <= LINE_BYTES_MAX;
            return (!is_possible).then(|| self.nonsense("in place of RESULT"));
        };
        let digits = self.begun[..end].strip_prefix(RESULT).map(<[u8]>::trim_ascii);
        let length = digits
            .filter(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
            .filter(|length| *length <= self.result_bytes_max);
        let Some(length) = length else { return Some(self.nonsense("in place of RESULT")) };
        self.begun.drain(..=end);
        self.result = Some(length);
        self.result(length)
    }

    fn result(&mut self, length: usize) -> Option<Said> {
        if self.begun.len() < length {
            return None;
        }
        let is_accepted = self.begun[..length] == *ACCEPTED;
        self.begun.drain(..length);
        self.result = None;
        self.standing = Standing::Acknowledged;
        Some(if is_accepted { Said::Accepted } else { Said::Rejected })
    }

    fn nonsense(&self, when: &str) -> Said {
        let shown = self.begun.len().min(LINE_BYTES_MAX);
        Said::Nonsense(format!("said \"{}\" {when}", self.begun[..shown].escape_ascii()))
    }
}

/// What happened, on its way to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Of all events of the engine.
    pub(crate) serial: u64,
    /// Of those that the pool was told.
    pub(crate) pool_serial: u64,
    pub(crate) name: String,
    pub(crate) payload: String,
    /// How often a process of the pool was lost over it.
    pub(crate) losses: u32,
}

impl Notice {
    /// As it is written to a listener. The length is in characters, as Supervisor counts: its own
    /// listeners read text.
    pub(crate) fn envelope(&self, server: &str, pool: &str) -> String {
        let Self { serial, pool_serial, name, payload, .. } = self;
        let length = payload.chars().count();
        format!(
            "ver:3.0 server:{server} serial:{serial} pool:{pool} poolserial:{pool_serial} \
             eventname:{name} len:{length}\n{payload}"
        )
    }
}

/// The events that wait for a listener's processes, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pool {
    waiting: VecDeque<Notice>,
    /// Of their payloads.
    bytes: usize,
    pub(crate) next_serial: u64,
    /// Lost, for want of room or of a listener that can bear them.
    pub(crate) dropped: u64,
}

/// How many events may wait, and what they hold; beyond it the oldest is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Pool {
    /// The newest.
    pub(crate) fn push(&mut self, serial: u64, (name, payload): (&str, &str), room: Room) {
        let (name, payload) = (name.to_owned(), payload.to_owned());
        let pool_serial = self.next_serial;
        self.next_serial += 1;
        self.make_room(room, payload.len());
        self.waiting.push_back(Notice { serial, pool_serial, name, payload, losses: 0 });
    }

    pub(crate) fn pop(&mut self) -> Option<Notice> {
        let notice = self.waiting.pop_front()?;
        self.bytes -= notice.payload.len();
        Some(notice)
    }

    /// It was rejected, so it is the next again.
    pub(crate) fn put_back(&mut self, notice: Notice, room: Room) {
        self.make_room(room, notice.payload.len());
        self.waiting.push_front(notice);
    }

    /// Its listener was lost over it. One that so many were lost over is given up.
    pub(crate) fn put_back_after_loss(&mut self, notice: Notice, room: Room, losses_max: u32) {
        let losses = notice.losses + 1;
        if losses >= losses_max {
            self.dropped += 1;
        } else {
            self.put_back(Notice { losses, ..notice }, room);
        }
    }

    pub(crate) fn waiting(&self) -> impl ExactSizeIterator<Item = &Notice> {
        self.waiting.iter()
    }

    /// For one more, of so many bytes.
    fn make_room(&mut self, room: Room, bytes: usize) {
        while self.waiting.len() >= room.events.max(1) || self.bytes + bytes > room.bytes {
            if self.pop().is_none() {
                break;
            }
            self.dropped += 1;
        }
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests;
