//! The tiny parent that outlives the master.
//!
//! It holds descriptors that must not be lost, reaps whatever is re-parented to it, passes signals
//! on and starts the master again when that dies. One thread, no runtime; every table has its full
//! size from the start, and what is started is prepared before the loop, so it does not grow. It
//! decides nothing about programs, workers or configuration, and knows none of their words; only
//! when a stop got stuck does it end whatever descends from it. Its code is to stay under 500 lines;
//! what it holds and tells (`order`) and the kernel (`sys`) are what others use, too.

mod stop;
mod succession;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::process::ExitCode;

use crate::order;
use crate::order::feed::Feed;
use crate::order::keeper::{FromKeeper, Key, LOG, ToKeeper};
use crate::order::store::{self, Store};
use crate::sys::backoff::Backoff;
use crate::sys::poll::{self, Interest};
use crate::sys::seqpacket::{self, Wait};
use crate::sys::{
    clock, descendants, folders, inherited, lock, log, oom, pidfd, rlimit, signal, spawn,
};
use stop::Stop;
use succession::Fallback;

const WHO: &str = "keeper";
const FAILED: u8 = 1;
/// The status of a second engine of one name.
const RIVAL: u8 = 2;
/// What the keeper reads from a descriptor instead of being interrupted by.
const SIGNALS: [i32; 7] = [
    signal::CHLD,
    signal::TERM,
    signal::INT,
    signal::QUIT,
    signal::HUP,
    signal::USR1,
    signal::USR2,
];

/// How long killed processes may take to be gone.
const KILLED_US: u64 = 2_000_000;

#[derive(Debug, thiserror::Error)]
enum KeeperError {
    #[error("engine {name} runs already (pid {pid})")]
    Running { name: String, pid: String },
    #[error(transparent)]
    Lock(lock::LockError),
    #[error(transparent)]
    Folder(#[from] folders::FolderError),
    #[error(transparent)]
    Spawn(#[from] spawn::SpawnError),
    #[error("{tried}: {cause}")]
    Io { tried: &'static str, cause: io::Error },
}

/// Whole command lines, this binary's path first.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) master: Vec<OsString>,
    /// Of a keeper that goes on in a process that was something else; the estate's number follows.
    pub(crate) keeper: Vec<OsString>,
}

/// Runs the engine of this name until it is told to stop.
pub(crate) fn run(name: &str, words: Words) -> ExitCode {
    // A binary that can not be started at all is an error, not something to try again.
    let keeper = Keeper::new(name, words).and_then(|mut keeper| keeper.start().map(|()| keeper));
    end(keeper.and_then(Keeper::run))
}

/// Goes on with the engine whose descriptors were left to this process.
pub(crate) fn go_on(estate: RawFd, words: Words) -> ExitCode {
    end(Keeper::inherit(estate, words).and_then(Keeper::run))
}

fn end(ended: Result<u8, KeeperError>) -> ExitCode {
    let status = ended.unwrap_or_else(|error| {
        log::error!(WHO, "{error}");
        if matches!(error, KeeperError::Running { .. }) { RIVAL } else { FAILED }
    });
    ExitCode::from(status)
}

fn failed(tried: &'static str) -> impl Fn(io::Error) -> KeeperError {
    move |cause| KeeperError::Io { tried, cause }
}

/// The process that is kept.
enum Master {
    Up {
        child: spawn::Child,
        link: OwnedFd,
        since_us: u64,
    },
    /// Its line is closed; only its status is missing.
    Ending {
        pid: u32,
        since_us: u64,
    },
    Down {
        due_us: u64,
    },
}

struct Keeper {
    signals: OwnedFd,
    lock: lock::Lock,
    words: Words,
    recipe: spawn::Recipe,
    store: Store,
    feed: Feed,
    backoff: Backoff,
    master: Master,
    stop: Stop,
    /// The status that the master announced to end with.
    last_status: Option<u8>,
    /// The image to become at once, for whose sake the master stands still.
    next_image: Option<OwnedFd>,
    fallback: Fallback,
}

/// Goes on logging to the socket of the log as well, if that is what is held.
fn say_there(key: &Key, held: &store::Held) {
    let copied = |ends: &[BorrowedFd<'_>]| ends.get(1).map(BorrowedFd::try_clone_to_owned);
    match (key.as_str() == LOG).then(|| held.borrow(copied)).flatten() {
        Some(Ok(socket)) => log::copy_to(socket),
        Some(Err(error)) => log::error!(WHO, "log where consoles read it: {error}"),
        None => {}
    }
}

impl Keeper {
    fn new(name: &str, words: Words) -> Result<Self, KeeperError> {
        let folder = folders::make_runtime_dir(name)?;
        let lock =
            lock::Lock::acquire(&folder.join(folders::LOCK)).map_err(|error| match error {
                lock::LockError::Held { pid, .. } => {
                    KeeperError::Running { name: name.to_owned(), pid }
                }
                lock::LockError::Io { .. } => KeeperError::Lock(error),
            })?;
        Self::build(lock, words, Store::handed(), 0)
    }

    fn build(
        lock: lock::Lock,
        words: Words,
        store: Store,
        starts: u32,
    ) -> Result<Self, KeeperError> {
        store.all().for_each(|(key, held)| say_there(key, held));
        rlimit::raise_open_files();
        oom::protect();
        pidfd::become_subreaper().map_err(failed("become subreaper"))?;
        let signals = signal::descriptor(&SIGNALS).map_err(failed("block signals"))?;
        let recipe = spawn::Recipe::of_this_image(&spawn::Order {
            arguments: &words.master,
            environment: &inherited::environment_of_children(),
            directory: None,
            identity: None,
        })?;
        Ok(Self {
            signals,
            lock,
            words,
            recipe,
            store,
            feed: Feed::new(starts),
            backoff: Backoff::new(),
            master: Master::Down { due_us: 0 },
            stop: Stop::new(),
            last_status: None,
            next_image: None,
            fallback: Fallback::new(None),
        })
    }

    /// Until the master has ended on purpose: its status.
    fn run(mut self) -> Result<u8, KeeperError> {
        loop {
            if let Some(status) = self.step()? {
                return Ok(status);
            }
        }
    }

    /// Waits for one thing to happen and acts on it.
    fn step(&mut self) -> Result<Option<u8>, KeeperError> {
        let now_us = clock::monotonic_us();
        if self.proven_us().is_some_and(|proven_us| now_us >= proven_us) {
            self.fallback.forget();
        }
        if self.start_due_us().is_some_and(|due_us| now_us >= due_us)
            && let Err(error) = self.start()
        {
            log::error!(WHO, "{error}");
            self.go_back_for(0);
            self.master = Master::Down { due_us: self.backoff.ended(now_us, now_us) };
        }
        let ready = self.wait()?;
        if self.stop.until_us().is_some_and(|until_us| clock::monotonic_us() >= until_us) {
            return Ok(Some(self.end_everything("the master does not")));
        }
        if ready.link && matches!(self.receive(), Heard::End) {
            self.cut();
        }
        if let Some(image) = self.next_image.take() {
            // A wish to stop comes first; the next master of this image is told of it.
            if self.stop.wishes() == 0 {
                self.succeed(&image);
            }
            self.cut();
        }
        if ready.signals {
            self.take_signals()?;
        }
        match self.reap() {
            Reaped::Others => {}
            Reaped::Over { status } => return Ok(Some(status)),
            Reaped::Hopeless => return Ok(Some(self.end_everything("no master can"))),
        }
        if let Master::Up { link, .. } = &self.master {
            self.feed.send(link.as_fd(), &self.store);
        }
        Ok(None)
    }

    fn start_due_us(&self) -> Option<u64> {
        match &self.master {
            Master::Down { due_us } => Some(*due_us),
            Master::Up { .. } | Master::Ending { .. } => None,
        }
    }

    fn start(&mut self) -> Result<(), KeeperError> {
        let (link, masters_end) = seqpacket::pair().map_err(failed("make the master's line"))?;
        let [stdin, stdout, stderr] = inherited::standard();
        // The lock goes along, so that a master whose keeper was killed still holds the name.
        let passed = [stdin, stdout, stderr, masters_end.as_fd(), self.lock.as_fd()];
        let child = self.recipe.start(&passed)?;
        self.master = Master::Up { child, link, since_us: clock::monotonic_us() };
        self.feed.restart();
        self.feed.forget_signals(&stop::SIGNALS);
        for _ in 0..self.stop.wishes() {
            self.feed.push(FromKeeper::Signal { number: signal::TERM });
        }
        Ok(())
    }

    fn wait(&self) -> Result<Ready, KeeperError> {
        let signals = (self.signals.as_fd(), Interest::Read);
        let rest_us = self.wakes_us().map(|at_us| at_us.saturating_sub(clock::monotonic_us()));
        let ready = match &self.master {
            Master::Up { link, .. } => {
                let interest =
                    if self.feed.is_waiting() { Interest::ReadOrWrite } else { Interest::Read };
                poll::wait([signals, (link.as_fd(), interest)], rest_us)
                    .map(|[signals, link]| Ready { signals, link })
            }
            Master::Ending { .. } | Master::Down { .. } => {
                poll::wait([signals], rest_us).map(|[signals]| Ready { signals, link: false })
            }
        };
        ready.map_err(failed("wait"))
    }

    /// When there is something to do, whatever happens until then.
    fn wakes_us(&self) -> Option<u64> {
        [self.start_due_us(), self.stop.until_us(), self.proven_us()].into_iter().flatten().min()
    }

    /// When this image is known to be of use, if that is still open.
    fn proven_us(&self) -> Option<u64> {
        match &self.master {
            Master::Up { since_us, .. } => self.fallback.proven_us(*since_us),
            Master::Ending { .. } | Master::Down { .. } => None,
        }
    }

    /// One message from the master, if there is one.
    fn receive(&mut self) -> Heard {
        let Master::Up { link, .. } = &self.master else { return Heard::Nothing };
        let mut bytes = [0; order::MESSAGE_BYTES_MAX];
        let mut descriptors = store::Held::default();
        let taken = seqpacket::receive(link, &mut bytes, |fd| descriptors.push(fd), Wait::Never);
        let message = match taken {
            Ok(0) => return Heard::End,
            Ok(count) => ToKeeper::decode(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
            Err(error) => {
                log::alert!(WHO, "hear the master: {error}");
                return Heard::Nothing;
            }
        };
        match message {
            Ok(ToKeeper::Store { key }) => {
                say_there(&key, &descriptors);
                if !self.store.put(key, descriptors) {
                    log::alert!(WHO, "no room to hold {key:?}");
                }
            }
            Ok(ToKeeper::Drop { key }) => self.store.remove(&key),
            Ok(ToKeeper::Patience { stop_ms }) => self.stop.set_patience_ms(stop_ms),
            Ok(ToKeeper::Upgrade) => self.next_image = descriptors.into_first(),
            Ok(ToKeeper::Stopping) => self.stop.begin(clock::monotonic_us()),
            Ok(ToKeeper::Stop { status }) => {
                self.last_status = Some(status);
                self.stop.begin(clock::monotonic_us());
            }
            Err(error) => log::alert!(WHO, "{error}"),
        }
        Heard::Message
    }

    /// A master without its line can be told nothing and asks for nothing: it has to end. One that
    /// announced its end is left alone with it, for it may be about to write down why.
    fn cut(&mut self) {
        let master = std::mem::replace(&mut self.master, Master::Down { due_us: u64::MAX });
        self.master = match master {
            Master::Up { child, since_us, .. } => {
                let is_announced = self.last_status.is_some();
                if !is_announced && let Err(error) = pidfd::signal(&child.pidfd, signal::KILL) {
                    log::warning!(WHO, "end the silent master: {error}");
                }
                Master::Ending { pid: child.pid, since_us }
            }
            other @ (Master::Ending { .. } | Master::Down { .. }) => other,
        };
    }

    fn take_signals(&mut self) -> Result<(), KeeperError> {
        while let Some(number) = signal::next(&self.signals).map_err(failed("read signals"))? {
            if number == signal::CHLD {
                continue;
            }
            if stop::SIGNALS.contains(&number) {
                self.stop.ask(clock::monotonic_us());
                self.backoff = Backoff::new();
            }
            self.feed.push(FromKeeper::Signal { number });
            // A signal that no master is there to obey is obeyed by the next one, at once.
            if let Master::Down { due_us } = &mut self.master {
                *due_us = 0;
            }
        }
        Ok(())
    }

    /// Takes every status there is; the master's own decides whether to go on.
    fn reap(&mut self) -> Reaped {
        while let Some((pid, exit)) = pidfd::try_wait_any() {
            let since_us = match &self.master {
                Master::Up { child, since_us, .. } if child.pid == pid => *since_us,
                Master::Ending { pid: ending, since_us } if *ending == pid => *since_us,
                Master::Up { .. } | Master::Ending { .. } | Master::Down { .. } => {
                    self.feed.push(FromKeeper::Exited { pid, exit });
                    continue;
                }
            };
            // Its last words may still be on the line.
            while matches!(self.receive(), Heard::Message) {}
            if let Some(status) = self.last_status {
                return Reaped::Over { status };
            }
            let now_us = clock::monotonic_us();
            self.go_back_for(now_us.saturating_sub(since_us));
            let due_us = self.backoff.ended(since_us, now_us);
            self.master = Master::Down { due_us };
            if !self.stop.outlives_a_death() {
                log::error!(WHO, "master {pid}: {exit}");
                return Reaped::Hopeless;
            }
            log::error!(WHO, "master {pid}: {exit}; next in {} ms", (due_us - now_us) / 1000);
        }
        Reaped::Others
    }

    /// Kills all that descends from this process: the status to end with.
    fn end_everything(&self, why: &str) -> u8 {
        log::error!(WHO, "asked to stop, but {why}: killing what is left");
        if let Err(error) = descendants::end(&self.signals, KILLED_US) {
            log::error!(WHO, "some processes would not die: {error}");
        }
        FAILED
    }
}

/// What the ends of processes mean.
enum Reaped {
    /// The master lives, or is to be started again.
    Others,
    /// The master has ended on purpose.
    Over { status: u8 },
    /// Masters die instead of stopping the engine.
    Hopeless,
}

enum Heard {
    Message,
    Nothing,
    /// The master has closed its end.
    End,
}

/// What a wait ended with.
struct Ready {
    signals: bool,
    link: bool,
}
