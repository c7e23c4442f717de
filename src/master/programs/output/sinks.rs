//! Where the lines of one stream of one instance go beside the ring: its file, the engine's own
//! output, the system log; and in which form.

use std::rc::Rc;

use tokio::sync::Notify;

use super::ansi::Stripper;
use super::form::Speaker;
use super::outlet::Outlet;
use super::{SharedFile, Tail, syslog};
use crate::config::limits::{PROGRAM_BEGUN_BYTES_MAX, PROGRAM_LINES_AT_ONCE};
use crate::config::model::output::{Format, LogTarget, Overflow};
use crate::control::wire::Stream;
use crate::sys;

#[derive(Default)]
pub(in crate::master::programs) struct Sinks {
    pub(in crate::master::programs) file: Option<SharedFile>,
    pub(in crate::master::programs) engine: Option<Rc<Outlet>>,
    pub(in crate::master::programs) syslog: Option<Rc<Outlet>>,
    /// Of what was meant for the last two.
    lost_bytes: u64,
    speaker: Speaker,
    format: Format,
    pub(super) overflow: Overflow,
    stripper: Option<Stripper>,
    /// Lines in their form on the way to the file.
    formed: Vec<u8>,
    /// And to the engine's output.
    told: Vec<u8>,
}

impl Sinks {
    pub(in crate::master::programs) fn new(target: &LogTarget, speaker: Speaker) -> Self {
        Self {
            speaker,
            format: target.format,
            overflow: target.overflow,
            stripper: target.strip_ansi.then(Stripper::default),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.file.is_none() && self.engine.is_none() && self.syslog.is_none()
    }

    /// The file that gets the program's bytes as they are.
    pub(super) fn exact_file(&self) -> Option<&SharedFile> {
        self.file.as_ref().filter(|_| self.format == Format::Plain && self.stripper.is_none())
    }

    fn outlets(&self) -> impl Iterator<Item = &Rc<Outlet>> {
        [&self.engine, &self.syslog].into_iter().flatten()
    }

    /// Whether what the program says is to stay in its pipe for now.
    pub(super) fn is_held(&self, now_us: u64) -> bool {
        let is_file_waiting = |file: &SharedFile| {
            let mut file = file.borrow_mut();
            file.tick(now_us);
            file.deadline_us().is_some()
        };
        let is_held_by = |outlet: &Rc<Outlet>| outlet.is_held(self.overflow, now_us);
        self.outlets().any(is_held_by)
            || self.overflow == Overflow::Block && self.file.as_ref().is_some_and(is_file_waiting)
    }

    /// Tells when whoever held it may not do so any longer; nothing where only time can tell.
    pub(super) fn room(&self) -> Option<Rc<Notify>> {
        self.outlets().next().map(|outlet| outlet.room())
    }

    /// Why something does not get out, empty when all does, and how many bytes never did.
    pub(super) fn trouble(&self, now_us: u64) -> (String, u64) {
        let troubles = self.outlets().map(|outlet| outlet.trouble(now_us));
        (troubles.max_by_key(|trouble| !trouble.is_empty()).unwrap_or_default(), self.lost_bytes)
    }

    /// How much of what is seen is taken at once: what lines become is bounded where they may wait.
    pub(super) fn at_once(&self, seen: &[u8]) -> usize {
        if !self.has_outlets() {
            return seen.len();
        }
        memchr::memchr_iter(b'\n', seen)
            .nth(PROGRAM_LINES_AT_ONCE - 1)
            .map_or(seen.len(), |at| at + 1)
    }

    pub(super) fn has_outlets(&self) -> bool {
        self.outlets().next().is_some()
    }

    /// Whether lines are written one by one.
    pub(super) fn is_by_line(&self) -> bool {
        self.format != Format::Plain || self.has_outlets()
    }

    /// How much of what is seen makes whole lines, where only such are written.
    pub(super) fn whole(&self, seen: &[u8], tail: Tail) -> usize {
        let seen = &seen[..self.at_once(seen)];
        if !self.is_by_line() || tail == Tail::Take {
            return seen.len();
        }
        match memchr::memrchr(b'\n', seen) {
            Some(at) => at + 1,
            None if seen.len() < PROGRAM_BEGUN_BYTES_MAX => 0,
            None => seen.len(),
        }
    }

    pub(super) fn strip(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.stripper.as_mut().map(|stripper| stripper.strip(bytes))
    }

    /// Bytes of a plain file that are no longer the program's own.
    pub(super) fn take_bytes(&mut self, bytes: &[u8]) {
        if self.file.is_some() && self.format == Format::Plain {
            self.formed.extend_from_slice(bytes);
        }
    }

    pub(super) fn take_line(&mut self, moment: (u64, Stream), text: &str) {
        if self.file.is_some() && self.format != Format::Plain {
            self.speaker.write(&mut self.formed, self.format, moment, text);
        }
        if self.engine.is_some() {
            self.speaker.write(&mut self.told, self.format, moment, text);
        }
        if let Some(syslog) = &self.syslog {
            let message = syslog::message(&self.speaker.name, moment, text);
            self.lost_bytes += syslog.give(&message, sys::clock::monotonic_us()) as u64;
        }
    }

    pub(super) fn flush(&mut self, now_us: u64) {
        if let (Some(file), false) = (&self.file, self.formed.is_empty()) {
            file.borrow_mut().write(&self.formed, now_us);
            self.formed.clear();
        }
        if let (Some(engine), false) = (&self.engine, self.told.is_empty()) {
            self.lost_bytes += engine.give(&self.told, now_us) as u64;
            self.told.clear();
        }
    }
}
