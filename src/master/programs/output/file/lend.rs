//! Who has the file at the moment: this loop, or a thread that its file system holds up.
//!
//! A file system of this machine is written from the loop, which moves bytes from the pipe into the
//! file in one step. Any other may not answer: there a thread writes a copy, and the bytes leave the
//! pipe when they are written (a kill in between repeats them, none is lost), and the file is open for
//! that thread alone ([`sys::apart`]). A path is opened and looked at by threads only, as nobody knows
//! where it leads.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;

use super::disk::Disk;
use super::pack::Job;
use super::{Origin, RETRY_US, RotatingFile, Stopped};
use crate::sys;
use crate::sys::blocking::{Begun, Late, PATIENCE, SHORT_PATIENCE};

/// A file system that is not heard of for so long is said not to answer.
const SILENT_US: u64 = 1_000_000;

/// The read end of a pipe that a file is written from.
#[derive(Clone, Copy)]
pub(in crate::master::programs) struct Head<'a> {
    pub(in crate::master::programs) pipe: BorrowedFd<'a>,
    pub(in crate::master::programs) ahead: &'a Ahead,
}

/// What is known of the bytes that a pipe begins with: shared with the file that writes them.
#[derive(Default)]
pub(in crate::master::programs) struct Ahead(RefCell<Rc<Cell<State>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// So many of them are in the file, and not to be written again.
    Written(usize),
    /// A thread writes them.
    Underway,
}

impl Default for State {
    fn default() -> Self {
        Self::Written(0)
    }
}

impl Ahead {
    fn shared(&self) -> Rc<Cell<State>> {
        Rc::clone(&self.0.borrow())
    }

    fn is(&self, shared: &Rc<Cell<State>>) -> bool {
        Rc::ptr_eq(&self.0.borrow(), shared)
    }

    /// Whoever still writes some of them does so for nobody.
    fn renew(&self) {
        self.0.take();
    }
}

/// A loan that has not come back yet.
pub(super) struct Away {
    late: Late<(Disk, Done)>,
    since_us: u64,
    whose: Whose,
}

/// Where the bytes are that the thread writes.
pub(super) enum Whose {
    /// It writes none.
    Nobody,
    /// So many in this pipe.
    Pipe(Rc<Cell<State>>, usize),
    /// Nowhere else.
    Memory(Arc<Vec<u8>>),
}

/// What was done with it.
pub(super) enum Done {
    Looked(io::Result<()>),
    Put(Result<(), Stopped>),
    Cleared(io::Result<()>),
    Found(Option<Job>),
    Placed(io::Result<()>),
    /// No thread could be had for it.
    Not(io::Error),
}

pub(super) enum Lent {
    Back(Done),
    Away,
}

/// What became of bytes that were to be written.
pub(super) enum Put {
    Done,
    /// A thread writes them.
    Lent,
    Stopped(Stopped),
}

impl RotatingFile {
    /// Has something done where it can hold nobody up. The error: it is away, or nobody can do it.
    pub(super) fn lend(
        &mut self,
        whose: Whose,
        now_us: u64,
        call: impl FnOnce(&mut Disk) -> Done + Send + 'static,
    ) -> io::Result<Lent> {
        self.settle(now_us);
        if self.away.is_some() {
            return Err(silent());
        }
        let place = self.disk.place();
        if let Err(error) = self.pool.has_room(place) {
            self.refused_us.get_or_insert(now_us);
            return Err(error);
        }
        self.refused_us = None;
        let patience = if self.disk.is_distant { SHORT_PATIENCE } else { PATIENCE };
        // If no thread can be had, the file is opened anew.
        let mut fresh = Disk::new(self.path.clone(), self.limits);
        fresh.is_distant = self.disk.is_distant;
        let mut disk = std::mem::replace(&mut self.disk, fresh);
        disk.limits = self.limits;
        let begun = self.pool.call_at(place, patience, move || {
            let done = if disk.is_distant {
                disk.apart(call).unwrap_or_else(Done::Not)
            } else {
                call(&mut disk)
            };
            (disk, done)
        })?;
        Ok(match begun {
            Begun::Done((disk, done)) => {
                self.disk = disk;
                self.take_news(now_us);
                Lent::Back(done)
            }
            Begun::Late(late) => {
                self.away = Some(Away { late, since_us: now_us, whose });
                Lent::Away
            }
        })
    }

    pub(super) fn put(&mut self, bytes: &[u8], origin: Origin<'_>, now_us: u64) -> Put {
        let stopped = |error| Put::Stopped(Stopped { error, written: 0 });
        self.settle(now_us);
        if self.away.is_some() {
            return stopped(silent());
        }
        if !self.disk.is_distant && !self.disk.is_known(now_us) {
            match self.look(now_us) {
                Ok(()) => {}
                Err(error) => return stopped(error),
            }
        }
        if self.disk.is_distant {
            return self.put_by_thread(bytes, origin, now_us);
        }
        let put = self.disk.put(bytes, origin, now_us);
        self.take_news(now_us);
        put.map_or_else(Put::Stopped, |()| Put::Done)
    }

    fn look(&mut self, now_us: u64) -> io::Result<()> {
        // Threads that others keep busy must not keep what is open from being written.
        let has_room = self.pool.has_room(self.disk.place()).is_ok();
        if let (Some(open), false) = (&mut self.disk.open, has_room) {
            open.looked_us = now_us;
            return Ok(());
        }
        match self.lend(Whose::Nobody, now_us, move |disk| Done::Looked(disk.survey(now_us)))? {
            Lent::Back(Done::Looked(looked)) => looked,
            Lent::Back(_) | Lent::Away => Err(silent()),
        }
    }

    fn put_by_thread(&mut self, bytes: &[u8], origin: Origin<'_>, now_us: u64) -> Put {
        let length = bytes.len();
        let bytes = Arc::new(bytes.to_vec());
        let whose = match origin {
            Origin::Memory => Whose::Memory(Arc::clone(&bytes)),
            Origin::Pipe(head) => Whose::Pipe(head.ahead.shared(), length),
        };
        let lent = self
            .lend(whose, now_us, move |disk| Done::Put(disk.put(&bytes, Origin::Memory, now_us)));
        let put = match lent {
            Ok(Lent::Back(Done::Put(put))) => put,
            Ok(Lent::Back(Done::Not(error))) | Err(error) => Err(Stopped { error, written: 0 }),
            Ok(Lent::Back(_)) => Ok(()),
            Ok(Lent::Away) => {
                if let Origin::Pipe(head) = origin {
                    head.ahead.shared().set(State::Underway);
                }
                return Put::Lent;
            }
        };
        let written = put.as_ref().map_or_else(|stopped| stopped.written, |()| length);
        if let Origin::Pipe(head) = origin
            && let Err(error) = sys::peek::discard(head.pipe, written)
        {
            // Reading tells what is wrong with it.
            return Put::Stopped(Stopped { error, written: 0 });
        }
        put.map_or_else(Put::Stopped, |()| Put::Done)
    }

    /// Takes the file back, if whoever has it is done.
    pub(super) fn settle(&mut self, now_us: u64) {
        let Some(away) = &self.away else { return };
        let Some((disk, done)) = away.late.answer() else {
            return self.is_silent(now_us);
        };
        let Some(Away { whose, .. }) = self.away.take() else { return };
        self.disk = disk;
        self.take_news(now_us);
        let put = match done {
            Done::Put(put) => put,
            Done::Not(error) => Err(Stopped { error, written: 0 }),
            Done::Looked(Err(error)) => return self.failed(&error, now_us),
            Done::Looked(Ok(())) => return self.trouble.is_tried_at(now_us),
            Done::Cleared(_) | Done::Found(_) | Done::Placed(_) => return,
        };
        match (&put, whose) {
            (_, Whose::Pipe(ahead, length)) => {
                let written = put.as_ref().map_or_else(|stopped| stopped.written, |()| length);
                ahead.set(State::Written(written));
            }
            (Err(Stopped { written, .. }), Whose::Memory(bytes)) => {
                self.trouble.put_back(bytes.to_vec(), *written);
            }
            (Ok(()), Whose::Memory(_)) | (_, Whose::Nobody) => {}
        }
        match put {
            Ok(()) => self.trouble.is_over(&self.path),
            Err(Stopped { error, .. }) => self.failed(&error, now_us),
        }
    }

    pub(super) fn is_silent(&mut self, now_us: u64) {
        let is_long = |away: &Away| now_us >= away.since_us + SILENT_US;
        let is_told = now_us < self.trouble.retry_us();
        if self.away.as_ref().is_some_and(is_long) && !is_told {
            self.trouble.begins(&self.path, &silent(), now_us);
        }
    }

    /// Whether threads that others have are waited for, which are only busy, as far as anybody knows.
    pub(super) fn is_refused_for_now(&self, now_us: u64) -> bool {
        self.refused_us.is_some_and(|since_us| now_us < since_us + SILENT_US)
    }

    /// When to look whether it has come back.
    pub(super) fn back_us(&self) -> Option<u64> {
        let away = self.away.as_ref()?;
        let told_us = self.trouble.retry_us();
        Some(told_us.max(away.since_us + RETRY_US))
    }

    /// Tells when a file that is away may be back.
    pub(in crate::master::programs) fn coming(&self) -> Option<Arc<Notify>> {
        self.away.as_ref().map(|away| away.late.coming())
    }

    /// What the pipe begins with and a thread has written goes out of the pipe. How much that was;
    /// nothing while a thread is still writing.
    pub(super) fn written_ahead(&mut self, head: Head<'_>, now_us: u64) -> Option<usize> {
        self.settle(now_us);
        let shared = head.ahead.shared();
        let count = match shared.get() {
            State::Underway if self.lent_length(head).is_some() => return None,
            // For a file that the bytes are no longer meant for.
            State::Underway => {
                head.ahead.renew();
                0
            }
            State::Written(count) => count,
        };
        sys::peek::discard(head.pipe, count).ok()?;
        shared.set(State::default());
        Some(count)
    }

    /// How many of the pipe's bytes the thread that has the file writes.
    fn lent_length(&self, head: Head<'_>) -> Option<usize> {
        match self.away.as_ref()?.whose {
            Whose::Pipe(ref shared, length) if head.ahead.is(shared) => Some(length),
            Whose::Pipe(..) | Whose::Memory(_) | Whose::Nobody => None,
        }
    }

    /// What the pipe begins with and a thread writes leaves the pipe: it is the file's from here on.
    /// How much that is.
    pub(in crate::master::programs) fn take_over(
        &mut self,
        head: Head<'_>,
        seen: &[u8],
        now_us: u64,
    ) -> usize {
        if let Some(count) = self.written_ahead(head, now_us) {
            return count;
        }
        let Some(length) = self.lent_length(head) else { return 0 };
        let count = length.min(seen.len());
        if sys::peek::discard(head.pipe, count).is_err() {
            return 0;
        }
        if let Some(away) = &mut self.away {
            away.whose = Whose::Memory(Arc::new(seen[..count].to_vec()));
        }
        head.ahead.renew();
        count
    }

    /// Bytes that a thread writes and nobody else has: they may get there or not.
    pub(super) fn in_flight(&self) -> Vec<u8> {
        match self.away.as_ref().map(|away| &away.whose) {
            Some(Whose::Memory(bytes)) => bytes.to_vec(),
            Some(Whose::Nobody | Whose::Pipe(..)) | None => Vec::new(),
        }
    }
}

pub(super) fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "its file system does not answer")
}
