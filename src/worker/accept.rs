//! Accepting: one task per listener, until it is told to stop.
//!
//! All workers accept from the same queue, each about its part of the connections (`share`). What a
//! worker left to the others and nobody took within a moment it takes after all, so a busy, stuck or
//! dead worker delays no client. A full house is not refused with an answer: nothing is accepted
//! until somebody leaves, and the connection that has been idle longest is asked to.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::session;
use super::shared::Shared;
use crate::config::limits;
use crate::sys;
use crate::sys::watched::Watched;

/// A listener being served, until `end`.
pub(crate) struct Accepting {
    pub(crate) address: SocketAddr,
    door: Rc<Door>,
    over: oneshot::Sender<Queued>,
    task: JoinHandle<()>,
}

/// What becomes of the connections that the kernel has queued when a worker stops accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queued {
    /// Other workers go on accepting them.
    Left,
    /// To those clients the connection stands, and the last copy of the socket that is closed
    /// resets it. Who has said nothing yet is waited for until then, but not for long.
    Taken { until_us: u64 },
}

impl Accepting {
    /// To be called when the configuration has changed.
    pub(crate) fn adapt(&self) {
        self.door.defer();
    }

    /// Closes this worker's copy of the socket.
    pub(crate) async fn end(self, queued: Queued) {
        drop(self.door);
        // The task is gone only with the worker.
        let _told = self.over.send(queued);
        let _over_either_way = self.task.await;
    }
}

/// Serves what comes in by `listener`; requests are matched by `address`. To be called within the
/// worker's runtime.
pub(crate) fn accept(
    shared: Rc<Shared>,
    listener: OwnedFd,
    address: SocketAddr,
) -> io::Result<Accepting> {
    sys::socket::set_nodelay(&listener)?;
    let door = Rc::new(Door { shared, listener: Watched::new(listener)?, address });
    door.defer();
    let (over, is_over) = oneshot::channel();
    let task = tokio::task::spawn_local(Rc::clone(&door).serve_until(is_over));
    Ok(Accepting { address, door, over, task })
}

struct Door {
    shared: Rc<Shared>,
    listener: Watched,
    address: SocketAddr,
}

/// Whether somebody may be left in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Ahead,
    Empty,
}

impl Door {
    /// HTTP's clients speak first. Those of a TCP route may wait for the backend to.
    fn defer(&self) {
        let generation = self.shared.generation_at(self.address);
        let is_http = generation.is_some_and(|it| it.tcp_routes.of(self.address).is_none());
        let seconds = if is_http { limits::ACCEPT_SILENT_S } else { 0 };
        if let Err(error) = sys::deferral::set(&self.listener, seconds) {
            sys::log::notice!("worker", "defer clients of {}: {error}", self.address);
        }
    }

    async fn serve_until(self: Rc<Self>, is_over: oneshot::Receiver<Queued>) {
        let queued = tokio::select! {
            biased;
            ended = is_over => ended,
            never = self.serve() => match never {},
        };
        if let Ok(Queued::Taken { until_us }) = queued {
            self.take_last(until_us).await;
        }
    }

    async fn serve(&self) -> Infallible {
        let mut late_max = limits::ACCEPT_LATE_FIRST;
        loop {
            if self.shared.seats.free() == 0 {
                // Nobody is asked to leave for a client that has not come.
                self.somebody_waits().await;
                self.shared.seats.room().await;
            }
            let accepted = self.listener.read(|listener| {
                if self.shared.takes_next() {
                    sys::socket::accept(listener).map(Some)
                } else {
                    Ok(None)
                }
            });
            match accepted.await {
                Ok(Some((client, peer))) => {
                    self.seat(client, peer);
                    late_max = limits::ACCEPT_LATE_FIRST;
                }
                Ok(None) => {
                    tokio::time::sleep(Duration::from_millis(limits::ACCEPT_LATE_MS)).await;
                    late_max = match self.take(late_max.min(self.shared.seats.free())) {
                        Queue::Empty => limits::ACCEPT_LATE_FIRST,
                        Queue::Ahead => (late_max * 2).min(limits::LISTEN_QUEUE_MAX),
                    };
                }
                Err(error) if is_clients_fault(&error) => {}
                Err(error) => {
                    sys::log::warning!("worker", "accept on {}: {error}", self.address);
                    tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
                }
            }
        }
    }

    async fn somebody_waits(&self) {
        let waits = self.listener.read(|listener| {
            match sys::poll::wait([(listener, sys::poll::Interest::Read)], Some(0))? {
                [true] => Ok(()),
                [false] => Err(std::io::ErrorKind::WouldBlock.into()),
            }
        });
        // An error of the listener is met, and told, by `accept`.
        let _either_way = waits.await;
    }

    async fn take_last(&self, until_us: u64) {
        let until_us = until_us.min(self.shared.refresh() + limits::ACCEPT_LAST_MS * 1000);
        self.take_queued();
        // From here on the kernel gives out everybody at once.
        if let Err(error) = sys::deferral::set(&self.listener, 0) {
            sys::log::notice!("worker", "take the last clients of {}: {error}", self.address);
        }
        while sys::deferral::is_on(&self.listener) && self.shared.refresh() < until_us {
            tokio::time::sleep(Duration::from_millis(limits::ACCEPT_LAST_LOOK_MS)).await;
            self.take_queued();
        }
        self.take_queued();
    }

    /// Asks the kernel itself, since the runtime hears of a new connection only later. What comes
    /// meanwhile is taken too, but not for ever.
    fn take_queued(&self) {
        self.take(limits::LISTEN_QUEUE_MAX);
    }

    fn take(&self, count_max: usize) -> Queue {
        for _ in 0..count_max {
            match sys::socket::accept(self.listener.as_fd()) {
                Ok((client, peer)) => self.seat(client, peer),
                Err(error) if is_clients_fault(&error) => {}
                // Nobody is left, or nothing can be done about it.
                Err(_) => return Queue::Empty,
            }
        }
        Queue::Ahead
    }

    fn seat(&self, client: OwnedFd, peer: SocketAddr) {
        let client = match TcpStream::from_std(client.into()) {
            Ok(client) => client,
            Err(error) => {
                return sys::log::warning!("worker", "watch a client of {}: {error}", self.address);
            }
        };
        self.shared.crew.accepted();
        self.shared.refresh();
        let mut connection = Connection::new(Rc::clone(&self.shared), client, peer, self.address);
        // At once: it is by this count that the next connection is left to another worker.
        self.shared.publish();
        // A task of either kind is as large as its own kind needs.
        match connection.tcp_generation() {
            Some(generation) => tokio::task::spawn_local(session::serve(connection, generation)),
            None => tokio::task::spawn_local(async move { connection.serve().await }),
        };
    }
}

/// The client left before it was accepted; the next one may be there already.
fn is_clients_fault(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
    )
}
