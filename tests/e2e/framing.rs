//! Where one message ends and the next begins: whatever two parsers could read differently is
//! refused and reaches no backend, and no answer of a backend is passed on that could be.

use std::io::{BufReader, Read, Write};

use crate::client::{self, connect, exchange, raw, read_response};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};

/// Followed by a second request, which must not be read out of a refused one.
pub(crate) const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Header lines after `POST / HTTP/1.1` and `Host: a`, and the body.
pub(crate) const AMBIGUOUS: &[&str] = &[
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "Content-Length: 0, 0\r\n\r\n",
    "Content-Length: 3,4\r\n\r\nabc",
    "Content-Length:\r\n\r\n",
    "Content-Length: +3\r\n\r\nabc",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 0x3\r\n\r\nabc",
    "Content-Length: 3 \x0b\r\n\r\nabc",
    "Content-Length: 1 2\r\n\r\nabc",
    "Content-Length: 18446744073709551616\r\n\r\nabc",
    "Content-Length: 99999999999999999999999\r\n\r\nabc",
    "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity\r\n\r\n",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding\r\n: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Content-Length : 3\r\n\r\nabc",
    "Content-Length\t: 3\r\n\r\nabc",
    "X: a\r\n folded\r\n\r\n",
    "X: a\r\n\tContent-Length: 3\r\n\r\nabc",
    " X: a\r\n\r\n",
    "X: a\0b\r\n\r\n",
    "X\0: a\r\n\r\n",
    "X: a\rContent-Length: 3\r\n\r\nabc",
    "X: a\r\r\n\r\n",
    "\rX: a\r\n\r\n",
    "X\r: a\r\n\r\n",
    ": a\r\n\r\n",
    "No colon at all\r\n\r\n",
    "X: a\x01b\r\n\r\n",
    "X: a\x7fb\r\n\r\n",
    "X(): a\r\n\r\n",
    "Host: a\r\n\r\n",
    "Host: b\r\n\r\n",
    "hOST: b\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\n\n",
    "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3;a\rb\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n1 1\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n folded: 1\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nX : 1\r\n\r\n",
];

/// Whole heads.
pub(crate) const REFUSED: &[(&str, u16)] = &[
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a#\r\n\r\n", 400),
    ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("trace / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\r\n\r\n", 400),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
];

#[test]
fn ambiguous_requests_are_refused_and_reach_no_backend() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let bodies =
        AMBIGUOUS.iter().map(|rest| (format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}"), 400));
    let heads = REFUSED.iter().map(|(head, status)| ((*head).to_owned(), *status));
    for (refused, status) in bodies.chain(heads) {
        let answer = raw(engine.address(), format!("{refused}{SMUGGLED}").as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{refused:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{refused:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{refused:?}: {answer}");
        let served: Vec<_> = origin.seen().into_iter().map(|request| request.head).collect();
        assert_eq!(served, Vec::<String>::new(), "after {refused:?}");
    }
    assert_eq!(client::get(engine.address(), "/").status, 200, "and it serves on");
}

/// Has the backend serve on a kept connection so often that it is relied on: from then on, requests
/// that cannot be repeated go out on kept connections, too.
fn earn_trust(engine: &Engine) {
    for _ in 0..40 {
        assert_eq!(client::get(engine.address(), "/").status, 200);
    }
}

#[test]
fn bodies_pass_whole_in_either_framing() {
    let origin = Origin::scripted(|request| {
        let framing = request.header("transfer-encoding").unwrap_or_default();
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nX-Framing: {framing}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for chunk in request.body.chunks(1000) {
            answer.extend_from_slice(format!("{:X}; a=\"b\"\r\n", chunk.len()).as_bytes());
            answer.extend_from_slice(chunk);
            answer.extend_from_slice(b"\r\n");
        }
        answer.extend_from_slice(b"0\r\n\r\n");
        answer
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    earn_trust(&engine);
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for length in [0, 1, 999, 4096, 4097, 32 * 1024, 70_000, 1_000_000] {
        let body: Vec<u8> = (0..length).map(|n: u32| (n % 251) as u8).collect();
        let mut counted =
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        counted.extend_from_slice(&body);
        let mut chunked =
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n".to_vec();
        for chunk in body.chunks(777) {
            chunked.extend_from_slice(format!("00{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        for (request, framing) in [(counted, ""), (chunked, "chunked")] {
            reader.get_mut().write_all(&request).expect("the proxy reads");
            let answer = read_response(&mut reader).expect("an answer");
            assert_eq!((answer.status, answer.header("x-framing")), (200, Some(framing)));
            assert!(answer.body == body, "{length} bytes, {framing:?}");
        }
    }
    assert_eq!(origin.accepted(), 1, "no body left a connection unusable");
}

/// What a backend says to `GET /`, then it closes.
const MALFORMED: &[&str] = &[
    "garbage\r\n\r\n",
    "\0\0\0\0",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 Low\r\n\r\n",
    "HTTP/1.1 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
];

#[test]
fn ambiguous_responses_become_502() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        let number = request.head.split(['/', ' ']).nth(2).and_then(|word| word.parse().ok());
        let answer = MALFORMED[number.unwrap_or(0_usize)];
        let _either_way = reader.get_mut().write_all(answer.as_bytes());
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for (number, answer) in MALFORMED.iter().enumerate() {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\n");
        let got = raw(
            engine.address(),
            format!("{request}\r\n{request}Connection: close\r\n\r\n").as_bytes(),
        );
        assert!(got.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer:?}: {got}");
        assert_eq!(got.matches("HTTP/1.1 502").count(), 2, "the next is answered, too: {got}");
    }
}

#[test]
fn a_broken_off_body_is_never_passed_off_as_whole() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        let answer: &[u8] = match request.head.split(' ').nth(1) {
            Some("/length") => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
            Some("/chunk") => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        };
        let _either_way = reader.get_mut().write_all(answer);
    });
    let engine = Engine::start(&site("", &[&origin]));
    for path in ["/length", "/chunk", "/chunks"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = exchange(engine.address(), request.as_bytes());
        assert!(answer.is_err(), "{path} looks whole: {answer:?}");
        let answer = raw(engine.address(), request.as_bytes());
        assert!(!answer.ends_with("0\r\n\r\n"), "{path}: {answer}");
    }
}

#[test]
fn bytes_behind_a_response_answer_nobody() {
    const EXTRA: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        while origin::read_request(&mut reader).is_some() {
            if reader.get_mut().write_all(EXTRA).is_err() {
                return;
            }
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..40 {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        assert_eq!(read_response(&mut reader).expect("an answer").text(), "ok");
    }
    let mut rest = [0; 1];
    let stream = reader.get_mut();
    stream.set_nonblocking(true).expect("a socket");
    assert!(stream.read(&mut rest).is_err(), "nothing is left over for the client");
}

#[test]
fn a_body_waits_for_the_backends_word_and_not_for_ours() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        loop {
            let head = client::read_head_if_any(&mut reader);
            let Some(head) = head else { return };
            let mut body = [0; 3];
            if head.contains("/asks ") {
                assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
                reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").expect("it listens");
                reader
                    .get_mut()
                    .write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                    .expect("it listens");
            }
            if head.contains("/asks ") || head.contains("/takes ") {
                reader.read_exact(&mut body).expect("the body comes");
            }
            let said = if head.contains("Expect") { "expected" } else { "plain" };
            if reader.get_mut().write_all(&origin::ok(said)).is_err() || head.contains("/refuses ")
            {
                return;
            }
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let head = |path: &str, version: &str| {
        format!(
            "PUT {path} HTTP/{version}\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
    };
    earn_trust(&engine);
    // The body is sent when the backend has asked for it, and its connection is kept.
    for _ in 0..2 {
        let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
        reader.get_mut().write_all(head("/asks", "1.1").as_bytes()).expect("the proxy reads");
        assert_eq!(client::read_head(&mut reader), "HTTP/1.1 100 Continue\r\n\r\n");
        reader.get_mut().write_all(b"abc").expect("the proxy reads");
        let hints = client::read_head(&mut reader);
        assert_eq!(hints, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        assert_eq!(read_response(&mut reader).expect("an answer").text(), "expected");
    }
    assert_eq!(origin.accepted(), 1);
    // A backend that takes the body unasked, or refuses it, gets no second request there.
    let takes = exchange(engine.address(), format!("{}abc", head("/takes", "1.1")).as_bytes());
    assert_eq!(takes.expect("an answer").text(), "expected");
    let refused = exchange(engine.address(), head("/refuses", "1.1").as_bytes());
    let refused = refused.expect("an answer before the body");
    assert_eq!(
        (refused.text().as_str(), refused.header("connection")),
        ("expected", Some("close"))
    );
    assert_eq!(origin.accepted(), 2);
    // HTTP/1.0 knows no expectation and no interim answer.
    let old = raw(engine.address(), format!("{}abc", head("/takes", "1.0")).as_bytes());
    assert!(old.starts_with("HTTP/1.1 200 OK\r\n") && old.ends_with("plain"), "{old}");
}

#[test]
fn an_expectation_that_nobody_shares_is_refused() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    for lines in ["Expect: y 100-continue", "Expect: 100-continue\r\nExpect: 100-continue"] {
        let request =
            format!("PUT / HTTP/1.1\r\nHost: a\r\n{lines}\r\nContent-Length: 3\r\n\r\nabc");
        let answer = raw(engine.address(), request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 417 Expectation Failed\r\n"), "{answer}");
    }
    assert_eq!(origin.served(), 0);
}

#[test]
fn trailers_pass_both_ways_without_what_belongs_in_a_head() {
    const LINES: &str = "X-Sum: 1\r\nContent-Length: 9\r\nHost: evil\r\nX_Forwarded_For: ::1\r\n";
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        while let Some(head) = client::read_head_if_any(&mut reader) {
            let is_chunked = head.contains("Transfer-Encoding: chunked\r\n");
            assert!(is_chunked || head.starts_with("GET "), "{head}");
            let end = if is_chunked { "\r\n\r\n" } else { "" };
            let body = client::read_until(&mut reader, end);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nX-Got: {}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{LINES}\r\n",
                body.escape_debug()
            );
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    earn_trust(&engine);
    let stream = connect(engine.address()).expect("the listener accepts");
    let mut reader = BufReader::new(stream);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n{LINES}\r\n"
    );
    // Whole, and in two parts that meet within a trailer's name.
    for cut in [request.len(), request.len() - 50] {
        let (first, second) = request.split_at(cut);
        reader.get_mut().write_all(first.as_bytes()).expect("the proxy reads");
        reader.get_mut().write_all(second.as_bytes()).expect("the proxy reads");
        let head = client::read_head(&mut reader);
        let got = "X-Got: 3;x=y\\r\\nabc\\r\\n0\\r\\nX-Sum: 1\\r\\n\\r\\n\r\n";
        assert!(head.contains(got), "{head}");
        let body = client::read_until(&mut reader, "\r\n\r\n");
        assert_eq!(body, "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n");
    }
    assert_eq!(origin.accepted(), 1);
}

#[test]
fn options_are_counted_and_asked_in_the_right_form() {
    let origin = Origin::scripted(|request| origin::ok(request.head.lines().next().unwrap_or("")));
    let engine = Engine::start(&site("", &[&origin]));
    for (target, asked) in [("*", "*"), ("http://a", "*"), ("http://a/x", "/x"), ("/x", "/x")] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n");
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!(answer.text(), format!("OPTIONS {asked} HTTP/1.1"));
        let seen = origin.seen().pop().expect("it arrived");
        assert_eq!(seen.header("max-forwards").as_deref(), Some("2"), "{target}");
    }
    // The last one it may reach answers; other methods are not counted.
    let last = "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n";
    let answer = raw(
        engine.address(),
        format!("{last}{last}{SMUGGLED}").replace("GET", "DELETE").as_bytes(),
    );
    assert_eq!(answer.matches("\r\nAllow: GET, HEAD").count(), 2, "{answer}");
    assert!(answer.contains("DELETE /smuggled"), "{answer}");
    assert_eq!(origin.served(), 5);
    let counted = "GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n";
    assert_eq!(exchange(engine.address(), counted.as_bytes()).expect("an answer").status, 200);
    let seen = origin.seen().pop().expect("it arrived");
    assert_eq!(seen.header("max-forwards").as_deref(), Some("0"));
}

#[test]
fn a_205_tells_its_client_where_it_ends() {
    let origin = Origin::scripted(|_| b"HTTP/1.1 205 Reset Content\r\n\r\n".to_vec());
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..3 {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        let answer = read_response(&mut reader).expect("an answer");
        assert_eq!((answer.status, answer.header("content-length")), (205, Some("0")));
    }
}
