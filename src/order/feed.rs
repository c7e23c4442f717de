//! What a master has yet to be told, in the order it must hear it.
//!
//! First everything that is held, then `Ready`, then what happened, oldest first. Nothing waits for
//! the master: what does not fit its line stays here, in a ring of fixed size.

use std::os::fd::BorrowedFd;

use super::keeper::FromKeeper;
use super::store::Store;
use crate::sys::seqpacket::{self, Wait};

/// Happenings kept for a master that is down or slow; then the oldest are lost, and the master finds
/// those processes gone without a status.
const HAPPENINGS_MAX: usize = 1024;

/// How far this master has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The next entry of the store to send.
    Held {
        next: usize,
    },
    Live,
}

#[derive(Debug)]
pub(crate) struct Feed {
    stage: Stage,
    starts: u32,
    happenings: std::collections::VecDeque<FromKeeper>,
}

impl Feed {
    /// After so many masters.
    pub(crate) fn new(starts: u32) -> Self {
        let happenings = std::collections::VecDeque::with_capacity(HAPPENINGS_MAX);
        Self { stage: Stage::Held { next: 0 }, starts, happenings }
    }

    /// What waits to be told.
    pub(crate) fn happenings(&self) -> impl Iterator<Item = FromKeeper> + '_ {
        self.happenings.iter().copied()
    }

    /// A new master knows nothing yet.
    pub(crate) fn restart(&mut self) {
        self.stage = Stage::Held { next: 0 };
        self.starts = self.starts.saturating_add(1);
    }

    pub(crate) fn starts(&self) -> u32 {
        self.starts
    }

    /// Takes back what was not said yet of these signals: the next master is told anew.
    pub(crate) fn forget_signals(&mut self, forgotten: &[i32]) {
        self.happenings.retain(|happening| match happening {
            FromKeeper::Signal { number } => !forgotten.contains(number),
            FromKeeper::Stored { .. } | FromKeeper::Ready { .. } | FromKeeper::Exited { .. } => {
                true
            }
        });
    }

    pub(crate) fn push(&mut self, happening: FromKeeper) {
        if self.happenings.len() == HAPPENINGS_MAX {
            self.happenings.pop_front();
        }
        self.happenings.push_back(happening);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        match self.stage {
            Stage::Held { .. } => true,
            Stage::Live => !self.happenings.is_empty(),
        }
    }

    /// Sends as much as the line takes.
    pub(crate) fn send(&mut self, link: BorrowedFd<'_>, store: &Store) {
        while let Stage::Held { next } = self.stage {
            let sent = match store.get(next) {
                Some((key, held)) => {
                    let message = FromKeeper::Stored { key: *key }.encode();
                    held.borrow(|fds| seqpacket::send(link, message.as_ref(), fds, Wait::Never))
                }
                None => post(link, FromKeeper::Ready { starts: self.starts }),
            };
            match (sent, store.get(next)) {
                (Ok(()), Some(_)) => self.stage = Stage::Held { next: next + 1 },
                (Ok(()), None) => self.stage = Stage::Live,
                // A full line is tried again when it has room; a broken one when a master is back.
                (Err(_), _) => return,
            }
        }
        while let Some(happening) = self.happenings.front() {
            if post(link, *happening).is_err() {
                return;
            }
            self.happenings.pop_front();
        }
    }
}

fn post(link: BorrowedFd<'_>, message: FromKeeper) -> std::io::Result<()> {
    seqpacket::send(link, message.encode().as_ref(), &[], Wait::Never)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::order::keeper::Key;
    use crate::order::store::Held;
    use crate::sys::pidfd::Exit;

    fn hear(socket: impl AsFd) -> Vec<FromKeeper> {
        let mut heard = Vec::new();
        let mut bytes = [0; 256];
        while let Ok(count) = seqpacket::receive(socket.as_fd(), &mut bytes, drop, Wait::Never) {
            heard.push(FromKeeper::decode(&bytes[..count]).unwrap());
        }
        heard
    }

    #[test]
    fn each_master_hears_what_is_held_then_ready_then_what_happened() {
        let mut store = Store::new();
        let mut feed = Feed::new(0);
        let key = Key::new("board").unwrap();
        store.put(key, Held::default());
        feed.push(FromKeeper::Exited { pid: 7, exit: Exit::Code(0) });
        for starts in 1..3 {
            let (link, master) = seqpacket::pair().unwrap();
            feed.restart();
            feed.push(FromKeeper::Signal { number: 15 });
            feed.send(link.as_fd(), &store);
            let heard = hear(&master);
            assert_eq!(heard[..2], [FromKeeper::Stored { key }, FromKeeper::Ready { starts }]);
            assert_eq!(heard.last(), Some(&FromKeeper::Signal { number: 15 }));
            assert_eq!(heard.len(), if starts == 1 { 4 } else { 3 });
            assert!(!feed.is_waiting());
        }
    }

    #[test]
    fn what_a_full_line_does_not_take_waits_in_a_bounded_ring() {
        let (link, master) = seqpacket::pair().unwrap();
        let store = Store::new();
        let mut feed = Feed::new(0);
        feed.restart();
        (0..3000).for_each(|pid| feed.push(FromKeeper::Exited { pid, exit: Exit::Code(0) }));
        let mut heard = Vec::new();
        while feed.is_waiting() {
            feed.send(link.as_fd(), &store);
            heard.extend(hear(&master));
        }
        assert_eq!(heard.len(), 1 + HAPPENINGS_MAX);
        assert_eq!(heard.last(), Some(&FromKeeper::Exited { pid: 2999, exit: Exit::Code(0) }));
    }
}
