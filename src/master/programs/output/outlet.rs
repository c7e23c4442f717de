//! A way out of the engine that somebody else reads: its own standard output and error, the machine's
//! system log.
//!
//! No disk that takes what it is given, but a reader with a pace of its own. What it has not taken yet
//! waits here, bounded in bytes; beyond a first bound programs wait too, so that a burst costs no
//! line. A reader that stands still is waited for only by programs that are to (`overflow = "block"`);
//! the others lose whole lines, which are counted.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::Source;
use super::syslog::Syslog;
use crate::config::limits::{
    PROGRAM_OUTLET_BYTES_MAX, PROGRAM_OUTLET_HELD_BYTES, PROGRAM_OUTLET_SETTLE_MS,
    PROGRAM_OUTLET_STALL_MS,
};
use crate::config::model::output::Overflow;
use crate::sys;
use crate::sys::standard::PIECE_BYTES;
use crate::sys::watched::Writable;

/// Until what can not be written at all is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks at whether everything was taken, at the end.
const SETTLE_LOOK: Duration = Duration::from_millis(5);

pub(in crate::master::programs) struct Outlet {
    end: RefCell<End>,
    queue: RefCell<Queue>,
    /// Told whenever programs need not wait any longer.
    room: Rc<Notify>,
}

/// Those of the engine, made when a program first needs them.
#[derive(Default)]
pub(in crate::master::programs) struct Outlets {
    stdout: Option<Rc<Outlet>>,
    stderr: Option<Rc<Outlet>>,
    syslog: Option<Rc<Outlet>>,
    room: Rc<Notify>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::master::programs) enum Way {
    Standard(Source),
    Syslog,
}

/// What is written to.
enum End {
    Standard { name: &'static str, descriptor: OwnedFd },
    Syslog(Syslog),
}

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Box<[u8]>>,
    /// How much of the first was taken.
    begun: usize,
    bytes: usize,
    /// When the reader last took something, or began not to.
    taken_us: u64,
    /// Why it takes nothing, where that is not only that it is full.
    trouble: String,
}

impl Outlets {
    pub(in crate::master::programs) fn standard(
        &mut self,
        source: Source,
    ) -> io::Result<Rc<Outlet>> {
        let [_, stdout, stderr] = sys::inherited::standard();
        let (known, name, descriptor) = match source {
            Source::Stdout => (&mut self.stdout, "standard output", stdout),
            Source::Stderr => (&mut self.stderr, "standard error", stderr),
        };
        if let Some(known) = known {
            return Ok(Rc::clone(known));
        }
        let descriptor = descriptor.try_clone_to_owned()?;
        let outlet = Outlet::new(End::Standard { name, descriptor }, &self.room);
        Ok(Rc::clone(known.insert(outlet)))
    }

    pub(in crate::master::programs) fn syslog(&mut self) -> Rc<Outlet> {
        let end = || End::Syslog(Syslog::new(PathBuf::from("/dev/log")));
        Rc::clone(self.syslog.get_or_insert_with(|| Outlet::new(end(), &self.room)))
    }

    /// What was not taken yet, piece by piece, for whoever goes on writing.
    pub(in crate::master::programs) fn leave(&self) -> Vec<(Way, Vec<u8>)> {
        let ways = [
            (Way::Standard(Source::Stdout), &self.stdout),
            (Way::Standard(Source::Stderr), &self.stderr),
            (Way::Syslog, &self.syslog),
        ];
        let pieces = ways.into_iter().filter_map(|(way, outlet)| Some((way, outlet.as_ref()?)));
        pieces
            .flat_map(|(way, outlet)| outlet.leave().into_iter().map(move |piece| (way, piece)))
            .collect()
    }

    pub(in crate::master::programs) fn take_up(&mut self, way: Way, piece: &[u8]) {
        let outlet = match way {
            Way::Standard(source) => self.standard(source),
            Way::Syslog => Ok(self.syslog()),
        };
        if let Ok(outlet) = outlet {
            outlet.give(piece, sys::clock::monotonic_us());
        }
    }

    /// Waits, for a bounded time, until everything was taken.
    pub(in crate::master::programs) fn settle(&self) -> impl Future<Output = ()> + use<> {
        let outlets = [&self.stdout, &self.stderr, &self.syslog].map(Option::clone);
        let is_waiting = move || outlets.iter().flatten().any(|outlet| outlet.is_waiting());
        async move {
            let taken = async {
                while is_waiting() {
                    tokio::time::sleep(SETTLE_LOOK).await;
                }
            };
            let limit = Duration::from_millis(PROGRAM_OUTLET_SETTLE_MS);
            let _what_is_left_is_lost = tokio::time::timeout(limit, taken).await;
        }
    }
}

impl Outlet {
    fn new(end: End, room: &Rc<Notify>) -> Rc<Self> {
        let (end, queue) = (RefCell::new(end), RefCell::default());
        Rc::new(Self { end, queue, room: Rc::clone(room) })
    }

    /// Takes whole lines of text, or one message. How many of the bytes found no room and are lost.
    pub(super) fn give(self: &Rc<Self>, bytes: &[u8], now_us: u64) -> usize {
        let was_waiting = self.is_waiting();
        let lost = {
            let mut queue = self.queue.borrow_mut();
            if !was_waiting {
                queue.taken_us = now_us;
            }
            let end = self.end.borrow();
            end.pieces(bytes).filter(|piece| !queue.add(piece)).map(<[u8]>::len).sum()
        };
        if !was_waiting && self.write(now_us).is_err() {
            tokio::task::spawn_local(Rc::clone(self).write_on());
        }
        lost
    }

    /// Whether a program should leave what it says in its pipe.
    pub(super) fn is_held(&self, overflow: Overflow, now_us: u64) -> bool {
        let queue = self.queue.borrow();
        let is_awaited = match overflow {
            Overflow::Block => true,
            Overflow::Drop => !queue.is_stalled(now_us),
        };
        is_awaited && queue.bytes >= PROGRAM_OUTLET_HELD_BYTES
    }

    pub(super) fn room(&self) -> Rc<Notify> {
        Rc::clone(&self.room)
    }

    /// Why nothing gets out at present; empty while something does.
    pub(super) fn trouble(&self, now_us: u64) -> String {
        let queue = self.queue.borrow();
        match (queue.is_stalled(now_us), queue.trouble.is_empty()) {
            (false, _) => String::new(),
            (true, true) => format!("write {}: nobody reads it", self.end.borrow().name()),
            (true, false) => queue.trouble.clone(),
        }
    }

    fn leave(&self) -> Vec<Vec<u8>> {
        let Queue { pieces, begun, .. } = self.queue.take();
        let from = |at: usize| if at == 0 { begun } else { 0 };
        pieces.iter().enumerate().map(|(at, piece)| piece[from(at)..].to_vec()).collect()
    }

    fn is_waiting(&self) -> bool {
        !self.queue.borrow().pieces.is_empty()
    }

    /// Writes what waits, as far as it is taken now.
    fn write(&self, now_us: u64) -> io::Result<()> {
        let mut queue = self.queue.borrow_mut();
        let was_held = queue.bytes >= PROGRAM_OUTLET_HELD_BYTES;
        let mut end = self.end.borrow_mut();
        let written = queue.write(now_us, |piece| end.write(piece));
        if was_held && queue.bytes < PROGRAM_OUTLET_HELD_BYTES {
            self.room.notify_waiters();
        }
        queue.trouble.clear();
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::WouldBlock
        {
            queue.trouble = format!("write {}: {error}", end.name());
        }
        written
    }

    /// Until nothing waits any more.
    async fn write_on(self: Rc<Self>) {
        while self.is_waiting() {
            let watched = self.end.borrow().duplicate().and_then(Writable::new);
            let written = match watched {
                Ok(watched) => watched.write(|_| self.write(sys::clock::monotonic_us())).await,
                // What can not be watched never says that it is full.
                Err(_) => self.write(sys::clock::monotonic_us()),
            };
            if written.is_err() {
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

impl End {
    fn name(&self) -> String {
        match self {
            Self::Standard { name, .. } => (*name).to_owned(),
            Self::Syslog(syslog) => syslog.name(),
        }
    }

    /// What is written at once: of lines as many as a pipe takes undivided, so that nobody else's
    /// come between their parts.
    fn pieces<'a>(&self, bytes: &'a [u8]) -> Pieces<'a> {
        let bytes_max = match self {
            Self::Standard { .. } => PIECE_BYTES,
            Self::Syslog(_) => usize::MAX,
        };
        Pieces { rest: bytes, bytes_max }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match self {
            Self::Standard { descriptor, .. } => sys::standard::write(descriptor, piece),
            Self::Syslog(syslog) => syslog.send(piece).map(|()| piece.len()),
        }
    }

    fn duplicate(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Standard { descriptor, .. } => descriptor.as_fd().try_clone_to_owned(),
            Self::Syslog(syslog) => syslog.duplicate(),
        }
    }
}

struct Pieces<'a> {
    rest: &'a [u8],
    bytes_max: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let longest = &self.rest[..self.rest.len().min(self.bytes_max)];
        // A line that is longer than that goes in one piece: it is lost whole, or not at all.
        let len = memchr::memrchr(b'\n', longest)
            .or_else(|| memchr::memchr(b'\n', self.rest))
            .map_or(self.rest.len(), |at| at + 1);
        let (piece, rest) = self.rest.split_at(len);
        self.rest = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

impl Queue {
    /// Whether there was room.
    fn add(&mut self, piece: &[u8]) -> bool {
        let has_room = self.bytes + piece.len() <= PROGRAM_OUTLET_BYTES_MAX;
        if has_room {
            self.bytes += piece.len();
            self.pieces.push_back(piece.into());
        }
        has_room
    }

    fn is_stalled(&self, now_us: u64) -> bool {
        !self.pieces.is_empty() && now_us >= self.taken_us + PROGRAM_OUTLET_STALL_MS * 1000
    }

    fn write(
        &mut self,
        now_us: u64,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while let Some(piece) = self.pieces.front() {
            let taken = write(&piece[self.begun..])?;
            self.taken_us = now_us;
            self.begun += taken;
            self.bytes -= taken;
            if self.begun == piece.len() {
                self.begun = 0;
                self.pieces.pop_front();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_into_pieces_at_their_ends() {
        let pieces = |bytes, bytes_max| {
            let pieces = Pieces { rest: bytes, bytes_max };
            pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(pieces(b"a\nbb\nccc\n", 5), ["a\nbb\n", "ccc\n"]);
        assert_eq!(pieces(b"a\nlonger\nb\n", 3), ["a\n", "longer\n", "b\n"]);
        assert_eq!(pieces(b"a\nno end", 3), ["a\n", "no end"]);
        assert_eq!(pieces(b"<14> a message", usize::MAX), ["<14> a message"]);
        assert!(pieces(b"", 3).is_empty());
    }

    /// An outlet into a pipe, which is full at first, and the end to read.
    fn full() -> (Rc<Outlet>, OwnedFd) {
        let (reader, descriptor) = sys::pipe::pair().unwrap();
        while sys::standard::write(&descriptor, &[b'-'; PIECE_BYTES]).is_ok() {}
        let end = End::Standard { name: "standard output", descriptor };
        (Outlet::new(end, &Rc::default()), reader)
    }

    /// All that is in the pipe.
    fn read(pipe: &OwnedFd) -> String {
        let (mut text, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        while let Ok(count @ 1..) = sys::pipe::read(pipe, &mut buffer) {
            text.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(text).unwrap().trim_start_matches('-').to_owned()
    }

    async fn local(test: impl Future<Output = ()>) {
        tokio::task::LocalSet::new().run_until(test).await;
    }

    #[tokio::test]
    async fn what_a_slow_reader_has_not_taken_waits_and_comes_whole() {
        local(async {
            let (outlet, reader) = full();
            let lines: Vec<String> = (0..20_000).map(|number| format!("line {number}\n")).collect();
            let lines = lines.concat();
            assert_eq!(outlet.give(lines.as_bytes(), 0), 0);
            let mut seen = String::new();
            while seen.len() < lines.len() {
                seen += &read(&reader);
                tokio::task::yield_now().await;
            }
            assert!(seen == lines && !outlet.is_waiting());
        })
        .await;
    }

    #[tokio::test]
    async fn programs_wait_for_a_reader_that_takes_and_only_if_told_to_for_one_that_does_not() {
        const STALL_US: u64 = PROGRAM_OUTLET_STALL_MS * 1000;
        local(async {
            let (outlet, reader) = full();
            let line = [&[b'x'; 1023][..], b"\n"].concat();
            assert_eq!(outlet.give(&line, 0), 0);
            assert!(!outlet.is_held(Overflow::Block, 0), "a little waits without the programs");
            outlet.give(&line.repeat(64), 0);
            assert!(outlet.is_held(Overflow::Drop, STALL_US - 1));
            assert!(!outlet.is_held(Overflow::Drop, STALL_US));
            assert!(outlet.is_held(Overflow::Block, STALL_US));
            assert_eq!(outlet.trouble(STALL_US), "write standard output: nobody reads it");
            // Beyond the bound lines are lost, each whole.
            let lost = outlet.give(&line.repeat(2000), STALL_US);
            let kept = 2065 * line.len() - lost;
            assert!(lost > 0 && kept <= PROGRAM_OUTLET_BYTES_MAX);
            let room = outlet.room();
            let told = room.notified();
            let mut seen = String::new();
            while seen.len() < kept {
                seen += &read(&reader);
                tokio::task::yield_now().await;
            }
            told.await;
            assert!(seen.as_bytes() == line.repeat(kept / line.len()));
            assert!(!outlet.is_held(Overflow::Block, 0) && outlet.trouble(u64::MAX).is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn a_burst_comes_whole_to_a_system_log_message_by_message() {
        local(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let daemon = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
            daemon.set_nonblocking(true).unwrap();
            let outlet = Outlet::new(End::Syslog(Syslog::new(path)), &Rc::default());
            let message = |number: u32| format!("<14>a message, number {number}");
            for number in 0..3000 {
                assert_eq!(outlet.give(message(number).as_bytes(), 0), 0);
            }
            let mut buffer = [0; 100];
            for number in 0..3000 {
                let count = loop {
                    match daemon.recv(&mut buffer) {
                        Ok(count) => break count,
                        Err(_nothing_yet) => tokio::task::yield_now().await,
                    }
                };
                assert_eq!(&buffer[..count], message(number).as_bytes());
            }
        })
        .await;
    }

    #[tokio::test]
    async fn what_nobody_will_ever_read_says_so() {
        local(async {
            let (outlet, reader) = full();
            drop(reader);
            outlet.give(b"lost\n", 0);
            assert_eq!(
                outlet.trouble(u64::MAX),
                "write standard output: Broken pipe (os error 32)"
            );
        })
        .await;
    }
}
