//! The protocol as tables: what is accepted and how it is read, what is refused and as what, how it
//! is written on; and, for any bytes cut anywhere, that nothing panics and nothing depends on the cut.

use proptest::prelude::*;

use super::client_ip::{self, Network};
use super::framing::{Body, Reader};
use super::head::{Persistence, Version};
use super::request::{Method, Parsed, Request};
use super::response::{Asked, Response};
use super::rewrite::{self, Forwarding, Reply};
use super::route::{self, Match};
use super::{Error, chunk, date, head, status, target};

const TARGET_BYTES_MAX: usize = 100;
const PLAIN: Asked = Asked { is_head: false, is_upgrade: false };

fn parse(head: &str) -> Result<Request, Error> {
    let mut request = Request::default();
    match request.parse(head.as_bytes(), TARGET_BYTES_MAX)? {
        Parsed::Complete => Ok(request),
        Parsed::Partial => panic!("partial: {head:?}"),
    }
}

fn respond(head: &str, asked: Asked) -> Result<Response, Error> {
    let mut response = Response::default();
    match response.parse(head.as_bytes(), asked)? {
        Parsed::Complete => Ok(response),
        Parsed::Partial => panic!("partial: {head:?}"),
    }
}

fn refused(head: &str, error: Error) {
    assert_eq!(parse(head).expect_err(head), error, "{head:?}");
}

#[test]
fn ambiguous_requests_are_refused() {
    let with = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    for (lines, error) in [
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Error::TwoLengths),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", Error::TwoLengths),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", Error::ContentLength),
        ("Content-Length: 1, 1\r\n", Error::ContentLength),
        ("Content-Length: +1\r\n", Error::ContentLength),
        ("Content-Length: -1\r\n", Error::ContentLength),
        ("Content-Length: 0x1\r\n", Error::ContentLength),
        ("Content-Length: 1 1\r\n", Error::ContentLength),
        ("Content-Length:\r\n", Error::ContentLength),
        ("Content-Length: 18446744073709551616\r\n", Error::ContentLength),
        ("Transfer-Encoding: gzip, chunked\r\n", Error::TransferEncoding),
        ("Transfer-Encoding: chunked, identity\r\n", Error::TransferEncoding),
        ("Transfer-Encoding: xchunked\r\n", Error::TransferEncoding),
        ("Transfer-Encoding: identity\r\n", Error::TransferEncoding),
        ("Transfer-Encoding:\r\n", Error::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Error::TransferEncoding),
        ("Transfer-Encoding : chunked\r\n", Error::Grammar),
        ("X: 1\r\n folded\r\n", Error::Grammar),
        ("X: a\0b\r\n", Error::Grammar),
        ("X: a\rb\r\n", Error::Grammar),
        (": nameless\r\n", Error::Grammar),
        ("no colon\r\n", Error::Grammar),
        ("Host: b\r\n", Error::Host),
        ("Host: a\r\n", Error::Host),
    ] {
        refused(&with(lines), error);
    }
}

#[test]
fn requests_without_one_target_are_refused() {
    for (head, error) in [
        ("GET / HTTP/1.1\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: a:port\r\n\r\n", Error::Host),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Error::Host),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Error::Target),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Error::Method),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Error::Method),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Error::Version),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Error::Grammar),
        ("GET /\r\n\r\n", Error::Grammar),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Error::TransferEncoding),
    ] {
        refused(head, error);
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(TARGET_BYTES_MAX));
    refused(&long, Error::TargetTooLong);
    let endless = format!("GET /{}", "x".repeat(TARGET_BYTES_MAX));
    refused(&endless, Error::TargetTooLong);
    let lines = "X: 1\r\n".repeat(super::HEADERS_MAX);
    refused(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"), Error::TooManyHeaders);
    let options = "a,".repeat(super::CONNECTION_OPTIONS_MAX + 1);
    refused(
        &format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {options}\r\n\r\n"),
        Error::TooManyOptions,
    );
}

#[test]
fn refusals_have_their_status() {
    for (error, code) in [
        (Error::Grammar, 400),
        (Error::TwoLengths, 400),
        (Error::TargetTooLong, 414),
        (Error::TooManyHeaders, 431),
        (Error::Method, 405),
        (Error::Version, 505),
    ] {
        assert_eq!(error.status(), code, "{error}");
    }
}

#[test]
fn requests_are_read() {
    let head = "\r\nPOST /a?b HTTP/1.1\nhost: A:80\nContent-Length: 12\nExpect: 100-Continue\n\n";
    let request = parse(head).expect("bare line feeds are accepted in heads");
    assert_eq!(request.method, Method::NonIdempotent);
    assert_eq!(request.body, Body::Length(12));
    assert_eq!(request.persistence, Persistence::KeepAlive);
    assert!(request.expects_continue);
    assert_eq!(request.head_bytes, head.len());
    assert_eq!(request.host.expect("named").in_bytes(head.as_bytes()), b"A:80");

    let head = "GET http://[::1]:80?q HTTP/1.1\r\nHost: [::1]:80\r\nUpgrade: w\r\nConnection: x, UPGRADE\r\n\r\n";
    let request = parse(head).expect("absolute form that agrees with the host");
    assert_eq!(request.path_and_query.in_bytes(head.as_bytes()), b"?q");
    assert_eq!(request.upgrade.expect("asked for").in_bytes(head.as_bytes()), b"w");

    for (head, version, persistence) in [
        ("GET / HTTP/1.0\r\n\r\n", Version::Http10, Persistence::Close),
        (
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            Version::Http10,
            Persistence::KeepAlive,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: foo, Close\r\n\r\n",
            Version::Http11,
            Persistence::Close,
        ),
    ] {
        let request = parse(head).expect(head);
        assert_eq!((request.version, request.persistence), (version, persistence), "{head:?}");
        assert_eq!(request.upgrade, None);
    }
}

#[test]
fn responses_are_framed() {
    let head = Asked { is_head: true, ..PLAIN };
    let upgrade = Asked { is_upgrade: true, ..PLAIN };
    for (asked, lines, body) in [
        (PLAIN, "200 OK\r\nContent-Length: 5\r\n", Ok(Body::Length(5))),
        (PLAIN, "200\r\nTransfer-Encoding: Chunked\r\n", Ok(Body::Chunked)),
        (PLAIN, "200 OK\r\n", Ok(Body::UntilClose)),
        (head, "200 OK\r\nContent-Length: 5\r\n", Ok(Body::None)),
        (PLAIN, "204 No\r\nContent-Length: 5\r\n", Ok(Body::None)),
        (PLAIN, "304 No\r\nContent-Length: 5\r\n", Ok(Body::None)),
        (PLAIN, "205 No\r\n", Ok(Body::None)),
        (PLAIN, "100 Go\r\n", Ok(Body::None)),
        (upgrade, "101 Go\r\nConnection: upgrade\r\nUpgrade: w\r\n", Ok(Body::None)),
        (PLAIN, "101 Go\r\nConnection: upgrade\r\nUpgrade: w\r\n", Err(Error::Grammar)),
        (upgrade, "101 Go\r\nUpgrade: w\r\n", Err(Error::Grammar)),
        (PLAIN, "099 Low\r\n", Err(Error::Grammar)),
        (PLAIN, "600 High\r\n", Err(Error::Grammar)),
        (PLAIN, "200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n", Err(Error::ContentLength)),
        (
            PLAIN,
            "200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Err(Error::TwoLengths),
        ),
        (PLAIN, "200 OK\r\nTransfer-Encoding: gzip\r\n", Err(Error::TransferEncoding)),
    ] {
        let read = respond(&format!("HTTP/1.1 {lines}\r\n"), asked).map(|response| response.body);
        assert_eq!(read, body, "{lines:?}");
    }
    let response = respond("HTTP/1.0 200 OK\nContent-Length: 1\n\n", PLAIN).expect("1.0, bare LF");
    assert_eq!(response.persistence, Persistence::Close);
}

fn forwarded(head: &str, is_peer_trusted: bool) -> String {
    let request = parse(head).expect(head);
    let mut out = Vec::new();
    let forwarding = Forwarding { peer: b"10.0.0.9", host: b"fallback", is_peer_trusted };
    rewrite::request(&mut out, head.as_bytes(), &request, forwarding);
    String::from_utf8(out).expect("text")
}

#[test]
fn requests_are_rewritten() {
    assert_eq!(
        forwarded(
            "POST http://a HTTP/1.1\r\nX-First: 1\nHost: a\r\nKeep-Alive: 5\r\nAccept:*/*\r\nEmpty:\r\n\
             Connection: close, x-hop, content-length, host\r\nX-HOP: gone\r\nTE: trailers\r\n\
             Content-Length: 3\r\nx-forwarded-for: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nLast: z\r\n\r\n",
            false
        ),
        "POST / HTTP/1.1\r\nHost: a\r\nX-First: 1\r\nAccept:*/*\r\nEmpty:\r\nLast: z\r\n\
         X-Forwarded-For: 1.1.1.1, 10.0.0.9\r\nX-Forwarded-Proto: http\r\nContent-Length: 3\r\n\r\n"
    );
    assert_eq!(
        forwarded("GET /x HTTP/1.0\r\nX-Forwarded-Proto: https\r\n\r\n", true),
        "GET /x HTTP/1.1\r\nHost: fallback\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-For: 10.0.0.9\r\n\r\n"
    );
    assert_eq!(
        forwarded("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: w\r\n\r\n", false),
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n\
         Connection: Upgrade\r\nUpgrade: w\r\n\r\n"
    );
    assert_eq!(
        forwarded(
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nUpgrade: w\r\n\r\n",
            false
        ),
        "PUT / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
}

fn replied(head: &str, client_version: Version, persistence: Persistence, body: Body) -> String {
    let upgrade = Asked { is_head: false, is_upgrade: true };
    let response = respond(head, upgrade).expect(head);
    let mut out = Vec::new();
    let reply = Reply { client_version, persistence, body, date: b"DATE" };
    rewrite::response(&mut out, head.as_bytes(), &response, reply);
    String::from_utf8(out).expect("text")
}

#[test]
fn responses_are_rewritten() {
    let head = "HTTP/1.0 302 Found It\r\nETag: x\r\nX-IP: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(
        replied(head, Version::Http11, Persistence::KeepAlive, Body::Length(2)),
        "HTTP/1.1 302 Found It\r\nETag: x\r\nX-IP: 1\r\nContent-Length: 2\r\nDate: DATE\r\n\r\n"
    );
    assert_eq!(
        replied(
            "HTTP/1.1 302\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n",
            Version::Http10,
            Persistence::Close,
            Body::UntilClose
        ),
        "HTTP/1.1 302 Moved Temporarily\r\nDate: d\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(
        replied(
            "HTTP/1.1 200 OK\r\nDate: d\r\n\r\n",
            Version::Http10,
            Persistence::KeepAlive,
            Body::Length(0)
        ),
        "HTTP/1.1 200 OK\r\nDate: d\r\nConnection: keep-alive\r\n\r\n"
    );
    assert_eq!(
        replied(
            "HTTP/1.1 200 OK\r\nDate: d\r\n\r\n",
            Version::Http11,
            Persistence::KeepAlive,
            Body::Chunked
        ),
        "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    assert_eq!(
        replied(
            "HTTP/1.1 100 Continue\r\n\r\n",
            Version::Http11,
            Persistence::KeepAlive,
            Body::None
        ),
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    assert_eq!(
        replied(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: w\r\nConnection: upgrade\r\nDate: d\r\n\r\n",
            Version::Http11,
            Persistence::KeepAlive,
            Body::None
        ),
        "HTTP/1.1 101 Switching Protocols\r\nDate: d\r\nConnection: Upgrade\r\nUpgrade: w\r\n\r\n"
    );
}

#[test]
fn own_answers_are_whole() {
    for code in [400, 405, 408, 413, 414, 431, 502, 503, 504, 505] {
        let mut out = Vec::new();
        let reply = Reply {
            client_version: Version::Http11,
            persistence: Persistence::Close,
            body: Body::Length(0),
            date: b"DATE",
        };
        rewrite::own_response(&mut out, code, reply);
        let text = String::from_utf8(out).expect("text");
        let response = respond(&text, PLAIN).expect("our own response parses");
        assert_eq!(response.status, code);
        let body_bytes = text.len() - response.head_bytes;
        assert_eq!(response.body, Body::Length(body_bytes as u64), "{text}");
        assert!(!status::reason(code).is_empty());
    }
}

#[test]
fn paths_are_normalised() {
    let check = |path: &str, expected: Result<&str, Error>| {
        let mut scratch = Vec::new();
        let normal = target::normalise(path.as_bytes(), &mut scratch);
        assert_eq!(normal, expected.map(str::as_bytes), "{path:?}");
    };
    for (path, normal) in [
        ("", "/"),
        ("*", "/"),
        ("/", "/"),
        ("/a/b.c/", "/a/b.c/"),
        ("//a///b", "/a/b"),
        ("/a/./b/.", "/a/b/"),
        ("/a/../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/../", "/a/"),
        ("/a/..", "/"),
        ("/a/.../b", "/a/.../b"),
        ("/.a/..b", "/.a/..b"),
        ("/%61%2Fb", "/a/b"),
        ("/a/%2e%2E/c", "/c"),
        ("/%20", "/ "),
    ] {
        check(path, Ok(normal));
    }
    for path in ["/..", "/a/../..", "/a//../../b", "/%", "/%4", "/%zz", "/%00"] {
        check(path, Err(Error::Target));
    }
}

#[test]
fn hosts_are_matched() {
    for (pattern, host, expected) in [
        ("example.com", "EXAMPLE.com", Some(Match::Exact)),
        ("example.com", "example.com.", Some(Match::Exact)),
        ("example.com", "www.example.com", None),
        ("*.example.com", "a.b.Example.com", Some(Match::Wildcard(12))),
        ("*.example.com", "example.com", None),
        ("*.example.com", ".example.com", None),
        ("*.example.com", "badexample.com", None),
    ] {
        assert_eq!(route::match_host(pattern, host.as_bytes()), expected, "{pattern} {host}");
    }
    assert!(Match::Exact > Match::Wildcard(usize::MAX));
    for (authority, host) in [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
    {
        assert_eq!(route::without_port(authority.as_bytes()), host.as_bytes());
    }
}

#[test]
fn client_addresses_are_believed_from_the_right() {
    let network = |address: &str, prefix_bits| Network {
        address: address.parse().expect("an address"),
        prefix_bits,
    };
    let trusted = [network("10.0.0.0", 8), network("fd00::", 8)];
    for (peer, values, client) in [
        ("1.2.3.4", vec!["5.5.5.5"], "1.2.3.4"),
        ("10.0.0.1", vec![], "10.0.0.1"),
        ("10.0.0.1", vec!["5.5.5.5"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6, 5.5.5.5"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6, 5.5.5.5, 10.2.2.2"], "5.5.5.5"),
        ("10.0.0.1", vec!["6.6.6.6", "5.5.5.5", "10.2.2.2,fd00::1"], "5.5.5.5"),
        ("10.0.0.1", vec!["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.0.0.1", vec!["5.5.5.5, unknown"], "10.0.0.1"),
        ("10.0.0.1", vec!["5.5.5.5:1234"], "5.5.5.5"),
        ("::ffff:10.0.0.1", vec!["[2001:db8::1]:99"], "2001:db8::1"),
        ("fd00::1", vec!["[2001:db8::1]"], "2001:db8::1"),
    ] {
        let resolved = client_ip::resolve(
            peer.parse().expect("an address"),
            values.iter().map(|value| value.as_bytes()),
            &trusted,
        );
        assert_eq!(resolved, client.parse::<std::net::IpAddr>().expect("an address"), "{values:?}");
    }
    let everything = network("0.0.0.0", 0);
    assert!(everything.contains("255.1.2.3".parse().expect("an address")));
    assert!(!everything.contains("2001:db8::1".parse().expect("an address")));
}

#[test]
fn dates_match_known_instants() {
    for (seconds, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
    ] {
        assert_eq!(date::imf_fixdate(seconds), text.as_bytes());
    }
}

#[test]
fn chunk_framing_is_strict() {
    let read = |body: &str| Reader::new(Body::Chunked).advance(body.as_bytes());
    for (body, payload) in [
        ("0\r\n\r\n", 0),
        ("5\r\nhello\r\n0\r\n\r\n", 5),
        ("5;a=b;c=\"d\"\r\nhello\r\n000\r\nTrailer: x\r\nOther:\r\n\r\n", 5),
        ("A  \r\n0123456789\r\n0\r\n\r\n", 10),
    ] {
        let taken = read(&format!("{body}rest")).expect(body);
        assert_eq!((taken.bytes, taken.payload, taken.is_end), (body.len(), payload, true));
    }
    for body in [
        "\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloo\r\n",
        "5 5\r\n",
        "0x5\r\n",
        "-5\r\n",
        ";x\r\n",
        "5;\n\r\n",
        "5;a\rb\r\n",
        "5;a\0b\r\n",
        "10000000000000000\r\n",
        "0\r\n\n",
        "0\r\nno colon\r\n",
        "0\r\n: x\r\n",
        "0\r\n folded: x\r\n",
        "0\r\nX: a\nb\r\n",
    ] {
        assert_eq!(read(body), Err(Error::Chunk), "{body:?}");
    }
    let long_line = format!("5;{}", "x".repeat(super::CHUNK_LINE_BYTES_MAX as usize));
    assert_eq!(read(&long_line), Err(Error::Chunk));
    let long_trailers = format!("0\r\n{}", "X: y\r\n".repeat(super::TRAILER_BYTES_MAX as usize));
    assert_eq!(read(&long_trailers), Err(Error::Chunk));
}

#[test]
fn heads_that_trickle_are_noticed_once_complete() {
    for head in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n"] {
        for cut in 0..head.len() {
            assert!(!head::may_be_complete(&head.as_bytes()[..cut], 0), "{head:?} {cut}");
            assert!(head::may_be_complete(head.as_bytes(), cut), "{head:?} {cut}");
        }
    }
}

/// Encodes `pieces` as chunks the way the proxy does for bodies that end with the connection.
fn encode(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let mut buffer = [0; chunk::SIZE_LINE_BYTES_MAX];
        let start = chunk::write_size(&mut buffer, chunk::SIZE_LINE_BYTES_MAX, piece.len());
        wire.extend_from_slice(&buffer[start..]);
        wire.extend_from_slice(piece);
        wire.extend_from_slice(chunk::PAYLOAD_END);
    }
    wire.extend_from_slice(chunk::LAST);
    wire
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _any_answer = Request::default().parse(&bytes, TARGET_BYTES_MAX);
        let _any_answer = Response::default().parse(&bytes, PLAIN);
        let _any_answer = Reader::new(Body::Chunked).advance(&bytes);
        let _any_answer = target::normalise(&bytes, &mut Vec::new());
        let _any_answer = target::split(&bytes, true);
        target::is_authority(&bytes);
    }

    #[test]
    fn head_like_bytes_are_read_and_written_without_panic(
        text in "(GET|HEAD|POST|OPTIONS) (/|\\*|http://a/)[a-z/.%?]{0,9} HTTP/1\\.[01]\r?\n(Host: [a:\\[\\]0-9]{1,5}\r?\n)?((Connection|Te|X|Upgrade|Content-Length|Transfer-Encoding): ?[a-z0-9,]{0,8}\r?\n){0,4}\r?\n",
    ) {
        let mut request = Request::default();
        if request.parse(text.as_bytes(), TARGET_BYTES_MAX) == Ok(Parsed::Complete) {
            let rewritten = forwarded(&text, false);
            let again = parse(&rewritten).expect("what we send on is itself acceptable");
            prop_assert_eq!(again.body, request.body);
            prop_assert_eq!(again.version, Version::Http11);
        }
    }

    #[test]
    fn a_head_cut_anywhere_is_partial(cut in 0_usize..72) {
        let head = b"POST /path?query HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\nA: b\r\n\r\n";
        let parsed = Request::default().parse(&head[..cut], TARGET_BYTES_MAX);
        prop_assert_eq!(parsed, Ok(Parsed::Partial));
    }

    #[test]
    fn chunks_come_back_whatever_the_cuts(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        cuts in prop::collection::vec(1_usize..30, 1..40),
    ) {
        let wire = encode(&pieces);
        let mut decoder = chunk::Decoder::default();
        let mut payload = Vec::new();
        let mut at = 0;
        let mut cut = cuts.iter().cycle();
        while !decoder.is_end() {
            prop_assert!(at < wire.len(), "the body ends with its bytes");
            let end = wire.len().min(at + cut.next().expect("a cycle"));
            match decoder.step(&wire[at..end]).expect("our own encoding") {
                chunk::Step::Framing(length) => at += length,
                chunk::Step::Payload(length) => {
                    payload.extend_from_slice(&wire[at..at + length]);
                    at += length;
                }
            }
        }
        prop_assert_eq!(at, wire.len());
        prop_assert_eq!(payload, pieces.concat());
    }

    #[test]
    fn normal_paths_stay(path in "(/[a-z%.]{0,4}){1,6}") {
        let mut scratch = Vec::new();
        if let Ok(normal) = target::normalise(path.as_bytes(), &mut scratch) {
            prop_assert!(normal.starts_with(b"/"));
            prop_assert!(!normal.windows(2).any(|pair| pair == b"//"));
            prop_assert!(!normal.split(|&byte| byte == b'/').any(|segment| segment == b".." || segment == b"."));
        }
    }
}
