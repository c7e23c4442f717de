//! What is shown of recent requests, and which of them somebody wants to see: the filter of
//! `GET /v1/requests`, as typed in a query string, on the command line or in the console, and matched by
//! the engine.
//!
//! Pure. A filter that is not understood is an error, never one that matches everything.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::percent;

/// One finished request, as `GET /v1/requests` streams them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RequestRecord {
    /// When it ended.
    pub(crate) wall_ms: u64,
    /// The worker's slot, and the request's running number in that slot: its identity.
    pub(crate) worker: u16,
    pub(crate) seq: u64,
    pub(crate) client: String,
    /// `HTTP/1.0`, `HTTP/1.1`, `HTTP/2.0`, or `TCP` for a TCP route's connection.
    #[serde(default)]
    pub(crate) protocol: String,
    /// `-` for an uncommon one.
    pub(crate) method: String,
    /// Its first 24 bytes, empty when there was none.
    pub(crate) host: String,
    /// Without the query, its first 48 bytes.
    pub(crate) path: String,
    pub(crate) is_host_cut: bool,
    pub(crate) is_path_cut: bool,
    /// 499: the client left before the response was through.
    pub(crate) status: u16,
    /// From the head's arrival to the response's last byte.
    pub(crate) service_us: u32,
    /// To the client, head and body.
    pub(crate) bytes: u64,
    pub(crate) upstream: Option<String>,
    /// The one asked last, while it is still there.
    pub(crate) backend: Option<String>,
    /// Backends asked.
    pub(crate) tries: u8,
}

/// A line of `GET /v1/requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum RequestLine {
    /// So many requests were not looked at: there were too many of them, or the reader was slow.
    Lost {
        lost: u64,
    },
    Request(Box<RequestRecord>),
}

/// All that is given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) upstream: Option<String>,
    /// Its name, alone or after its upstream's: `api/10.0.3.1:8080`.
    pub(crate) backend: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) method: Option<String>,
    pub(crate) host: Option<String>,
    /// Any part of the path, as far as it is kept.
    pub(crate) path: Option<String>,
    pub(crate) client: Option<Client>,
}

/// One status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Exactly(u16),
    /// The first digit.
    Class(u16),
}

/// An address, or all of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    address: IpAddr,
    prefix_bits: u8,
}

impl Filter {
    pub(crate) const NAMES: [&str; 7] =
        ["upstream", "backend", "status", "method", "host", "path", "client"];

    /// Takes one parameter; `Ok(false)`: it is not a filter's. An empty value asks for nothing.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let text = || (!value.is_empty()).then(|| value.to_owned());
        match name {
            "upstream" => self.upstream = text(),
            "backend" => self.backend = text(),
            "method" => self.method = text(),
            "host" => self.host = text(),
            "path" => self.path = text(),
            "status" => self.status = text().map(|text| Status::parse(&text)).transpose()?,
            "client" => self.client = text().map(|text| Client::parse(&text)).transpose()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The query string that `take` reads back, each parameter after an `&`.
    pub(crate) fn parameters(&self) -> String {
        let pairs = [
            ("upstream", self.upstream.clone()),
            ("backend", self.backend.clone()),
            ("status", self.status.map(|status| status.to_string())),
            ("method", self.method.clone()),
            ("host", self.host.clone()),
            ("path", self.path.clone()),
            ("client", self.client.map(|client| client.to_string())),
        ];
        pairs
            .into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", percent::encode(&value?))))
            .collect()
    }

    pub(crate) fn matches(&self, record: &RequestRecord) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
        };
        let upstream = record.upstream.as_deref().unwrap_or_default();
        is(&self.upstream, upstream)
            && is(&self.method, &record.method)
            && is(&self.host, &record.host)
            && self.status.is_none_or(|status| status.matches(record.status))
            && self.path.as_deref().is_none_or(|path| record.path.contains(path))
            && self.client.is_none_or(|client| client.matches(&record.client))
            && self.backend.as_deref().is_none_or(|wanted| {
                let backend = record.backend.as_deref().unwrap_or_default();
                wanted == backend
                    || wanted.strip_prefix(upstream).and_then(|rest| rest.strip_prefix('/'))
                        == Some(backend)
            })
    }
}

impl Status {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let class = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX"));
        match class {
            Some(class) => {
                class.parse().ok().filter(|class| (1..=5).contains(class)).map(Self::Class)
            }
            None => {
                text.parse().ok().filter(|status| (100..=599).contains(status)).map(Self::Exactly)
            }
        }
        .ok_or_else(|| format!("`{text}` is no status: expected such as 404 or 5xx"))
    }

    pub(crate) fn matches(self, status: u16) -> bool {
        match self {
            Self::Exactly(wanted) => status == wanted,
            Self::Class(class) => status / 100 == class,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

impl Client {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let wrong = || format!("`{text}` is no client: expected such as 10.0.1.7 or 10.0.0.0/8");
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map(str::parse).transpose().map_err(|_| wrong())?;
        let prefix_bits = bits.unwrap_or(whole);
        if prefix_bits > whole { Err(wrong()) } else { Ok(Self { address, prefix_bits }) }
    }

    fn matches(self, client: &str) -> bool {
        match (self.address, client.parse()) {
            (IpAddr::V4(network), Ok(IpAddr::V4(client))) => {
                let beyond = 32 - u32::from(self.prefix_bits);
                let differs = network.to_bits() ^ client.to_bits();
                differs.checked_shr(beyond).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), Ok(IpAddr::V6(client))) => {
                let beyond = 128 - u32::from(self.prefix_bits);
                let differs = network.to_bits() ^ client.to_bits();
                differs.checked_shr(beyond).unwrap_or(0) == 0
            }
            (IpAddr::V4(_) | IpAddr::V6(_), _) => false,
        }
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RequestRecord {
        RequestRecord {
            client: "10.1.2.3".to_owned(),
            method: "GET".to_owned(),
            host: "example.com".to_owned(),
            path: "/api/users".to_owned(),
            status: 502,
            upstream: Some("api".to_owned()),
            backend: Some("unix:/run/api.sock".to_owned()),
            ..RequestRecord::default()
        }
    }

    fn filter(parameters: &str) -> Result<Filter, String> {
        let mut filter = Filter::default();
        for pair in parameters.split('&') {
            let (name, value) = pair.split_once('=').unwrap();
            assert!(filter.take(name, value)?, "{name} is a filter's");
        }
        Ok(filter)
    }

    #[test]
    fn all_that_is_given_must_match() {
        for (parameters, expected) in [
            ("upstream=api&status=5xx", true),
            ("upstream=api&status=4xx", false),
            ("status=502", true),
            ("status=503", false),
            ("backend=unix:/run/api.sock", true),
            ("backend=api/unix:/run/api.sock", true),
            ("backend=web/unix:/run/api.sock", false),
            ("backend=unix:/run", false),
            ("path=users", true),
            ("path=/users/", false),
            ("host=EXAMPLE.com&method=get", true),
            ("method=POST", false),
            ("client=10.1.2.3", true),
            ("client=10.0.0.0/8", true),
            ("client=0.0.0.0/0", true),
            ("client=10.1.2.0/31", false),
            ("client=::/0", false),
            ("client=", true),
        ] {
            let filter = filter(parameters).unwrap();
            assert_eq!(filter.matches(&record()), expected, "{parameters}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for wrong in
            ["status=6xx", "status=99", "status=x", "client=10.0.0", "client=::/129", "client=a/8"]
        {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Filter::default().take("colour", "red"), Ok(false));
    }

    #[test]
    fn a_filter_survives_its_query_string() {
        let mut given = filter("upstream=a&status=5xx&client=10.0.0.0/8&method=GET").unwrap();
        given.path = Some("/a b&c=%".to_owned());
        let mut read = Filter::default();
        for pair in given.parameters().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            read.take(name, &percent::decode(value).unwrap()).unwrap();
        }
        assert_eq!(read, given);
    }
}
