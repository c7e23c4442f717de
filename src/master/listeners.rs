//! The listening sockets: one for each address and worker slot, made here, used by workers.
//!
//! The keeper holds a duplicate of each, so neither a worker's nor the master's death closes one:
//! whoever comes next finds the accept queue as it was.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::keeper_link::{Held, KeeperLink};
use crate::config::model::Config;
use crate::control::wire;
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

/// The address of the configuration, where it is really listened on, and a socket per slot.
#[derive(Debug)]
struct Listening {
    actual: SocketAddr,
    sockets: BTreeMap<u16, OwnedFd>,
}

/// By the configuration's address.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    addresses: BTreeMap<SocketAddr, Listening>,
}

/// Sockets that are bound, but get no connection until `Listeners::commit`: a configuration that is
/// refused after all must not have taken any.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    made: Vec<Made>,
}

#[derive(Debug)]
struct Made {
    address: SocketAddr,
    actual: SocketAddr,
    slot: u16,
    socket: OwnedFd,
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
        let mut listeners = Self::default();
        for (key, descriptors) in held.take_all(KEY) {
            let (Some((address, actual, slot)), Some(socket)) =
                (parse_key(&key), descriptors.into_iter().next())
            else {
                continue;
            };
            listeners.insert(Made { address, actual, slot, socket });
        }
        listeners
    }

    /// Binds what these addresses and slots need beyond what is there. On an error nothing has
    /// changed.
    pub(super) fn prepare(
        &self,
        wanted: &[SocketAddr],
        slots: &[u16],
        taken: Taken,
    ) -> Result<Prepared, BindError> {
        let mut prepared = Prepared::default();
        for &address in wanted {
            let mut actual = match self.addresses.get(&address) {
                Some(listening) => listening.actual,
                None => self.claim(address, taken)?,
            };
            for &slot in slots {
                let is_there = self
                    .addresses
                    .get(&address)
                    .is_some_and(|listening| listening.sockets.contains_key(&slot));
                if is_there {
                    continue;
                }
                let socket = socket::bind(actual)?;
                // Port 0 becomes a real one with the first socket; the others share that.
                actual = socket::local_address(&socket)
                    .map_err(|cause| BindError::Io { address: actual, cause })?;
                prepared.made.push(Made { address, actual, slot, socket });
            }
        }
        Ok(prepared)
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
        for made in prepared.made {
            if let Err(error) = socket::listen(&made.socket) {
                sys::log::error!("master", "listen on {}: {error}", made.actual);
                continue;
            }
            let key = key(made.address, made.actual, made.slot);
            keeper.hold(&key, &[made.socket.as_fd()]);
            self.insert(made);
        }
    }

    /// Closes every address that is not wanted; the workers must have been told to.
    pub(super) fn retain(&mut self, wanted: &[SocketAddr], keeper: &KeeperLink) {
        self.addresses.retain(|address, listening| {
            let is_wanted = wanted.contains(address);
            if !is_wanted {
                for slot in listening.sockets.keys() {
                    keeper.release(&key(*address, listening.actual, *slot));
                }
            }
            is_wanted
        });
    }

    /// Closes the sockets of the slots beyond: a connection that the kernel gave to one of them
    /// would wait for a worker that takes no more.
    pub(super) fn keep_slots(&mut self, count: u16, keeper: &KeeperLink) {
        for (address, listening) in &mut self.addresses {
            for slot in listening.sockets.split_off(&count).into_keys() {
                keeper.release(&key(*address, listening.actual, slot));
            }
        }
    }

    /// What the worker in this slot accepts on.
    pub(super) fn of_slot(&self, slot: u16) -> impl Iterator<Item = (SocketAddr, BorrowedFd<'_>)> {
        self.addresses.iter().filter_map(move |(address, listening)| {
            Some((*address, listening.sockets.get(&slot)?.as_fd()))
        })
    }

    /// The configuration's addresses that are listened on.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.keys().copied().collect()
    }

    /// `config` tells what is served where.
    pub(super) fn rows(&self, config: &Config) -> Vec<wire::Listener> {
        let row = |(address, listening): (&SocketAddr, &Listening)| {
            let mut streamed = config.streams.iter().flat_map(|stream| &stream.listen);
            let is_streamed = streamed.any(|listen| listen.address == *address);
            wire::Listener {
                address: listening.actual.to_string(),
                tls: false,
                kind: if is_streamed { wire::Kind::Tcp } else { wire::Kind::Http },
            }
        };
        self.addresses.iter().map(row).collect()
    }

    fn insert(&mut self, made: Made) {
        let listening = self
            .addresses
            .entry(made.address)
            .or_insert_with(|| Listening { actual: made.actual, sockets: BTreeMap::new() });
        listening.sockets.insert(made.slot, made.socket);
    }
}

fn key(address: SocketAddr, actual: SocketAddr, slot: u16) -> String {
    format!("{KEY}{address} {actual} {slot}")
}

fn parse_key(rest: &str) -> Option<(SocketAddr, SocketAddr, u16)> {
    let mut words = rest.split(' ');
    let parsed =
        (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn insert_all(listeners: &mut Listeners, prepared: Prepared) {
        prepared.made.into_iter().for_each(|made| listeners.insert(made));
    }

    #[test]
    fn each_slot_gets_a_socket_and_only_what_is_missing_is_made() {
        let mut listeners = Listeners::default();
        let prepared = listeners.prepare(&[local(0)], &[0, 1], Taken::Refuse).unwrap();
        insert_all(&mut listeners, prepared);
        assert_eq!(listeners.of_slot(0).count(), 1);
        assert_eq!(listeners.of_slot(2).count(), 0);
        let more = listeners.prepare(&[local(0)], &[0, 1, 2], Taken::Refuse).unwrap();
        assert_eq!(more.made.len(), 1);
        assert_eq!(more.made[0].slot, 2);
    }

    #[test]
    fn a_strangers_port_is_refused_or_stepped_over() {
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap();
        let listeners = Listeners::default();
        let refused = listeners.prepare(&[address], &[0], Taken::Refuse).unwrap_err();
        assert!(matches!(refused, BindError::InUse { .. }), "{refused}");
        let prepared = listeners.prepare(&[address], &[0, 1], Taken::NextPort).unwrap();
        assert!(prepared.made.iter().all(|made| made.address == address));
        assert!(prepared.made.iter().all(|made| made.actual.port() > address.port()));
    }

    #[test]
    fn a_key_tells_what_it_was_made_of() {
        let (address, actual) = ("[::1]:80".parse().unwrap(), local(81));
        let key = key(address, actual, 7);
        assert_eq!(parse_key(key.strip_prefix(KEY).unwrap()), Some((address, actual, 7)));
        assert_eq!(parse_key("nonsense"), None);
    }
}
