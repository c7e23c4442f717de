//! The read end of a program's stdout or stderr: read when there is something, without a wake-up
//! otherwise. Its end (the program closed it, or a grace time after the program's own end) ends the
//! reading, so a grandchild that keeps the pipe open holds up nothing.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Output, Source};
use crate::config::limits::{PROGRAM_DRAIN_BYTES_MAX, PROGRAM_PIPE_GRACE_MS, PROGRAM_READ_BYTES};
use crate::sys;
use crate::sys::watched::Watched;

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
}

impl Pipe {
    /// Reads the descriptor (non-blocking) into the output until its end.
    pub(in crate::master::programs) fn follow(
        descriptor: OwnedFd,
        source: Source,
        output: Rc<RefCell<Output>>,
    ) -> io::Result<Self> {
        let descriptor = Watched::new(descriptor)?;
        let reader = Rc::new(Reader { source, descriptor, output });
        let (held, is_dropped) = oneshot::channel();
        tokio::task::spawn_local(run(Rc::clone(&reader), is_dropped));
        Ok(Self { reader, _held: held })
    }

    /// Reads what is there, so that what follows in the log follows what the program wrote before.
    pub(in crate::master::programs) fn catch_up(&self) {
        let mut bytes = 0;
        while bytes < PROGRAM_DRAIN_BYTES_MAX {
            match self.reader.read() {
                Ok(count @ 1..) => bytes += count,
                Ok(0) | Err(_) => return,
            }
        }
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
        () = grace => reader.output.borrow_mut().end(reader.source),
    }
}

impl Reader {
    async fn read_to_end(&self) {
        // An error of the reactor means that the loop is over.
        while let Ok(1..) = self.descriptor.read(|_| self.read()).await {
            // A flood gives way to everything else after each piece.
            tokio::task::yield_now().await;
        }
    }

    /// Takes what is there: 0 at the end, `WouldBlock` when nothing is there yet.
    fn read(&self) -> io::Result<usize> {
        thread_local! {
            /// One buffer for every pipe of the process: reading and taking is one step.
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PROGRAM_READ_BYTES]);
        }
        BUFFER.with_borrow_mut(|buffer| {
            let count = match sys::pipe::read(&self.descriptor, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // A pipe that can not be read has nothing more to say.
                result => result.unwrap_or(0),
            };
            let mut output = self.output.borrow_mut();
            match count {
                0 => output.end(self.source),
                1.. => output.take(self.source, &buffer[..count]),
            }
            Ok(count)
        })
    }
}
