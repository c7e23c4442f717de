//! The master's end of the keeper's line: what must outlive the master is handed over here, and
//! taken back at the start of the next one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use super::event::{Event, Post};
use crate::config::limits::PROGRAM_INSTANCES_ALL_MAX;
use crate::order;
use crate::order::estate::Estate;
use crate::order::keeper::{FromKeeper, KEYS_MAX, Key, ToKeeper};
use crate::sys;
use crate::sys::remembered::{Open, Remembered};
use crate::sys::seqpacket::{self, Wait};
use crate::sys::watched::Watched;

/// Number of the keeper's lock among the descriptors the master starts with; the line is
/// `order::worker::LINK`, as for every child of ours.
const LOCK: i32 = 4;
/// What the keeper holds a lock under that had to be taken again.
const LOCK_KEY: &str = "lock";
/// What the keeper holds the baton under, by which a master is relieved.
const BATON: &str = "baton";

/// Of one instance of a program.
const INSTANCE_KEYS_MAX: usize = 3;
/// The rest: sockets of listeners, workers and programs, and a handful of the engine's own.
const OTHER_KEYS: usize = 512;
const _: () =
    assert!(PROGRAM_INSTANCES_ALL_MAX as usize * INSTANCE_KEYS_MAX + OTHER_KEYS <= KEYS_MAX);

/// How standing by has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relief {
    /// Another master is up.
    Up,
    /// Nobody is left but this process.
    None,
}

#[derive(Debug)]
pub(super) struct KeeperLink {
    line: OwnedFd,
    /// Kept open, so that the engine's name stays taken should the keeper be killed.
    lock: RefCell<OwnedFd>,
    is_lost: Cell<bool>,
    /// What the keeper holds for us, to hold it in its place if need be.
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    held: BTreeMap<String, Vec<Remembered>>,
    starts: u32,
}

/// What a master finds at its start.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Descriptors by the key an earlier master stored them under.
    pub(super) descriptors: BTreeMap<String, Vec<OwnedFd>>,
    /// Masters of this keeper so far, this one included.
    pub(super) starts: u32,
}

impl Held {
    /// The single descriptor under this key.
    pub(super) fn take_one(&mut self, key: &str) -> Option<OwnedFd> {
        self.descriptors.remove(key)?.into_iter().next()
    }

    /// Everything under keys that begin so, with the rest of the key.
    pub(super) fn take_all(&mut self, prefix: &str) -> Vec<(String, Vec<OwnedFd>)> {
        let keys: Vec<String> =
            self.descriptors.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        keys.into_iter()
            .filter_map(|key| {
                let held = self.descriptors.remove(&key)?;
                Some((key[prefix.len()..].to_owned(), held))
            })
            .collect()
    }
}

impl KeeperLink {
    /// Takes the descriptors the keeper left. Call once, first thing.
    pub(super) fn inherit() -> io::Result<Self> {
        let line = sys::inherited::take(order::worker::LINK)?;
        let lock = sys::inherited::take(LOCK)?;
        let lock = RefCell::new(lock);
        Ok(Self { line, lock, is_lost: Cell::new(false), kept: RefCell::default() })
    }

    /// Waits for everything the keeper holds.
    pub(super) fn recover(&self) -> io::Result<Held> {
        let mut held = Held::default();
        loop {
            let mut bytes = [0; order::MESSAGE_BYTES_MAX];
            let mut descriptors = Vec::new();
            let count = seqpacket::receive(
                &self.line,
                &mut bytes,
                |descriptor| descriptors.push(descriptor),
                Wait::Block,
            )?;
            match FromKeeper::decode(&bytes[..count]).map_err(io::Error::other)? {
                FromKeeper::Stored { key } => {
                    let borrowed: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
                    self.remember(key.as_str(), &borrowed);
                    held.descriptors.insert(key.as_str().to_owned(), descriptors);
                }
                FromKeeper::Ready { starts } => {
                    held.starts = starts;
                    self.kept.borrow_mut().starts = starts;
                    return Ok(held);
                }
                message @ (FromKeeper::Exited { .. } | FromKeeper::Signal { .. }) => {
                    return Err(io::Error::other(format!(
                        "{message:?} before the keeper was ready"
                    )));
                }
            }
        }
    }

    /// Lets the keeper hold duplicates under the key. This process keeps its own, too, until it
    /// releases the key.
    pub(super) fn hold(&self, key: &str, descriptors: &[BorrowedFd<'_>]) {
        self.remember(key, descriptors);
        match Key::new(key) {
            Some(key) => self.send(ToKeeper::Store { key }, descriptors),
            None => sys::log::alert!("master", "key {key:?} is too long for the keeper"),
        }
    }

    pub(super) fn release(&self, key: &str) {
        self.kept.borrow_mut().held.remove(key);
        if let Some(key) = Key::new(key) {
            self.send(ToKeeper::Drop { key }, &[]);
        }
    }

    fn remember(&self, key: &str, descriptors: &[BorrowedFd<'_>]) {
        let remembered = descriptors.iter().map(|fd| Remembered::new(*fd)).collect();
        match remembered {
            Ok(remembered) => {
                self.kept.borrow_mut().held.insert(key.to_owned(), remembered);
            }
            Err(error) => sys::log::error!("master", "remember {key:?}: {error}"),
        }
    }

    /// Becomes a keeper that holds what the lost one held. Comes back only with the reason why not.
    /// What was stored and could not be said any more is held, too.
    pub(super) fn succeed(&self, words: &[OsString]) -> io::Error {
        let succeed = || -> io::Result<Infallible> {
            let (image, open) = (sys::image::own()?, Open::look()?);
            let kept = self.kept.borrow();
            let mut held = Vec::new();
            for (text, remembered) in &kept.held {
                let numbers: Option<Vec<_>> = remembered.iter().map(|one| open.find(one)).collect();
                match (Key::new(text), numbers) {
                    (Some(key), Some(numbers)) => held.push((key, numbers)),
                    (_, _) => sys::log::warning!("master", "{text:?} is not open any more"),
                }
            }
            let lock = self.lock.borrow().as_raw_fd();
            let estate =
                Estate { lock, starts: kept.starts, previous: None, held, happened: Vec::new() };
            Err(estate.leave_to(image.as_fd(), words))
        };
        match succeed() {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    /// Whether the path still leads to the lock that is held.
    pub(super) fn is_named_by(&self, path: &Path) -> bool {
        sys::lock::is_at(&*self.lock.borrow(), path)
    }

    /// Holds this lock in place of one whose file is gone; so does the keeper, beside its own.
    pub(super) fn hold_name(&self, lock: OwnedFd) {
        self.hold(LOCK_KEY, &[lock.as_fd()]);
        self.lock.replace(lock);
    }

    /// Announces how long a stop may take; whoever takes longer is killed.
    pub(super) fn set_patience_ms(&self, stop_ms: u64) {
        self.send(ToKeeper::Patience { stop_ms }, &[]);
    }

    /// Announces that the engine stops, so that no successor goes on running it.
    pub(super) fn stopping(&self) {
        self.send(ToKeeper::Stopping, &[]);
    }

    /// Lets the keeper become this image while this process stands still, so that nothing is read or
    /// decided twice. Comes back once a master is up that relieves this one; or when there will be
    /// none, for the keeper has died, by whatever image and way.
    pub(super) fn stand_by(&self, image: &OwnedFd) -> Relief {
        let Ok((relieved, baton)) = sys::pipe::input() else { return Relief::None };
        self.hold(BATON, &[baton.as_fd()]);
        drop(baton);
        self.send(ToKeeper::Upgrade, &[image.as_fd()]);
        if matches!(sys::pipe::read(&relieved, &mut [0]), Ok(1..)) {
            return Relief::Up;
        }
        // Who held the other end is gone, and so is whoever could relieve this process.
        self.kept.borrow_mut().held.remove(BATON);
        Relief::None
    }

    /// Tells the master that stands by, if one does, that it may end.
    pub(super) fn relieve(&self, baton: Option<&OwnedFd>) {
        if let Some(baton) = baton {
            // It may have been killed meanwhile.
            let _nobody_stands_by = sys::pipe::write(baton, b"!");
            self.release(BATON);
        }
    }

    /// Once everybody has taken his own from what was held: goes on with the lock and gives the baton
    /// back, if one is there. What is left nobody asks for any more, so it must not pile up.
    pub(super) fn take_back(&self, held: &mut Held) -> Option<OwnedFd> {
        if let Some(lock) = held.take_one(LOCK_KEY) {
            self.hold_name(lock);
        }
        let baton = held.take_one(BATON);
        held.descriptors.keys().for_each(|key| self.release(key));
        baton
    }

    /// Its end of the line is closed; what must be done about it is done when a turn ends.
    pub(super) fn lose(&self) {
        self.is_lost.set(true);
    }

    /// Told once, for there is one way to deal with it.
    pub(super) fn was_lost(&self) -> bool {
        self.is_lost.take()
    }

    /// Announces that the master ends on purpose, with this status.
    pub(super) fn stop(&self, status: u8) {
        self.send(ToKeeper::Stop { status }, &[]);
    }

    fn send(&self, message: ToKeeper, descriptors: &[BorrowedFd<'_>]) {
        let message = message.encode();
        // The keeper never waits for anything but us, so this never waits for long. That it is gone
        // is told once, by the end of its line.
        if let Err(error) = seqpacket::send(&self.line, message.as_ref(), descriptors, Wait::Block)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            sys::log::alert!("master", "tell the keeper: {error}");
        }
    }

    /// Posts what the keeper tells from here on.
    pub(super) fn listen(&self, post: Post) -> io::Result<()> {
        let line = Watched::new(self.line.as_fd().try_clone_to_owned()?)?;
        tokio::task::spawn_local(async move {
            while let Some(message) = hear(&line).await {
                let event = match message {
                    FromKeeper::Signal { number } => Event::Signal { number },
                    FromKeeper::Exited { pid, exit } => Event::KeeperExited { pid, exit },
                    FromKeeper::Stored { .. } | FromKeeper::Ready { .. } => continue,
                };
                if post.send(event).await.is_err() {
                    return;
                }
            }
            let _the_loop_is_over_too = post.send(Event::KeeperLost).await;
        });
        Ok(())
    }
}

/// `None`: the line has ended, or says what the keeper never says.
async fn hear(line: &Watched) -> Option<FromKeeper> {
    let mut bytes = [0; order::MESSAGE_BYTES_MAX];
    let received = line.read(|line| seqpacket::receive(line, &mut bytes, drop, Wait::Never));
    match received.await {
        Ok(0) => None,
        Ok(count) => FromKeeper::decode(&bytes[..count]).ok(),
        Err(error) => {
            sys::log::error!("master", "hear the keeper: {error}");
            None
        }
    }
}
