//! Backends and clients that misbehave, and who is blamed for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";

/// Reads one request and closes without a word.
fn mute() -> SocketAddr {
    backend(|_, mut stream| {
        read_head(&mut stream);
    })
}

#[test]
fn a_safe_request_goes_on_to_the_next_backend() {
    for bad in [nobody(), mute()] {
        let proxy = Proxy::before(&[bad, echo()]);
        let mut client = proxy.send(GET);
        assert_eq!(status(&read_response(&mut client).0), 200);
        assert_eq!(proxy.counts(0).failures, 1);
    }
}

#[test]
fn a_request_that_was_sent_is_repeated_only_if_that_is_safe() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let other = answering(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        ok("")
    });
    let proxy = Proxy::before(&[mute(), other]);
    let mut client = proxy.send(POST);
    assert_eq!(status(&read_response(&mut client).0), 502);
    assert_eq!(asked.load(Ordering::Relaxed), 0);

    // Nothing was sent to a backend that refuses the connection.
    let proxy = Proxy::before(&[nobody(), echo()]);
    let mut client = proxy.send(POST);
    assert_eq!(status(&read_response(&mut client).0), 200);
}

#[test]
fn without_a_backend_the_answer_is_502() {
    let proxy = Proxy::before(&[nobody(), nobody()]);
    let mut client = proxy.connect();
    for _ in 0..3 {
        client.write_all(GET.as_bytes()).unwrap();
        let (head, body) = read_response(&mut client);
        assert_eq!(status(&head), 502);
        assert!(body.contains("502 Bad Gateway"), "{body}");
    }
    let proxy = Proxy::before(&[echo()]);
    proxy.set(0, Standing::Drained);
    let mut client = proxy.send(GET);
    assert_eq!(status(&read_response(&mut client).0), 502);
}

#[test]
fn what_is_not_http_is_502_and_not_asked_of_another() {
    for garbage in [
        "hello\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ] {
        let proxy = Proxy::before(&[answering(move |_| garbage.to_owned()), echo()]);
        let mut client = proxy.send(GET);
        assert_eq!(status(&read_response(&mut client).0), 502, "{garbage:?}");
        assert_eq!(proxy.counts(1).requests, 0, "{garbage:?}");
    }
}

#[test]
fn dead_pooled_connections_cost_no_request_and_no_blame() {
    // They close after each response, without having said so.
    let closing = || {
        backend(|_, mut stream| {
            read_head(&mut stream);
            let _client_may_be_gone = stream.write_all(ok("").as_bytes());
        })
    };
    let proxy = Proxy::before(&[closing(), closing()]);
    let mut client = proxy.connect();
    for _ in 0..200 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut client).0), 200);
    }
    assert_eq!((proxy.counts(0).failures, proxy.counts(1).failures), (0, 0));
}

#[test]
fn connections_to_a_drained_backend_are_not_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let origin = backend(move |_, mut stream| {
        count.fetch_add(1, Ordering::Relaxed);
        while read_head(&mut stream).is_some() {
            stream.write_all(ok("").as_bytes()).unwrap();
        }
        count.fetch_sub(1, Ordering::Relaxed);
    });
    let proxy = Proxy::before(&[origin, echo()]);
    let mut client = proxy.connect();
    for _ in 0..4 {
        client.write_all(GET.as_bytes()).unwrap();
        read_response(&mut client);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    proxy.set(0, Standing::Draining);
    until("its idle connection is closed", || connections.load(Ordering::Relaxed) == 0);
    for _ in 0..4 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(read_response(&mut client).1, "GET / HTTP/1.1");
    }
}

#[test]
fn a_slow_backend_is_504_and_a_slow_client_408() {
    let proxy = Proxy::with(
        &[backend(|_, mut stream| {
            let _end = stream.read_to_end(&mut Vec::new());
        })],
        |config| {
            config.upstreams[0].first_byte_timeout_ms = 50;
            config.servers[0].client.head.timeout_ms = 50;
            config.servers[0].routes[0].limits.body_timeout_ms = 50;
            config.servers[0].client.keepalive.timeout_ms = 50;
        },
    );
    let mut client = proxy.send(GET);
    assert_eq!(status(&read_response(&mut client).0), 504);
    assert_eq!(proxy.counts(0).failures, 1);
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "an idle connection is closed without a word");
    assert_eq!(status(&proxy.ask("GET / HTTP/1.1\r\nHos")), 408);
    assert_eq!(
        status(&proxy.ask("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123")),
        408
    );
    assert_eq!(proxy.ask(""), "");
}

#[test]
fn a_broken_off_response_is_not_passed_off_as_whole() {
    for broken in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let proxy = Proxy::before(&[backend(move |_, mut stream| {
            read_head(&mut stream);
            stream.write_all(broken.as_bytes()).unwrap();
        })]);
        let answer = proxy.ask(GET);
        assert!(answer.contains("abc") && !answer.contains("0\r\n\r\n"), "{answer}");
    }
}

#[test]
fn surplus_bytes_of_a_backend_reach_no_client() {
    let proxy = Proxy::before(&[backend(|number, mut stream| {
        while read_head(&mut stream).is_some() {
            let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
            // In one write: what comes after the next request was sent is its response to anyone.
            let bytes = ok(&number.to_string()) + surplus;
            let _peer_may_close = stream.write_all(bytes.as_bytes());
        }
    })]);
    let mut client = proxy.connect();
    for number in 0..5 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(read_response(&mut client).1, number.to_string());
    }
}

#[test]
fn a_client_that_leaves_takes_its_request_back() {
    let (tell, told) = std::sync::mpsc::channel();
    let origin = backend(move |_, mut stream| {
        read_head(&mut stream);
        tell.send("asked").unwrap();
        let _any_end = stream.read_to_end(&mut Vec::new());
        tell.send("left").unwrap();
    });
    let proxy = Proxy::before(&[origin]);
    let client = proxy.send(GET);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("asked"));
    drop(client);
    assert_eq!(told.recv_timeout(PATIENCE), Ok("left"));
    until("nothing is in flight", || proxy.board.backend(id(0)).active() == 0);
    assert_eq!(proxy.counts(0).failures, 0);
}
