//! Bad input from both sides: oversized, malformed, slow, truncated, never-ending, half-closed. Each
//! gets an answer or a close, is counted, and leaves nothing behind.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

use crate::client::{self, connect};
use crate::engine::{Engine, descriptors, resident_bytes};
use crate::origin::{self, Origin};
use crate::proxy::one_worker;
use crate::wait;

/// What a side does after its bytes.
#[derive(Clone, Copy, Debug)]
enum Then {
    Closes,
    Resets,
    HalfCloses,
    /// Until the proxy ends the conversation.
    Waits,
    /// Sends this again and again until the proxy takes no more.
    GoesOn(&'static [u8]),
}

fn misbehave(stream: &TcpStream, start: &[u8], then: Then) {
    let mut writer = stream;
    let _the_proxy_may_have_closed = writer.write_all(start);
    match then {
        Then::Closes | Then::Waits => {}
        Then::Resets => client::reset_on_close(stream),
        Then::HalfCloses => stream.shutdown(Shutdown::Write).unwrap_or_default(),
        Then::GoesOn(piece) => {
            let many = piece.repeat(1 + 1000 / piece.len());
            while writer.write_all(&many).is_ok() {}
        }
    }
}

const SMALL: &str = "header_timeout = \"1s\"\nbody_timeout = \"1s\"\nsend_timeout = \"1s\"\n\
                     keepalive_timeout = \"1s\"\nbody_max = \"1KB\"";
const SHORT: &str = "keepalive = 0\nfirst_byte_timeout = \"1s\"\nbetween_bytes_timeout = \"1s\"";

/// A client's bytes, what it does then, and the status of the answer; 0 for a close without a word.
const CLIENTS: &[(&[u8], Then, u16)] = &[
    (b"", Then::Waits, 0),
    (b"", Then::HalfCloses, 0),
    (b"\0\0\0\0", Then::Waits, 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Then::Waits, 400),
    (b"hello\r\n\r\n", Then::Waits, 400),
    (b"GET / HTTP/9.1\r\nHost: a\r\n\r\n", Then::Waits, 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Then::Waits, 505),
    (b"GET / HTTP/1.1\r\n\r\n", Then::Waits, 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\n", Then::Waits, 408),
    (b"GET / HTTP/1.1\r\nHost: a\r\n", Then::HalfCloses, 0),
    (b"GET / HTTP/1.1\r\nHost: a\r\n", Then::GoesOn(b"X: y\r\n"), 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", Then::GoesOn(b"y"), 431),
    (b"GET /", Then::GoesOn(b"x"), 414),
    (b"GET ", Then::GoesOn(b" "), 400),
    (b"\r\n", Then::GoesOn(b"\r\n"), 431),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", Then::Waits, 408),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", Then::HalfCloses, 0),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n", Then::GoesOn(b"x"), 413),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        Then::Waits,
        400,
    ),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Then::Waits, 408),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Then::Waits, 400),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        Then::GoesOn(b"x"),
        400,
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        Then::GoesOn(b"X: y\r\n"),
        400,
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        Then::GoesOn(b"1\r\nx\r\n"),
        413,
    ),
    (b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", Then::Waits, 200),
];

/// A backend's bytes, what it does then, and what its client gets.
const BACKENDS: &[(&[u8], Then, u16)] = &[
    (b"", Then::Closes, 502),
    (b"", Then::Resets, 502),
    (b"", Then::HalfCloses, 502),
    (b"", Then::Waits, 504),
    (b"HTTP/1.1 200 OK\r\n", Then::Waits, 504),
    (b"HTTP/1.1 200 OK\r\nContent-", Then::Closes, 502),
    (b"HTTP/1.1 200 OK\r\nContent-", Then::Resets, 502),
    (b"220 mail.example.com ESMTP\r\n", Then::Waits, 502),
    (b"\0\0\0\0", Then::Waits, 502),
    (b"HTTP/1.1 20 OK\r\n\r\n", Then::Closes, 502),
    (b"HTTP/1.1 200 OK\r\n", Then::GoesOn(b"X: y\r\n"), 502),
    (b"HTTP/1.1 200 OK\r\nX: ", Then::GoesOn(b"y"), 502),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Then::Waits, 502),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Then::Waits, 502),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Then::Waits, 502),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Then::Waits, 502),
    (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        Then::Waits,
        502,
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\n", Then::GoesOn(b"HTTP/1.1 100 Continue\r\n\r\n"), 502),
];

/// Responses that begin well: they are passed on as far as they go, and cut.
const BEGUN: &[(&[u8], Then)] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then::Closes),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then::Waits),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", Then::Closes),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", Then::Waits),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", Then::GoesOn(b"x")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", Then::GoesOn(b"X: y\r\n")),
];

/// Misbehaves as the number in the request's path says.
fn hostile_origin() -> Origin {
    Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        let path = request.head.split(' ').nth(1).unwrap_or_default();
        let number = path.trim_start_matches("/begun/").trim_start_matches('/').parse::<usize>();
        let (start, then) = match number {
            Ok(number) if path.starts_with("/begun/") => BEGUN[number],
            Ok(number) => (BACKENDS[number].0, BACKENDS[number].1),
            Err(_) => (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".as_slice(), Then::Waits),
        };
        misbehave(reader.get_ref(), start, then);
        if matches!(then, Then::Waits | Then::HalfCloses) {
            let _any_end = reader.read_to_end(&mut Vec::new());
        }
    })
}

/// All that comes until the proxy closes.
fn converse(address: SocketAddr, start: &[u8], then: Then) -> String {
    let stream = connect(address).expect("the listener accepts");
    let mut reader = stream.try_clone().expect("a descriptor is free");
    thread::scope(|scope| {
        scope.spawn(|| misbehave(&stream, start, then));
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        // A reset behind the answer is the sender's own doing.
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            answer.extend_from_slice(&piece[..count]);
        }
        let _lets_the_writer_end = stream.shutdown(Shutdown::Both);
        String::from_utf8_lossy(&answer).into_owned()
    })
}

fn final_status(answer: &str) -> u16 {
    let last = answer.rsplit("HTTP/1.1 ").next().filter(|_| !answer.is_empty());
    last.and_then(|line| line.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn all_of_it(address: SocketAddr) {
    thread::scope(|scope| {
        for (start, then, status) in CLIENTS {
            scope.spawn(move || {
                let answer = converse(address, start, *then);
                let shown = String::from_utf8_lossy(&start[..start.len().min(80)]);
                // Which bound an endless beginning meets first depends on how its bytes come.
                let found = match final_status(&answer) {
                    414 if *status == 431 => 431,
                    found => found,
                };
                assert_eq!(found, *status, "{shown:?} {then:?}: {answer:?}");
            });
        }
        for (number, (start, then, status)) in BACKENDS.iter().enumerate() {
            scope.spawn(move || {
                let answer = client::get(address, &format!("/{number}")).status;
                let shown = String::from_utf8_lossy(start);
                assert!(answer == *status || answer == 100, "{shown:?} {then:?}: {answer}");
            });
        }
        for number in 0..BEGUN.len() {
            scope.spawn(move || {
                let request = format!("GET /begun/{number} HTTP/1.1\r\nHost: a\r\n\r\n");
                let answer = converse(address, request.as_bytes(), Then::Waits);
                // The end of the last chunk and its trailers, or more than two bytes of nine.
                let is_whole = answer.ends_with("\r\n\r\n") || answer.contains("abc");
                assert!(!is_whole, "{number} is passed off as whole: {answer}");
            });
        }
    });
}

fn wait_until_all_is_quiet(engine: &Engine) {
    wait::until("everybody has left", || {
        let status = engine.status();
        let row = &status["workers"][0]["connections"];
        let active = &status["upstreams"][0]["backends"][0]["active"];
        (row["active"] == 0 && row["idle"] == 0 && *active == 0).then_some(())
    });
}

#[test]
fn each_gets_an_answer_or_a_close_and_leaves_nothing_behind() {
    const ROUNDS: usize = 4;
    let origin = hostile_origin();
    let engine = Engine::start(&one_worker(SMALL, SHORT, &[&origin]));
    let worker = engine.worker_pids()[0];
    // The first round also lets the worker come to its usual size.
    all_of_it(engine.address());
    wait_until_all_is_quiet(&engine);
    let open = descriptors(worker);
    let (memory, counted) =
        (resident_bytes(worker), engine.status()["workers"][0]["requests"].clone());
    for _ in 0..ROUNDS {
        all_of_it(engine.address());
    }
    wait_until_all_is_quiet(&engine);
    let growth = resident_bytes(worker).saturating_sub(memory);
    assert!(growth < 2 << 20, "{growth} bytes more");
    assert_eq!(descriptors(worker), open, "no descriptor stays open");
    // All but the two that never said a word.
    let counted = counted.as_u64().expect("a number");
    let each = (CLIENTS.len() + BACKENDS.len() + BEGUN.len() - 2) as u64;
    assert_eq!(counted, each);
    assert_eq!(engine.status()["workers"][0]["requests"], counted * (1 + ROUNDS as u64));
    assert_eq!(client::get(engine.address(), "/ok").status, 200);
    assert_eq!(engine.worker_pids()[0], worker, "the same process as before");
}
