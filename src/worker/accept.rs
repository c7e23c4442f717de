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

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::session;
use super::shared::Shared;
use super::stream::Stream;
use crate::config::limits;
use crate::config::model::Address;
use crate::sys;
use crate::sys::watched::Watched;

/// A listener being served, until `end`.
pub(crate) struct Accepting {
    pub(crate) address: Rc<Address>,
    door: Rc<Door>,
    over: oneshot::Sender<()>,
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
}

/// Closes this worker's copies of the sockets.
pub(crate) async fn end(ending: Vec<Accepting>, queued: Queued) {
    let mut doors = Vec::new();
    for Accepting { door, over, task, .. } in ending {
        // The task is gone only with the worker.
        let _told = over.send(());
        let _over_either_way = task.await;
        doors.push(door);
    }
    if let Queued::Taken { until_us } = queued {
        take_last(&doors, until_us).await;
    }
}

async fn take_last(doors: &[Rc<Door>], until_us: u64) {
    let Some(first) = doors.first() else { return };
    let shared = &first.shared;
    let until_us = until_us.min(shared.refresh() + limits::ACCEPT_LAST_MS * 1000);
    for door in doors {
        door.take_queued();
        // From here on the kernel gives out everybody at once.
        door.set_silent_s(0);
    }
    let ports: Vec<u16> = doors.iter().filter_map(|door| door.port()).collect();
    while is_one_kept(&ports).await && shared.refresh() < until_us {
        tokio::time::sleep(Duration::from_millis(limits::ACCEPT_LAST_LOOK_MS)).await;
        take_queued(doors);
    }
    take_queued(doors);
}

/// In a thread of its own: the list is as long as the machine is busy.
async fn is_one_kept(ports: &[u16]) -> bool {
    let kept = tokio::task::spawn_blocking(sys::deferral::ports).await;
    kept.is_ok_and(|kept| kept.iter().any(|port| ports.contains(port)))
}

fn take_queued(doors: &[Rc<Door>]) {
    for door in doors {
        door.take_queued();
    }
}

/// Serves what comes in by `listener`; requests are matched by `address`. To be called within the
/// worker's runtime.
pub(crate) fn accept(
    shared: Rc<Shared>,
    listener: OwnedFd,
    address: Address,
) -> io::Result<Accepting> {
    if let Address::Tcp(address) = address {
        sys::socket::set_nodelay(&listener)?;
        if address.ip().is_loopback() {
            let _cheaper_only = sys::socket::spare_congestion_control(&listener);
        }
    }
    let address = Rc::new(address);
    let listener = Watched::new(listener)?;
    let door = Rc::new(Door { shared, listener, address: Rc::clone(&address) });
    door.defer();
    let (over, is_over) = oneshot::channel();
    let task = tokio::task::spawn_local(Rc::clone(&door).serve_until(is_over));
    Ok(Accepting { address, door, over, task })
}

struct Door {
    shared: Rc<Shared>,
    listener: Watched,
    address: Rc<Address>,
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
        let generation = self.shared.generation_at(&self.address);
        let is_http = generation.is_some_and(|it| it.tcp_routes.of(&self.address).is_none());
        self.set_silent_s(if is_http { limits::ACCEPT_SILENT_S } else { 0 });
    }

    /// How long the kernel keeps who says nothing; 0: not at all.
    fn set_silent_s(&self, seconds: u16) {
        if let Address::Unix(_) = *self.address {
            return;
        }
        if let Err(error) = sys::deferral::set(&self.listener, seconds) {
            sys::log::notice!("worker", "defer clients of {}: {error}", self.address);
        }
    }

    async fn serve_until(self: Rc<Self>, is_over: oneshot::Receiver<()>) {
        tokio::select! {
            biased;
            _told_or_gone = is_over => {}
            never = self.serve() => match never {},
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
                        Queue::Empty => {
                            // Until the next one: the reactor has to hear that nobody is there.
                            self.somebody_waits().await;
                            limits::ACCEPT_LATE_FIRST
                        }
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

    /// Of a file there is none, and its kernel keeps nobody to itself.
    fn port(&self) -> Option<u16> {
        sys::socket::local_address(self.listener.as_fd()).ok().map(|address| address.port())
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

    fn seat(&self, client: OwnedFd, peer: Option<SocketAddr>) {
        let client = match *self.address {
            // It has left before it was accepted.
            Address::Tcp(_) if peer.is_none() => return,
            Address::Tcp(_) => TcpStream::from_std(client.into()).map(Stream::Tcp),
            Address::Unix(_) => UnixStream::from_std(client.into()).map(Stream::Unix),
        };
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                return sys::log::warning!("worker", "watch a client of {}: {error}", self.address);
            }
        };
        self.shared.crew.accepted();
        self.shared.refresh();
        let (shared, listener) = (Rc::clone(&self.shared), Rc::clone(&self.address));
        let mut connection = Connection::new(shared, client, peer, listener);
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
