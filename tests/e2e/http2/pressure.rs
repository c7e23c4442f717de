//! Clients that read slowly, or nothing: what waits for them is bounded, nobody waits with them, and
//! what they have been promised they get.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::backend::{Backend, Manner};
use super::frames::{
    self, Client, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, SETTINGS, WINDOW_UPDATE,
    frame, get, list,
};
use super::grpc::{call, site, with_client};
use super::plain;
use crate::client;
use crate::engine::{self, Engine};
use crate::origin::Origin;

const ANSWER_BYTES: usize = 256 * 1024;

fn origin() -> Origin {
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {ANSWER_BYTES}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + ANSWER_BYTES, b'x');
    Origin::scripted(move |_| answer.clone())
}

/// One that leaves all room there can be, for its streams and its connection.
fn roomy(engine: &Engine) -> Client {
    const MOST: u32 = (1 << 31) - 1;
    let mut client = Client::new(engine.address());
    let initial_window = [&[0, 4][..], &MOST.to_be_bytes()].concat();
    client.send(&frame(SETTINGS, 0, 0, &initial_window));
    client.send(&frame(WINDOW_UPDATE, 0, 0, &(MOST - 65_535).to_be_bytes()));
    client
}

#[test]
fn what_waits_for_a_client_that_reads_nothing_is_bounded() {
    const STREAMS: usize = 100;
    let origin = origin();
    let engine = Engine::start(&plain("", &[&origin]));
    let worker = engine.worker_pids()[0];
    let turn = || assert_eq!(client::get(engine.address(), "/").status, 200);
    turn();
    let before = engine::resident_bytes(worker);
    let mut client = roomy(&engine);
    let streams: Vec<u32> = (0..STREAMS).map(|_| client.ask(&get("/"))).collect();
    crate::wait::until("all are answered", || (origin.served() > STREAMS as u64).then_some(()));
    // The worker has had many turns to read more than it should.
    (0..50).for_each(|_| turn());
    let grown = engine::resident_bytes(worker).saturating_sub(before);
    // Half of what they ask for: their buffers, and what the connection may owe.
    assert!(grown < (STREAMS * ANSWER_BYTES / 2) as u64, "{grown} bytes for {STREAMS} streams");
    for stream in streams {
        assert_eq!(frames::body(&client.answer(stream)).len(), ANSWER_BYTES);
    }
}

#[test]
fn one_that_reads_nothing_holds_up_no_other_on_a_backends_connection() {
    let backend = Backend::start(Manner::default());
    let engine = site("", &[&backend]);
    let mut stuck = Client::new(engine.address());
    let mut fields = get("/echo");
    fields[0].1 = "POST";
    // It sends more than fits between the two of them, and takes nothing of what comes back.
    let stream = stuck.begin(&fields);
    stuck.send(&frame(DATA, 0, stream, &[b'x'; 16_000]));
    stuck.send(&frame(DATA, 0, stream, &[b'x'; 16_000]));
    stuck.send(&frame(DATA, 0, stream, &[b'x'; 16_000]));
    with_client(&engine, async |sender| {
        for _ in 0..3 {
            let piece = Bytes::from(vec![b'y'; 3 << 20]);
            let (bytes, trailers) = call(&sender, "/echo", &[piece]).await;
            assert_eq!(
                (bytes.len(), &trailers["grpc-status"]),
                (3 << 20, &"0".parse().expect("text"))
            );
        }
    });
    assert_eq!(backend.connections(), 1, "they share it");
    stuck.send(&frame(DATA, END_STREAM, stream, b""));
    assert_eq!(frames::body(&stuck.answer(stream)).len(), 48_000);
}

#[expect(clippy::disallowed_methods, reason = "a slow reader is slow by the clock")]
#[test]
#[ignore = "takes as long as a slow reader does: half a minute"]
fn what_was_handed_over_is_not_cut_by_a_shutdown() {
    const STREAMS: usize = 24;
    let origin = origin();
    let config = plain("", &[&origin]);
    let mut engine =
        Engine::start(&config.replacen("[engine]", "[engine]\nshutdown_timeout = \"2m\"", 1));
    let mut client = roomy(&engine);
    let streams: Vec<u32> = (0..STREAMS).map(|_| client.ask(&get("/"))).collect();
    crate::wait::until("all are asked", || (origin.served() == STREAMS as u64).then_some(()));
    engine.ctl_ok(&["shutdown"]);
    let (mut bytes, mut ends, begun) = (0, 0, Instant::now());
    while let Some(read) = client.read() {
        if streams.contains(&read.stream) {
            bytes += if read.kind == DATA { read.payload.len() } else { 0 };
            ends += usize::from(read.is_end());
        }
        // 256 KiB a second: what the kernel and the engine hold takes longer than the engine lingers.
        let due = Duration::from_secs_f64(bytes as f64 / f64::from(1 << 18));
        std::thread::park_timeout(due.saturating_sub(begun.elapsed()));
    }
    assert_eq!((bytes, ends), (STREAMS * ANSWER_BYTES, STREAMS));
    assert!(engine.ended().success());
}

/// A backend by hand, for two requests: takes in some of the second's body, says that it never looked
/// at it, and answers the first.
fn leaver() -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
    let address = listener.local_addr().expect("bound");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the proxy connects");
        stream.read_exact(&mut [0; PREFACE.len()]).expect("a preface");
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).expect("open");
        let mut last = 0;
        let mut of_last = 0;
        while of_last < 40_000 {
            let read = frames::read_frame(&mut stream).expect("requests come");
            match read.kind {
                HEADERS => last = read.stream,
                DATA if read.stream == 3 => of_last += read.payload.len(),
                _ => {}
            }
        }
        assert_eq!(last, 3);
        let leaving = [1_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        let mut said = frame(GOAWAY, 0, 0, &leaving);
        let head = list(&[(":status", "200")]);
        said.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &head));
        stream.write_all(&said).expect("open");
        until_closed(&mut stream);
    });
    (address, thread)
}

fn until_closed(stream: &mut TcpStream) {
    while frames::read_frame(stream).is_some() {}
}

#[test]
fn a_backend_that_leaves_is_not_blamed_for_a_body_that_it_never_took() {
    let (address, leaver) = leaver();
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = {{ address = \"{{listen}}\", http2 = true }}\n\
         route = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nhttp2 = true\nretries = 0\nbackend = [{{ address = \"{address}\" }}]\n"
    ));
    let mut client = roomy(&engine);
    // Both come at once, so that the second waits for the connection that the first one makes.
    let mut fields = get("/");
    let first = client.next_stream();
    let mut both = frame(HEADERS, END_HEADERS | END_STREAM, first, &list(&fields));
    fields[0].1 = "POST";
    let second = client.next_stream();
    both.extend(frame(HEADERS, END_HEADERS, second, &list(&fields)));
    client.send(&both);
    for _ in 0..4 {
        client.send(&frame(DATA, 0, second, &[b'x'; 15_000]));
    }
    assert_eq!(client.answer(first)[0].status(), 200);
    let answer = client.answer(second);
    assert!(answer[0].kind == HEADERS && answer[0].status() != 200, "{answer:?}");
    assert_eq!(engine.backend("app", &address.to_string())["failures"], 0);
    drop(engine);
    leaver.join().expect("it saw what it should");
}
