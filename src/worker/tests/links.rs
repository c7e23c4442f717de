//! Connections to backends: how long they are kept, how many there may be, and backends that end
//! them in every unfriendly way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Answers with the connection's number; counts the connections that are open.
fn numbering() -> (SocketAddr, Arc<AtomicUsize>) {
    let open = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&open);
    let address = backend(move |number, mut stream| {
        count.fetch_add(1, Ordering::Relaxed);
        while read_head(&mut stream).is_some() {
            let _client_may_be_gone = stream.write_all(ok(&number.to_string()).as_bytes());
        }
        count.fetch_sub(1, Ordering::Relaxed);
    });
    (address, open)
}

/// The bodies of so many requests, one after another.
fn ask_in_turn(proxy: &Proxy, count: usize) -> Vec<String> {
    let mut client = proxy.connect();
    let ask = |_| {
        client.write_all(GET.as_bytes()).unwrap();
        let (head, body) = read_response(&mut client);
        assert_eq!(status(&head), 200, "{head}");
        body
    };
    (0..count).map(ask).collect()
}

#[test]
fn a_connection_serves_so_many_requests_and_no_more() {
    let (address, _) = numbering();
    let proxy = Proxy::with(&[address], |config| config.upstreams[0].links.requests_max = 3);
    assert_eq!(ask_in_turn(&proxy, 7), ["0", "0", "0", "1", "1", "1", "2"]);
}

#[test]
fn an_old_connection_takes_no_further_request() {
    let (address, _) = numbering();
    let proxy = Proxy::with(&[address], |config| config.upstreams[0].links.age_max_ms = 0);
    assert_eq!(ask_in_turn(&proxy, 3), ["0", "1", "2"]);
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let (address, open) = numbering();
    let proxy = Proxy::with(&[address], |config| config.upstreams[0].links.idle_timeout_ms = 50);
    assert_eq!(ask_in_turn(&proxy, 1), ["0"]);
    until("the idle connection is closed", || open.load(Ordering::Relaxed) == 0);
    assert_eq!(ask_in_turn(&proxy, 1), ["1"]);
}

#[test]
fn one_connection_too_many_is_503_and_nobodys_fault() {
    let (tell, told) = std::sync::mpsc::channel();
    let held = Arc::new(AtomicUsize::new(0));
    let holding = backend(move |_, mut stream| {
        while read_head(&mut stream).is_some() {
            if held.fetch_add(1, Ordering::Relaxed) == 0 {
                let (let_go, is_let_go) = std::sync::mpsc::channel::<()>();
                tell.send(let_go).unwrap();
                let _released = is_let_go.recv();
            }
            stream.write_all(ok("held").as_bytes()).unwrap();
        }
    });
    let proxy = Proxy::with(&[holding, echo()], |config| {
        config.upstreams[0].links.connections_max = 1;
    });
    let mut first = proxy.send(GET);
    let let_go = told.recv_timeout(PATIENCE).unwrap();
    let mut second = proxy.send(GET);
    assert_eq!(status(&read_response(&mut second).0), 503);
    let upstream = UpstreamId::new(0).unwrap();
    assert_eq!(account::upstream_counts(proxy.board, upstream).overflows, 1);
    drop(let_go);
    assert_eq!(read_response(&mut first).1, "held");
    // Its idle connection gives way to one to the other backend.
    for _ in 0..2 {
        second.write_all(GET.as_bytes()).unwrap();
        assert_eq!(status(&read_response(&mut second).0), 200);
    }
    assert_eq!((proxy.counts(0).failures, proxy.counts(1).failures), (0, 0));
}

/// Backends that end a connection behind a response they promised more after. Requests come as fast
/// as they are answered, so a close is met in every state: seen, on its way, and not yet made.
#[test]
fn an_unfriendly_end_costs_no_request_and_no_blame() {
    type Serve = fn(usize, &mut TcpStream) -> bool;
    let closes_at_once: Serve = |_, stream| {
        let _client_may_be_gone = stream.write_all(ok("").as_bytes());
        false
    };
    let closes_at_the_fifth: Serve = |served, stream| {
        let _client_may_be_gone = stream.write_all(ok("").as_bytes());
        served % 5 < 4
    };
    // Bytes that were sent to it and not read make a close a reset.
    let resets: Serve = |_, stream| {
        let _client_may_be_gone = stream.write_all(ok("").as_bytes());
        let _unread = stream.peek(&mut [0]);
        false
    };
    for serve in [closes_at_once, closes_at_the_fifth, resets] {
        let rude = || {
            backend(move |_, mut stream| {
                let mut served = 0;
                while read_head(&mut stream).is_some() && serve(served, &mut stream) {
                    served += 1;
                }
            })
        };
        let proxy = Proxy::before(&[rude(), rude()]);
        ask_in_turn(&proxy, 300);
        assert_eq!((proxy.counts(0).failures, proxy.counts(1).failures), (0, 0));
    }
}

/// As servers do that tell idle clients why they close.
#[test]
fn what_a_backend_says_unasked_is_nobodys_response() {
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ended);
    let talking = backend(move |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(ok("asked").as_bytes()).unwrap();
        let stray = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
        let _proxy_may_be_gone = stream.write_all(stray.as_bytes());
        drop(stream);
        count.fetch_add(1, Ordering::Relaxed);
    });
    let proxy = Proxy::before(&[talking]);
    let mut client = proxy.connect();
    for number in 1..20 {
        client.write_all(GET.as_bytes()).unwrap();
        assert_eq!(read_response(&mut client).1, "asked");
        until("the backend has said it", || ended.load(Ordering::Relaxed) == number);
    }
    assert_eq!(proxy.counts(0).failures, 0);
}

/// What must not be sent twice meets no connection that is just being closed. "Just" is a promise of
/// the backend's, too: one that stands still between its last answer and its close for as long as an
/// idle one is trusted after costs what is sent meanwhile, and this one measures itself.
#[test]
fn an_unfriendly_end_costs_nothing_that_cannot_be_repeated() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    for kept in [1, 5] {
        let stood_still_us = Arc::new(AtomicU64::new(0));
        let pause_us = Arc::clone(&stood_still_us);
        let rude = backend(move |_, mut stream| {
            let mut answered_us = sys::clock::monotonic_us();
            for _ in 0..kept {
                if read_head(&mut stream).is_none() {
                    return;
                }
                read_bytes(&mut stream, 2);
                answered_us = sys::clock::monotonic_us();
                let _client_may_be_gone = stream.write_all(ok("").as_bytes());
            }
            drop(stream);
            pause_us.fetch_max(sys::clock::monotonic_us() - answered_us, Ordering::Relaxed);
        });
        let proxy = Proxy::before(&[rude]);
        let mut client = proxy.connect();
        for number in 0..300 {
            client.write_all(POST.as_bytes()).unwrap();
            let status = status(&read_response(&mut client).0);
            if status != 200 {
                until(&format!("it stood still: {status} for request {number} of {kept}"), || {
                    stood_still_us.load(Ordering::Relaxed) >= limits::SEASONED_MS * 900
                });
            }
        }
        assert_eq!(proxy.counts(0).failures, 0);
    }
}

/// A backend that keeps its connections has them used for such requests, too, before long.
#[test]
fn connections_are_kept_for_what_cannot_be_repeated() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let (address, _) = numbering();
    let proxy = Proxy::before(&[address]);
    let ask = || read_response(&mut proxy.send(POST)).1.parse::<usize>().unwrap();
    let mut last = ask();
    until("a connection serves many in a row", || {
        let same = (0..100).filter(|_| std::mem::replace(&mut last, ask()) == last).count();
        same == 100
    });
}
