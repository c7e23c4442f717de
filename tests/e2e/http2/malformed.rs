//! Requests that are none: refused alone where the stream is to blame, with the connection where
//! nothing that follows can be trusted, and never forwarded.

use super::frames::{
    CONTINUATION, Client, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PROTOCOL_ERROR,
    RST_STREAM, body, frame, get, list,
};
use super::plain;
use crate::client;
use crate::engine::Engine;
use crate::origin::Origin;

type Fields = Vec<(&'static str, &'static str)>;

fn with(more: &[(&'static str, &'static str)]) -> Fields {
    [get("/"), more.to_vec()].concat()
}

fn without(name: &str) -> Fields {
    get("/").into_iter().filter(|(known, _)| *known != name).collect()
}

fn method(method: &'static str) -> Fields {
    let mut fields = get("/");
    fields[0].1 = method;
    fields
}

#[test]
fn what_is_no_request_reaches_no_backend() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let cases = [
        with(&[("X-Upper", "1")]),
        with(&[("x", "a\r\nsmuggled: 1")]),
        with(&[("x\r\nsmuggled", "1")]),
        with(&[("x", "a\0b")]),
        with(&[("", "1")]),
        with(&[("a b", "1")]),
        with(&[(":path", "/twice")]),
        with(&[(":unknown", "1")]),
        get("/ HTTP/1.1\r\nsmuggled: 1"),
        method("GET / HTTP/1.1\r\nsmuggled: 1\r\n\r\nGET"),
    ];
    for fields in &cases {
        let mut client = Client::new(engine.address());
        client.ask(fields);
        let first = client.read().unwrap_or_else(|| panic!("{fields:?}: not a word"));
        assert!(matches!(first.kind, RST_STREAM | GOAWAY), "{fields:?}: {first:?}");
        assert_ne!(first.reason(), 0, "{fields:?}");
    }
    assert_eq!(origin.seen().len(), 0, "{:?}", origin.seen());
}

#[test]
fn a_bad_request_hurts_no_other_stream() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    let cases = [
        with(&[("connection", "close")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "websocket")]),
        with(&[("keep-alive", "1")]),
        with(&[("proxy-connection", "1")]),
        with(&[("te", "gzip")]),
        with(&[("host", "other")]),
        with(&[("content-length", "5")]),
        with(&[("content-length", "x")]),
        with(&[("content-length", "0"), ("content-length", "0")]),
        without(":path"),
        without(":method"),
        without(":authority"),
        get(""),
        get("no-slash"),
        get("http://other/"),
        method("get"),
        method("TRACE"),
        vec![(":method", "CONNECT"), (":authority", "test:443")],
    ];
    for fields in &cases {
        let stream = client.ask(fields);
        let answer = client.answer(stream);
        let first = &answer[0];
        let is_refused = match first.kind {
            RST_STREAM => first.reason() == PROTOCOL_ERROR,
            HEADERS => first.status() != 200,
            _ => false,
        };
        assert!(is_refused, "{fields:?}: {answer:?}");
    }
    let stream = client.ask(&get("/"));
    assert_eq!(body(&client.answer(stream)), b"one", "the connection goes on");
    assert_eq!(origin.seen().len(), 1, "{:?}", origin.seen());
}

#[test]
fn lengths_that_do_not_hold_reset_the_stream() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let mut client = Client::new(engine.address());
    let mut fields = get("/");
    fields[0].1 = "PUT";
    fields.push(("content-length", "5"));
    for pieces in [&["1234"][..], &["123456"], &["1234", "56"], &[]] {
        let stream = client.begin(&fields);
        for piece in pieces {
            client.send(&frame(DATA, 0, stream, piece.as_bytes()));
        }
        client.send(&frame(DATA, END_STREAM, stream, b""));
        let last = client.answer(stream).pop().expect("an end");
        assert_eq!((last.kind, last.reason()), (RST_STREAM, PROTOCOL_ERROR), "{pieces:?}");
    }
    let stream = client.begin(&fields);
    client.send(&frame(DATA, END_STREAM, stream, b"12345"));
    assert_eq!(body(&client.answer(stream)), b"one");
}

#[test]
fn what_breaks_the_protocol_ends_the_connection_alone() {
    let origin = Origin::named("one");
    let engine = Engine::start(&plain("", &[&origin]));
    let cases: [(&str, Vec<u8>); 6] = [
        ("data of no stream", frame(DATA, 0, 1, b"x")),
        ("an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, &list(&get("/")))),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &list(&get("/")))),
        (
            "a frame that is too long",
            [&[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1][..], &[0; 100]].concat(),
        ),
        ("a list that is none", frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff; 40])),
        (
            "another frame within a head",
            [frame(HEADERS, 0, 1, &list(&get("/"))), frame(DATA, 0, 1, b"x")].concat(),
        ),
    ];
    for (name, bytes) in cases {
        let mut client = Client::new(engine.address());
        client.send(&bytes);
        let mut last = None;
        while let Some(read) = client.read() {
            last = Some(read);
        }
        let last = last.unwrap_or_else(|| panic!("{name}: not a word"));
        assert_eq!(last.kind, GOAWAY, "{name}: {last:?}");
        assert_ne!(last.reason(), 0, "{name}");
    }
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    assert_eq!(origin.seen().len(), 1, "{:?}", origin.seen());
}
