//! How backends are found unfit, and what serves when none is fit: active checks, outliers among
//! the backends of an upstream, and the choice for the worst case.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ProxyProtocol;
use super::route::Case;
use super::tls::Identity;

/// An active check; also the readiness probe of programs that serve the upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The upstream's: who reaches its backends must, too.
    pub(crate) bind: Option<IpAddr>,
    /// The same, since its backends expect it of every connection.
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) kind: CheckKind,
    /// Instead of the backend's own.
    pub(crate) port: Option<u16>,
    pub(crate) pace: Pace,
    pub(crate) timeout_ms: u64,
    pub(crate) fall: u32,
    pub(crate) rise: u32,
}

/// When a backend is asked again, from one question's beginning to the next one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) interval_ms: u64,
    /// While it is failed.
    pub(crate) interval_down_ms: u64,
    /// Each pause is up to so much longer or shorter.
    pub(crate) jitter_percent: u32,
}

/// What a backend is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CheckKind {
    /// An accepted connection is answer enough.
    Tcp,
    /// A finished handshake is.
    Tls(CheckTls),
    Http {
        request: CheckRequest,
        tls: Option<CheckTls>,
    },
}

impl CheckKind {
    pub(crate) fn tls(&self) -> Option<&CheckTls> {
        match self {
            Self::Http { tls, .. } => tls.as_ref(),
            Self::Tls(tls) => Some(tls),
            Self::Tcp => None,
        }
    }

    pub(crate) fn tls_mut(&mut self) -> Option<&mut CheckTls> {
        match self {
            Self::Http { tls, .. } => tls.as_mut(),
            Self::Tls(tls) => Some(tls),
            Self::Tcp => None,
        }
    }

    /// The same for backends of connections, which need not speak HTTP.
    pub(crate) fn without_request(self) -> Self {
        match self {
            Self::Http { tls: Some(tls), .. } | Self::Tls(tls) => Self::Tls(tls),
            Self::Http { tls: None, .. } | Self::Tcp => Self::Tcp,
        }
    }
}

/// A request, and which answers to it are good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    /// `None`: the backend's address.
    pub(crate) host: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) expect: Vec<Statuses>,
    pub(crate) body: Option<Excerpt>,
}

/// Statuses from the first to the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statuses {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// What a good answer's body holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Excerpt {
    Text(String),
    Regex { pattern: String, case: Case },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckTls {
    /// A DNS name, also sent as SNI, or an address; `None`: the request's host, else the address.
    pub(crate) server_name: Option<String>,
    /// Certificates that a backend's must lead to, as PEM; `None`: any certificate is good. Shared,
    /// since it can be long and a check is kept with each backend.
    pub(crate) roots: Option<Arc<str>>,
    /// What the backend is shown where it asks who we are.
    pub(crate) identity: Option<Identity>,
}

/// When a backend that serves worse than the others is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outlier {
    /// Of the requests of an interval, how many fail; `None`: errors do not count.
    pub(crate) error_percent: Option<u32>,
    /// Its median latency against the median of the others', in hundredths; `None`: latency does
    /// not count.
    pub(crate) latency_hundredths: Option<u32>,
    pub(crate) interval_ms: u64,
    /// With fewer in an interval a backend is not judged.
    pub(crate) requests_min: u32,
    /// The first time; so much longer each further time.
    pub(crate) eject_for_ms: u64,
    /// Of the weights of the upstream, how much may be out at a time.
    pub(crate) eject_max_percent: u32,
}

/// What becomes of requests while every backend is failed, by checks or by requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AllDown {
    /// 502, as nginx does.
    #[default]
    Refuse,
    /// The failed ones are asked; those that the operator took out are not.
    UseAll,
}

impl AllDown {
    pub(crate) const ALL: [Self; 2] = [Self::Refuse, Self::UseAll];

    /// The word in the configuration and the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::UseAll => "use_all",
        }
    }
}
