//! The protocol as tables: what is accepted and how it is read, what is refused and as what.

use super::framing::{Body, Reader};
use super::head::{Persistence, Version};
use super::request::{Method, Parsed, Request};
use super::response::{Asked, Response};
use super::{Error, head};

mod addressing;
mod any_bytes;
mod chunks;
mod client_hello;
mod escaping;
mod files;
mod http2;
mod proxy_header;
mod writing;

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
        ("Content-Length: 9223372036854775808\r\n", Error::ContentLength),
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
        ("Content-Length: 1\r\nExpect: y 100-continue\r\n", Error::Expectation),
        ("Content-Length: 1\r\nExpect: 100-continue, 100-continue\r\n", Error::Expectation),
        ("Expect: 100-continue\r\nExpect: 100-continue\r\n", Error::Expectation),
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
    let longest = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(TARGET_BYTES_MAX - 1));
    for cut in 0..longest.len() {
        let parsed = Request::default().parse(&longest.as_bytes()[..cut], TARGET_BYTES_MAX);
        assert_eq!(parsed, Ok(Parsed::Partial), "{cut}");
    }
    let method = "M".repeat(33);
    refused(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"), Error::Grammar);
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
        (Error::Expectation, 417),
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
        (PLAIN, "205 No\r\n", Ok(Body::Length(0))),
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

#[test]
fn heads_that_trickle_are_noticed_once_complete() {
    for head in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n"] {
        for cut in 0..head.len() {
            assert!(!head::may_be_complete(&head.as_bytes()[..cut], 0), "{head:?} {cut}");
            assert!(head::may_be_complete(head.as_bytes(), cut), "{head:?} {cut}");
        }
    }
}
