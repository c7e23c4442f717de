//! What the configuration's variables come to for a request.
//!
//! Writes into a buffer that is kept; allocates nothing. Which variables a text may have at which
//! moment was settled when the configuration was read, so here everything has a value or none.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;

use super::attempts::Attempt;
use super::connection::Connection;
use super::exchange::Exchange;
use super::guard::LimitStatus;
use super::peer_text::PeerText;
use super::tables::Tables;
use super::tls;
use crate::config::model::Address;
use crate::config::template::{Part, Template, Variable};
use crate::http::escape::{self, Place};
use crate::http::head::{Header, Span};
use crate::http::{credentials, date, lookup, route, target};

/// What the groups of a regular expression matched: ranges of its subject.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Groups<'a> {
    pub(crate) subject: &'a [u8],
    pub(crate) spans: &'a [Span],
}

/// What is known about a request.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) exchange: &'a Exchange,
    /// The head that `exchange.request` was parsed from.
    pub(crate) head: &'a [u8],
    /// The same of `exchange.response`; empty without one.
    pub(crate) reply_head: &'a [u8],
    /// The first name of the request's server; its address when it has none.
    pub(crate) server_name: &'a str,
    pub(crate) upstream_name: Option<&'a str>,
    /// The file's own.
    pub(crate) tables: &'a Tables,
    /// Of the expression in force.
    pub(crate) groups: Groups<'a>,
    /// Of the answer; 0 while there is none.
    pub(crate) status: u16,
}

/// Whether a variable has a value; an empty one is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Written,
    Absent,
}

/// How what is rendered is going to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it is: a body, or what is escaped as a whole afterwards.
    Plain,
    /// One header line's value.
    Line,
    /// A `Location`.
    Location,
    /// The query of a target.
    Query,
}

/// Appends a text with its variables' values; what has none is left out.
pub(crate) fn render(out: &mut Vec<u8>, template: &Template, facts: &Facts<'_>, manner: Manner) {
    for part in &template.parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Variable(variable) => {
                let start = out.len();
                facts.write(out, variable);
                if let Some(place) = place(manner, variable) {
                    escape::tail(out, start, place);
                }
            }
        }
    }
}

/// The same for a connection of which no byte is looked at: by the few variables that it has, which
/// are all that the configuration allows there.
pub(crate) fn render_of_connection(
    out: &mut Vec<u8>,
    template: &Template,
    connection: &Connection,
) {
    for part in &template.parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Variable(Variable::RemoteAddr) => {
                out.extend_from_slice(PeerText::new(connection.peer).as_bytes());
            }
            Part::Variable(variable) => {
                of_connection(out, variable, connection);
            }
        }
    }
}

/// What a variable's value must not hold. What was decoded may be any bytes and is escaped again;
/// the rest stands as it was received.
fn place(manner: Manner, variable: &Variable) -> Option<Place> {
    let is_decoded =
        matches!(variable, Variable::Uri | Variable::Capture(_) | Variable::RemoteUser);
    match (manner, is_decoded) {
        (Manner::Plain, _) => None,
        (Manner::Line, _) => Some(Place::Line),
        (Manner::Location, true) => Some(Place::Path),
        (Manner::Location, false) => Some(Place::Url),
        (Manner::Query, true) => Some(Place::Argument),
        (Manner::Query, false) => Some(Place::Target),
    }
}

impl<'a> Facts<'a> {
    /// Appends the variable's value as it is.
    pub(crate) fn write(&self, out: &mut Vec<u8>, variable: &Variable) -> Value {
        let Self { connection, exchange, .. } = *self;
        let shared = &connection.shared;
        match variable {
            Variable::Request => self.request(out),
            Variable::RequestUri => put(out, self.target()),
            Variable::RequestMethod => put(out, exchange.request.method_name.in_bytes(self.head)),
            Variable::RequestLength => number(out, exchange.request_bytes()),
            Variable::RequestTime => seconds(out, exchange.elapsed_us(shared.now_us())),
            Variable::RequestId => put(out, &exchange.kept.request_id),
            Variable::ServerProtocol => put(out, self.protocol()),
            Variable::Uri => put(out, &exchange.kept.uri),
            Variable::Args => put_some(out, self.args()),
            Variable::IsArgs => put(out, self.args().map_or(b"", |_| b"?")),
            Variable::Argument(name) => {
                put_some(out, self.args().and_then(|args| lookup::argument(args, name.as_bytes())))
            }
            Variable::Host => self.host(out),
            Variable::RemoteUser => self.user(out),
            Variable::ContentType => put_some(out, self.header("content-type")),
            Variable::ContentLength => put_some(out, self.header("content-length")),
            Variable::Cookie(name) => put_some(out, self.cookie(name)),
            Variable::RequestHeader(name) => list(out, self.headers(name)),
            Variable::ProxyAddXForwardedFor => self.proxies(out),
            Variable::Capture(group) => put_some(out, self.group(*group)),
            Variable::Own(at) => put(out, exchange.kept.way.own.get(*at)),
            Variable::Table(at) => self.tables.write(out, *at, self),
            Variable::RemoteAddr => self.client(out),
            Variable::RealipRemoteAddr
            | Variable::RemotePort
            | Variable::ServerAddr
            | Variable::ServerPort
            | Variable::ProxyProtocolAddr
            | Variable::ProxyProtocolPort => of_connection(out, variable, connection),
            Variable::ServerName => put(out, self.server_name.as_bytes()),
            Variable::Scheme => put(out, connection.client.scheme()),
            Variable::Tls(fact) => {
                put_some(out, tls::facts::of(&connection.client, fact).map(str::as_bytes))
            }
            Variable::OfAll(count) => number(out, shared.of_all(*count)),
            Variable::Connection => number(out, u64::from(connection.number)),
            Variable::ConnectionRequests => number(out, u64::from(connection.served)),
            Variable::Pid => number(out, u64::from(std::process::id())),
            Variable::Hostname => put(out, shared.hostname.as_bytes()),
            Variable::TimeLocal => put(out, &date::log_time(&shared.date())),
            Variable::TimeIso8601 => put(out, &date::iso8601(&shared.date())),
            Variable::Msec => seconds(out, shared.wall_us()),
            Variable::Status => self.status(out),
            Variable::RefusedBy => put_some(out, self.refused_by()),
            Variable::CorsOrigin => put(out, &exchange.kept.cors_origin),
            Variable::LimitReqStatus => limit_status(out, exchange.limited.rate),
            Variable::LimitConnStatus => limit_status(out, exchange.limited.connections),
            Variable::FirewallVerdict => {
                put_some(out, exchange.inspecting.outcome().map(|it| it.name().as_bytes()))
            }
            Variable::FirewallScore => self.firewall_score(out),
            Variable::FirewallRules => self.firewall_rules(out),
            Variable::BytesSent => number(out, exchange.to_client.moved()),
            Variable::BodyBytesSent => number(out, self.body_bytes_sent()),
            Variable::SentHeader(name) => list(out, lookup::lines(&exchange.to_client.head, name)),
            Variable::UpstreamHeader(name) => list(out, self.upstream_headers(name)),
            Variable::UpstreamName => put_some(out, self.upstream_name.map(str::as_bytes)),
            Variable::UpstreamAddr => self.upstream_addresses(out),
            Variable::UpstreamStatus => self.upstream_statuses(out),
            Variable::UpstreamResponseTime => self.times(out, |attempt| attempt.response_us),
            Variable::UpstreamConnectTime => self.times(out, |attempt| attempt.connect_us),
            Variable::UpstreamHeaderTime => self.times(out, |attempt| attempt.header_us),
            Variable::UpstreamBytesSent => self.if_asked(out, exchange.to_backend.moved()),
            Variable::UpstreamBytesReceived => self.if_asked(out, exchange.reply_bytes()),
        }
    }

    fn refused_by(&self) -> Option<&'a [u8]> {
        self.exchange.refused_by.map(|reason| reason.name().as_bytes())
    }

    fn firewall_score(&self, out: &mut Vec<u8>) -> Value {
        let score = self.exchange.inspecting.score();
        score.map_or(Value::Absent, |score| number(out, u64::from(score)))
    }

    fn firewall_rules(&self, out: &mut Vec<u8>) -> Value {
        let start = out.len();
        self.exchange.inspecting.write_rules(out);
        if out.len() == start { Value::Absent } else { Value::Written }
    }

    fn protocol(&self) -> &'static [u8] {
        self.exchange.protocol(self.connection).name().as_bytes()
    }

    /// The proxies that the request has passed, the peer among them.
    fn proxies(&self, out: &mut Vec<u8>) -> Value {
        let before = self.headers("x_forwarded_for").filter(|value| !value.is_empty());
        list(out, before.chain([self.connection.peer_text.as_bytes()]))
    }

    fn group(&self, group: u8) -> Option<&'a [u8]> {
        let span = self.groups.spans.get(usize::from(group))?;
        Some(span.in_bytes(self.groups.subject))
    }

    fn status(&self, out: &mut Vec<u8>) -> Value {
        match self.status {
            0 => Value::Absent,
            status => number(out, u64::from(status)),
        }
    }

    /// Most clients are who has connected, whose text is there.
    fn client(&self, out: &mut Vec<u8>) -> Value {
        if self.exchange.client == self.connection.peer {
            return put(out, self.connection.peer_text.as_bytes());
        }
        put(out, PeerText::new(self.exchange.client).as_bytes())
    }

    fn body_bytes_sent(&self) -> u64 {
        let sent = &self.exchange.to_client;
        sent.moved().saturating_sub(lookup::head_bytes(&sent.head) as u64)
    }

    /// The first line, and in the place of a line that there never was the one that is nginx's.
    fn request(&self, out: &mut Vec<u8>) -> Value {
        let line = self.request_line();
        if self.connection.client.is_of_http2()
            && let Some(asked) = line.strip_suffix(b"HTTP/1.1")
        {
            out.extend_from_slice(asked);
            return put(out, self.protocol());
        }
        put(out, line)
    }

    /// The first line of the head, without what may stand before and after it.
    fn request_line(&self) -> &'a [u8] {
        let head = self.head.trim_ascii_start();
        let line = &head[..head.iter().position(|&byte| byte == b'\n').unwrap_or(head.len())];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    fn target(&self) -> &'a [u8] {
        match self.exchange.request.path_and_query.in_bytes(self.head) {
            [] => b"/",
            target => target,
        }
    }

    /// What stands behind the question mark; `None` without one.
    pub(crate) fn args(&self) -> Option<&'a [u8]> {
        let way = &self.exchange.kept.way;
        if way.is_rewritten {
            return Some(way.args.as_slice()).filter(|args| !args.is_empty());
        }
        let target = self.target();
        target.get(target::path(target).len() + 1..)
    }

    /// nginx's `$host`: lower case, without the port and a dot at the end, and the server's name when there is none.
    fn host(&self, out: &mut Vec<u8>) -> Value {
        let Some(host) = self.exchange.request.host else {
            return put(out, self.server_name.as_bytes());
        };
        let start = out.len();
        let host = route::without_port(host.in_bytes(self.head));
        let written = put(out, host.strip_suffix(b".").unwrap_or(host));
        out[start..].make_ascii_lowercase();
        written
    }

    fn user(&self, out: &mut Vec<u8>) -> Value {
        let credentials = self.header("authorization");
        match credentials.and_then(|value| credentials::basic_user(value, out)) {
            Some(()) => Value::Written,
            None => Value::Absent,
        }
    }

    fn header(&self, name: &'a str) -> Option<&'a [u8]> {
        self.exchange.request.values(self.head, name).next()
    }

    /// By the name's form in variables.
    fn headers(&self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let (head, headers) = (self.head, &self.exchange.request.headers);
        headers
            .iter()
            .filter(move |header| lookup::is_named(header.name.in_bytes(head), name))
            .map(move |header| header.value.in_bytes(head))
    }

    fn cookie(&self, name: &str) -> Option<&'a [u8]> {
        self.headers("cookie").find_map(|line| lookup::cookie(line, name.as_bytes()))
    }

    fn upstream_headers(&self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let head = self.reply_head;
        let headers: &[Header] =
            if head.is_empty() { &[] } else { &self.exchange.response.headers };
        headers
            .iter()
            .filter(move |header| lookup::is_named(header.name.in_bytes(head), name))
            .map(move |header| header.value.in_bytes(head))
    }

    fn upstream_addresses(&self, out: &mut Vec<u8>) -> Value {
        let picker = self.connection.shared.picker.borrow();
        self.attempts(out, |out, attempt| {
            let known = attempt.backend.and_then(|(id, life)| picker.listens(id, life));
            match (known, self.upstream_name) {
                (Some(listens), _) => drop(write!(out, "{listens}")),
                // nginx names the upstream when it found nobody in it.
                (None, Some(name)) => out.extend_from_slice(name.as_bytes()),
                (None, None) => out.push(b'-'),
            }
        })
    }

    fn upstream_statuses(&self, out: &mut Vec<u8>) -> Value {
        self.attempts(out, |out, attempt| match attempt.status {
            0 => out.push(b'-'),
            status => digits(out, u64::from(status)),
        })
    }

    fn times(&self, out: &mut Vec<u8>, time_us: impl Fn(&Attempt) -> Option<u32>) -> Value {
        self.attempts(out, |out, attempt| match time_us(attempt) {
            Some(time_us) => millis(out, u64::from(time_us)),
            None => out.push(b'-'),
        })
    }

    /// A figure that there is only when a backend was asked.
    fn if_asked(&self, out: &mut Vec<u8>, figure: u64) -> Value {
        match self.exchange.attempts.all() {
            [] => Value::Absent,
            [..] => number(out, figure),
        }
    }

    /// A value of each attempt, in nginx's form.
    fn attempts(&self, out: &mut Vec<u8>, write: impl Fn(&mut Vec<u8>, &Attempt)) -> Value {
        let attempts = self.exchange.attempts.all();
        for (index, attempt) in attempts.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            write(out, attempt);
        }
        if attempts.is_empty() { Value::Absent } else { Value::Written }
    }
}

/// What is known without any request.
fn of_connection(out: &mut Vec<u8>, variable: &Variable, connection: &Connection) -> Value {
    // Whom a PROXY header said the client is.
    let introduced = || connection.introduced.as_ref().map(|endpoints| endpoints.source);
    match variable {
        Variable::RealipRemoteAddr => put(out, connection.peer_text.as_bytes()),
        Variable::RemotePort => match connection.peer_port {
            0 => put(out, b""),
            port => number(out, u64::from(port)),
        },
        Variable::ServerAddr => match &*connection.listener {
            Address::Tcp(_) => address(out, connection.client.local_address()),
            Address::Unix(path) => {
                put(out, b"unix:");
                put(out, path.as_os_str().as_bytes())
            }
        },
        Variable::ServerPort => match &*connection.listener {
            Address::Tcp(_) => port(out, connection.client.local_address()),
            Address::Unix(_) => put(out, b""),
        },
        Variable::ProxyProtocolAddr => address(out, introduced()),
        Variable::ProxyProtocolPort => port(out, introduced()),
        _ => Value::Absent,
    }
}

fn limit_status(out: &mut Vec<u8>, status: Option<LimitStatus>) -> Value {
    put_some(out, status.map(|status| status.name().as_bytes()))
}

fn put(out: &mut Vec<u8>, value: &[u8]) -> Value {
    out.extend_from_slice(value);
    Value::Written
}

fn put_some(out: &mut Vec<u8>, value: Option<&[u8]>) -> Value {
    value.map_or(Value::Absent, |value| put(out, value))
}

fn list<'v>(out: &mut Vec<u8>, values: impl Iterator<Item = &'v [u8]>) -> Value {
    let mut written = Value::Absent;
    for value in values {
        if written == Value::Written {
            out.extend_from_slice(b", ");
        }
        written = put(out, value);
    }
    written
}

fn address(out: &mut Vec<u8>, address: Option<SocketAddr>) -> Value {
    let text = address.map(|address| PeerText::new(address.ip().to_canonical()));
    put_some(out, text.as_ref().map(PeerText::as_bytes))
}

fn port(out: &mut Vec<u8>, address: Option<SocketAddr>) -> Value {
    address.map_or(Value::Absent, |address| number(out, u64::from(address.port())))
}

fn number(out: &mut Vec<u8>, number: u64) -> Value {
    digits(out, number);
    Value::Written
}

fn digits(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// `1.234`: seconds with milliseconds, as nginx writes its times.
fn seconds(out: &mut Vec<u8>, time_us: u64) -> Value {
    millis(out, time_us);
    Value::Written
}

fn millis(out: &mut Vec<u8>, time_us: u64) {
    digits(out, time_us / 1_000_000);
    let millis = time_us / 1000 % 1000;
    let digit = |value: u64| b'0' + (value % 10) as u8;
    out.extend_from_slice(&[b'.', digit(millis / 100), digit(millis / 10), digit(millis)]);
}
