//! HTTP/2's fields as heads, and the frames that are too many.

use super::super::Error;
use super::super::http2::fields::{self, Ahead, Asked, Framed};
use super::super::http2::meter::{Allowance, Allowances, Flood, Meter};
use super::super::http2::{PREFACE, is_preface};

fn written(
    asked: (&str, &str, &str),
    list: &[(&str, &str)],
    ahead: Ahead,
) -> Result<String, Error> {
    let mut head = Vec::new();
    let asked = Asked {
        method: asked.0.as_bytes(),
        path: asked.1.as_bytes(),
        authority: Some(asked.2.as_bytes()).filter(|authority| !authority.is_empty()),
    };
    let list = list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    fields::request(&mut head, asked, list, ahead)?;
    Ok(String::from_utf8(head).expect("text"))
}

#[test]
fn a_request_becomes_a_head() {
    let check = |asked, list: &[_], ahead, head: &str| {
        assert_eq!(written(asked, list, ahead), Ok(head.replace('\n', "\r\n")));
    };
    let none = Ahead::Nothing;
    check(("GET", "/a?b", "c:1"), &[], none, "GET /a?b HTTP/1.1\nhost: c:1\n\n");
    check(("OPTIONS", "*", ""), &[("host", "a")], none, "OPTIONS * HTTP/1.1\nhost: a\n\n");
    check(
        ("GET", "/", "a"),
        &[("cookie", "a=1"), ("x", "y"), ("host", "A"), ("te", "trailers"), ("cookie", "b=2")],
        none,
        "GET / HTTP/1.1\nhost: a\nx: y\ncookie: a=1; b=2\n\n",
    );
    let chunked = "POST / HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n\n";
    check(("POST", "/", "a"), &[], Ahead::Data, chunked);
    let long = "POST / HTTP/1.1\nhost: a\ncontent-length: 3\n\n";
    check(("POST", "/", "a"), &[("content-length", "3")], Ahead::Data, long);
}

#[test]
fn what_would_be_another_request_is_refused() {
    let refused = |asked, list: &[(&str, &str)], error| {
        assert_eq!(written(asked, list, Ahead::Nothing), Err(error), "{asked:?} {list:?}");
    };
    let get = ("GET", "/", "a");
    refused(("", "/", "a"), &[], Error::Grammar);
    refused(("GET /", "/", "a"), &[], Error::Grammar);
    for path in ["", "a", "http://a/", "/ HTTP/1.1", "/\r\nx: y", "/\0", "/\x7f"] {
        refused(("GET", path, "a"), &[], Error::Target);
    }
    for host in ["a\r\nx: y", "a b", "a\0"] {
        refused(("GET", "/", host), &[], Error::Host);
        refused(
            ("GET", "/", ""),
            &[("host", host)],
            if host == "a b" { Error::Host } else { Error::Grammar },
        );
    }
    refused(get, &[("host", "b")], Error::Host);
    for name in ["", "X", "a b", ":path", "a:", "a\r\nb", "ü"] {
        refused(get, &[(name, "1")], Error::Grammar);
    }
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\x7f"] {
        refused(get, &[("x", value)], Error::Grammar);
    }
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        refused(get, &[(name, "a")], Error::Grammar);
    }
    refused(get, &[("te", "gzip")], Error::Grammar);
    refused(get, &[("content-length", "1")], Error::ContentLength);
    assert!(written(get, &[("content-length", "0")], Ahead::Nothing).is_ok());
}

#[test]
fn a_response_becomes_a_head() {
    let check = |status, list: &[(&str, &str)], ahead, is_head, expected: Result<&str, Error>| {
        let mut head = Vec::new();
        let list = list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let framed = fields::response(&mut head, status, list, ahead, is_head);
        let text = String::from_utf8(head).expect("text");
        assert_eq!(framed.map(|_| text), expected.map(|text| text.replace('\n', "\r\n")));
        framed.ok()
    };
    let chunked = "HTTP/1.1 200 \nx: y\ntransfer-encoding: chunked\n\n";
    let framed = check(200, &[("x", "y")], Ahead::Data, false, Ok(chunked));
    assert_eq!(framed, Some(Framed::Chunked));
    let empty = "HTTP/1.1 200 \ngrpc-status: 5\ncontent-length: 0\n\n";
    check(200, &[("grpc-status", "5")], Ahead::Nothing, false, Ok(empty));
    let long = "HTTP/1.1 200 \ncontent-length: 9\n\n";
    check(200, &[("content-length", "9")], Ahead::Nothing, true, Ok(long));
    check(204, &[], Ahead::Nothing, false, Ok("HTTP/1.1 204 \n\n"));
    check(103, &[("link", "a")], Ahead::Data, false, Ok("HTTP/1.1 103 \nlink: a\n\n"));
    for status in [0, 99, 101, 600] {
        check(status, &[], Ahead::Data, false, Err(Error::Grammar));
    }
    check(200, &[("connection", "close")], Ahead::Data, false, Err(Error::Grammar));
}

#[test]
fn trailers_pass_as_they_may() {
    let list = [("grpc-status", "0"), ("content-length", "5"), ("set-cookie", "a"), ("x", "y")];
    let list = list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let mut section = Vec::new();
    fields::section(&mut section, list).expect("fields");
    assert_eq!(section, b"grpc-status: 0\r\nx: y\r\n\r\n");
    let back: Vec<_> = fields::of_section(&section).collect();
    assert_eq!(back, [(&b"grpc-status"[..], &b"0"[..]), (b"x", b"y")]);
}

#[test]
fn the_preface_is_known_as_soon_as_it_can_be() {
    for cut in 0..PREFACE.len() {
        assert_eq!(is_preface(&PREFACE[..cut]), None);
    }
    assert_eq!(is_preface(PREFACE), Some(true));
    assert_eq!(is_preface(&[PREFACE, &b"more"[..]].concat()), Some(true));
    assert_eq!(is_preface(b"PRI * HTTP/2.0\r\n\r\nSX"), Some(false));
    assert_eq!(is_preface(b"POST"), Some(false));
}

const ALLOWANCES: Allowances = Allowances {
    resets: Allowance { burst: 10, per_second: 5 },
    pings: Allowance { burst: 20, per_second: 5 },
    settings: Allowance { burst: 4, per_second: 1 },
    empty: Allowance { burst: 30, per_second: 5 },
    continuations_max: 3,
};

fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
    let mut frame = vec![0, (payload >> 8) as u8, payload as u8, kind, flags, 0, 0, 0, 1];
    frame.resize(frame.len() + payload, 0xaa);
    frame
}

/// How many of the frame a client may send at once.
fn taken(frame: &[u8], pieces: usize) -> (usize, Flood) {
    let mut meter = Meter::of_client(ALLOWANCES);
    meter.see(PREFACE, 1).expect("no frame at all");
    for count in 0..1000 {
        for piece in frame.chunks(pieces) {
            if let Err(flood) = meter.see(piece, 1) {
                return (count, flood);
            }
        }
    }
    panic!("no end of it");
}

#[test]
fn too_many_frames_of_a_kind_are_a_flood_however_they_are_cut() {
    for pieces in [1, 2, 7, 9, 100] {
        assert_eq!(taken(&frame(3, 0, 4), pieces), (10, Flood::Resets));
        assert_eq!(taken(&frame(6, 0, 8), pieces), (20, Flood::Pings));
        assert_eq!(taken(&frame(4, 0, 6), pieces), (4, Flood::Settings));
        assert_eq!(taken(&frame(0, 0, 0), pieces), (30, Flood::Empty));
        assert_eq!(taken(&frame(2, 0, 5), pieces), (30, Flood::Empty), "PRIORITY");
        assert_eq!(taken(&frame(0xee, 0, 3), pieces), (30, Flood::Empty), "nobody knows it");
        assert_eq!(taken(&frame(6, 1, 8), pieces), (30, Flood::Empty), "answers to nothing");
        assert_eq!(taken(&frame(9, 0, 300), pieces), (3, Flood::Continuations));
    }
}

#[test]
fn frames_are_forgotten_with_time_and_for_what_comes_with_them() {
    let mut meter = Meter::of_client(ALLOWANCES);
    meter.see(PREFACE, 0).expect("no frame at all");
    for second in 0..1000 {
        for _ in 0..5 {
            meter.see(&frame(3, 0, 4), second * 1_000_000).expect("five in a second are allowed");
        }
    }
    for _ in 0..1000 {
        meter.see(&frame(6, 0, 8), 0).expect("each comes with data");
        meter.see(&frame(0, 0, 100), 0).expect("data");
        meter.see(&frame(8, 0, 4), 0).expect("room for more is never too much");
        meter.see(&frame(1, 5, 10), 0).expect("a request");
        meter.see(&frame(9, 0, 10), 0).expect("its end");
    }
}

#[test]
fn what_is_sent_pays_for_pings_and_their_answers_do_not() {
    let mut meter = Meter::of_client(ALLOWANCES);
    meter.see(PREFACE, 0).expect("no frame at all");
    for _ in 0..1000 {
        meter.see(&frame(6, 0, 8), 0).expect("each comes with a download's piece");
        meter.sent(1000);
        meter.sent(24);
    }
    let mut meter = Meter::of_backend(ALLOWANCES);
    let taken = (0..1000).take_while(|_| {
        let is_fine = meter.see(&frame(6, 0, 8), 0).is_ok();
        meter.sent(17);
        is_fine
    });
    assert_eq!(taken.count(), 20);
}
