//! The engine's own log, kept and followed as a program's output is.
//!
//! Keeper, master and workers send their lines to one socket (`sys::log`), whose ends the keeper
//! holds: what is said while no master is up is heard by the next one.

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::keeper_link::{Held, KeeperLink};
use super::programs::{Follow, Output};
use crate::control::wire::Stream;
use crate::order::keeper::LOG;
use crate::sys::log::record::{RECORD_BYTES_MAX, Record};
use crate::sys::log::{self, Level};
use crate::sys::seqpacket::{self, Wait};
use crate::sys::watched::Watched;

pub(super) struct EngineLog {
    /// The end that processes write to.
    written: OwnedFd,
    output: Rc<RefCell<Output>>,
}

impl EngineLog {
    /// From here on this process's lines are kept, too; so are the keeper's.
    pub(super) fn open(held: &mut Held, keeper: &KeeperLink) -> io::Result<Self> {
        let earlier = held.descriptors.remove(LOG).and_then(|ends| <[_; 2]>::try_from(ends).ok());
        let (read, written) = match earlier {
            Some([read, written]) => (read, written),
            None => seqpacket::pair()?,
        };
        keeper.hold(LOG, &[read.as_fd(), written.as_fd()]);
        log::copy_to(written.try_clone()?);
        let output = Rc::default();
        listen(Watched::new(read)?, Rc::clone(&output));
        Ok(Self { written, output })
    }

    /// Those kept, of them the last `tail`, then the coming ones when the reader follows; nothing when
    /// too many follow already.
    pub(super) fn read(&self, tail: Option<u32>, follow: Follow) -> Option<mpsc::Receiver<Bytes>> {
        self.output.borrow_mut().read(None, tail, follow)
    }
}

impl AsFd for EngineLog {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.written.as_fd()
    }
}

/// Until the reactor stops: this process holds the other end, too.
fn listen(socket: Watched, output: Rc<RefCell<Output>>) {
    tokio::task::spawn_local(async move {
        let mut message = [0; RECORD_BYTES_MAX];
        loop {
            let read = |socket: BorrowedFd<'_>| {
                seqpacket::receive(socket, &mut message, drop, Wait::Never)
            };
            let Ok(count) = socket.read(read).await else { return };
            // Whatever else is sent there is nobody's line.
            if let Some(record) = Record::decode(&message[..count]) {
                let moment = (record.wall_ms, stream(record.level));
                output.borrow_mut().say(moment, &record.text);
            }
        }
    });
}

/// As a program that has something to complain of does it.
fn stream(level: Level) -> Stream {
    match level {
        Level::Alert | Level::Error | Level::Warn => Stream::Stderr,
        Level::Notice => Stream::Stdout,
    }
}
