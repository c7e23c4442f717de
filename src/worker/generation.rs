//! A configuration compiled for requests: its listeners, servers and upstreams.
//!
//! Built once per reload, read by every request; everything that can be sorted or looked up ahead
//! of time is.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use super::hosts::Hosts;
use super::pick::Picked;
use super::server::{Around, Ground, Place, Route, Server};
use super::shared::Shared;
use super::tables::Tables;
use super::tcp_routes::TcpRoutes;
use super::tls::dial::Speech;
use super::tls::serving::Serving;
use crate::config::limits;
use crate::config::model::capacity::{Queue, Token};
use crate::config::model::{Address, Config, Links};
use crate::config::retry::Retry;
use crate::config::template::Template;
use crate::http::likeness::Likenesses;
use crate::http::route;
use crate::scoreboard::UpstreamId;

pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) connections_max: Option<u32>,
    /// Where files for requests' bodies are made.
    pub(crate) temp_folder: PathBuf,
    listeners: Vec<Listener>,
    servers: Vec<Server>,
    pub(crate) tcp_routes: TcpRoutes,
    introduced: Vec<Address>,
    upstreams: Vec<Upstream>,
}

struct Listener {
    address: Address,
    /// Whether its clients speak TLS.
    is_secure: bool,
    /// Whether its clients may speak HTTP/2.
    http2: bool,
    /// For hosts that no name matches: the first server that takes the rest, else the first of all.
    default: usize,
    hosts: Hosts,
}

pub(crate) struct Upstream {
    pub(crate) name: String,
    /// `None` when the board had no room for it.
    pub(crate) id: Option<UpstreamId>,
    pub(crate) retry: Retry,
    pub(crate) links: Links,
    pub(crate) speech: Speech,
    pub(crate) queue: Option<Queue>,
    pub(crate) sticky: Option<Token>,
    /// What requests are hashed by.
    pub(crate) hash_key: Option<Template>,
    /// What its backends' answers are like.
    pub(crate) answers: RefCell<Likenesses>,
}

impl Upstream {
    /// What was picked, heard of by those that wait when it ends.
    pub(crate) fn tend(&self, picked: Picked, shared: &Shared) -> Picked {
        match self.queue {
            Some(_) => picked.awaited(&shared.queues),
            None => picked,
        }
    }
}

impl Generation {
    pub(crate) fn compile(number: u32, config: &Config, shared: &Shared) -> Self {
        let picker = shared.picker.borrow();
        let tables = Rc::new(Tables::compile(&config.tables));
        let around = Around { shared, tables: &tables };
        Self {
            number,
            connections_max: config.engine.worker_connections,
            temp_folder: config.engine.temp_folder.clone().unwrap_or_else(std::env::temp_dir),
            listeners: listeners(config),
            servers: config
                .servers
                .iter()
                .map(|server| Server::compile(server, config, around))
                .collect(),
            tcp_routes: TcpRoutes::compile(config, shared.board()),
            introduced: introduced(config),
            upstreams: config
                .upstreams
                .iter()
                .map(|upstream| Upstream {
                    name: upstream.name.clone(),
                    id: picker.upstream_id(&upstream.name),
                    retry: upstream.retry.clone(),
                    links: upstream.links.clone(),
                    speech: Speech::compile(&upstream.name, upstream.tls.as_ref(), &upstream.links),
                    queue: upstream.queue,
                    sticky: upstream.sticky.as_ref().map(|sticky| sticky.by.clone()),
                    hash_key: upstream.hash_key.clone(),
                    answers: RefCell::default(),
                })
                .collect(),
        }
    }

    pub(crate) fn has_listener(&self, address: &Address) -> bool {
        let serves = |listener: &Listener| listener.address == *address;
        self.listeners.iter().any(serves) || self.tcp_routes.of(address).is_some()
    }

    /// Whether connections to that address begin with a PROXY header.
    pub(crate) fn is_introduced(&self, address: &Address) -> bool {
        self.introduced.contains(address)
    }

    /// The place of the default server, without a route.
    pub(crate) fn default_place(&self, address: &Address) -> Option<Place> {
        let listener = self.listener(address)?;
        Some(Place { server: listener.default, route: None, upstream: None })
    }

    /// Whether connections to that address are over TLS.
    pub(crate) fn is_secure(&self, address: &Address) -> bool {
        self.listener(address).is_some_and(|listener| listener.is_secure)
            || self.tcp_routes.of(address).is_some_and(|route| route.is_secure)
    }

    /// Whether clients of that address may speak HTTP/2.
    pub(crate) fn offers_http2(&self, address: &Address) -> bool {
        self.listener(address).is_some_and(|listener| listener.http2)
    }

    /// What a client is shown that wants to talk to `name` there; any other than a known name means
    /// the default server.
    pub(crate) fn serving(&self, address: &Address, name: &[u8]) -> Option<&Serving> {
        if let Some(route) = self.tcp_routes.of(address) {
            return route.tls.as_deref();
        }
        let server = self.listener(address)?.server(name);
        self.servers.get(server)?.tls.as_ref()
    }

    pub(crate) fn handshake_timeout_ms(&self, address: &Address) -> u64 {
        if let Some(route) = self.tcp_routes.of(address) {
            return route.handshake_timeout_ms;
        }
        self.default_server(address)
            .map_or(limits::HANDSHAKE_TIMEOUT_MS, |server| server.handshake_timeout_ms)
    }

    fn listener(&self, address: &Address) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.address == *address)
    }

    /// Whose limits hold as long as a request's server is not known.
    pub(crate) fn default_server(&self, address: &Address) -> Option<&Server> {
        let listener = self.listener(address)?;
        self.servers.get(listener.default)
    }

    /// The place of the server that `authority` (host and port) names on that listener.
    pub(crate) fn find(&self, address: &Address, authority: &[u8]) -> Option<usize> {
        let listener = self.listener(address)?;
        Some(listener.server(route::without_port(authority)))
    }

    pub(crate) fn server(&self, place: usize) -> &Server {
        &self.servers[place]
    }

    pub(crate) fn ground(&self, place: Place) -> Ground<'_> {
        let server = self.server(place.server);
        let route = place.route.map(|route| server.route(route));
        let lead = route.and_then(Route::lead);
        let upstream = place.upstream.or_else(|| Some(lead?.usual()));
        let upstream_name = upstream.map(|upstream| self.upstream(upstream).name.as_str());
        Ground { server, route, upstream_name }
    }

    pub(crate) fn upstream(&self, index: usize) -> &Upstream {
        &self.upstreams[index]
    }
}

impl Listener {
    fn server(&self, host: &[u8]) -> usize {
        if self.hosts.is_empty() {
            return self.default;
        }
        self.hosts.find(host).unwrap_or(self.default)
    }
}

/// The addresses whose connections begin with a PROXY header.
fn introduced(config: &Config) -> Vec<Address> {
    let servers = config.servers.iter().map(|server| &server.listen);
    let streams = config.streams.iter().map(|stream| &stream.listen);
    let listens = servers.chain(streams).flatten();
    listens.filter(|listen| listen.proxy_protocol).map(|listen| listen.address.clone()).collect()
}

fn listeners(config: &Config) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = Vec::new();
    for (at, server) in config.servers.iter().enumerate() {
        for listen in &server.listen {
            let known = listeners.iter().position(|listener| listener.address == listen.address);
            let known = known.unwrap_or_else(|| {
                listeners.push(Listener {
                    address: listen.address.clone(),
                    is_secure: listen.tls,
                    http2: listen.http2,
                    default: default_of(config, &listen.address).unwrap_or(at),
                    hosts: Hosts::default(),
                });
                listeners.len() - 1
            });
            for host in &server.hosts {
                listeners[known].hosts.add(host, at);
            }
        }
    }
    for listener in &mut listeners {
        listener.hosts.settle();
    }
    listeners
}

fn default_of(config: &Config, address: &Address) -> Option<usize> {
    config.servers.iter().position(|server| {
        server.takes_the_rest() && server.listen.iter().any(|listen| listen.address == *address)
    })
}
