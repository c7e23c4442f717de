//! The TCP routes of a configuration, compiled: what each of their addresses leads to.

use std::net::SocketAddr;

use crate::config::model::Config;
use crate::scoreboard::recent;

pub(crate) struct TcpRoute {
    listener: SocketAddr,
    /// In the generation's list.
    pub(crate) upstream: usize,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) idle_timeout_ms: u64,
    /// What stands in place of a path where requests are shown: the address.
    pub(crate) shown: recent::Path,
}

/// One for each address.
pub(crate) struct TcpRoutes(Vec<TcpRoute>);

impl TcpRoutes {
    pub(crate) fn compile(config: &Config) -> Self {
        let mut routes = Vec::new();
        for stream in &config.streams {
            let named = config.upstreams.iter().position(|known| known.name == stream.upstream);
            let upstream = named.expect("the configuration's check resolves every upstream");
            let default_ms = config.upstreams[upstream].connect_timeout_ms;
            routes.extend(stream.listen.iter().map(|listen| TcpRoute {
                listener: listen.address,
                upstream,
                connect_timeout_ms: stream.connect_timeout_ms.unwrap_or(default_ms),
                idle_timeout_ms: stream.idle_timeout_ms,
                shown: recent::Path::new(listen.address.to_string().as_bytes()),
            }));
        }
        Self(routes)
    }

    pub(crate) fn of(&self, listener: SocketAddr) -> Option<&TcpRoute> {
        self.0.iter().find(|route| route.listener == listener)
    }
}
