//! Requests' heads: what passes, what is refused and how, how connections persist.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

#[test]
fn pipelined_requests_are_answered_in_order() {
    let proxy = Proxy::before(&[echo(), echo()]);
    let requests: Vec<_> =
        (0..20).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let mut client = proxy.send(requests.concat());
    for n in 0..20 {
        let (head, body) = read_response(&mut client);
        assert_eq!((status(&head), body), (200, format!("GET /{n} HTTP/1.1")));
        assert_eq!(header(&head, "connection"), None);
        assert!(header(&head, "date").is_some());
    }
}

#[test]
fn heads_pass_with_what_a_proxy_owes() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&seen);
    let origin = answering(move |head| {
        head.clone_into(&mut keep.lock().unwrap());
        "HTTP/1.0 302 Go\nX-IP: 1\nETag: x\nKeep-Alive: 1\nContent-Length: 0\n\n".to_owned()
    });
    let proxy = Proxy::before(&[origin]);
    let answer = proxy.ask(
        "GET /a%20b?c HTTP/1.0\nHost: x.example:99\nX-Own: 1\nConnection: x-own\nx-lower: y\n\n",
    );
    assert!(answer.starts_with("HTTP/1.1 302 Go\r\nX-IP: 1\r\nETag: x\r\n"), "{answer}");
    assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
    assert_eq!(header(&answer, "keep-alive"), None);
    assert_eq!(
        *seen.lock().unwrap(),
        "GET /a%20b?c HTTP/1.1\r\nHost: x.example:99\r\nx-lower: y\r\n\
         X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
    );
}

#[test]
fn old_clients_keep_their_connection_only_if_they_ask() {
    let proxy = Proxy::before(&[echo()]);
    let mut client = proxy.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let (head, _) = read_response(&mut client);
    assert_eq!(header(&head, "connection").as_deref(), Some("keep-alive"));
    client.write_all(b"GET /2 HTTP/1.0\r\n\r\n").unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("GET /2 HTTP/1.1"), "{rest}");
}

#[test]
fn what_cannot_be_served_is_refused_and_never_forwarded() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let origin = answering(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        ok("")
    });
    let proxy =
        Proxy::with(&[origin], |config| config.servers[0].routes[0].limits.body_bytes_max = 10);
    let lines = |lines: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for (code, request) in [
        (
            400,
            format!(
                "{}0\r\n\r\n{smuggled}",
                lines("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")
            ),
        ),
        (400, format!("{}{smuggled}", lines("Content-Length: 0\r\nContent-Length: 39\r\n"))),
        (400, lines("Transfer-Encoding: chunked, identity\r\n")),
        (400, lines("Transfer-Encoding : chunked\r\n")),
        (400, format!("{}5\nhello\r\n0\r\n\r\n", lines("Transfer-Encoding: chunked\r\n"))),
        (400, lines("X: 1\r\n folded\r\n")),
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "\x16\x03\x01\x02\x00\x01\x00".to_owned()),
        (405, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".to_owned()),
        (413, format!("{}12345678901", lines("Content-Length: 11\r\n"))),
        (413, format!("{}b\r\n12345678901\r\n0\r\n\r\n", lines("Transfer-Encoding: chunked\r\n"))),
        (414, format!("GET /{}", "x".repeat(limits::TARGET_BYTES))),
        (431, lines(&"X: y\r\n".repeat(limits::HEADERS_MAX))),
        (431, lines(&format!("X: {}\r\n", "y".repeat(limits::HEAD_BYTES_MAX)))),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ] {
        let answer = proxy.ask(&request);
        assert_eq!(status(&answer), code, "{request:?}\n{answer}");
        assert_eq!(header(&answer, "connection").as_deref(), Some("close"));
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn routes_and_hosts_are_told_apart() {
    let proxy = Proxy::with(&[echo()], |config| {
        config.servers[0].routes[0].path =
            config::model::route::PathMatch::Prefix("/in/".to_owned());
    });
    for (path, code) in [
        ("/in/x", 200),
        ("/a/../in/", 200),
        ("//in//", 200),
        ("/%69n/", 200),
        ("/out", 404),
        ("/in/../out", 404),
    ] {
        let mut client = proxy.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (head, body) = read_response(&mut client);
        assert_eq!(status(&head), code, "{path}: {body}");
        assert_eq!(header(&head, "connection"), None, "{path}");
    }
}

#[test]
fn the_real_client_is_found_behind_trusted_proxies() {
    let proxy = Proxy::with(
        &[answering(|head| ok(&header(head, "x-forwarded-for").unwrap_or_default()))],
        |config| {
            config.servers[0].real_ip = Some(config::model::RealIp {
                from: vec![config::model::Cidr {
                    network: "127.0.0.0".parse().unwrap(),
                    prefix_bits: 8,
                }],
                header: "X-Forwarded-For".to_owned(),
            });
        },
    );
    let mut client =
        proxy.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9, 203.0.113.7\r\n\r\n");
    assert_eq!(read_response(&mut client).1, "9.9.9.9, 203.0.113.7, 127.0.0.1");
    until("the request is recorded", || {
        let mut clients = Vec::new();
        let slot = WorkerSlot::new(0).unwrap();
        crate::scoreboard::recent::read(proxy.board, slot, 0, |_, entry| {
            clients.push(entry.client);
        });
        clients == ["203.0.113.7".parse::<std::net::IpAddr>().unwrap()]
    });
}

#[test]
fn a_head_that_trickles_in_is_served() {
    let proxy = Proxy::before(&[echo()]);
    let mut client = proxy.connect();
    client.set_nodelay(true).unwrap();
    for byte in b"\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n" {
        client.write_all(&[*byte]).unwrap();
    }
    assert_eq!(read_response(&mut client).1, "GET /slow HTTP/1.1");
}
