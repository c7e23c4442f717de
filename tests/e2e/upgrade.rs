//! Interim responses, and tunnels: raw bytes both ways after the backend's 101 and never before.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Barrier};

use crate::client::{connect, read_head, read_response};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::wait;

const SWITCH: &str = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: abc\r\n\r\n";

#[test]
fn a_client_that_waits_is_told_to_continue_by_the_backend() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        assert!(head.contains("Expect: 100-continue\r\n"), "{head}");
        let mut stream = reader.get_ref().try_clone().expect("a descriptor is free");
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n")
            .expect("the proxy reads");
        let mut body = [0; 5];
        reader.read_exact(&mut body).expect("the body follows");
        stream.write_all(&origin::ok(&String::from_utf8_lossy(&body))).expect("the proxy reads");
    });
    let engine = Engine::start(&site("", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    reader.get_mut().write_all(head.as_bytes()).expect("the proxy reads");
    let interim = read_head(&mut reader);
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n");
    reader.get_mut().write_all(b"hello").expect("the proxy reads");
    let answer = read_response(&mut reader).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
}

#[test]
fn a_refusal_in_place_of_continue_reaches_the_client() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let refusal = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno";
        reader.get_mut().write_all(refusal).expect("the proxy reads");
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).expect("the proxy closes");
        assert!(rest.is_empty(), "nothing was sent: {rest:?}");
    });
    let engine = Engine::start(&site("", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    reader.get_mut().write_all(head.as_bytes()).expect("the proxy reads");
    let answer = read_response(&mut reader).expect("an answer");
    // Whether the body still comes is open, so the connection must end.
    assert_eq!((answer.status, answer.header("connection")), (417, Some("close")));
}

#[test]
fn early_hints_pass_except_to_old_clients() {
    let origin = Origin::scripted(|_| {
        let mut answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n\
            HTTP/1.1 102 Processing\r\n\r\n"
            .to_vec();
        answer.extend_from_slice(&origin::ok("late"));
        answer
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..3 {
        reader.get_mut().write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("still open");
        assert_eq!(read_head(&mut reader), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        assert_eq!(read_head(&mut reader), "HTTP/1.1 102 Processing\r\n\r\n");
        assert_eq!(read_response(&mut reader).expect("an answer").text(), "late");
    }
    assert_eq!(origin.accepted(), 1);
    let old = crate::client::raw(engine.address(), b"GET / HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.1 200 OK\r\n"), "{old}");
}

/// Accepts the switch and echoes everything after it, until the proxy's side ends.
fn echoing(head_ends_with: &'static [u8]) -> Origin {
    Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        let head = read_head(&mut reader);
        assert!(head.contains("Upgrade: websocket\r\n"), "{head}");
        assert!(head.to_ascii_lowercase().contains("connection: upgrade\r\n"), "{head}");
        let mut stream = reader.get_ref().try_clone().expect("a descriptor is free");
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Accept: xyz\r\n\r\n"
            .to_vec();
        answer.extend_from_slice(head_ends_with);
        stream.write_all(&answer).expect("the proxy reads");
        std::io::copy(&mut reader, &mut stream).expect("the proxy reads and writes");
        stream.write_all(b"bye").expect("the other way is still open");
    })
}

#[test]
fn a_tunnel_carries_bytes_both_ways_until_both_sides_end() {
    let origin = echoing(b"first");
    let engine = Engine::start(&site("", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    // Bytes right behind the head belong to the tunnel.
    reader.get_mut().write_all(format!("{SWITCH}early").as_bytes()).expect("the proxy reads");
    let head = read_head(&mut reader);
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("Upgrade: websocket\r\n") && head.contains("Connection: Upgrade\r\n"));
    assert!(head.contains("Sec-WebSocket-Accept: xyz\r\n"), "{head}");
    expect(&mut reader, b"firstearly");
    let payload: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let sent = payload.clone();
    let mut writer = reader.get_ref().try_clone().expect("a descriptor is free");
    let sending = std::thread::spawn(move || {
        writer.write_all(b"GET / HTTP/1.1\r\n\r\n\0").expect("the tunnel takes anything");
        writer.write_all(&sent).expect("the tunnel takes anything");
        writer.shutdown(Shutdown::Write).expect("open");
    });
    expect(&mut reader, b"GET / HTTP/1.1\r\n\r\n\0");
    expect(&mut reader, &payload);
    sending.join().expect("all was sent");
    expect(&mut reader, b"bye");
    assert_eq!(reader.read(&mut [0; 1]).expect("an orderly end"), 0);
    wait::until("the tunnel is taken back", || {
        (engine.backend("app", &origin.address.to_string())["active"] == 0).then_some(())
    });
}

fn expect(reader: &mut impl Read, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    reader.read_exact(&mut got).expect("the tunnel goes on");
    assert!(got == expected, "{} bytes came through changed", expected.len());
}

#[test]
fn without_a_101_there_is_no_tunnel() {
    let origin = Origin::named("plain");
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let both = format!("{SWITCH}GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    reader.get_mut().write_all(both.as_bytes()).expect("the proxy reads");
    for _ in 0..2 {
        assert_eq!(read_response(&mut reader).expect("an answer").text(), "plain");
    }
    let seen = origin.seen();
    assert_eq!(seen[0].header("upgrade").as_deref(), Some("websocket"));
    assert!(seen[1].head.starts_with("GET /next "), "{}", seen[1].head);
    assert_eq!(seen[1].header("x-forwarded-for").as_deref(), Some("127.0.0.1"), "it was parsed");
    // HTTP/2 without TLS would be a tunnel past every rule of this proxy.
    let h2c = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMAAABk\r\n\r\n";
    reader.get_mut().write_all(h2c.as_bytes()).expect("still open");
    assert_eq!(read_response(&mut reader).expect("an answer").text(), "plain");
    let seen = origin.seen();
    assert_eq!((seen[2].header("upgrade"), seen[2].header("http2-settings")), (None, None));
}

#[test]
fn half_closed_tunnels_and_clients_cost_no_processor_time() {
    let gate = Arc::new(Barrier::new(21));
    let hold = Arc::clone(&gate);
    let origin = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        reader.get_mut().write_all(answer).expect("the proxy reads");
        let _until_the_end = std::io::copy(&mut reader, &mut std::io::sink());
        hold.wait();
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let half_closed: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut reader = BufReader::new(connect(engine.address()).expect("it accepts"));
            reader.get_mut().write_all(SWITCH.as_bytes()).expect("the proxy reads");
            read_head(&mut reader);
            let stream = reader.into_inner();
            stream.shutdown(Shutdown::Write).expect("open");
            stream
        })
        .collect();
    let worker = engine.worker_pids()[0];
    let before = crate::engine::processor_ticks(worker);
    wait::until("a few sweeps", || {
        let row = engine.backend("app", &origin.address.to_string());
        std::thread::park_timeout(std::time::Duration::from_millis(800));
        (row["active"] == 20).then_some(())
    });
    let spent = crate::engine::processor_ticks(worker) - before;
    gate.wait();
    assert!(spent <= 20, "{spent} ticks for {} half-closed tunnels", half_closed.len());
}
