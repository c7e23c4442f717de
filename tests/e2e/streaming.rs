//! Large bodies in flat memory, answers that come early, and what thousands of rude connections
//! leave behind.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::client::{self, connect, read_head, read_response};
use crate::engine::{Engine, descriptors, resident_bytes};
use crate::origin::{self, Origin};
use crate::proxy::one_worker;
use crate::wait;

const BODY_BYTES: usize = 256 << 20;
const PIECE_BYTES: usize = 64 << 10;
/// What a worker's buffers may add, far below what passes.
const GROWTH_BYTES_MAX: u64 = 8 << 20;

fn pour(stream: &mut impl Write, chunk_head: &[u8], chunk_tail: &[u8]) {
    let mut piece = chunk_head.to_vec();
    piece.resize(chunk_head.len() + PIECE_BYTES, b'x');
    piece.extend_from_slice(chunk_tail);
    for _ in 0..BODY_BYTES / PIECE_BYTES {
        stream.write_all(&piece).expect("the other side reads");
    }
}

fn swallow(reader: &mut impl Read, mut bytes: usize) {
    let mut piece = vec![0; PIECE_BYTES];
    while bytes > 0 {
        let read = reader.read(&mut piece).expect("the other side goes on");
        assert!(read > 0, "{bytes} bytes are missing");
        bytes = bytes.checked_sub(read).expect("no byte too many");
    }
}

#[test]
fn huge_bodies_pass_both_ways_in_flat_memory() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        let mut stream = reader.get_ref().try_clone().expect("a descriptor is free");
        if head.starts_with("GET /length") {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n")
                .expect("open");
            pour(&mut stream, b"", b"");
        } else if head.starts_with("GET /chunked") {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .expect("open");
            pour(&mut stream, b"10000\r\n", b"\r\n");
            stream.write_all(b"0\r\n\r\n").expect("open");
        } else {
            swallow(&mut reader, BODY_BYTES);
            stream.write_all(&origin::ok("thanks")).expect("open");
        }
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let chunked_bytes = BODY_BYTES / PIECE_BYTES * (PIECE_BYTES + 9) + 5;
    for (path, bytes) in [("/length", BODY_BYTES), ("/chunked", chunked_bytes)] {
        write!(reader.get_mut(), "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        let head = read_head(&mut reader);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        swallow(&mut reader, bytes);
    }
    write!(reader.get_mut(), "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES}\r\n\r\n")
        .expect("still open");
    pour(reader.get_mut(), b"", b"");
    assert_eq!(read_response(&mut reader).expect("an answer").text(), "thanks");
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more after 768 MiB");
}

#[test]
fn readers_that_do_not_read_hold_the_sender_back() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n");
        let stream = reader.get_mut();
        stream.write_all(head.as_bytes()).expect("open");
        let piece = vec![b'x'; PIECE_BYTES];
        // Ends with an error when the client has left.
        while stream.write_all(&piece).is_ok() {}
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let stuck: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(engine.address()).expect("the listener accepts");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
            read_head(&mut BufReader::with_capacity(1, stream.try_clone().expect("free")));
            stream
        })
        .collect();
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < 20 << 20, "{growth} bytes for 20 readers that do not read");
    drop(stuck);
    wait::until("their requests are taken back", || {
        (engine.backend("app", &origin.address.to_string())["active"] == 0).then_some(())
    });
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
        reader.get_mut().write_all(answer).expect("the proxy reads");
        // Reads no more and closes: the rest of the body is nobody's.
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for _ in 0..10 {
        let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
        let mut writer = reader.get_ref().try_clone().expect("a descriptor is free");
        let sending = std::thread::spawn(move || {
            write!(writer, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n")
                .expect("the proxy reads");
            let _may_be_cut_off = writer.write_all(&vec![b'x'; 8_000_000]);
        });
        let answer = read_response(&mut reader).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
        assert_eq!(answer.header("connection"), Some("close"));
        sending.join().expect("the client is not stuck");
    }
    let row = engine.backend("app", &origin.address.to_string());
    assert_eq!((row["failures"].as_u64(), row["state"].as_str()), (Some(0), Some("up")), "{row}");
}

#[test]
fn thousands_of_rude_connections_leave_nothing_behind() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let worker = engine.worker_pids()[0];
    let rudeness = |round: usize| {
        let rude: &[&[u8]] = &[
            b"",
            b"\0",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ];
        for n in 0..round {
            let mut stream = connect(engine.address()).expect("the listener accepts");
            let _reset_is_fine = stream.write_all(rude[n % rude.len()]);
            if n % 2 == 0 {
                let _half = stream.shutdown(std::net::Shutdown::Write);
                let _reset_is_fine = stream.read_to_end(&mut Vec::new());
            }
        }
        wait::until("everyone has left", || {
            let status = engine.status();
            let row = &status["workers"][0]["connections"];
            let active = &status["upstreams"][0]["backends"][0]["active"];
            (row["active"] == 0 && row["idle"] == 0 && *active == 0).then_some(())
        });
    };
    rudeness(1000);
    let (memory, open) = (resident_bytes(worker), descriptors(worker));
    rudeness(4000);
    let growth = resident_bytes(worker).saturating_sub(memory);
    assert!(growth < 2 << 20, "{growth} bytes more");
    // The pool may hold connections of its own.
    assert!(descriptors(worker) <= open + 16, "{} descriptors after {open}", descriptors(worker));
    assert_eq!(client::get(engine.address(), "/").status, 200);
    assert_eq!(engine.worker_pids()[0], worker, "the same process as before");
}

/// Long enough for the other side to have taken all it will.
const STALL: std::time::Duration = std::time::Duration::from_millis(500);
/// The sockets on the way hold some; a worker's part is `GROWTH_BYTES_MAX`.
const ON_THE_WAY_BYTES_MAX: usize = 48 << 20;

/// Writes until nothing more is taken; how much was.
fn push(stream: &mut TcpStream) -> usize {
    stream.set_write_timeout(Some(STALL)).expect("a socket");
    let piece = vec![b'x'; PIECE_BYTES];
    let mut pushed = 0;
    while pushed < BODY_BYTES {
        match stream.write(&piece) {
            Ok(count) => pushed += count,
            Err(_) => break,
        }
    }
    pushed
}

#[test]
fn a_backend_stalls_with_its_client() {
    let (tell, told) = std::sync::mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let origin = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let stream = reader.get_mut();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n").expect("open");
        let pushed = push(stream);
        tell.lock().expect("held by nobody").send(pushed).expect("the test waits");
        // Held open until the client has left.
        let _any_end = reader.read_to_end(&mut Vec::new());
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let mut client = connect(engine.address()).expect("the listener accepts");
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
    let pushed = told.recv_timeout(wait::PATIENCE).expect("the backend is held back");
    assert!(
        pushed < ON_THE_WAY_BYTES_MAX,
        "{pushed} bytes were taken for a client that reads none"
    );
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
}

#[test]
fn a_client_stalls_with_its_backend() {
    let origin = Origin::by_hand(|stream| {
        // Reads nothing until the proxy gives up.
        while !engine_has_closed(&stream) {
            std::thread::park_timeout(STALL);
        }
    });
    let engine = Engine::start(&one_worker("", "send_timeout = \"2s\"", &[&origin]));
    let worker = engine.worker_pids()[0];
    let before = resident_bytes(worker);
    let mut client = connect(engine.address()).expect("the listener accepts");
    write!(client, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_BYTES}\r\n\r\n")
        .expect("the proxy reads");
    let pushed = push(&mut client);
    assert!(
        pushed < ON_THE_WAY_BYTES_MAX,
        "{pushed} bytes were taken for a backend that reads none"
    );
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    let answer = read_response(&mut BufReader::new(client)).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (504, Some("close")));
}

/// Whether the other side is gone, without reading what it sent.
fn engine_has_closed(stream: &TcpStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut watched = [PollFd::new(stream, PollFlags::RDHUP)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&at_once)).is_ok_and(|ready| ready > 0)
}
