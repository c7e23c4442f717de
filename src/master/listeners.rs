//! The listening sockets: one for each address, made here, accepted from by all workers.
//!
//! The keeper holds a duplicate of each, so neither the workers' nor the master's death closes one:
//! whoever comes next finds the accept queue as it was. Which worker takes which connection is the
//! workers' to decide.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::handed::{self, Handed};
use super::keeper_link::{Held, KeeperLink};
use crate::config::model::Config;
use crate::control::listener;
use crate::sys;
use crate::sys::socket::{self, BindError};

const KEY: &str = "listener ";
/// How far up the embedded default looks for a free port.
const NEXT_PORTS_MAX: u16 = 100;

/// What to do about an address that somebody else listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Refuse,
    /// The embedded default: the next free port, shown in the console.
    NextPort,
}

impl Taken {
    pub(super) fn of(config: &Config) -> Self {
        if config.is_embedded { Self::NextPort } else { Self::Refuse }
    }
}

/// Where an address of the configuration is really listened on.
#[derive(Debug)]
struct Listening {
    actual: SocketAddr,
    socket: OwnedFd,
    /// Made by the service manager.
    is_handed: bool,
}

/// By the configuration's address.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    addresses: BTreeMap<SocketAddr, Listening>,
    handed: Handed,
}

/// Sockets that are bound, but get no connection until `Listeners::commit`: a configuration that is
/// refused after all must not have taken any.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    made: Vec<(SocketAddr, Listening)>,
}

/// The addresses of the configuration, each once.
pub(super) fn addresses(config: &Config) -> Vec<SocketAddr> {
    let of_servers = config.servers.iter().flat_map(|server| &server.listen);
    let of_streams = config.streams.iter().flat_map(|stream| &stream.listen);
    let mut addresses: Vec<SocketAddr> =
        of_servers.chain(of_streams).map(|listen| listen.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl Listeners {
    /// Takes back what an earlier master stored.
    pub(super) fn recover(held: &mut Held) -> Self {
        let mut listeners = Self { handed: Handed::recover(held), ..Self::default() };
        for (key, descriptors) in held.take_all(KEY) {
            let (Some((address, actual)), Some(socket)) =
                (parse_key(&key), descriptors.into_iter().next())
            else {
                continue;
            };
            let is_handed = listeners.handed.copy(address).is_some();
            listeners.addresses.insert(address, Listening { actual, socket, is_handed });
        }
        listeners
    }

    /// Binds what is not there yet of these addresses. On an error nothing has changed.
    pub(super) fn prepare(
        &self,
        wanted: &[SocketAddr],
        taken: Taken,
    ) -> Result<Prepared, BindError> {
        let mut prepared = Prepared::default();
        for &address in wanted.iter().filter(|address| !self.addresses.contains_key(address)) {
            prepared.made.push((address, self.make(address, taken)?));
        }
        Ok(prepared)
    }

    fn make(&self, address: SocketAddr, taken: Taken) -> Result<Listening, BindError> {
        if let Some(copy) = self.handed.copy(address) {
            let socket = copy.map_err(|cause| BindError::Io { address, cause })?;
            return Ok(Listening { actual: address, socket, is_handed: true });
        }
        let claimed = self.claim(address, taken)?;
        let socket = socket::bind(claimed)?;
        // Port 0 has become a real one.
        let actual = socket::local_address(&socket)
            .map_err(|cause| BindError::Io { address: claimed, cause })?;
        Ok(Listening { actual, socket, is_handed: false })
    }

    /// At the start, when it is known what is listened on.
    pub(super) fn begin(&mut self, prepared: Prepared, keeper: &KeeperLink) {
        self.commit(prepared, keeper);
        let wanted = self.addresses();
        self.handed.settle(&wanted, keeper);
    }

    /// Where to listen for this address: refuses, or moves on, when a stranger listens there.
    fn claim(&self, address: SocketAddr, taken: Taken) -> Result<SocketAddr, BindError> {
        // Our own listener on the same port (another address of it, about to go away) is no
        // stranger, and SO_REUSEPORT lets both live side by side meanwhile.
        let is_ours =
            self.addresses.values().any(|listening| listening.actual.port() == address.port());
        if is_ours {
            return Ok(address);
        }
        let later = match taken {
            Taken::Refuse => 0,
            Taken::NextPort => NEXT_PORTS_MAX,
        };
        let free = (address.port()..=address.port().saturating_add(later))
            .map(|port| SocketAddr::new(address.ip(), port))
            .find(|next| socket::is_free(*next));
        match free {
            Some(free) => Ok(free),
            // Who holds it is only looked up when it is said; an address that can not be bound at
            // all is told here, too.
            None => socket::claim(address).map(|()| address),
        }
    }

    /// Puts the prepared sockets into service and lets the keeper hold them.
    pub(super) fn commit(&mut self, prepared: Prepared, keeper: &KeeperLink) {
        for (address, listening) in prepared.made {
            if let Err(error) = socket::listen(&listening.socket) {
                sys::log::error!("master", "listen on {}: {error}", listening.actual);
                continue;
            }
            keeper.hold(&key(address, listening.actual), &[listening.socket.as_fd()]);
            if !listening.is_handed {
                handed::keep(address, &listening.socket);
            }
            self.addresses.insert(address, listening);
        }
    }

    /// Closes every address that is not wanted; the workers must have been told to.
    pub(super) fn retain(&mut self, wanted: &[SocketAddr], keeper: &KeeperLink) {
        self.addresses.retain(|address, listening| {
            let is_wanted = wanted.contains(address);
            if !is_wanted {
                keeper.release(&key(*address, listening.actual));
                self.handed.dismiss(*address, keeper);
            }
            is_wanted
        });
    }

    /// Closes all at the engine's end. What the service manager keeps it goes on to keep: if it starts
    /// the engine anew, clients have only waited.
    pub(super) fn close(&mut self, keeper: &KeeperLink) {
        for (address, listening) in std::mem::take(&mut self.addresses) {
            keeper.release(&key(address, listening.actual));
        }
    }

    /// What workers accept on, by the configuration's address.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (SocketAddr, BorrowedFd<'_>)> {
        self.addresses.iter().map(|(address, listening)| (*address, listening.socket.as_fd()))
    }

    /// The configuration's addresses that are listened on.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.keys().copied().collect()
    }

    /// `config` tells what is served where.
    pub(super) fn rows(&self, config: &Config) -> Vec<listener::Listener> {
        let row = |(address, listening): (&SocketAddr, &Listening)| {
            let mut streamed = config.streams.iter().flat_map(|stream| &stream.listen);
            let is_streamed = streamed.any(|listen| listen.address == *address);
            let mut served = config.servers.iter().flat_map(|server| &server.listen);
            listener::Listener {
                address: listening.actual.to_string(),
                tls: served.any(|listen| listen.address == *address && listen.tls),
                kind: if is_streamed { listener::Kind::Tcp } else { listener::Kind::Http },
            }
        };
        self.addresses.iter().map(row).collect()
    }
}

fn key(address: SocketAddr, actual: SocketAddr) -> String {
    format!("{KEY}{address} {actual}")
}

fn parse_key(rest: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (address, actual) = rest.split_once(' ')?;
    Some((address.parse().ok()?, actual.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn only_what_is_missing_is_made() {
        let mut listeners = Listeners::default();
        let prepared = listeners.prepare(&[local(0)], Taken::Refuse).unwrap();
        listeners.addresses.extend(prepared.made);
        assert_eq!(listeners.sockets().count(), 1);
        let other = SocketAddr::from(([127, 0, 0, 2], 0));
        let more = listeners.prepare(&[local(0), other], Taken::Refuse).unwrap();
        assert_eq!(more.made.iter().map(|(address, _)| *address).collect::<Vec<_>>(), [other]);
    }

    #[test]
    fn a_strangers_port_is_refused_or_stepped_over() {
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap();
        let listeners = Listeners::default();
        let refused = listeners.prepare(&[address], Taken::Refuse).unwrap_err();
        assert!(matches!(refused, BindError::InUse { .. }), "{refused}");
        let prepared = listeners.prepare(&[address], Taken::NextPort).unwrap();
        let (made, listening) = &prepared.made[0];
        assert_eq!(*made, address);
        assert!(listening.actual.port() > address.port());
    }

    #[test]
    fn a_key_tells_what_it_was_made_of() {
        let (address, actual) = ("[::1]:80".parse().unwrap(), local(81));
        let key = key(address, actual);
        assert_eq!(parse_key(key.strip_prefix(KEY).unwrap()), Some((address, actual)));
        assert_eq!(parse_key("nonsense"), None);
    }
}
