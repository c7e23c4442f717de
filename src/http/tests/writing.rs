//! Heads as they are sent on, and the proxy's own answers.

use super::super::framing::Body;
use super::super::head::{Persistence, Version};
use super::super::response::Asked;
use super::super::rewrite::{self, Changes, Forwarding, Own, Reply};
use super::super::status;
use super::{PLAIN, parse, respond};

pub(super) fn forwarded(head: &str, is_peer_trusted: bool) -> String {
    let request = parse(head).expect(head);
    let mut out = Vec::new();
    let forwarding = Forwarding {
        scheme: b"http",
        peer: b"10.0.0.9",
        host: b"fallback",
        is_peer_trusted,
        changes: Changes::default(),
    };
    rewrite::request(&mut out, head.as_bytes(), &request, forwarding);
    String::from_utf8(out).expect("text")
}

#[test]
fn a_length_that_is_known_late_comes_into_the_head() {
    let mut head = b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n4\r\n\r\n".to_vec();
    let head_bytes = head.len() - 5;
    rewrite::set_length(&mut head, head_bytes, 5);
    assert_eq!(head, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n4\r\n\r\n");
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
    let reply = Reply { client_version, persistence, body, date: b"DATE", lines: b"" };
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
            lines: b"",
        };
        let own = Own { status: code, body: None, content_type: b"text/html", server: b"" };
        rewrite::own_response(&mut out, own, reply);
        let text = String::from_utf8(out).expect("text");
        let response = respond(&text, PLAIN).expect("our own response parses");
        assert_eq!(response.status, code);
        let body_bytes = text.len() - response.head_bytes;
        assert_eq!(response.body, Body::Length(body_bytes as u64), "{text}");
        assert!(!status::reason(code).is_empty());
    }
}
