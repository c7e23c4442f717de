//! The variables that texts of the configuration may name: a small set, with nginx's names.
//!
//! Says which there are and when each is known. What they come to for a request is the worker's.

use serde::{Deserialize, Serialize};

use super::of_all::{self, OfAll};
use super::over_tls::{self, OverTls};

/// How far a request has come when a text is rendered. What is known early is known later, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Its head has been read and its route found.
    Request,
    /// The head of its response is being written.
    Response,
    /// Its last byte has been sent.
    End,
}

/// Names of headers, cookies and arguments are as written after the prefix; the first are matched
/// with `_` for every `-`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Variable {
    RemoteAddr,
    RemotePort,
    RemoteUser,
    Host,
    Request,
    RequestUri,
    RequestMethod,
    RequestLength,
    RequestTime,
    RequestId,
    /// The path in normal form, as routes are matched against it.
    Uri,
    Args,
    /// `?` when there are arguments.
    IsArgs,
    Scheme,
    ServerProtocol,
    ServerName,
    ServerAddr,
    ServerPort,
    Status,
    /// The guard that refused it.
    RefusedBy,
    LimitReqStatus,
    LimitConnStatus,
    FirewallVerdict,
    FirewallScore,
    FirewallRules,
    /// The page's site that may read the answer.
    CorsOrigin,
    BodyBytesSent,
    BytesSent,
    TimeIso8601,
    TimeLocal,
    Msec,
    Pid,
    Hostname,
    Connection,
    ConnectionRequests,
    ContentType,
    ContentLength,
    ProxyAddXForwardedFor,
    ProxyProtocolAddr,
    ProxyProtocolPort,
    /// The peer's own address, whatever `real_ip` makes of it.
    RealipRemoteAddr,
    UpstreamName,
    UpstreamAddr,
    UpstreamStatus,
    UpstreamResponseTime,
    UpstreamConnectTime,
    UpstreamHeaderTime,
    UpstreamBytesReceived,
    UpstreamBytesSent,
    Tls(OverTls),
    OfAll(OfAll),
    Argument(String),
    Cookie(String),
    RequestHeader(String),
    SentHeader(String),
    UpstreamHeader(String),
    /// What a group of the regular expression in force matched.
    Capture(u8),
    /// What one of the file's own tables comes to, by its place among them.
    Table(u16),
    /// What a step has set, by its number; empty before.
    Own(u16),
}

/// Every variable without a name in its name, by name.
const PLAIN: &[(&str, Variable)] = &[
    ("remote_addr", Variable::RemoteAddr),
    ("remote_port", Variable::RemotePort),
    ("remote_user", Variable::RemoteUser),
    ("host", Variable::Host),
    ("request", Variable::Request),
    ("request_uri", Variable::RequestUri),
    ("request_method", Variable::RequestMethod),
    ("request_length", Variable::RequestLength),
    ("request_time", Variable::RequestTime),
    ("request_id", Variable::RequestId),
    ("uri", Variable::Uri),
    ("args", Variable::Args),
    ("query_string", Variable::Args),
    ("is_args", Variable::IsArgs),
    ("scheme", Variable::Scheme),
    ("server_protocol", Variable::ServerProtocol),
    ("server_name", Variable::ServerName),
    ("server_addr", Variable::ServerAddr),
    ("server_port", Variable::ServerPort),
    ("status", Variable::Status),
    ("refused_by", Variable::RefusedBy),
    ("limit_req_status", Variable::LimitReqStatus),
    ("limit_conn_status", Variable::LimitConnStatus),
    ("firewall_verdict", Variable::FirewallVerdict),
    ("firewall_score", Variable::FirewallScore),
    ("firewall_rules", Variable::FirewallRules),
    ("cors_origin", Variable::CorsOrigin),
    ("body_bytes_sent", Variable::BodyBytesSent),
    ("bytes_sent", Variable::BytesSent),
    ("time_iso8601", Variable::TimeIso8601),
    ("time_local", Variable::TimeLocal),
    ("msec", Variable::Msec),
    ("pid", Variable::Pid),
    ("hostname", Variable::Hostname),
    ("connection", Variable::Connection),
    ("connection_requests", Variable::ConnectionRequests),
    ("content_type", Variable::ContentType),
    ("content_length", Variable::ContentLength),
    ("proxy_add_x_forwarded_for", Variable::ProxyAddXForwardedFor),
    ("proxy_protocol_addr", Variable::ProxyProtocolAddr),
    ("proxy_protocol_port", Variable::ProxyProtocolPort),
    ("realip_remote_addr", Variable::RealipRemoteAddr),
    ("upstream_name", Variable::UpstreamName),
    ("upstream_addr", Variable::UpstreamAddr),
    ("upstream_status", Variable::UpstreamStatus),
    ("upstream_response_time", Variable::UpstreamResponseTime),
    ("upstream_connect_time", Variable::UpstreamConnectTime),
    ("upstream_header_time", Variable::UpstreamHeaderTime),
    ("upstream_bytes_received", Variable::UpstreamBytesReceived),
    ("upstream_bytes_sent", Variable::UpstreamBytesSent),
];

type Named = fn(String) -> Variable;

/// The variables that go on with a name; the longest prefix first where two would fit.
const PREFIXES: [(&str, Named); 5] = [
    ("upstream_http_", Variable::UpstreamHeader),
    ("sent_http_", Variable::SentHeader),
    ("cookie_", Variable::Cookie),
    ("http_", Variable::RequestHeader),
    ("arg_", Variable::Argument),
];

impl Variable {
    /// The variable of a name without its `$`; groups of a regular expression are not among them.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some((_, variable)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Some(variable.clone());
        }
        if let Some((_, fact)) = over_tls::NAMED.iter().find(|(plain, _)| *plain == name) {
            return Some(Self::Tls(fact.clone()));
        }
        if let Some((_, count)) = of_all::NAMED.iter().find(|(plain, _)| *plain == name) {
            return Some(Self::OfAll(*count));
        }
        PREFIXES.iter().find_map(|(prefix, named)| {
            let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
            Some(named(rest.to_owned()))
        })
    }

    /// Every name, for hints; `NAME` stands for what follows a prefix.
    pub(crate) fn names() -> Vec<&'static str> {
        let named =
            ["arg_NAME", "cookie_NAME", "http_NAME", "sent_http_NAME", "upstream_http_NAME"];
        let of_tls = over_tls::NAMED.iter().map(|(name, _)| *name);
        let of_all = of_all::NAMED.iter().map(|(name, _)| *name);
        PLAIN.iter().map(|(name, _)| *name).chain(of_tls).chain(of_all).chain(named).collect()
    }

    /// From when on it means anything.
    pub(crate) fn known_from(&self) -> Stage {
        match self {
            Self::Status
            | Self::RefusedBy
            | Self::LimitReqStatus
            | Self::LimitConnStatus
            | Self::FirewallVerdict
            | Self::FirewallScore
            | Self::FirewallRules
            | Self::CorsOrigin
            | Self::RequestTime
            | Self::UpstreamHeader(_)
            | Self::UpstreamAddr
            | Self::UpstreamStatus
            | Self::UpstreamResponseTime
            | Self::UpstreamConnectTime
            | Self::UpstreamHeaderTime => Stage::Response,
            Self::RequestLength
            | Self::BodyBytesSent
            | Self::BytesSent
            | Self::SentHeader(_)
            | Self::UpstreamBytesReceived
            | Self::UpstreamBytesSent => Stage::End,
            Self::RemoteAddr
            | Self::RemotePort
            | Self::RemoteUser
            | Self::Host
            | Self::Request
            | Self::RequestUri
            | Self::RequestMethod
            | Self::RequestId
            | Self::Uri
            | Self::Args
            | Self::IsArgs
            | Self::Scheme
            | Self::ServerProtocol
            | Self::ServerName
            | Self::ServerAddr
            | Self::ServerPort
            | Self::TimeIso8601
            | Self::TimeLocal
            | Self::Msec
            | Self::Pid
            | Self::Hostname
            | Self::Connection
            | Self::ConnectionRequests
            | Self::ContentType
            | Self::ContentLength
            | Self::ProxyAddXForwardedFor
            | Self::ProxyProtocolAddr
            | Self::ProxyProtocolPort
            | Self::RealipRemoteAddr
            | Self::UpstreamName
            | Self::Tls(_)
            | Self::OfAll(_)
            | Self::Argument(_)
            | Self::Cookie(_)
            | Self::RequestHeader(_)
            | Self::Capture(_)
            // What it goes by is known to the report of its file.
            | Self::Table(_)
            | Self::Own(_) => Stage::Request,
        }
    }

    /// Whether a connection has it of which no byte is looked at.
    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::RemoteAddr
                | Self::RemotePort
                | Self::RealipRemoteAddr
                | Self::ServerAddr
                | Self::ServerPort
                | Self::ProxyProtocolAddr
                | Self::ProxyProtocolPort
        )
    }

    /// Whether it is read from the lines of the request's head, which are gone once the head was
    /// sent on unless they are kept.
    pub(crate) fn reads_request_head(&self) -> bool {
        match self {
            Self::RemoteUser
            | Self::Host
            | Self::Request
            | Self::RequestUri
            | Self::RequestMethod
            | Self::Args
            | Self::IsArgs
            | Self::ContentType
            | Self::ContentLength
            | Self::ProxyAddXForwardedFor
            | Self::Argument(_)
            | Self::Cookie(_)
            | Self::RequestHeader(_) => true,
            Self::RemoteAddr
            | Self::RemotePort
            | Self::RequestLength
            | Self::RequestTime
            | Self::RequestId
            | Self::Uri
            | Self::Scheme
            | Self::ServerProtocol
            | Self::ServerName
            | Self::ServerAddr
            | Self::ServerPort
            | Self::Status
            | Self::RefusedBy
            | Self::LimitReqStatus
            | Self::LimitConnStatus
            | Self::FirewallVerdict
            | Self::FirewallScore
            | Self::FirewallRules
            | Self::CorsOrigin
            | Self::BodyBytesSent
            | Self::BytesSent
            | Self::TimeIso8601
            | Self::TimeLocal
            | Self::Msec
            | Self::Pid
            | Self::Hostname
            | Self::Connection
            | Self::ConnectionRequests
            | Self::ProxyProtocolAddr
            | Self::ProxyProtocolPort
            | Self::RealipRemoteAddr
            | Self::UpstreamName
            | Self::UpstreamAddr
            | Self::UpstreamStatus
            | Self::UpstreamResponseTime
            | Self::UpstreamConnectTime
            | Self::UpstreamHeaderTime
            | Self::UpstreamBytesReceived
            | Self::UpstreamBytesSent
            | Self::Tls(_)
            | Self::OfAll(_)
            | Self::SentHeader(_)
            | Self::UpstreamHeader(_)
            | Self::Capture(_)
            // Those that it goes by are asked themselves.
            | Self::Table(_)
            | Self::Own(_) => false,
        }
    }
}
