//! Accepting: one task per listener, until it is told to stop.
//!
//! A full house is not refused with an answer: nothing is accepted until somebody leaves, and the
//! connection that has been idle longest is asked to.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::shared::Shared;
use crate::config::limits;
use crate::sys;

/// A listener being served; dropping it closes this worker's copy of the socket.
pub(crate) struct Accepting {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.task.abort();
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
    let task = tokio::task::spawn_local(accept_all(shared, listener, address));
    Ok(Accepting { address, task })
}

async fn accept_all(shared: Rc<Shared>, listener: TcpListener, address: SocketAddr) {
    loop {
        shared.seats.room().await;
        match listener.accept().await {
            Ok((client, peer)) => {
                shared.crew.accepted();
                shared.refresh();
                let mut connection = Connection::new(Rc::clone(&shared), client, peer, address);
                tokio::task::spawn_local(async move { connection.serve().await });
            }
            Err(error) if is_clients_fault(&error) => {}
            Err(error) => {
                sys::log::warning!("worker", "accept on {address}: {error}");
                tokio::time::sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

/// The client left before it was accepted; the next one may be there already.
fn is_clients_fault(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
    )
}
