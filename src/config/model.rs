//! The checked configuration: what the file says, in final types, with names resolved.
//!
//! Plain data, cheap to compare (reload diffs two of these) and to send to a worker as bytes.
//! Addresses of backends stay text plus parsed form, because the text is the backend's name.

pub(crate) mod access_log;
pub(crate) mod capacity;
pub(crate) mod control;
pub(crate) mod files;
pub(crate) mod firewall;
pub(crate) mod group;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod life;
pub(crate) mod listener;
pub(crate) mod log;
pub(crate) mod output;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod restart;
pub(crate) mod route;
pub(crate) mod server_name;
pub(crate) mod step;
pub(crate) mod stop;
pub(crate) mod table;
pub(crate) mod tls;
pub(crate) mod tree;
pub(crate) mod vitals;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::limits;
use super::retry::Retry;
use super::strategy::Timing;
use super::template::Template;

/// A whole configuration, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) engine: Engine,
    pub(crate) servers: Vec<Server>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) limits: Vec<guard::Zone>,
    /// Texts name them by their places here.
    pub(crate) tables: Vec<table::Table>,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) programs: Vec<program::Program>,
    pub(crate) groups: Vec<group::Group>,
    pub(crate) control: control::Control,
    /// What the console shows as the configuration's name: a path, or "embedded default".
    pub(crate) source: String,
    /// The embedded default takes the next free port where a named configuration reports an error.
    pub(crate) is_embedded: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) workers: Workers,
    pub(crate) user: Option<String>,
    /// For requests and programs to finish; `None`: as long as what programs are promised takes,
    /// within bounds.
    pub(crate) shutdown_timeout_ms: Option<u64>,
    /// Clients' connections that one worker serves at a time; `None`: what its open files are for,
    /// up to a bound.
    pub(crate) worker_connections: Option<u32>,
    /// For request bodies that outgrow memory; `None`: the machine's own.
    pub(crate) temp_folder: Option<PathBuf>,
    /// Workers open only what is served, and write only where logs and kept requests belong.
    pub(crate) confine_files: bool,
    /// For upstreams that say nothing else.
    pub(crate) resolve: Resolve,
    pub(crate) tracking: Tracking,
    /// Where the main process's number is written while the engine listens.
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) log_level: log::LogLevel,
}

impl Engine {
    /// How long requests may take to finish on a worker that is to go.
    pub(crate) fn drain_ms(&self) -> u64 {
        self.shutdown_timeout_ms.unwrap_or(limits::SHUTDOWN_TIMEOUT_MS)
    }
}

/// The best way to keep hold of what programs start that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tracking {
    Auto,
    /// No control groups.
    Session,
    /// The process group alone.
    Group,
}

/// How names of backends are looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resolve {
    /// Empty: those of `/etc/resolv.conf`, as they are at each lookup.
    pub(crate) servers: Vec<SocketAddr>,
    /// How long an answer is good; without it the answer says so itself, within bounds.
    pub(crate) valid_ms: Option<u64>,
    /// For the answer to one question, repetitions included.
    pub(crate) timeout_ms: u64,
    pub(crate) family: Family,
}

/// Which addresses of a host are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

impl Family {
    pub(crate) const ALL: [Self; 3] = [Self::Any, Self::V4, Self::V6];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Workers {
    /// One per core.
    Auto,
    Count(u16),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) listen: Vec<Listen>,
    /// As `server_name::HostName` reads them. Empty: it is the default server of its listeners.
    pub(crate) hosts: Vec<String>,
    /// What it is called, where it says so.
    pub(crate) called: Option<String>,
    pub(crate) real_ip: Option<RealIp>,
    /// Before a route is looked for.
    pub(crate) steps: Vec<step::Step>,
    pub(crate) routes: Vec<route::Route>,
    pub(crate) shape: route::Shape,
    pub(crate) client: ClientLimits,
    /// `None`: none of its listeners speaks TLS.
    pub(crate) tls: Option<tls::ServerTls>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listen {
    pub(crate) address: Address,
    /// Of the file, where it is one: who may connect.
    pub(crate) mode: u32,
    /// Every connection begins with a PROXY header, whose word on the client is believed.
    pub(crate) proxy_protocol: bool,
    pub(crate) tls: bool,
    /// Whether clients may speak HTTP/2: agreed on in TLS's handshake, or at once where there is none.
    pub(crate) http2: bool,
}

/// Limits of a client's connection; defaults in `limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientLimits {
    /// Those of the listener's default server count, for the head tells which server it is for.
    pub(crate) head: HeadLimits,
    pub(crate) keepalive: Keepalive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadLimits {
    pub(crate) bytes_max: usize,
    pub(crate) lines_max: usize,
    pub(crate) target_bytes_max: usize,
    /// From the first byte to the last, however they come.
    pub(crate) timeout_ms: u64,
}

/// How long a connection is kept for further requests, and for how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keepalive {
    pub(crate) timeout_ms: u64,
    pub(crate) requests_max: u32,
}

/// Bounds and time limits of a route's requests, towards the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestLimits {
    pub(crate) body_bytes_max: u64,
    pub(crate) body_timeout_ms: u64,
    pub(crate) send_timeout_ms: u64,
    pub(crate) half_close: HalfClose,
    pub(crate) delivery: Delivery,
    pub(crate) rate: guard::ResponseRate,
}

/// What the end of a client's side means after a whole request: one that has left looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HalfClose {
    /// It has left: the request is taken back, as nginx does.
    Cancel,
    /// It waits for its answer, as RFC 9112 9.6 allows; one that left is noticed by writing.
    Answer,
}

/// How a request's body reaches the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Delivery {
    /// As it comes.
    Streamed,
    /// Once it is whole, so that a slow client holds no backend, and that it can be sent again.
    Buffered,
}

/// Whose word on the client's address is believed (nginx `set_real_ip_from`, recursive).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RealIp {
    pub(crate) from: Vec<Cidr>,
    pub(crate) header: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cidr {
    pub(crate) network: std::net::IpAddr,
    pub(crate) prefix_bits: u8,
}

/// A TCP route: connections as they are, from its listeners to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Addresses that no server and no other route has.
    pub(crate) listen: Vec<Listen>,
    /// Name of an upstream that exists in the same configuration.
    pub(crate) upstream: String,
    /// Upstreams in its place for TLS clients that ask for these hosts; empty: nobody is asked.
    pub(crate) sni: Vec<Sni>,
    /// In place of the upstream's own.
    pub(crate) connect_timeout_ms: Option<u64>,
    /// Without a byte in either direction.
    pub(crate) idle_timeout_ms: u64,
    /// On those of its addresses that speak it; the backend hears what is said in it.
    pub(crate) tls: Option<tls::ServerTls>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sni {
    /// Lower case; `*.example.com` matches any depth below.
    pub(crate) hosts: Vec<String>,
    pub(crate) upstream: String,
}

/// What leads to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Routes of servers, or nothing yet.
    #[default]
    Http,
    /// TCP routes alone.
    Tcp,
    Both,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) strategy: Strategy,
    /// What the hash strategies go by; without them it waits for the operator to switch.
    pub(crate) hash_key: Option<Template>,
    /// What `least_time` goes by.
    pub(crate) timing: Timing,
    pub(crate) retry: Retry,
    pub(crate) links: Links,
    /// `None`: its backends are spoken to in plain.
    pub(crate) tls: Option<tls::UpstreamTls>,
    pub(crate) check: Option<health::Check>,
    /// `None`: nobody is compared with the others.
    pub(crate) outlier: Option<health::Outlier>,
    pub(crate) all_down: health::AllDown,
    pub(crate) drain_timeout_ms: u64,
    pub(crate) slow_start_ms: u64,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) send_timeout_ms: u64,
    pub(crate) first_byte_timeout_ms: u64,
    pub(crate) between_bytes_timeout_ms: u64,
    pub(crate) resolve: Resolve,
    /// Without one, a request that finds every backend full is refused.
    pub(crate) queue: Option<capacity::Queue>,
    pub(crate) sticky: Option<capacity::Sticky>,
    pub(crate) backends: Vec<Backend>,
}

/// Connections of one worker to the backends of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Links {
    /// Kept for further requests.
    pub(crate) idle_max: u16,
    pub(crate) idle_timeout_ms: u64,
    /// Older ones take no further request.
    pub(crate) age_max_ms: u64,
    pub(crate) requests_max: u32,
    /// Serving or idle.
    pub(crate) connections_max: u32,
    /// Silence after which the kernel asks whether the other side is still there; 0: never.
    pub(crate) tcp_keepalive_ms: u64,
    /// Where TCP connections come from; `None`: the kernel chooses.
    pub(crate) bind: Option<IpAddr>,
    /// What each connection begins with; such a one serves a single request.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    /// Whether backends are spoken to in HTTP/2: agreed on over TLS, known beforehand without.
    pub(crate) http2: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProxyProtocol {
    V1,
    V2,
}

impl Upstream {
    pub(crate) fn discoveries(&self) -> impl Iterator<Item = &Discovery> {
        self.backends.iter().filter_map(|backend| match &backend.address {
            Location::Fixed(_) => None,
            Location::Discovered(discovery) => Some(discovery),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strategy {
    RoundRobin,
    LeastConn,
    IpHash,
    Random,
    RandomTwo,
    Hash,
    HashConsistent,
    LeastTime,
}

impl Strategy {
    pub(crate) const ALL: [Self; 8] = [
        Self::RoundRobin,
        Self::LeastConn,
        Self::IpHash,
        Self::Random,
        Self::RandomTwo,
        Self::Hash,
        Self::HashConsistent,
        Self::LeastTime,
    ];

    /// The name in the configuration, the API and the CLI.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RoundRobin => "round_robin",
            Self::LeastConn => "least_conn",
            Self::IpHash => "ip_hash",
            Self::Random => "random",
            Self::RandomTwo => "random_two",
            Self::Hash => "hash",
            Self::HashConsistent => "hash_consistent",
            Self::LeastTime => "least_time",
        }
    }

    /// Whether backups mean anything to it: hashes and draws are among all.
    pub(crate) fn takes_backups(self) -> bool {
        match self {
            Self::RoundRobin | Self::LeastConn | Self::LeastTime => true,
            Self::IpHash | Self::Random | Self::RandomTwo | Self::Hash | Self::HashConsistent => {
                false
            }
        }
    }

    /// Whether it goes by the upstream's `hash_key`.
    pub(crate) fn needs_key(self) -> bool {
        match self {
            Self::Hash | Self::HashConsistent => true,
            Self::RoundRobin
            | Self::LeastConn
            | Self::IpHash
            | Self::Random
            | Self::RandomTwo
            | Self::LeastTime => false,
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backend {
    pub(crate) address: Location,
    pub(crate) weight: u32,
    pub(crate) max_fails: u32,
    pub(crate) fail_timeout_s: u32,
    /// Requests or sessions in flight there, of all workers; 0: no bound.
    pub(crate) max_conns: u32,
    /// Those of a higher number serve only while none of a lower one can.
    pub(crate) priority: u8,
    pub(crate) backup: bool,
    pub(crate) down: bool,
    /// What sticky clients carry in place of a digest of the address.
    pub(crate) route: Option<String>,
}

/// Where a backend of the file is, or how those it stands for are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Location {
    Fixed(Address),
    Discovered(Discovery),
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(address) => address.fmt(f),
            Self::Discovered(discovery) => discovery.fmt(f),
        }
    }
}

/// Backends that are found while the engine runs, each address one of them. Its text (`Display`) is
/// what people call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Discovery {
    /// The A and AAAA records of a name.
    Host { name: String, port: u16 },
    /// The SRV records of a name; ports, weights and priorities come with them.
    Service { name: String },
    /// The lines of a file, which is watched.
    File { path: PathBuf },
}

impl std::fmt::Display for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host { name, port } => write!(f, "{name}:{port}"),
            Self::Service { name } => write!(f, "srv:{name}"),
            Self::File { path } => write!(f, "file:{}", path.display()),
        }
    }
}

/// Where somebody listens. Its text (`Display`) is a backend's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            bytes_max: limits::HEAD_BYTES_MAX,
            lines_max: limits::HEADERS_MAX,
            target_bytes_max: limits::TARGET_BYTES,
            timeout_ms: limits::HEADER_READ_TIMEOUT_MS,
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            timeout_ms: limits::KEEPALIVE_TIMEOUT_MS,
            requests_max: limits::REQUESTS_PER_CONNECTION,
        }
    }
}

impl Address {
    /// The inverse of `Display`; `None` for anything else, a host name included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Some(Self::Unix(path.into())),
            Some(_) => None,
            None => text.parse().ok().map(Self::Tcp),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
