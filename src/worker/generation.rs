//! A configuration compiled for requests: which server and route a request meets, and what is done
//! there.
//!
//! Built once per reload, read by every request; everything that can be sorted or looked up ahead
//! of time is.

use std::net::SocketAddr;

use super::pick::Picker;
use super::tcp_routes::TcpRoutes;
use crate::config::limits;
use crate::config::model::{self, ClientLimits, Config, Links, PathMatch, RequestLimits};
use crate::config::retry::Retry;
use crate::http::client_ip::Network;
use crate::http::{Error, route, target};
use crate::scoreboard::UpstreamId;

pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) connections_max: Option<u32>,
    listeners: Vec<Listener>,
    servers: Vec<Server>,
    pub(crate) tcp_routes: TcpRoutes,
    introduced: Vec<SocketAddr>,
    upstreams: Vec<Upstream>,
}

struct Listener {
    address: SocketAddr,
    /// For hosts that no name matches: the first server without names, else the first of all.
    default: usize,
    /// Lower case, sorted.
    exact: Vec<(String, usize)>,
    /// Longest first.
    wildcards: Vec<(String, usize)>,
}

pub(crate) struct Server {
    pub(crate) client: ClientLimits,
    pub(crate) real_ip: Option<RealIp>,
    /// Sent to backends as `Host` when an HTTP/1.0 client named none.
    pub(crate) host: String,
    /// Exact paths first, then prefixes, longest first: the first match is the right one.
    routes: Vec<Route>,
}

pub(crate) struct RealIp {
    pub(crate) trusted: Vec<Network>,
    pub(crate) header: String,
}

pub(crate) struct Route {
    path: PathMatch,
    pub(crate) limits: Limits,
    pub(crate) action: Action,
}

/// Bounds and time limits in force on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Towards the client.
    pub(crate) client: RequestLimits,
    pub(crate) connect_timeout_ms: u64,
    /// Between two writes to the backend.
    pub(crate) backend_send_timeout_ms: u64,
    pub(crate) first_byte_timeout_ms: u64,
    pub(crate) between_bytes_timeout_ms: u64,
}

/// What is done with a route's requests.
pub(crate) enum Action {
    Proxy {
        /// In the generation's list.
        upstream: usize,
    },
}

/// The configuration of one proxied request.
#[derive(Clone, Copy)]
pub(crate) struct Site<'g> {
    pub(crate) server: &'g Server,
    pub(crate) route: &'g Route,
    pub(crate) upstream: &'g Upstream,
}

pub(crate) struct Upstream {
    /// `None` when the board had no room for it.
    pub(crate) id: Option<UpstreamId>,
    pub(crate) retry: Retry,
    pub(crate) links: Links,
}

impl Generation {
    pub(crate) fn compile(number: u32, config: &Config, picker: &Picker) -> Self {
        Self {
            number,
            connections_max: config.engine.worker_connections,
            listeners: listeners(config),
            servers: config.servers.iter().map(|server| compile_server(server, config)).collect(),
            tcp_routes: TcpRoutes::compile(config),
            introduced: introduced(config),
            upstreams: config
                .upstreams
                .iter()
                .map(|upstream| Upstream {
                    id: picker.upstream_id(&upstream.name),
                    retry: upstream.retry.clone(),
                    links: upstream.links.clone(),
                })
                .collect(),
        }
    }

    pub(crate) fn has_listener(&self, address: SocketAddr) -> bool {
        let serves = |listener: &Listener| listener.address == address;
        self.listeners.iter().any(serves) || self.tcp_routes.of(address).is_some()
    }

    /// Whether connections to that address begin with a PROXY header.
    pub(crate) fn is_introduced(&self, address: SocketAddr) -> bool {
        self.introduced.contains(&address)
    }

    /// Whose limits hold as long as a request's server is not known.
    pub(crate) fn default_server(&self, address: SocketAddr) -> Option<&Server> {
        let listener = self.listeners.iter().find(|listener| listener.address == address)?;
        self.servers.get(listener.default)
    }

    /// The server that `authority` (host and port) names on that listener.
    pub(crate) fn server(&self, address: SocketAddr, authority: &[u8]) -> Option<&Server> {
        let listener = self.listeners.iter().find(|listener| listener.address == address)?;
        self.servers.get(listener.server(route::without_port(authority)))
    }

    pub(crate) fn upstream(&self, index: usize) -> &Upstream {
        &self.upstreams[index]
    }
}

impl Server {
    /// The route that serves a path, `None` where none matches.
    pub(crate) fn route(
        &self,
        path_and_query: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<Option<&Route>, Error> {
        let path = target::normalise(target::path(path_and_query), scratch)?;
        Ok(self.routes.iter().find(|route| match &route.path {
            PathMatch::Exact(exact) => exact.as_bytes() == path,
            PathMatch::Prefix(prefix) => path.starts_with(prefix.as_bytes()),
        }))
    }
}

impl Listener {
    fn server(&self, host: &[u8]) -> usize {
        if self.exact.is_empty() && self.wildcards.is_empty() {
            return self.default;
        }
        self.named(host).unwrap_or(self.default)
    }

    fn named(&self, host: &[u8]) -> Option<usize> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        let mut lower = [0; limits::HOST_BYTES_MAX];
        let lower = lower.get_mut(..host.len())?;
        lower.copy_from_slice(host);
        lower.make_ascii_lowercase();
        let exact = self.exact.binary_search_by(|(name, _)| name.as_bytes().cmp(lower));
        if let Ok(at) = exact {
            return Some(self.exact[at].1);
        }
        let mut wildcards = self.wildcards.iter();
        wildcards.find(|(name, _)| route::match_host(name, lower).is_some()).map(|(_, at)| *at)
    }
}

/// The addresses whose connections begin with a PROXY header.
fn introduced(config: &Config) -> Vec<SocketAddr> {
    let servers = config.servers.iter().map(|server| &server.listen);
    let streams = config.streams.iter().map(|stream| &stream.listen);
    let listens = servers.chain(streams).flatten();
    listens.filter(|listen| listen.proxy_protocol).map(|listen| listen.address).collect()
}

fn listeners(config: &Config) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = Vec::new();
    for (at, server) in config.servers.iter().enumerate() {
        for listen in &server.listen {
            let known = listeners.iter().position(|listener| listener.address == listen.address);
            let known = known.unwrap_or_else(|| {
                listeners.push(Listener {
                    address: listen.address,
                    default: default_of(config, listen.address).unwrap_or(at),
                    exact: Vec::new(),
                    wildcards: Vec::new(),
                });
                listeners.len() - 1
            });
            for host in &server.hosts {
                let names = if host.starts_with('*') {
                    &mut listeners[known].wildcards
                } else {
                    &mut listeners[known].exact
                };
                names.push((host.clone(), at));
            }
        }
    }
    for listener in &mut listeners {
        listener.exact.sort();
        listener.wildcards.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }
    listeners
}

fn default_of(config: &Config, address: SocketAddr) -> Option<usize> {
    config.servers.iter().position(|server| {
        server.hosts.is_empty() && server.listen.iter().any(|listen| listen.address == address)
    })
}

fn compile_server(server: &model::Server, config: &Config) -> Server {
    let mut routes: Vec<Route> =
        server.routes.iter().map(|route| compile_route(route, config)).collect();
    routes.sort_by_key(|route| match &route.path {
        PathMatch::Exact(_) => (0, std::cmp::Reverse(0)),
        PathMatch::Prefix(prefix) => (1, std::cmp::Reverse(prefix.len())),
    });
    let plain_name = server.hosts.iter().find(|host| !host.starts_with('*'));
    let address = server.listen.first().map(|listen| listen.address.to_string());
    Server {
        client: server.client,
        real_ip: server.real_ip.as_ref().map(|real_ip| RealIp {
            trusted: real_ip
                .from
                .iter()
                .map(|cidr| Network { address: cidr.network, prefix_bits: cidr.prefix_bits })
                .collect(),
            header: real_ip.header.clone(),
        }),
        host: plain_name.cloned().or(address).unwrap_or_default(),
        routes,
    }
}

fn compile_route(route: &model::Route, config: &Config) -> Route {
    let model::Action::Proxy { upstream } = &route.action;
    let named = config.upstreams.iter().position(|known| known.name == *upstream);
    let upstream = named.expect("the configuration's check resolves every upstream");
    let times = &config.upstreams[upstream];
    Route {
        path: route.path.clone(),
        limits: Limits {
            client: route.limits,
            connect_timeout_ms: times.connect_timeout_ms,
            backend_send_timeout_ms: times.send_timeout_ms,
            first_byte_timeout_ms: times.first_byte_timeout_ms,
            between_bytes_timeout_ms: times.between_bytes_timeout_ms,
        },
        action: Action::Proxy { upstream },
    }
}
