//! Requests that are kept until they are whole (`request_buffering`): what a backend gets then, and
//! that nothing of them stays behind.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use crate::client::{self, connect, read_head, read_response};
use crate::engine::{Engine, descriptors, resident_bytes};
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::wait;

const ON: &str = "request_buffering = true\nbody_max = \"200MB\"";
/// More than is kept in memory.
const LARGE_BYTES: usize = 3 << 20;

/// Bytes that differ from place to place.
fn body(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| b'a' + (n % 251 % 26) as u8).collect()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in body.chunks(10_000) {
        write!(out, "{:x};extension\r\n", piece.len()).expect("memory");
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\nTrailer: gone\r\n\r\n");
    out
}

fn request(method: &str, framing: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").into_bytes();
    request.extend_from_slice(body);
    request
}

fn with_length(method: &str, body: &[u8]) -> Vec<u8> {
    request(method, &format!("Content-Length: {}", body.len()), body)
}

#[test]
fn a_backend_gets_the_whole_request_and_its_length() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker(ON, "", &[&origin]));
    for bytes in [0, 1, 1000, 60_000, 70_000, LARGE_BYTES] {
        let body = body(bytes);
        let coded = request("POST", "Transfer-Encoding: chunked", &chunked(&body));
        for (plain, cut) in [(with_length("POST", &body), 9), (coded, 50)] {
            // The next request is right behind it.
            let sent = [plain.as_slice(), b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
            let stream = connect(engine.address()).expect("the listener accepts");
            let (first, rest) = sent.split_at(sent.len() - cut);
            (&stream).write_all(first).expect("the proxy reads");
            (&stream).write_all(rest).expect("the proxy reads");
            let mut reader = BufReader::new(stream);
            for _ in 0..2 {
                let answer = read_response(&mut reader).expect("an answer");
                assert_eq!((answer.status, answer.header("connection")), (200, None));
            }
            let seen = origin.seen();
            let [.., posted, next] = &seen[..] else { panic!("two requests a time") };
            assert_eq!(posted.header("content-length"), Some(bytes.to_string()), "{}", posted.head);
            assert_eq!(posted.header("transfer-encoding"), None, "{}", posted.head);
            assert!(posted.body == body, "{bytes} bytes arrive as they were sent");
            assert!(next.head.starts_with("GET /next "), "{}", next.head);
        }
    }
}

#[test]
fn a_slow_client_holds_no_backend() {
    let origin = Origin::named("one");
    let engine = Engine::start(&one_worker(
        "request_buffering = true\nbody_timeout = \"300ms\"",
        "",
        &[&origin],
    ));
    let mut stream = connect(engine.address()).expect("the listener accepts");
    stream
        .write_all(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        )
        .expect("the proxy reads");
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
    assert_eq!(read_head(&mut reader), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abcd").expect("the proxy reads");
    let late = read_response(&mut reader).expect("an answer");
    assert_eq!((late.status, late.header("connection")), (408, Some("close")));
    assert_eq!(origin.accepted(), 0, "no backend heard of it");

    let whole = request("POST", "Content-Length: 9\r\nExpect: 100-continue", b"");
    stream = connect(engine.address()).expect("the listener accepts");
    stream.write_all(&whole).expect("the proxy reads");
    reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
    assert_eq!(read_head(&mut reader), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abcdefghi").expect("the proxy reads");
    assert_eq!(read_response(&mut reader).expect("an answer").status, 200);
    let seen = &origin.seen()[0];
    assert_eq!((seen.header("expect"), seen.body.as_slice()), (None, b"abcdefghi".as_slice()));

    // What is kept has nginx's bound unless told otherwise.
    for (bytes, status) in [(1 << 20, 200), ((1 << 20) + 1, 413)] {
        let body = body(bytes);
        for sent in [
            with_length("POST", &body),
            request("POST", "Transfer-Encoding: chunked", &chunked(&body)),
        ] {
            let answer = client::exchange(engine.address(), &sent).expect("an answer");
            assert_eq!(answer.status, status, "{bytes}");
        }
    }
}

#[test]
fn a_request_that_is_kept_can_be_sent_again() {
    /// Reads the request and closes without a word.
    fn mute(stream: TcpStream) {
        let _request = origin::read_request(&mut BufReader::new(stream));
    }
    for bytes in [10, LARGE_BYTES] {
        let body = body(bytes);
        for sent in [
            with_length("PUT", &body),
            request("PUT", "Transfer-Encoding: chunked", &chunked(&body)),
        ] {
            let (bad, good) = (Origin::by_hand(mute), Origin::named("good"));
            let config = site("", &[&bad, &good]).replacen(
                "[[server.route]]",
                &format!("{ON}\n[[server.route]]"),
                1,
            );
            let engine = Engine::start(&config);
            let answer = client::exchange(engine.address(), &sent).expect("an answer");
            assert_eq!((answer.status, answer.text().as_str()), (200, "good"));
            assert!(good.seen()[0].body == body, "all of it is sent again");
            assert_eq!(bad.served(), 1);
        }
    }
}

#[test]
fn an_early_answer_costs_no_connection() {
    let origin = Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        read_head(&mut reader);
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
        reader.get_mut().write_all(answer).expect("the proxy reads");
    });
    let engine = Engine::start(&one_worker(ON, "", &[&origin]));
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    for _ in 0..3 {
        let sent = with_length("POST", &body(LARGE_BYTES));
        reader.get_mut().write_all(&sent).expect("the proxy reads");
        let answer = read_response(&mut reader).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (403, None));
    }
}

#[test]
fn large_requests_are_not_kept_in_memory() {
    const BYTES: usize = 100 << 20;
    let origin = Origin::scripted(|request| origin::ok(&request.body.len().to_string()));
    let engine = Engine::start(&one_worker(ON, "", &[&origin]));
    let worker = engine.worker_pids()[0];
    assert_eq!(client::get(engine.address(), "/").status, 200);
    let open = descriptors(worker);
    let before = resident_bytes(worker);
    let sent = with_length("POST", &vec![b'x'; BYTES]);
    let mut stream = connect(engine.address()).expect("the listener accepts");
    stream.write_all(&sent).expect("the proxy reads");
    let answer = read_response(&mut BufReader::new(stream)).expect("an answer");
    assert_eq!((answer.status, answer.text()), (200, BYTES.to_string()));
    let growth = resident_bytes(worker).saturating_sub(before);
    assert!(growth < 8 << 20, "{growth} bytes more");
    wait::until("the file is gone", || (descriptors(worker) <= open + 1).then_some(()));
}

#[test]
fn without_a_place_for_the_file_the_answer_is_500() {
    let origin = Origin::named("one");
    let config = one_worker(ON, "", &[&origin]).replacen(
        "[engine]",
        "[engine]\ntemp_folder = \"{folder}/bodies\"",
        1,
    );
    let engine = Engine::start_in(&config, |folder| {
        let bodies = folder.join("bodies");
        std::fs::create_dir(&bodies).expect("the folder is ours");
        // Where root runs this, workers are somebody else.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(bodies, open).expect("it is ours");
    });
    let large = with_length("POST", &body(LARGE_BYTES));
    assert_eq!(client::exchange(engine.address(), &large).expect("an answer").status, 200);
    let folder = engine.folder.path().join("bodies");
    assert_eq!(std::fs::read_dir(&folder).expect("there").count(), 0, "files have no name");
    std::fs::remove_dir(&folder).expect("it is empty");
    let answer = client::exchange(engine.address(), &large).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (500, Some("close")));
    assert!(engine.log().contains("keep a request's body"), "{}", engine.log());
    let small = with_length("POST", b"fits into memory");
    assert_eq!(client::exchange(engine.address(), &small).expect("an answer").status, 200);
}
