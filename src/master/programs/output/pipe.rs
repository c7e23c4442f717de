//! The read end of a program's stdout or stderr: read when there is something, without a wake-up
//! otherwise. Its end (the program closed it, or a grace time after the program's own end) ends the
//! reading, so a grandchild that keeps the pipe open holds up nothing.
//!
//! What goes to a file leaves the pipe only as it gets there, so a kill in between loses nothing.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::file::lend::{Ahead, Head};
use super::{Output, Source, Tail, Taken};
use crate::config::limits::{
    PROGRAM_BEGUN_MS, PROGRAM_DRAIN_BYTES_MAX, PROGRAM_PIPE_GRACE_MS, PROGRAM_READ_BYTES,
};
use crate::sys;
use crate::sys::peek::Glass;
use crate::sys::watched::Watched;

/// How soon what has to wait in the pipe is tried again.
const HELD: Duration = Duration::from_secs(1);
/// How soon a line without an end, which stays in the pipe where a kill can not lose it, is looked at
/// again.
const BEGUN: Duration = Duration::from_millis(PROGRAM_BEGUN_MS);

/// A pipe that is being read; dropping it reads on for the grace time only.
pub(in crate::master::programs) struct Pipe {
    reader: Rc<Reader>,
    /// Dropped with the pipe, which the reading task notices.
    _held: oneshot::Sender<()>,
}

struct Reader {
    source: Source,
    descriptor: Watched,
    output: Rc<RefCell<Output>>,
    /// How much of a line without an end was left in the pipe at the last look.
    begun: Cell<usize>,
    /// What is known of the bytes that it begins with.
    ahead: Ahead,
    room: Cell<Room>,
}

/// How much the pipe holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Usual,
    /// The program has filled it once: a larger one spares both sides most of their turns.
    Grown,
}

impl Pipe {
    /// Reads the descriptor (non-blocking) into the output until its end.
    pub(in crate::master::programs) fn follow(
        descriptor: OwnedFd,
        source: Source,
        output: Rc<RefCell<Output>>,
    ) -> io::Result<Self> {
        let descriptor = Watched::new(descriptor)?;
        let reader = Rc::new(Reader {
            source,
            descriptor,
            output,
            begun: Cell::new(0),
            ahead: Ahead::default(),
            room: Cell::new(Room::Usual),
        });
        let (held, is_dropped) = oneshot::channel();
        tokio::task::spawn_local(run(Rc::clone(&reader), is_dropped));
        Ok(Self { reader, _held: held })
    }

    /// Reads what is there, so that what follows in the log follows what the program wrote before.
    pub(in crate::master::programs) fn catch_up(&self) {
        self.reader.catch_up();
    }
}

async fn run(reader: Rc<Reader>, is_dropped: oneshot::Receiver<()>) {
    let grace = async {
        // Nothing is ever sent: the channel only tells that the pipe was dropped.
        let _dropped = is_dropped.await;
        tokio::time::sleep(Duration::from_millis(PROGRAM_PIPE_GRACE_MS)).await;
    };
    tokio::select! {
        () = reader.read_to_end() => {}
        () = grace => reader.give_up(),
    }
}

/// What every pipe of the process is read with: reading and taking is one step.
struct Desk {
    buffer: Vec<u8>,
    /// Nothing after it failed; then pipes are read the plain way.
    glass: Option<Glass>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::new(Desk {
        buffer: vec![0; PROGRAM_READ_BYTES],
        glass: Glass::new(PROGRAM_READ_BYTES).ok(),
    });
}

impl Reader {
    async fn read_to_end(&self) {
        let mut patience = None;
        loop {
            let reading = self.descriptor.read(|_| self.take(Tail::Leave));
            let taken = match patience {
                None => reading.await,
                Some(patience) => match tokio::time::timeout(patience, reading).await {
                    Ok(taken) => taken,
                    Err(_) => self.look_again(),
                },
            };
            patience = match taken {
                // A flood gives way to everything else after each piece.
                Ok(Taken::Bytes(_)) => {
                    tokio::task::yield_now().await;
                    None
                }
                Ok(Taken::Begun) => patience.map_or(Some(BEGUN), |_| Some(HELD)),
                Ok(Taken::Held) => {
                    self.rest().await;
                    None
                }
                // An error of the reactor means that the loop is over.
                Ok(Taken::End) | Err(_) => return,
            };
        }
    }

    /// What was left in the pipe may have become more without a word: the kernel tells of bytes that
    /// come to others only once the whole of their `write` has found room.
    fn look_again(&self) -> io::Result<Taken> {
        // Whoever wants whole lines waits for the end of it.
        let is_hurried = self.output.borrow().is_hurried(self.source);
        let tail = if is_hurried { Tail::Take } else { Tail::Leave };
        self.begun.set(0);
        self.take(tail).or(Ok(Taken::Bytes(0)))
    }

    /// Until what is held in the pipe may have somewhere to go.
    async fn rest(&self) {
        let (room, coming) = {
            let output = self.output.borrow();
            (output.room(self.source), output.coming(self.source))
        };
        let told = async {
            match (&coming, &room) {
                (Some(coming), _) => coming.notified().await,
                (None, Some(room)) => room.notified().await,
                (None, None) => std::future::pending().await,
            }
        };
        let _either_way = tokio::time::timeout(HELD, told).await;
    }

    fn catch_up(&self) {
        let mut bytes = 0;
        while bytes < PROGRAM_DRAIN_BYTES_MAX {
            match self.take(Tail::Take) {
                Ok(Taken::Bytes(count)) => bytes += count,
                Ok(Taken::Begun | Taken::Held | Taken::End) | Err(_) => return,
            }
        }
    }

    /// Nobody waits any longer for what may still come. What had to wait in the pipe is taken, as
    /// the pipe is about to go.
    fn give_up(&self) {
        self.catch_up();
        self.take_over();
        let mut bytes = 0;
        while bytes < PROGRAM_DRAIN_BYTES_MAX {
            match DESK.with_borrow_mut(|desk| self.read(&mut desk.buffer)) {
                Ok(Taken::Bytes(count)) => bytes += count,
                Ok(Taken::Begun | Taken::Held) | Err(_) => break,
                Ok(Taken::End) => return,
            }
        }
        self.output.borrow_mut().end(self.source);
    }

    /// What a thread still writes of it is not read, and so not written, again.
    fn take_over(&self) {
        DESK.with_borrow_mut(|Desk { buffer, glass }| {
            let Some(looking) = glass else { return };
            if let Ok(count) = looking.look(&self.descriptor, buffer) {
                self.output.borrow_mut().take_over(self.source, self.head(), &buffer[..count]);
            }
        });
    }

    fn head(&self) -> Head<'_> {
        Head { pipe: self.descriptor.as_fd(), ahead: &self.ahead }
    }

    /// Takes what is there; `WouldBlock` when nothing is there yet.
    fn take(&self, tail: Tail) -> io::Result<Taken> {
        DESK.with_borrow_mut(|Desk { buffer, glass }| {
            if self.output.borrow().is_poured(self.source)
                && let Some(looking) = glass
            {
                match looking.look(&self.descriptor, buffer) {
                    // The same begun line as before: its next part is waited for, if one may come.
                    Ok(count @ 1..) if tail == Tail::Leave && self.begun.get() == count => {
                        if sys::pipe::is_abandoned(&self.descriptor) {
                            return Ok(self.pour(&buffer[..count], Tail::Take));
                        }
                        self.begun.set(0);
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    Ok(count @ 1..) => {
                        self.make_room(count);
                        return Ok(self.pour(&buffer[..count], tail));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                    // Reading tells the end.
                    Ok(0) => {}
                    Err(_) => *glass = Glass::new(PROGRAM_READ_BYTES).ok(),
                }
            }
            self.read(buffer)
        })
    }

    /// What becomes lines for the engine's own output or the system log is many times as long, and all
    /// of it must be taken when a program ends: its pipe stays as it is.
    fn make_room(&self, seen: usize) {
        let is_full = seen > sys::pipe::USUAL_BYTES / 2;
        if self.room.get() == Room::Usual
            && is_full
            && !self.output.borrow().has_outlets(self.source)
        {
            self.room.set(Room::Grown);
            // Refused to who has many pipes already; then it stays as it is.
            let _as_it_is = sys::pipe::grow(&self.descriptor, PROGRAM_READ_BYTES);
        }
    }

    fn pour(&self, seen: &[u8], tail: Tail) -> Taken {
        let taken = self.output.borrow_mut().pour(self.source, self.head(), seen, tail);
        self.begun.set(if taken == Taken::Begun { seen.len() } else { 0 });
        taken
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<Taken> {
        let count = match sys::pipe::read(&self.descriptor, buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            // A pipe that can not be read has nothing more to say.
            result => result.unwrap_or(0),
        };
        let mut output = self.output.borrow_mut();
        if count == 0 {
            output.end(self.source);
            return Ok(Taken::End);
        }
        output.take(self.source, &buffer[..count]);
        Ok(Taken::Bytes(count))
    }
}
