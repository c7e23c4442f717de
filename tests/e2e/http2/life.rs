//! How a connection ends: in order, with all that was asked answered.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;

use super::frames::{Client, DATA, END_STREAM, GOAWAY, HEADERS, body, frame, get};
use super::plain;
use crate::client::{self, read_head};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::wait;

/// A backend that answers when it is told to; whom it has to answer comes by the channel.
fn patient() -> (Origin, mpsc::Receiver<TcpStream>) {
    let (asked, waiting) = mpsc::channel();
    let asked = Mutex::new(asked);
    let origin = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let _test_over = asked.lock().expect("no panic").send(reader.into_inner());
    });
    (origin, waiting)
}

#[track_caller]
fn next(waiting: &mpsc::Receiver<TcpStream>) -> TcpStream {
    waiting.recv_timeout(wait::PATIENCE).expect("the backend is asked")
}

#[test]
fn a_shutdown_tells_the_client_and_answers_what_was_asked() {
    let (origin, waiting) = patient();
    let mut engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    let streams = [client.ask(&get("/one")), client.ask(&get("/two"))];
    let mut asked = [next(&waiting), next(&waiting)];
    engine.ctl_ok(&["shutdown"]);
    let told = client.read().expect("a word before the end");
    assert_eq!((told.kind, told.reason()), (GOAWAY, 0), "{told:?}");
    for stream in &mut asked {
        stream.write_all(&origin::ok("done")).expect("open");
    }
    let mut ends = 0;
    let mut bytes = Vec::new();
    while let Some(read) = client.read() {
        if read.kind == DATA {
            assert!(streams.contains(&read.stream));
            bytes.extend_from_slice(&read.payload);
        }
        ends += u32::from(read.kind != GOAWAY && read.is_end());
    }
    assert_eq!((ends, bytes), (2, b"donedone".to_vec()));
    assert!(engine.ended().success());
}

#[test]
fn a_reload_changes_nothing_for_streams_and_everything_for_the_next() {
    let (origin, waiting) = patient();
    let config = plain("", &[&origin]).replacen(
        "[[server.route]]",
        "[[server.route]]\npath = \"/said\"\nrespond = { status = 200, body = \"before\" }\n[[server.route]]",
        1,
    );
    let engine = Engine::start(&config);
    let mut client = Client::new(engine.address());
    let said = client.ask(&get("/said"));
    assert_eq!(body(&client.answer(said)), b"before");
    let long = client.ask(&get("/long"));
    let mut asked = next(&waiting);
    engine.rewrite_config(&config.replace("before", "after"));
    engine.ctl_ok(&["reload"]);
    let said = client.ask(&get("/said"));
    assert_eq!(body(&client.answer(said)), b"after");
    asked.write_all(&origin::ok("done")).expect("open");
    assert_eq!(body(&client.answer(long)), b"done");
}

#[test]
fn a_connection_ends_after_so_many_requests_or_so_long_without() {
    let origin = Origin::named("one");
    let keys = "keepalive_requests = 3\nkeepalive_timeout = \"500ms\"";
    let engine = Engine::start(&plain(keys, &[&origin]));
    let mut client = Client::new(engine.address());
    let streams: Vec<u32> = (0..3).map(|_| client.ask(&get("/"))).collect();
    let mut answered = Vec::new();
    let mut is_told = false;
    while let Some(read) = client.read() {
        is_told |= read.kind == GOAWAY && read.reason() == 0;
        if read.kind == DATA && read.is_end() {
            answered.push(read.stream);
        }
    }
    answered.sort_unstable();
    assert_eq!((answered, is_told), (streams, true));
    let mut client = Client::new(engine.address());
    let stream = client.ask(&get("/"));
    assert_eq!(body(&client.answer(stream)), b"one");
    assert_eq!(client.farewell(), Some(0), "nothing more came");
    assert_eq!(client::get(engine.address(), "/").text(), "one");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for_and_holds_up_nobody() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("body_timeout = \"2s\"", &[&origin]));
    let mut client = Client::new(engine.address());
    let mut fields = get("/");
    fields[0].1 = "POST";
    let late = client.begin(&fields);
    client.send(&frame(DATA, 0, late, b"the beginning"));
    let stream = client.ask(&get("/"));
    assert_eq!(body(&client.answer(stream)), b"one");
    let answer = client.answer(late);
    // 408 is not in the static table.
    assert!(answer[0].kind == HEADERS && answer[0].status() == 0, "{answer:?}");
    client.send(&frame(DATA, END_STREAM, late, b""));
    let stream = client.ask(&get("/"));
    assert_eq!(body(&client.answer(stream)), b"one", "the connection goes on");
}
