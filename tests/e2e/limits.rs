//! Bounds and time limits towards clients and backends, and what is said when one is reached.

use std::io::{BufReader, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Barrier};
use std::thread;

use crate::client::{self, connect, exchange, raw, read_response};
use crate::engine::{self, Engine, PROMPTLY};
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::wait;

#[test]
fn heads_have_a_bound() {
    let origin = Origin::named("one");
    let engine = Engine::start(&site("", &[&origin]));
    let long = |count: usize| "a".repeat(count);
    let many = "X-Line: 1\r\n".repeat(129);
    let options = "a,".repeat(33);
    for (request, status) in [
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", long(8000)), 200),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", long(9000)), 414),
        // Refused before it ends.
        (format!("GET /{}", long(9000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", long(30_000)), 200),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", long(40_000)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", long(40_000)), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {options}\r\n\r\n"), 400),
        (format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", long(1000)), 200),
    ] {
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{}...", &request[..40.min(request.len())]);
    }
    assert_eq!(origin.served(), 3);
}

#[test]
fn a_body_over_the_limit_is_413() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker("body_max = \"1000B\"", "", &[&origin]));
    let fits =
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{}", "a".repeat(1000));
    assert_eq!(exchange(engine.address(), fits.as_bytes()).expect("an answer").status, 200);
    let announced =
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n";
    let answer = raw(engine.address(), announced);
    assert!(answer.starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"), "{answer}");
    assert_eq!(origin.served(), 1);
    // One that is found out on the way: the whole of it is sent, the answer must not be lost.
    let mut chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..1000 {
        chunked.extend_from_slice(b"3e8\r\n");
        chunked.extend_from_slice(&[b'a'; 1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    for _ in 0..5 {
        let answer = exchange(engine.address(), &chunked).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    }
    assert_eq!(origin.served(), 1, "no backend took a cut-off body for whole");
}

#[test]
fn clients_that_trickle_are_sent_away() {
    let origin = Origin::named("one");
    let keys =
        "header_timeout = \"300ms\"\nbody_timeout = \"300ms\"\nkeepalive_timeout = \"300ms\"";
    let engine = Engine::start(&one_worker(keys, "", &[&origin]));
    let trickle = |start: &'static str, drop: &'static str| {
        let address = engine.address();
        thread::spawn(move || {
            let mut stream = connect(address).expect("the listener accepts");
            stream.set_read_timeout(Some(engine::PROMPTLY)).expect("a socket");
            let mut writer = stream.try_clone().expect("a descriptor is free");
            writer.write_all(start.as_bytes()).expect("the proxy reads");
            // Goes on until the proxy has closed.
            let drops = thread::spawn(move || {
                while !drop.is_empty() && writer.write_all(drop.as_bytes()).is_ok() {
                    thread::park_timeout(std::time::Duration::from_millis(20));
                }
            });
            let mut answer = String::new();
            let _reset_is_a_close_too = stream.read_to_string(&mut answer);
            let _may_be_closed_already = stream.shutdown(Shutdown::Both);
            drops.join().expect("writing fails once the connection is gone");
            answer
        })
    };
    let trickles = [
        ("", "", ""),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "", "HTTP/1.1 408 "),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", "HTTP/1.1 408 "),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", "", "HTTP/1.1 408 "),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", "", "HTTP/1.1 408 "),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", "HTTP/1.1 200 "),
    ];
    let running = trickles.map(|(start, drop, expected)| (start, expected, trickle(start, drop)));
    for (start, expected, thread) in running {
        let answer = thread.join().expect("the connection was closed in time");
        let is_expected =
            if expected.is_empty() { answer.is_empty() } else { answer.starts_with(expected) };
        assert!(is_expected, "{start:?}: {answer:?}");
    }
    wait::within(PROMPTLY, "all connections are gone", || {
        let row = &engine.status()["workers"][0]["connections"];
        (row["active"] == 0 && row["idle"] == 0).then_some(())
    });
}

#[test]
fn a_slow_backend_is_504() {
    let gate = Arc::new(Barrier::new(2));
    let hold = Arc::clone(&gate);
    let slow = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        if request.head.contains("/head") {
            let _either_way = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\n");
        }
        if request.head.contains("/body") {
            let start = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
            let _either_way = reader.get_mut().write_all(start);
        }
        // Returns when the proxy gives up.
        let _end = reader.read(&mut [0; 1]);
        hold.wait();
    });
    let engine = Engine::start(&site("read_timeout = \"200ms\"", &[&slow]));
    for path in ["/", "/head"] {
        let answer = client::get(engine.address(), path);
        assert_eq!(answer.status, 504, "{path}");
        assert!(answer.head.starts_with("HTTP/1.1 504 Gateway Time-out\r\n"), "{}", answer.head);
        gate.wait();
    }
    let request = b"GET /body HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(exchange(engine.address(), request).is_err(), "a cut body does not look whole");
    gate.wait();
    assert_eq!(slow.served(), 3, "a request that timed out with one backend is not repeated");
}

#[test]
fn no_backend_at_all_is_502_and_an_unknown_path_404() {
    let origin = Origin::named("one");
    let config = site("", &[&origin]).replacen("path = \"/\"", "path = \"/api/\"", 1);
    let engine = Engine::start(&config);
    assert_eq!(client::get(engine.address(), "/api/x").status, 200);
    assert_eq!(client::get(engine.address(), "/other").status, 404);
    engine.ctl_ok(&["backend", "down", &format!("app/{}", origin.address)]);
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..3 {
        reader.get_mut().write_all(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        let answer = read_response(&mut reader).expect("an answer, and the connection goes on");
        assert!([502, 503].contains(&answer.status), "{}", answer.head);
    }
    engine.ctl_ok(&["backend", "enable", &format!("app/{}", origin.address)]);
    reader.get_mut().write_all(b"GET /api/ HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
    assert_eq!(read_response(&mut reader).expect("an answer").status, 200);
}

#[test]
fn a_servers_own_bounds_on_heads_count() {
    let origin = Origin::named("one");
    let keys = "header_max = \"2KB\"\nheader_lines_max = 3\nuri_max = \"100B\"";
    let engine = Engine::start(&one_worker(keys, "", &[&origin]));
    let target =
        |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
    let lines =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count));
    let head = |bytes: usize| {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "y".repeat(bytes - start.len() - 4))
    };
    for (request, status) in [
        (target(100), 200),
        (target(101), 414),
        (lines(2), 200),
        (lines(3), 431),
        (head(2048), 200),
        (head(2049), 431),
    ] {
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{request:?}");
    }
}

#[test]
fn a_routes_own_bound_on_bodies_counts() {
    let origin = Origin::named("one");
    let route = "[[server.route]]\npath = \"/small\"\nupstream = \"app\"\nbody_max = \"2B\"\n";
    let config = one_worker("body_max = \"4B\"", "", &[&origin]);
    let config = config.replacen("[[server.route]]", &format!("{route}[[server.route]]"), 1);
    let engine = Engine::start(&config);
    for (path, body, status) in
        [("/", "abcd", 200), ("/", "abcde", 413), ("/small", "ab", 200), ("/small", "abc", 413)]
    {
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!(answer.status, status, "{path} {body}");
    }
}

#[test]
fn a_backend_that_takes_no_connection_is_504() {
    // The kernel drops what comes to a full queue, as a firewall would.
    let full = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    rustix::net::listen(&full, 0).expect("it listens already");
    let address = full.local_addr().expect("bound");
    let soon = std::time::Duration::from_millis(100);
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, soon) {
        queued.push(stream);
    }
    let backend =
        format!("connect_timeout = \"300ms\"\n[[upstream.app.backend]]\naddress = \"{address}\"");
    let mut engine = Engine::start(&site(&backend, &[]));
    let answer = client::get(engine.address(), "/");
    assert_eq!(answer.status, 504, "{}", answer.head);
    assert_eq!(engine.backend("app", &address.to_string())["failures"], 1);
    // A second backend is asked, and soon enough.
    let good = Origin::named("good");
    let both = site(&backend, &[&good]);
    engine.rewrite_config(&both);
    engine.ctl_ok(&["reload"]);
    for _ in 0..4 {
        assert_eq!(client::get(engine.address(), "/").text(), "good");
    }
    assert!(engine.stop().success());
}

#[test]
fn who_comes_to_a_full_house_waits_for_a_seat() {
    let gate = Arc::new(Barrier::new(5));
    let hold = Arc::clone(&gate);
    let origin = Origin::scripted(move |request| {
        if request.head.starts_with("GET /hold") {
            hold.wait();
        }
        origin::ok("one")
    });
    let config =
        one_worker("", "", &[&origin]).replacen("[engine]", "[engine]\nworker_connections = 4", 1);
    let engine = Engine::start(&config);
    let ask = |reader: &mut BufReader<std::net::TcpStream>| {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("open");
        read_response(reader).expect("an answer").status
    };
    let mut idle: Vec<_> = (0..4)
        .map(|_| BufReader::new(connect(engine.address()).expect("a seat is free")))
        .collect();
    // Nobody waits, so nobody has to leave.
    for _ in 0..2 {
        assert!(idle.iter_mut().all(|reader| ask(reader) == 200));
    }
    // The one that has been idle longest gives its seat up.
    assert_eq!(client::get(engine.address(), "/").status, 200);
    assert_eq!(idle[0].read_to_end(&mut Vec::new()).expect("a proper end"), 0);
    assert!(idle[1..].iter_mut().all(|reader| ask(reader) == 200));
    drop(idle);

    let mut held: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = connect(engine.address()).expect("a seat is free");
            stream
                .write_all(b"GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                .expect("open");
            stream
        })
        .collect();
    wait::until("four are served", || {
        (engine.status()["workers"][0]["connections"]["active"] == 4).then_some(())
    });
    // Nobody can be asked to leave: the fifth waits until one is served.
    let address = engine.address();
    let fifth = thread::spawn(move || client::get(address, "/").status);
    gate.wait();
    for stream in &mut held {
        let answer = read_response(&mut BufReader::new(stream)).expect("an answer");
        assert_eq!(answer.status, 200);
    }
    assert_eq!(fifth.join().expect("it was answered"), 200);
}

#[test]
fn whoever_waits_for_a_seat_has_his_request_answered() {
    const SEATS: usize = 8;
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker("", "", &[&origin]).replacen(
        "workers = 1",
        &format!("workers = 1\nworker_connections = {SEATS}"),
        1,
    ));
    let address = engine.address();
    let asking: Vec<_> = (0..6 * SEATS)
        .map(|_| std::thread::spawn(move || client::get(address, "/").text()))
        .collect();
    for one in asking {
        assert_eq!(one.join().expect("nobody is reset"), "one");
    }
}
