//! Accepting: one task per listener, until it is told to stop.
//!
//! A full house is not refused with an answer: nothing is accepted until somebody leaves, and the
//! connection that has been idle longest is asked to.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::session;
use super::shared::Shared;
use crate::config::limits;
use crate::sys;

/// A listener being served, until `end`.
pub(crate) struct Accepting {
    pub(crate) address: SocketAddr,
    over: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Accepting {
    /// Closes this worker's copy of the socket, after taking what the kernel has queued on it: to
    /// those clients the connection stands, and closing would reset it.
    pub(crate) async fn end(self) {
        drop(self.over);
        let _over_either_way = self.task.await;
    }
}

/// Serves what comes in by `listener`; requests are matched by `address`. To be called within the
/// worker's runtime.
pub(crate) fn accept(
    shared: Rc<Shared>,
    listener: OwnedFd,
    address: SocketAddr,
) -> std::io::Result<Accepting> {
    sys::socket::set_nodelay(&listener)?;
    let listener = TcpListener::from_std(listener.into())?;
    let (over, is_over) = oneshot::channel();
    let task = tokio::task::spawn_local(async move {
        tokio::select! {
            biased;
            _ended = is_over => {}
            () = accept_all(&shared, &listener, address) => {}
        }
        take_queued(&shared, listener, address);
    });
    Ok(Accepting { address, over, task })
}

async fn accept_all(shared: &Rc<Shared>, listener: &TcpListener, address: SocketAddr) {
    loop {
        shared.seats.room().await;
        match listener.accept().await {
            Ok((client, peer)) => seat(shared, client, peer, address),
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                sys::log::warning!("worker", "accept on {address}: {error}");
                tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// Asks the kernel itself, since the runtime hears of a new connection only later. What comes
/// meanwhile is taken too, but not for ever.
fn take_queued(shared: &Rc<Shared>, listener: TcpListener, address: SocketAddr) {
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..limits::LISTEN_QUEUE_MAX {
        match listener.accept() {
            Ok((client, peer)) => {
                let ready = client.set_nonblocking(true);
                if let Ok(client) = ready.and_then(|()| TcpStream::from_std(client)) {
                    seat(shared, client, peer, address);
                }
            }
            Err(error) if is_clients_fault(&error) => {}
            // Nobody is left, or nothing can be done about it.
            Err(_) => return,
        }
    }
}

fn seat(shared: &Rc<Shared>, client: TcpStream, peer: SocketAddr, address: SocketAddr) {
    shared.crew.accepted();
    shared.refresh();
    let mut connection = Connection::new(Rc::clone(shared), client, peer, address);
    // A task of either kind is as large as its own kind needs.
    match connection.tcp_generation() {
        Some(generation) => tokio::task::spawn_local(session::serve(connection, generation)),
        None => tokio::task::spawn_local(async move { connection.serve().await }),
    };
}

/// The client left before it was accepted; the next one may be there already.
fn is_clients_fault(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
    )
}
