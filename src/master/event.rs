//! Everything that can happen to the master, as one closed enum.
//!
//! Tasks only turn outside happenings into these; the loop in `master` acts on them, one at a time.

use tokio::sync::mpsc;

use super::{checks, programs, resolve};
use crate::control::server::Asked;
use crate::order;
use crate::sys::pidfd::Exit;

/// Where tasks post what happened. Bounded: a burst makes the tasks wait, never the memory grow.
pub(crate) type Post = mpsc::Sender<Event>;

/// Happenings waiting for the loop.
pub(crate) const EVENTS_WAITING_MAX: usize = 1024;

#[derive(Debug)]
pub(crate) enum Event {
    /// A console or a script asks.
    Asked(Asked),
    /// A signal, sent to the master or passed on by the keeper.
    Signal { number: i32 },
    /// A process that had been re-parented to the keeper has ended.
    KeeperExited { pid: u32, exit: Exit },
    /// The keeper is gone; nothing restarts the master any more.
    KeeperLost,
    /// A worker has answered an order. `life` tells a successor's answer from its predecessor's.
    WorkerSaid { slot: u16, life: u32, said: order::worker::FromWorker },
    /// A worker's process has ended.
    WorkerEnded { slot: u16, life: u32, exit: Option<Exit> },
    /// A worker that died early may be started again.
    WorkerDue { slot: u16, life: u32 },
    /// A program's process ended or became ready.
    Program(programs::event::Event),
    /// A process says something of its program by `sd_notify`.
    Notice(programs::notices::Notice),
    /// An active check of a backend has ended.
    Checked(checks::Checked),
    /// A binary has said whether it could take over: its version, or why not.
    Tried(Result<String, String>),
    /// A configuration that was not read at once is.
    ConfigRead,
    /// A lookup of a backend's name has ended.
    Resolved(resolve::Resolved),
}
