//! Heads as they are sent on: byte ranges of the head received, without what ends at this hop, and
//! with the few lines a proxy owes.
//!
//! Names keep the case they came in. Neighbouring lines that pass are copied in one piece.

use super::framing::Body;
use super::head::{Header, Kind, Persistence, Span, Version};
use super::request::{Method, Request};
use super::response::Response;
use super::status;

/// What the proxy knows about the client and says to the backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forwarding<'a> {
    /// The text of the connection's peer address, appended to `X-Forwarded-For`.
    pub(crate) peer: &'a [u8],
    /// Sent as `Host` when the client named none.
    pub(crate) host: &'a [u8],
    /// What the client came by: `http`, `https`.
    pub(crate) scheme: &'a [u8],
    /// The peer is a trusted proxy, so its word on the scheme stands.
    pub(crate) is_peer_trusted: bool,
    pub(crate) changes: Changes<'a>,
}

/// What a route has in place of the lines that the proxy writes. Header lines that do not pass are
/// marked in the request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes<'a> {
    /// Instead of the client's.
    pub(crate) method: Option<&'a [u8]>,
    /// Instead of path and query as they were received.
    pub(crate) target: Option<&'a [u8]>,
    /// Instead of the client's.
    pub(crate) host: Option<&'a [u8]>,
    /// `X-Forwarded-For` and `X-Forwarded-Proto` are among the lines, or hidden.
    pub(crate) decides_forwarded_for: bool,
    pub(crate) decides_forwarded_proto: bool,
    /// Whole lines.
    pub(crate) lines: &'a [u8],
}

/// Writes the head of `request`, whose head is `bytes`, as a backend is to get it.
pub(crate) fn request(
    out: &mut Vec<u8>,
    bytes: &[u8],
    request: &Request,
    forwarding: Forwarding<'_>,
) {
    let changes = &forwarding.changes;
    let first = first_lines(bytes, request, changes);
    if first.is_none() {
        request_line(out, bytes, request, changes);
        out.extend_from_slice(FIRST_LINE_END_AND_HOST);
        let host = request.host.map_or(forwarding.host, |host| host.in_bytes(bytes));
        out.extend_from_slice(changes.host.unwrap_or(host));
        out.extend_from_slice(b"\r\n");
    }
    let mut has_proto = false;
    copy_lines(out, bytes, first, &request.headers, |kind| match kind {
        Kind::Other | Kind::Date => true,
        Kind::Expect => request.expects_continue,
        Kind::MaxForwards => request.max_forwards.is_none(),
        Kind::ForwardedProto => {
            has_proto |= forwarding.is_peer_trusted;
            forwarding.is_peer_trusted
        }
        Kind::HopByHop
        | Kind::Connection
        | Kind::ContentLength
        | Kind::TransferEncoding
        | Kind::Upgrade
        | Kind::Host
        | Kind::ForwardedFor => false,
    });
    if !changes.decides_forwarded_for {
        forwarded_for(out, bytes, request, forwarding.peer);
    }
    if !has_proto && !changes.decides_forwarded_proto {
        match forwarding.scheme {
            b"http" => out.extend_from_slice(b"X-Forwarded-Proto: http\r\n"),
            scheme => line(out, b"X-Forwarded-Proto: ", scheme),
        }
    }
    out.extend_from_slice(changes.lines);
    if let Some(forwards) = request.max_forwards {
        out.extend_from_slice(b"Max-Forwards: ");
        number(out, forwards.saturating_sub(1));
        out.extend_from_slice(b"\r\n");
    }
    if let Some(protocol) = request.upgrade {
        upgrade(out, protocol.in_bytes(bytes));
    }
    framing(out, request.body);
    out.extend_from_slice(b"\r\n");
}

const FIRST_LINE_END_AND_HOST: &[u8] = b" HTTP/1.1\r\nHost: ";

/// Where the first line and `Host` lie, without their end, if they are what we would write: most clients
/// say the host first, and none of it is changed.
fn first_lines(bytes: &[u8], request: &Request, changes: &Changes<'_>) -> Option<(usize, usize)> {
    let (method, target, host) = (request.method_name, request.path_and_query, request.host?);
    let between = Span { start: target.end, end: host.start };
    let is_as_written = changes.method.is_none()
        && changes.target.is_none()
        && changes.host.is_none()
        && target.start == method.end + 1
        && target.start < target.end
        && between.in_bytes(bytes) == FIRST_LINE_END_AND_HOST;
    is_as_written.then_some((method.start as usize, host.end as usize))
}

/// Method and target.
fn request_line(out: &mut Vec<u8>, bytes: &[u8], request: &Request, changes: &Changes<'_>) {
    out.extend_from_slice(changes.method.unwrap_or(request.method_name.in_bytes(bytes)));
    out.push(b' ');
    let path_and_query = changes.target.unwrap_or(request.path_and_query.in_bytes(bytes));
    match path_and_query {
        [b'/', ..] | b"*" => {}
        // An absolute form without a path asks about the whole server (RFC 9112, 3.2.4).
        [] if request.method == Method::Options => out.push(b'*'),
        _ => out.push(b'/'),
    }
    out.extend_from_slice(path_and_query);
}

/// One line, of all that proxies before wrote and the peer.
fn forwarded_for(out: &mut Vec<u8>, bytes: &[u8], request: &Request, peer: &[u8]) {
    out.extend_from_slice(b"X-Forwarded-For: ");
    for header in request.headers.iter().filter(|header| header.kind == Kind::ForwardedFor) {
        let value = header.value.in_bytes(bytes);
        if !value.is_empty() {
            out.extend_from_slice(value);
            out.extend_from_slice(b", ");
        }
    }
    out.extend_from_slice(peer);
    out.extend_from_slice(b"\r\n");
}

/// Adds the length of a body that was not known when `head` was written: its first `head_bytes` are
/// the head, which ends in an empty line, and what follows is the body's beginning.
pub(crate) fn set_length(head: &mut Vec<u8>, head_bytes: usize, length: u64) {
    let mut line = Vec::with_capacity(40);
    framing(&mut line, Body::Length(length));
    let before_empty_line = head_bytes - b"\r\n".len();
    head.splice(before_empty_line..before_empty_line, line);
}

/// How a response is sent to the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) client_version: Version,
    pub(crate) persistence: Persistence,
    /// The framing towards the client, which may differ from the backend's.
    pub(crate) body: Body,
    /// Sent when the backend gave none.
    pub(crate) date: &'a [u8],
    /// Whole lines that a route adds.
    pub(crate) lines: &'a [u8],
}

/// Writes the head of `response`, whose head is `bytes`, as the client is to get it. The
/// `Content-Length` of a response without a body (to HEAD, a 304) describes what is not sent, and
/// passes.
pub(crate) fn response(out: &mut Vec<u8>, bytes: &[u8], response: &Response, reply: Reply<'_>) {
    let first = first_line(bytes, response);
    if first.is_none() {
        status_line(out, response.status, response.reason.in_bytes(bytes));
    }
    let (passes_length, writes_framing) = match reply.body {
        Body::None => (!(100..200).contains(&response.status) && response.status != 204, false),
        // Its length may be ours, see `Response::body`.
        Body::Length(_) if response.status == 205 => (false, true),
        Body::Length(_) => (true, false),
        Body::Chunked => (false, true),
        Body::UntilClose => (false, false),
    };
    copy_lines(out, bytes, first, &response.headers, |kind| match kind {
        Kind::Other
        | Kind::Date
        | Kind::Expect
        | Kind::Host
        | Kind::MaxForwards
        | Kind::ForwardedFor
        | Kind::ForwardedProto => true,
        Kind::ContentLength => passes_length,
        Kind::HopByHop | Kind::Connection | Kind::TransferEncoding | Kind::Upgrade => false,
    });
    if writes_framing {
        framing(out, reply.body);
    }
    out.extend_from_slice(reply.lines);
    if !response.is_interim() {
        if !response.has_date {
            out.extend_from_slice(b"Date: ");
            out.extend_from_slice(reply.date);
            out.extend_from_slice(b"\r\n");
        }
        match response.upgrade.filter(|_| response.status == 101) {
            Some(protocol) => upgrade(out, protocol.in_bytes(bytes)),
            None => connection(out, reply.client_version, reply.persistence),
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Where the first line of a response lies, without its end, if it is what we would write.
fn first_line(bytes: &[u8], response: &Response) -> Option<(usize, usize)> {
    let (start, end) = (response.reason.start as usize, response.reason.end as usize);
    let is_plain =
        start == b"HTTP/1.1 200 ".len() && start < end && bytes.starts_with(b"HTTP/1.1 ");
    is_plain.then_some((0, end))
}

/// An answer of the proxy's own. A line whose text is empty is not sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    pub(crate) status: u16,
    /// `None`: the page that goes with the status.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) content_type: &'a [u8],
    pub(crate) server: &'a [u8],
}

/// Writes the whole answer, head and body; `reply.body` says whether the body is sent.
pub(crate) fn own_response(out: &mut Vec<u8>, own: Own<'_>, reply: Reply<'_>) {
    let length = own.body.map_or_else(|| status::page_bytes(own.status), <[u8]>::len);
    let has_body = own_head(out, own, Body::Length(length as u64), reply);
    match own.body {
        _ if !has_body || reply.body == Body::None => {}
        Some(body) => out.extend_from_slice(body),
        None => status::page(out, own.status),
    }
}

/// Writes the head alone, of an answer whose body is framed as `body`, be it sent or not; false: the
/// status has none.
pub(crate) fn own_head(out: &mut Vec<u8>, own: Own<'_>, body: Body, reply: Reply<'_>) -> bool {
    status_line(out, own.status, b"");
    line(out, b"Server: ", own.server);
    line(out, b"Date: ", reply.date);
    let has_body = !matches!(own.status, 100..200 | 204 | 304);
    if has_body {
        line(out, b"Content-Type: ", own.content_type);
        framing(out, body);
    }
    out.extend_from_slice(reply.lines);
    connection(out, reply.client_version, reply.persistence);
    out.extend_from_slice(b"\r\n");
    has_body
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !value.is_empty() {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
}

fn status_line(out: &mut Vec<u8>, code: u16, reason: &[u8]) {
    out.extend_from_slice(b"HTTP/1.1 ");
    let digits = [code / 100 % 10, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8);
    out.extend_from_slice(&digits);
    out.push(b' ');
    let own = status::reason(code).as_bytes();
    out.extend_from_slice(if reason.is_empty() { own } else { reason });
    out.extend_from_slice(b"\r\n");
}

/// HTTP/1.1 connections persist unless said otherwise, HTTP/1.0 ones end unless said otherwise.
fn connection(out: &mut Vec<u8>, version: Version, persistence: Persistence) {
    match (persistence, version) {
        (Persistence::Close, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (Persistence::KeepAlive, Version::Http10) => {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        (Persistence::KeepAlive, Version::Http11) => {}
    }
}

fn upgrade(out: &mut Vec<u8>, protocol: &[u8]) {
    out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: ");
    out.extend_from_slice(protocol);
    out.extend_from_slice(b"\r\n");
}

fn framing(out: &mut Vec<u8>, body: Body) {
    match body {
        Body::None | Body::UntilClose => {}
        Body::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            number(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Body::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
}

fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Copies the lines that `passes` keeps, behind the first one if that is to be copied. A run of kept
/// lines that stand right after each other, with proper line ends, is one copy.
fn copy_lines(
    out: &mut Vec<u8>,
    bytes: &[u8],
    first: Option<(usize, usize)>,
    headers: &[Header],
    mut passes: impl FnMut(Kind) -> bool,
) {
    let mut run = first;
    for header in headers {
        if !passes(header.kind) {
            continue;
        }
        let (start, end) = (header.name.start as usize, header.value.end as usize);
        run = match run {
            Some((from, to)) if start == to + 2 && &bytes[to..start] == b"\r\n" => {
                Some((from, end))
            }
            Some((from, to)) => {
                copy_line(out, &bytes[from..to]);
                Some((start, end))
            }
            None => Some((start, end)),
        };
    }
    if let Some((from, to)) = run {
        copy_line(out, &bytes[from..to]);
    }
}

fn copy_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.extend_from_slice(b"\r\n");
}
