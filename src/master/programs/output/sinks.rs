//! Where the lines of one stream of one instance go beside the ring: its file, the engine's own
//! output, the system log; and in which form.

use std::cell::RefCell;
use std::rc::Rc;

use super::ansi::Stripper;
use super::form::Speaker;
use super::syslog::Syslog;
use super::{SharedFile, Tail};
use crate::config::limits::PROGRAM_BEGUN_BYTES_MAX;
use crate::config::model::output::{Format, LogTarget, Overflow};
use crate::control::wire::Stream;

#[derive(Default)]
pub(in crate::master::programs) struct Sinks {
    pub(in crate::master::programs) file: Option<SharedFile>,
    pub(in crate::master::programs) engine: Option<SharedFile>,
    pub(in crate::master::programs) syslog: Option<Rc<RefCell<Syslog>>>,
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

    /// Whether the program is to wait for a file that can not be written.
    pub(super) fn is_held(&self, now_us: u64) -> bool {
        let is_waiting = |file: &SharedFile| {
            let mut file = file.borrow_mut();
            file.tick(now_us);
            file.deadline_us().is_some()
        };
        self.overflow == Overflow::Block && self.file.as_ref().is_some_and(is_waiting)
    }

    /// How much of what is seen makes whole lines, where only such are written.
    pub(super) fn whole(&self, seen: &[u8], tail: Tail) -> usize {
        let is_by_line =
            self.format != Format::Plain || self.engine.is_some() || self.syslog.is_some();
        if !is_by_line || tail == Tail::Take {
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
            syslog.borrow_mut().send(&self.speaker.name, moment, text);
        }
    }

    pub(super) fn flush(&mut self, now_us: u64) {
        for (file, bytes) in [(&self.file, &mut self.formed), (&self.engine, &mut self.told)] {
            if let (Some(file), false) = (file, bytes.is_empty()) {
                file.borrow_mut().write(bytes, now_us);
                bytes.clear();
            }
        }
    }
}
