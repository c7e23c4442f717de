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
use crate::config::model::{Address, Config, Listen};
use crate::control::listener;
use crate::sys;
use crate::sys::service;
use crate::sys::socket::{self, BindError};
use crate::sys::socket_file::{self, Access};

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
    actual: Address,
    socket: OwnedFd,
    maker: Maker,
}

/// Who has made a socket, and so whose its file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Us,
    /// One of ours before, which the service manager has kept over our restart.
    UsBefore,
    Manager,
}

/// By the configuration's address.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    addresses: BTreeMap<Address, Listening>,
    handed: Handed,
}

/// Sockets that are bound, but get no connection until `Listeners::commit`: a configuration that is
/// refused after all must not have taken any.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    made: Vec<(Address, Listening)>,
}

/// The files of sockets that came to nothing are nobody's.
impl Drop for Prepared {
    fn drop(&mut self) {
        for (address, listening) in &self.made {
            // One that came from the manager is there for the next attempt.
            if listening.maker == Maker::Us {
                listening.forget_file(address);
            }
        }
    }
}

/// An address of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) address: Address,
    /// Of the file, where it is one.
    mode: u32,
}

/// The addresses of the configuration, each once.
pub(super) fn addresses(config: &Config) -> Vec<Wanted> {
    let of_servers = config.servers.iter().flat_map(|server| &server.listen);
    let of_streams = config.streams.iter().flat_map(|stream| &stream.listen);
    let wanted = |listen: &Listen| Wanted { address: listen.address.clone(), mode: listen.mode };
    let mut addresses: Vec<Wanted> = of_servers.chain(of_streams).map(wanted).collect();
    addresses.sort_unstable();
    addresses.dedup_by(|one, other| one.address == other.address);
    addresses
}

impl Listening {
    /// Who comes by the file system finds nothing there, rather than nobody. The service manager's own
    /// sockets it goes on to listen on.
    fn forget_file(&self, address: &Address) {
        if let (Address::Unix(path), Maker::Us | Maker::UsBefore) = (address, self.maker) {
            socket_file::forget(path);
        }
    }
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
            let maker = listeners.handed.maker(&address);
            listeners.addresses.insert(address, Listening { actual, socket, maker });
        }
        listeners
    }

    /// Binds what is not there yet of these addresses. On an error nothing has changed.
    pub(super) fn prepare(&self, wanted: &[Wanted], taken: Taken) -> Result<Prepared, BindError> {
        let mut prepared = Prepared::default();
        for wanted in wanted.iter().filter(|it| !self.addresses.contains_key(&it.address)) {
            prepared.made.push((wanted.address.clone(), self.make(wanted, taken)?));
        }
        Ok(prepared)
    }

    fn make(&self, wanted: &Wanted, taken: Taken) -> Result<Listening, BindError> {
        let failed = |cause| match &wanted.address {
            Address::Tcp(address) => BindError::Io { address: *address, cause },
            Address::Unix(path) => BindError::File { path: path.clone(), cause },
        };
        if let Some(copy) = self.handed.copy(&wanted.address) {
            let (socket, actual) = (copy.map_err(failed)?, wanted.address.clone());
            return Ok(Listening { actual, socket, maker: self.handed.maker(&wanted.address) });
        }
        match &wanted.address {
            Address::Tcp(address) => self.make_tcp(*address, taken),
            Address::Unix(path) => {
                let access = Access { mode: wanted.mode, owner: None };
                let socket = socket_file::bind(path, access).map_err(failed)?;
                Ok(Listening { actual: wanted.address.clone(), socket, maker: Maker::Us })
            }
        }
    }

    fn make_tcp(&self, address: SocketAddr, taken: Taken) -> Result<Listening, BindError> {
        let claimed = self.claim(address, taken)?;
        let socket = socket::bind(claimed)?;
        // Port 0 has become a real one.
        let actual = socket::local_address(&socket)
            .map_err(|cause| BindError::Io { address: claimed, cause })?;
        Ok(Listening { actual: Address::Tcp(actual), socket, maker: Maker::Us })
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
        let is_of_port = |listening: &Listening| match listening.actual {
            Address::Tcp(actual) => actual.port() == address.port(),
            Address::Unix(_) => false,
        };
        if self.addresses.values().any(is_of_port) {
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
    pub(super) fn commit(&mut self, mut prepared: Prepared, keeper: &KeeperLink) {
        for (address, listening) in std::mem::take(&mut prepared.made) {
            if let Err(error) = socket::listen(&listening.socket) {
                sys::log::error!("master", "listen on {}: {error}", listening.actual);
                continue;
            }
            keeper.hold(&key(&address, &listening.actual), &[listening.socket.as_fd()]);
            if listening.maker == Maker::Us {
                handed::keep(&address, &listening.socket);
            }
            self.addresses.insert(address, listening);
        }
    }

    /// Closes every address that is not wanted; the workers must have been told to.
    pub(super) fn retain(&mut self, wanted: &[Wanted], keeper: &KeeperLink) {
        self.addresses.retain(|address, listening| {
            let Some(wanted) = wanted.iter().find(|wanted| wanted.address == *address) else {
                listening.forget_file(address);
                keeper.release(&key(address, &listening.actual));
                self.handed.dismiss(address, keeper);
                return false;
            };
            if let (Address::Unix(path), Maker::Us | Maker::UsBefore) = (address, listening.maker)
                && let Err(error) = socket_file::permit(path, wanted.mode)
            {
                sys::log::warning!("master", "set the mode of {address}: {error}");
            }
            true
        });
    }

    /// Closes all at the engine's end. What the service manager keeps it goes on to keep: if it starts
    /// the engine anew, clients have only waited.
    pub(super) fn close(&mut self, keeper: &KeeperLink) {
        for (address, listening) in std::mem::take(&mut self.addresses) {
            if !service::is_keeping() {
                listening.forget_file(&address);
            }
            keeper.release(&key(&address, &listening.actual));
        }
    }

    /// What workers accept on, by the configuration's address.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (&Address, BorrowedFd<'_>)> {
        self.addresses.iter().map(|(address, listening)| (address, listening.socket.as_fd()))
    }

    /// The configuration's addresses that are listened on.
    pub(super) fn addresses(&self) -> Vec<Address> {
        self.addresses.keys().cloned().collect()
    }

    /// `config` tells what is served where.
    pub(super) fn rows(&self, config: &Config) -> Vec<listener::Listener> {
        let row = |(address, listening): (&Address, &Listening)| {
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

/// A path may have spaces, and is where it is.
fn key(address: &Address, actual: &Address) -> String {
    match address {
        Address::Tcp(_) => format!("{KEY}{address} {actual}"),
        Address::Unix(_) => format!("{KEY}{address}"),
    }
}

fn parse_key(rest: &str) -> Option<(Address, Address)> {
    if let Some(Address::Unix(path)) = Address::parse(rest) {
        return Some((Address::Unix(path.clone()), Address::Unix(path)));
    }
    let (address, actual) = rest.split_once(' ')?;
    Some((Address::parse(address)?, Address::parse(actual)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn wanted(address: Address) -> Wanted {
        Wanted { address, mode: 0o660 }
    }

    fn tcp(address: SocketAddr) -> Wanted {
        wanted(Address::Tcp(address))
    }

    #[test]
    fn only_what_is_missing_is_made() {
        let mut listeners = Listeners::default();
        let mut prepared = listeners.prepare(&[tcp(local(0))], Taken::Refuse).unwrap();
        listeners.addresses.extend(std::mem::take(&mut prepared.made));
        assert_eq!(listeners.sockets().count(), 1);
        let other = tcp(SocketAddr::from(([127, 0, 0, 2], 0)));
        let more = listeners.prepare(&[tcp(local(0)), other.clone()], Taken::Refuse).unwrap();
        assert_eq!(more.made.iter().map(|(made, _)| made).collect::<Vec<_>>(), [&other.address]);
    }

    #[test]
    fn a_file_is_there_as_long_as_its_socket_is_of_use() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a socket");
        let file = wanted(Address::Unix(path.clone()));
        let listeners = Listeners::default();
        let prepared = listeners.prepare(std::slice::from_ref(&file), Taken::Refuse).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
        drop(prepared);
        assert!(!path.exists(), "it came to nothing");
        let _stranger = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refused = listeners.prepare(&[file], Taken::Refuse).unwrap_err();
        assert!(refused.to_string().contains("a socket: "), "{refused}");
        assert!(path.exists());
    }

    #[test]
    fn a_strangers_port_is_refused_or_stepped_over() {
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap();
        let listeners = Listeners::default();
        let refused = listeners.prepare(&[tcp(address)], Taken::Refuse).unwrap_err();
        assert!(matches!(refused, BindError::InUse { .. }), "{refused}");
        let prepared = listeners.prepare(&[tcp(address)], Taken::NextPort).unwrap();
        let (made, listening) = &prepared.made[0];
        assert_eq!(*made, Address::Tcp(address));
        let Address::Tcp(actual) = listening.actual else { panic!("no port") };
        assert!(actual.port() > address.port());
    }

    #[test]
    fn a_key_tells_what_it_was_made_of() {
        let file = Address::Unix("/run/a b".into());
        let v6 = Address::Tcp("[::1]:80".parse().unwrap());
        for (address, actual) in [(v6, Address::Tcp(local(81))), (file.clone(), file)] {
            let key = key(&address, &actual);
            assert_eq!(parse_key(key.strip_prefix(KEY).unwrap()), Some((address, actual)));
        }
        assert_eq!(parse_key("nonsense"), None);
    }
}
