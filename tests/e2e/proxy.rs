//! What a client and a backend see of each other through the proxy: heads, connections, order.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use crate::client::{self, Load, connect, exchange, read_response};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::wait;

#[test]
fn a_request_passes_and_tells_the_backend_who_asked() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let answer = client::get(engine.address(), "/path?query=1");
    assert_eq!((answer.status, answer.text().as_str()), (200, "one"));
    let seen = &origin.seen()[0];
    assert!(seen.head.starts_with("GET /path?query=1 HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("http"));
}

/// One server, one upstream with `keys`, the origins as its backends.
pub(crate) fn site(keys: &str, origins: &[&Origin]) -> String {
    let mut backends = String::new();
    for origin in origins {
        backends += "[[upstream.app.backend]]\naddress = \"";
        backends += &origin.address.to_string();
        backends += "\"\n";
    }
    format!(
        "[engine]\nworkers = 2\n[[server]]\nlisten = [\"{{listen}}\"]\n[[server.route]]\npath = \"/\"\nupstream = \"app\"\n\
         [upstream.app]\n{keys}\n{backends}"
    )
}

/// The same with one worker and further keys of the server.
pub(crate) fn one_worker(server_keys: &str, keys: &str, origins: &[&Origin]) -> String {
    site(keys, origins).replacen("workers = 2", "workers = 1", 1).replacen(
        "[[server.route]]",
        &format!("{server_keys}\n[[server.route]]"),
        1,
    )
}

#[test]
fn connections_are_kept_on_both_sides() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..50 {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("still open");
        let answer = read_response(&mut reader).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
    for _ in 0..50 {
        assert_eq!(client::get(engine.address(), "/").header("connection"), Some("close"));
    }
    assert_eq!((origin.served(), origin.accepted()), (100, 1), "one client, then fifty, one pool");
    let load = Load::start(engine.address(), "/", 8);
    wait::until("800 answers", || (origin.served() > 900).then_some(()));
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(origin.accepted() <= 9, "{} connections for 8 clients", origin.accepted());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::scripted(|request| {
        let path = request.head.split(' ').nth(1).unwrap_or("").to_owned();
        origin::ok(&format!("{path}:{}", String::from_utf8_lossy(&request.body)))
    });
    let engine = Engine::start(&site("", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let mut pipeline = Vec::new();
    for n in 0..30 {
        let (method, rest) = [
            ("GET", "\r\n"),
            ("POST", "Content-Length: 2\r\n\r\nhi"),
            ("PUT", "Transfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n\r\n"),
        ][n % 3];
        write!(pipeline, "{method} /{n} HTTP/1.1\r\nHost: a\r\n{rest}").expect("memory");
    }
    reader.get_mut().write_all(&pipeline).expect("the proxy reads");
    for n in 0..30 {
        let body = ["", "hi", "yo"][n % 3];
        let answer = read_response(&mut reader).expect("an answer to each");
        assert_eq!((answer.status, answer.text()), (200, format!("/{n}:{body}")));
    }
}

#[test]
fn what_ends_at_this_hop_is_not_passed_on() {
    let origin = Origin::scripted(|_| {
        b"HTTP/1.1 200 Fine By Me\r\nConnection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n\
          Proxy-Connection: keep-alive\r\nX-CaSe: kept\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Empty:\r\n\
          Content-Length: 0\r\n\r\n"
            .to_vec()
    });
    let engine = Engine::start(&site("", &[&origin]));
    let request = "GET / HTTP/1.1\r\nHost: Example.COM:81\r\nConnection: X-Drop, host, content-length\r\n\
        Connection: close\r\nX-Drop: 1\r\nKeep-Alive: 1\r\nTE: trailers\r\nProxy-Connection: close\r\n\
        Upgrade: websocket\r\nX-Empty:\r\nX-CaSe: Kept\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n\
        X-Forwarded-Proto: https\r\nX_Forwarded_For: 9.9.9.9\r\nContent_Length: 9\r\nX_Own: kept\r\n\
        Content-Length: 3\r\n\r\nabc";
    let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
    assert!(answer.head.starts_with("HTTP/1.1 200 Fine By Me\r\n"), "{}", answer.head);
    for gone in ["x-secret", "keep-alive", "proxy-connection"] {
        assert_eq!(answer.header(gone), None, "{gone} of the backend");
    }
    assert!(answer.head.contains("X-CaSe: kept\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Empty:\r\n"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{}", answer.head);

    let seen = &origin.seen()[0];
    for gone in ["connection", "x-drop", "keep-alive", "te", "proxy-connection", "upgrade"] {
        assert_eq!(seen.header(gone), None, "{gone} of the client");
    }
    for disguised in ["x_forwarded_for", "content_length"] {
        assert_eq!(seen.header(disguised), None, "a backend may read it as what it poses as");
    }
    assert_eq!(seen.header("x_own").as_deref(), Some("kept"));
    assert_eq!(seen.header("host").as_deref(), Some("Example.COM:81"));
    assert_eq!(seen.header("x-forwarded-for").as_deref(), Some("1.2.3.4, 5.6.7.8, 127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto").as_deref(), Some("http"), "the client's word");
    assert!(seen.head.contains("X-CaSe: Kept\r\n"), "{}", seen.head);
    assert_eq!(seen.body, b"abc", "naming Content-Length does not remove it");
}

#[test]
fn the_clients_address_is_believed_from_trusted_peers_only() {
    let origins = [Origin::named("1"), Origin::named("2"), Origin::named("3")];
    for (trusted, is_believed) in [("127.0.0.0/8", true), ("10.0.0.0/8", false)] {
        let keys = format!("real_ip = {{ from = [\"{trusted}\"], header = \"X-Real-IP\" }}");
        let origins = [&origins[0], &origins[1], &origins[2]];
        let engine = Engine::start(&one_worker(&keys, "strategy = \"ip_hash\"", &origins));
        let answers: std::collections::BTreeSet<String> = (0..30)
            .map(|n| {
                let request =
                    format!("GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.0.{n}.1\r\nX-Forwarded-Proto: https\r\n\r\n");
                exchange(engine.address(), request.as_bytes()).expect("an answer").text()
            })
            .collect();
        assert_eq!(answers.len() > 1, is_believed, "from {trusted}: {answers:?}");
        let protos: Vec<_> = origins.iter().flat_map(|origin| origin.seen()).collect();
        let proto = protos.last().and_then(|request| request.header("x-forwarded-proto"));
        assert!(proto.is_some_and(|proto| ["http", "https"].contains(&proto.as_str())));
    }
}

#[test]
fn bodies_that_do_not_exist_are_not_waited_for() {
    let origin = Origin::scripted(|request| {
        let path = request.head.split(' ').nth(1).unwrap_or("");
        match path {
            "/204" => b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n".to_vec(),
            "/304" => {
                b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 7\r\n\r\n".to_vec()
            }
            "/304c" => b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            "/chunked" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec(),
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut stream = connect(engine.address()).expect("the listener accepts");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
    for (request, status, length) in [
        ("HEAD /", "HTTP/1.1 200 OK", Some("Content-Length: 7")),
        ("GET /204", "HTTP/1.1 204 No Content", None),
        ("GET /304", "HTTP/1.1 304 Not Modified", Some("Content-Length: 7")),
        ("GET /304c", "HTTP/1.1 304 Not Modified", None),
        ("HEAD /chunked", "HTTP/1.1 200 OK", None),
        ("HEAD /again", "HTTP/1.1 200 OK", Some("Content-Length: 7")),
    ] {
        write!(stream, "{request} HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        let head = client::read_head(&mut reader);
        assert_eq!(head.lines().next(), Some(status), "{request}");
        let line = head.lines().find(|line| line.starts_with("Content-Length"));
        assert_eq!(line, length, "{request}: {head}");
    }
    assert_eq!(origin.accepted(), 1, "each of them leaves the backend's connection usable");
}

#[test]
fn old_and_sloppy_clients_are_served() {
    let origin = Origin::scripted(|request| {
        match request.head.split(' ').nth(1) {
        Some("/chunked") => {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n".to_vec()
        }
        _ => origin::ok("abcde"),
    }
    });
    let engine = Engine::start(&site("", &[&origin]));
    // Without a Host, without keep-alive: the answer ends with the connection.
    for path in ["/", "/chunked"] {
        let answer =
            client::raw(engine.address(), format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nabcde"), "{answer}");
        assert!(!answer.contains("ransfer-") && answer.contains("Connection: close"), "{answer}");
    }
    let head = &origin.seen()[0];
    assert_eq!(head.header("host").as_deref(), Some(engine.listen.as_str()));
    let kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    let answer = client::raw(engine.address(), kept.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(answer.matches("Connection: keep-alive").count(), 1, "{answer}");
    // Bare LF, blank lines ahead, absolute form.
    for request in [
        "GET / HTTP/1.1\nHost: test\nConnection: close\n\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        "GET http://test/ HTTP/1.1\r\nHost: TEST\r\nConnection: close\r\n\r\n",
        "GET http://test HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    ] {
        let answer = client::raw(engine.address(), request.as_bytes());
        assert!(answer.ends_with("abcde"), "{request:?}: {answer}");
        let seen = origin.seen().pop().expect("it arrived");
        assert!(seen.head.starts_with("GET / HTTP/1.1\r\n"), "{request:?}: {}", seen.head);
    }
}

#[test]
fn a_sloppy_backend_is_understood() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        while let Some(request) = origin::read_request(&mut reader) {
            let answer: &[u8] = match request.head.split(' ').nth(1) {
                Some("/lf") => b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
                Some("/bare") => b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi",
                Some("/old") => b"HTTP/1.0 200 OK\r\n\r\nhi",
                _ => b"HTTP/1.1 200 OK\r\n\r\nhi",
            };
            if reader.get_mut().write_all(answer).is_err() || request.head.contains("/old") {
                return;
            }
            if request.head.starts_with("GET /close") {
                return;
            }
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for path in ["/lf", "/bare", "/old", "/close", "/lf"] {
        write_get(reader.get_mut(), path);
        let answer = read_response(&mut reader).expect("the client's connection outlives it");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi"), "{path}");
        assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {}", answer.head);
    }
}

fn write_get(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
}
