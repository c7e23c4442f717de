//! Listening sockets that the service manager has made before us, or has kept over our restart
//! (`sd_listen_fds(3)`, `FDSTORE=1`): what the configuration listens on is taken from them first.
//!
//! The keeper holds them, so every later master and every reload finds them, too.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::WHO;
use super::keeper_link::{Held, KeeperLink};
use super::listeners::Maker;
use crate::config::model::Address;
use crate::order::keeper::HANDED;
use crate::sys::socket::{self, Place};
use crate::sys::{log, service, socket_file};

#[derive(Debug, Default)]
pub(super) struct Handed {
    sockets: Vec<Socket>,
}

#[derive(Debug)]
struct Socket {
    key: String,
    address: Address,
    socket: OwnedFd,
    /// The manager has kept it for us; others are of its own making.
    is_kept: bool,
}

impl Handed {
    pub(super) fn recover(held: &mut Held) -> Self {
        let is_first = held.starts == 1;
        let found = held.take_all(HANDED).into_iter().filter_map(|(rest, descriptors)| {
            let (index, name) = rest.split_once(' ').unwrap_or((&rest, ""));
            let socket = descriptors.into_iter().next()?;
            match socket::adopt(&socket) {
                Ok(place) => {
                    let address = match place {
                        Place::Tcp(address) => Address::Tcp(address),
                        Place::File(path) => Address::Unix(path),
                    };
                    let (key, is_kept) = (format!("{HANDED}{rest}"), name == name_of(&address));
                    Some(Socket { key, address, socket, is_kept })
                }
                Err(error) => {
                    if is_first {
                        log::warning!(WHO, "descriptor {index} of the service manager: {error}");
                    }
                    None
                }
            }
        });
        Self { sockets: found.collect() }
    }

    /// A copy of the one for this address.
    pub(super) fn copy(&self, address: &Address) -> Option<io::Result<OwnedFd>> {
        let found = self.sockets.iter().find(|socket| socket.address == *address)?;
        Some(found.socket.try_clone())
    }

    /// Who has made the one for this address.
    pub(super) fn maker(&self, address: &Address) -> Maker {
        match self.sockets.iter().find(|socket| socket.address == *address) {
            Some(Socket { is_kept: true, .. }) => Maker::UsBefore,
            Some(_) => Maker::Manager,
            None => Maker::Us,
        }
    }

    /// Lets go what was kept for nothing, and says which ones nobody accepts from.
    pub(super) fn settle(&mut self, wanted: &[Address], keeper: &KeeperLink) {
        self.sockets.retain(|Socket { key, address, is_kept, .. }| {
            let is_wanted = wanted.contains(address);
            if !is_wanted && *is_kept {
                if let Address::Unix(path) = address {
                    socket_file::forget(path);
                }
                forget(address);
                keeper.release(key);
            } else if !is_wanted {
                log::warning!(
                    WHO,
                    "the service manager listens on {address}, and no server here does"
                );
            }
            is_wanted || !*is_kept
        });
    }
}

impl Handed {
    /// An address is listened on no more: what the manager keeps for us it need not keep. Sockets of its
    /// own stay, for a later configuration.
    pub(super) fn dismiss(&mut self, address: &Address, keeper: &KeeperLink) {
        match self.sockets.iter().position(|socket| socket.address == *address) {
            Some(index) if !self.sockets[index].is_kept => {}
            Some(index) => {
                keeper.release(&self.sockets.swap_remove(index).key);
                forget(address);
            }
            None => forget(address),
        }
    }
}

/// Asks the manager to keep a listener of ours.
pub(super) fn keep(address: &Address, listener: impl AsFd) {
    if let Err(error) = service::keep(&name_of(address), listener) {
        log::warning!(WHO, "have the service manager keep {address}: {error}");
    }
}

fn forget(address: &Address) {
    if let Err(error) = service::forget(&name_of(address)) {
        log::warning!(WHO, "have the service manager forget {address}: {error}");
    }
}

/// As the manager calls it; names there are without colons.
fn name_of(address: &Address) -> String {
    format!("listener_{}", address.to_string().replace(':', "_"))
}
