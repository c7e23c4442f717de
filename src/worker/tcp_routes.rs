//! The TCP routes of a configuration, compiled: what each of their addresses leads to.

use std::rc::Rc;

use super::tls::serving::Serving;
use crate::config::limits;
use crate::config::model::tls::ServerTls;
use crate::config::model::{Address, Config};
use crate::http::route;
use crate::scoreboard::{Board, recent};
use crate::sys;

pub(crate) struct TcpRoute {
    listener: Address,
    /// In the generation's list.
    upstream: usize,
    /// Where TLS clients go that ask for these hosts.
    hosts: Vec<(String, usize)>,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) idle_timeout_ms: u64,
    /// Whether its clients speak TLS, and how long they may take to begin it.
    pub(crate) is_secure: bool,
    pub(crate) handshake_timeout_ms: u64,
    /// What they are shown then.
    pub(crate) tls: Option<Rc<Serving>>,
    /// What stands in place of a path where requests are shown: the address.
    pub(crate) shown: recent::Path,
}

impl TcpRoute {
    /// Whether it goes by what TLS clients ask for.
    pub(crate) fn asks(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The upstream of a host: the most precise name that it has decides.
    pub(crate) fn upstream_of(&self, host: Option<&[u8]>) -> usize {
        let precision = |(name, at): &(String, usize)| Some((route::match_host(name, host?)?, *at));
        let best = self.hosts.iter().filter_map(precision).max_by_key(|(precision, _)| *precision);
        best.map_or(self.upstream, |(_, upstream)| upstream)
    }
}

/// One for each address.
pub(crate) struct TcpRoutes(Vec<TcpRoute>);

impl TcpRoutes {
    pub(crate) fn compile(config: &Config, board: Board) -> Self {
        let mut routes = Vec::new();
        for stream in &config.streams {
            let named = |name: &str| {
                let at = config.upstreams.iter().position(|known| known.name == name);
                at.expect("the configuration's check resolves every upstream")
            };
            let upstream = named(&stream.upstream);
            let of_sni = stream.sni.iter().flat_map(|sni| {
                let upstream = named(&sni.upstream);
                sni.hosts.iter().map(move |host| (host.clone(), upstream))
            });
            let hosts: Vec<(String, usize)> = of_sni.collect();
            let default_ms = config.upstreams[upstream].connect_timeout_ms;
            let tls = stream.tls.as_ref().and_then(|tls| serving(tls, &stream.upstream, board));
            let handshake_timeout_ms = stream
                .tls
                .as_ref()
                .map_or(limits::HANDSHAKE_TIMEOUT_MS, |tls| tls.handshake_timeout_ms);
            routes.extend(stream.listen.iter().map(|listen| TcpRoute {
                listener: listen.address.clone(),
                upstream,
                hosts: hosts.clone(),
                connect_timeout_ms: stream.connect_timeout_ms.unwrap_or(default_ms),
                idle_timeout_ms: stream.idle_timeout_ms,
                is_secure: listen.tls,
                handshake_timeout_ms,
                tls: tls.clone(),
                shown: recent::Path::new(listen.address.to_string().as_bytes()),
            }));
        }
        Self(routes)
    }

    pub(crate) fn of(&self, listener: &Address) -> Option<&TcpRoute> {
        self.0.iter().find(|route| route.listener == *listener)
    }
}

fn serving(tls: &ServerTls, upstream: &str, board: Board) -> Option<Rc<Serving>> {
    match Serving::compile(tls, board) {
        Ok(serving) => Some(Rc::new(serving)),
        Err(error) => {
            sys::log::error!(
                "worker",
                "TLS of a route to {upstream}: {error}; its clients get none"
            );
            None
        }
    }
}
