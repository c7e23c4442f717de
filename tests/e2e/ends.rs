//! How conversations end: what a client's end means, and that no end of ours takes an answer with
//! it.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use crate::client::{self, connect, raw, read_response};
use crate::engine::{Engine, signal};
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::wait;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// More than the sockets between two sides hold.
const LARGE_BYTES: usize = 16 << 20;

fn large() -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE_BYTES}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + LARGE_BYTES, b'x');
    answer
}

fn leaves(stream: TcpStream) {
    drop(stream);
}

/// As a killed process, or a cable that is pulled and plugged in again.
fn resets(stream: TcpStream) {
    client::reset_on_close(&stream);
    drop(stream);
}

#[test]
fn a_client_that_left_is_worked_for_no_longer() {
    let (tell, told) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let origin = Origin::by_hand(move |stream| {
        let tell = tell.lock().expect("no test panics while holding it").clone();
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        if request.head.contains("/begun") {
            let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab";
            reader.get_mut().write_all(begun).expect("the proxy reads");
        }
        tell.send("asked").expect("the test waits");
        let _any_end = reader.read_to_end(&mut Vec::new());
        tell.send("left").expect("the test waits");
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for path in ["/", "/begun"] {
        for way in [leaves, resets] {
            let mut stream = connect(engine.address()).expect("the listener accepts");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
            assert_eq!(told.recv_timeout(wait::PATIENCE), Ok("asked"));
            way(stream);
            assert_eq!(told.recv_timeout(wait::PATIENCE), Ok("left"), "{path}");
        }
    }
    let name = origin.address.to_string();
    wait::until("nothing is in flight", || {
        (engine.backend("app", &name)["active"] == 0).then_some(())
    });
    assert_eq!(engine.backend("app", &name)["failures"], 0, "it is not the backend's fault");
}

#[test]
fn a_client_that_only_stopped_writing_is_answered_where_the_route_says_so() {
    let gate = Arc::new(Barrier::new(2));
    let hold = Arc::clone(&gate);
    let origin = Origin::scripted(move |request| {
        if request.head.contains("/answer") {
            hold.wait();
        }
        large()
    });
    let route =
        "[[server.route]]\npath = \"/answer\"\nupstream = \"app\"\nhalf_close = \"answer\"\n";
    let config =
        site("", &[&origin]).replacen("[[server.route]]", &format!("{route}[[server.route]]"), 1);
    let engine = Engine::start(&config);
    let mut stream = connect(engine.address()).expect("the listener accepts");
    stream.write_all(b"GET /answer HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
    stream.shutdown(Shutdown::Write).expect("still open");
    gate.wait();
    let answer = read_response(&mut BufReader::new(&stream)).expect("an answer");
    assert_eq!((answer.status, answer.body.len()), (200, LARGE_BYTES));

    // One that has left is found out by writing.
    let stream = connect(engine.address()).expect("the listener accepts");
    (&stream).write_all(b"GET /answer HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
    drop(stream);
    gate.wait();
    let name = origin.address.to_string();
    wait::until("nothing is in flight", || {
        (engine.backend("app", &name)["active"] == 0).then_some(())
    });
}

#[test]
fn who_sends_several_requests_and_ends_its_side_gets_all_answers() {
    let origin =
        Origin::scripted(|request| origin::ok(request.head.split(' ').nth(1).unwrap_or_default()));
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let request = |n: usize| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n");
    for pieces in [
        vec![(0..20).map(request).collect::<String>()],
        (0..20).map(request).collect(),
        vec![(0..19).map(request).collect::<String>(), request(19)],
        // The last one is cut off: it is no request.
        vec![(0..20).map(request).collect::<String>(), "GET /20 HT".to_owned()],
    ] {
        let stream = connect(engine.address()).expect("the listener accepts");
        for piece in &pieces {
            (&stream).write_all(piece.as_bytes()).expect("the proxy reads");
        }
        stream.shutdown(Shutdown::Write).expect("still open");
        let mut reader = BufReader::new(stream);
        for n in 0..20 {
            let answer = read_response(&mut reader).expect("an answer to each");
            assert_eq!(answer.text(), format!("/{n}"));
        }
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("a proper end");
        assert_eq!(rest, b"");
    }
}

#[test]
fn the_last_answer_says_so_and_arrives_whole() {
    for (keys, answers) in [
        ("keepalive_timeout = \"0s\"", 1),
        ("keepalive_requests = 1", 1),
        ("keepalive_requests = 3", 3),
    ] {
        let origin = Origin::scripted(|_| large());
        let engine = Engine::start(&one_worker(keys, "", &[&origin]));
        let stream = connect(engine.address()).expect("the listener accepts");
        let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
        // Requests go on coming behind the last one that is answered.
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let asking = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) && (&stream).write_all(GET).is_ok() {}
        });
        for n in 1..=answers {
            let answer = read_response(&mut reader).expect("a whole answer");
            let expected = (n == answers).then_some("close");
            assert_eq!((answer.status, answer.header("connection")), (200, expected), "{keys}");
        }
        assert_eq!(reader.read_to_end(&mut Vec::new()).expect("no reset"), 0, "{keys}");
        is_over.store(true, Ordering::Relaxed);
        let _it_may_wait_for_room = reader.get_ref().shutdown(Shutdown::Both);
        asking.join().expect("writing fails once the connection is gone");
    }
}

#[test]
fn a_response_cut_off_does_not_end_like_a_whole_one() {
    let cut = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        let start: &[u8] = if request.head.contains("/chunked") {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        } else {
            b"HTTP/1.0 200 OK\r\n\r\nhello"
        };
        reader.get_mut().write_all(start).expect("the proxy reads");
        if request.head.contains("/reset") {
            client::reset_on_close(reader.get_ref());
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&cut]));
    for (target, version, is_whole) in [
        ("/chunked", "1.0", false),
        ("/chunked", "1.1", false),
        ("/close", "1.0", true),
        ("/close", "1.1", true),
        ("/reset", "1.0", false),
        ("/reset", "1.1", false),
    ] {
        let mut stream = connect(engine.address()).expect("the listener accepts");
        write!(stream, "GET {target} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n")
            .expect("the proxy reads");
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        let looks_whole = if text.contains("chunked") {
            text.ends_with("0\r\n\r\n")
        } else {
            ended.is_ok() && text.ends_with("hello")
        };
        assert_eq!(looks_whole, is_whole, "{target} {version}: {ended:?} {text}");
    }
}

#[test]
fn every_connection_hears_of_a_stop_before_it_ends() {
    const CLIENTS: usize = 16;
    let origin = Origin::named("one");
    let mut engine = Engine::start(&site("", &[&origin]));
    let address = engine.address();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(connect(address).expect("the listener accepts"));
                loop {
                    reader.get_mut().write_all(GET).expect("nobody closed it without a word");
                    let answer = read_response(&mut reader).expect("an answer to every request");
                    assert_eq!(answer.status, 200);
                    if answer.header("connection") == Some("close") {
                        assert_eq!(reader.read_to_end(&mut Vec::new()).expect("no reset"), 0);
                        return;
                    }
                }
            })
        })
        .collect();
    wait::until("all of them are served", || (origin.served() > 500).then_some(()));
    signal(engine.keeper_pid(), "TERM");
    for client in clients {
        client.join().expect("an announced end");
    }
    assert_eq!(engine.ended().code(), Some(0), "{}", engine.log());
}

#[test]
fn who_is_refused_while_it_sends_can_read_why() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker("body_max = \"1KB\"", "", &[&origin]));
    let body = "x".repeat(LARGE_BYTES);
    for framing in ["Content-Length: 16777216", "Transfer-Encoding: chunked"] {
        let start = if framing.contains("chunked") { "1000000\r\n" } else { "" };
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{start}{body}");
        let answer = raw(engine.address(), request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413 "), "{framing}: {answer}");
    }
    assert_eq!(origin.served(), 0);
}
