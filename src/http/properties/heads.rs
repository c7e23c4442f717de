//! Heads: what is accepted has one reading, and what is sent on has the same one for everybody.

use super::second_reader::{self, LENIENCIES, Message};
use super::{grammar, likeness, repeats};
use crate::http::HEADERS_MAX;
use crate::http::framing::Body;
use crate::http::head::{self, Header, Kind, Persistence, Version};
use crate::http::request::{Method, Parsed, Request};
use crate::http::response::{Asked, Response};
use crate::http::rewrite::{self, Forwarding, Reply};

const TARGET_BYTES_MAX: usize = 1000;

/// Cuts tried of one head.
const CUTS_MAX: usize = 32;

/// Lines that a proxy adds at the most: a head that fills the bound on lines is sent on with more, and is
/// not read back by the same bound.
const LINES_ADDED_MAX: usize = 8;

/// Bodies are made up to this length to be read back.
const BODY_BYTES_MAX: u64 = 1000;

pub(crate) fn request_head(bytes: &[u8]) {
    grammar::request(bytes);
    let mut request = Request::default();
    if request.parse(bytes, TARGET_BYTES_MAX) != Ok(Parsed::Complete) {
        return;
    }
    let head = &bytes[..request.head_bytes];
    repeats::changes_are_read_anew(bytes, TARGET_BYTES_MAX);
    comes_in_pieces(head, |part| Request::default().parse(part, TARGET_BYTES_MAX).ok());
    spans_lie_within(&request.headers, head);
    if request.headers.len() + LINES_ADDED_MAX > HEADERS_MAX {
        return;
    }
    for is_peer_trusted in [false, true] {
        let changes = rewrite::Changes::default();
        let forwarding = Forwarding {
            peer: b"203.0.113.9",
            host: b"own.example",
            scheme: b"http",
            is_peer_trusted,
            changes,
        };
        let mut forwarded = Vec::new();
        rewrite::request(&mut forwarded, bytes, &request, forwarding);
        is_read_again(&forwarded, bytes, &request);
        is_one_request_to_everybody(&forwarded, bytes, &request);
    }
}

/// What was forwarded is acceptable to ourselves, and says the same.
fn is_read_again(forwarded: &[u8], bytes: &[u8], request: &Request) {
    let mut again = Request::default();
    let parsed = again.parse(forwarded, TARGET_BYTES_MAX);
    assert_eq!(parsed, Ok(Parsed::Complete), "{}", forwarded.escape_ascii());
    assert_eq!(again.head_bytes, forwarded.len(), "{}", forwarded.escape_ascii());
    assert_eq!(again.version, Version::Http11);
    assert_eq!(again.persistence, Persistence::KeepAlive);
    assert_eq!((again.method, again.body), (request.method, request.body));
    assert_eq!(again.method_name.in_bytes(forwarded), request.method_name.in_bytes(bytes));
    assert_eq!(again.expects_continue, request.expects_continue);
    assert_eq!(again.max_forwards, request.max_forwards.map(|left| left.saturating_sub(1)));
    let upgrade = |request: &Request, bytes: &[u8]| {
        request.upgrade.map(|protocol| protocol.in_bytes(bytes).to_vec())
    };
    assert_eq!(upgrade(&again, forwarded), upgrade(request, bytes));
    if let Some(host) = request.host {
        let host_again = again.host.expect("it was written").in_bytes(forwarded);
        assert_eq!(host_again, host.in_bytes(bytes));
    }
}

fn is_one_request_to_everybody(forwarded: &[u8], bytes: &[u8], request: &Request) {
    let body: Vec<u8> = match request.body {
        Body::None => Vec::new(),
        Body::Length(length) if length > BODY_BYTES_MAX => return,
        // A body that is itself a request, for a reader that starts to read too early.
        Body::Length(length) => b"GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n"
            .iter()
            .copied()
            .cycle()
            .take(length as usize)
            .collect(),
        Body::Chunked => b"5;a=\"b\"\r\nGET /\r\n0\r\nX-Trailer: 1\r\n\r\n".to_vec(),
        Body::UntilClose => panic!("a request never ends with its connection"),
    };
    let stream = [forwarded, &body, forwarded, &body].concat();
    let expected = Message {
        method: request.method_name.in_bytes(bytes).iter().copied().map(char::from).collect(),
        body: if request.body == Body::Chunked { b"GET /".to_vec() } else { body },
        ..Message::default()
    };
    for &leniency in LENIENCIES {
        let reading = second_reader::read(&stream, leniency);
        let reading = reading.unwrap_or_else(|what| panic!("{what}: {}", stream.escape_ascii()));
        assert!(!reading.is_cut, "{leniency:?}: {}", stream.escape_ascii());
        assert_eq!(reading.messages.len(), 2, "{leniency:?}: {}", stream.escape_ascii());
        for message in &reading.messages {
            assert_eq!((&message.method, &message.body), (&expected.method, &expected.body));
            let is_star = request.method == Method::Options && message.target == "*";
            assert!(message.target.starts_with('/') || is_star, "{:?}", message.target);
            let hosts = message.fields.iter().filter(|(name, _)| name == "host");
            assert_eq!(hosts.count(), 1, "{}", stream.escape_ascii());
        }
    }
}

pub(crate) fn response_head(bytes: &[u8]) {
    grammar::response(bytes);
    for (is_head, is_upgrade) in [(false, false), (true, false), (false, true)] {
        let asked = Asked { is_head, is_upgrade };
        let mut response = Response::default();
        if response.parse(bytes, asked) != Ok(Parsed::Complete) {
            continue;
        }
        let head = &bytes[..response.head_bytes];
        comes_in_pieces(head, |part| Response::default().parse(part, asked).ok());
        likeness::changes_are_read_anew(bytes, asked);
        spans_lie_within(&response.headers, head);
        if response.headers.len() + LINES_ADDED_MAX > HEADERS_MAX {
            continue;
        }
        for client_version in [Version::Http10, Version::Http11] {
            let body = match (response.body, client_version) {
                (Body::UntilClose, Version::Http11) => Body::Chunked,
                (Body::Chunked, Version::Http10) => Body::UntilClose,
                (body, _) => body,
            };
            let persistence = match body {
                Body::UntilClose => Persistence::Close,
                Body::None | Body::Length(_) | Body::Chunked => Persistence::KeepAlive,
            };
            let reply = Reply { client_version, persistence, body, date: b"DATE", lines: b"" };
            let mut sent = Vec::new();
            rewrite::response(&mut sent, bytes, &response, reply);
            is_understood_by_the_client(&sent, asked, &response, reply);
        }
    }
}

fn is_understood_by_the_client(sent: &[u8], asked: Asked, response: &Response, reply: Reply<'_>) {
    let mut read = Response::default();
    assert_eq!(read.parse(sent, asked), Ok(Parsed::Complete), "{}", sent.escape_ascii());
    assert_eq!(read.head_bytes, sent.len(), "{}", sent.escape_ascii());
    // A 205 has no content, whatever its framing would allow.
    let body = match (reply.body, response.status) {
        (Body::UntilClose, 205) => Body::Length(0),
        (body, _) => body,
    };
    assert_eq!((read.status, read.body), (response.status, body), "{}", sent.escape_ascii());
    let line_end_count = sent.windows(2).filter(|pair| pair == b"\r\n").count();
    let control_count =
        sent.iter().filter(|byte| byte.is_ascii_control() && **byte != b'\t').count();
    assert_eq!(control_count, 2 * line_end_count, "{}", sent.escape_ascii());
    let count = |kind| read.headers.iter().filter(|header| header.kind == kind).count();
    assert!(count(Kind::ContentLength) + count(Kind::TransferEncoding) <= 1);
    let is_coded = reply.body == Body::Chunked;
    assert_eq!(count(Kind::TransferEncoding), usize::from(is_coded), "{}", sent.escape_ascii());
    if !read.is_interim() {
        assert_eq!(count(Kind::Date), count(Kind::Date).max(1), "{}", sent.escape_ascii());
        assert_eq!(read.upgrade.is_some(), read.status == 101);
    }
}

/// A head is not complete before its last byte, and is noticed with that, however it was cut.
fn comes_in_pieces(head: &[u8], parse: impl Fn(&[u8]) -> Option<Parsed>) {
    for cut in (0..head.len()).step_by(1 + head.len() / CUTS_MAX) {
        let parsed = parse(&head[..cut]);
        assert_eq!(parsed, Some(Parsed::Partial), "at {cut}: {}", head.escape_ascii());
        assert!(head::may_be_complete(head, cut), "at {cut}: {}", head.escape_ascii());
    }
    assert_eq!(parse(head), Some(Parsed::Complete), "{}", head.escape_ascii());
}

fn spans_lie_within(headers: &[Header], head: &[u8]) {
    for header in headers {
        assert!(header.name.start < header.name.end && header.name.end < header.value.start + 1);
        assert!(header.value.start <= header.value.end && header.value.end as usize <= head.len());
    }
}
