//! What of the demo is pure: words, answers, outages; and one origin over a real socket.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::answer::{Answer, answer};
use super::conversation::{Body, Conversation, HEADERS_MAX};
use super::options::{BadOption, Load, Origin};
use super::origin;
use super::outage::{self, Outage};

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn options_of_an_origin() {
    let full =
        Origin { port: 9101, name: "a".to_owned(), delay_ms: 5, jitter_ms: 2, has_outages: true };
    let bad = |option: &str, value: &str| BadOption::BadValue {
        option: option.to_owned(),
        value: value.to_owned(),
    };
    for (text, expected) in [
        ("--port 9101 --name a --delay-ms 5 --jitter-ms 2 --outages", Ok(full)),
        ("--name a", Err(BadOption::Missing("--port"))),
        ("--port", Err(BadOption::NoValue("--port".to_owned()))),
        ("--port 70000", Err(bad("--port", "70000"))),
        ("--prot 1", Err(BadOption::Unknown("--prot".to_owned()))),
    ] {
        assert_eq!(Origin::parse(&words(text)), expected, "{text}");
    }
}

#[test]
fn load_is_bounded() {
    let load = Load::parse(&words("--rate 1000000 --connections 9999")).unwrap();
    assert!(load.rate <= 10_000 && load.connections <= 240);
    assert_eq!(Load::parse(&words("--rate 0")).unwrap().rate, 1);
}

#[test]
fn answers() {
    let text = |status, wait_ms| Answer::Text { status, wait: Duration::from_millis(wait_ms) };
    for (target, expected) in [
        ("/", text(200, 0)),
        ("/rr/", text(200, 0)),
        ("/status/503", text(503, 0)),
        ("/rr/status/404?x=/bytes/3", text(404, 0)),
        ("/status/99", text(200, 0)),
        ("/slow/250", text(200, 250)),
        ("/slow/99999999999", text(200, 600_000)),
        ("/bytes/1073741824", Answer::Bytes(1 << 30)),
        ("/bytes/-1", text(200, 0)),
        ("/echo", Answer::Echo),
        ("*", text(200, 0)),
    ] {
        assert_eq!(answer(target), expected, "{target}");
    }
}

#[test]
fn outages_come_soon_and_then_every_period() {
    let later = |wait_ms| Outage::In(Duration::from_millis(wait_ms));
    for (age_ms, expected) in [
        (0, later(5_000)),
        (4_999, later(1)),
        (5_000, Outage::Running),
        (6_999, Outage::Running),
        (7_000, later(43_000)),
        (50_000, Outage::Running),
        (52_000, later(43_000)),
    ] {
        assert_eq!(outage::next(age_ms), expected, "{age_ms}");
    }
}

/// Runs `body` with a client of an origin named `one`, and the switch that stops the origin.
fn talk(body: impl AsyncFnOnce(Conversation, watch::Sender<bool>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (stop, is_stopping) = watch::channel(false);
        let options = Origin::parse(&words("--port 0 --name one")).unwrap();
        let server = Conversation::new(accepted.unwrap().0);
        tokio::task::spawn_local(origin::Origin::new(options).talk(server, is_stopping));
        body(Conversation::new(client.unwrap()), stop).await;
    });
}

/// Sends a request and returns the status, whether the origin keeps the connection, and the body.
async fn ask(client: &mut Conversation, request: &str) -> (u16, bool, Vec<u8>) {
    client.send(request.as_bytes()).await.unwrap();
    let head = client.head().await.unwrap().expect("an answer");
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    assert!(response.parse(&head).unwrap().is_complete());
    let mut body = Body::of(response.headers, Body::UntilClose).unwrap();
    let is_kept = !String::from_utf8_lossy(&head).contains("Connection: close");
    let mut whole = Vec::new();
    while let Some(piece) = client.piece(&mut body).await.unwrap() {
        whole.extend_from_slice(&piece);
    }
    (response.code.unwrap(), is_kept, whole)
}

#[test]
fn an_origin_answers_on_one_connection() {
    talk(async |mut client, _stop| {
        for (request, status, body) in [
            ("GET / HTTP/1.1\r\n\r\n", 200, "one GET /\n"),
            ("GET /status/503 HTTP/1.1\r\n\r\n", 503, "one GET /status/503\n"),
            ("POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 200, "one POST /x\n"),
            ("GET /bytes/3 HTTP/1.1\r\n\r\n", 200, "..."),
            ("POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 200, "abc"),
            (
                "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: v\r\n\r\n",
                200,
                "abc",
            ),
            ("GET /echo HTTP/1.1\r\n\r\n", 200, ""),
        ] {
            let answer = ask(&mut client, request).await;
            assert_eq!(answer, (status, true, body.as_bytes().to_vec()), "{request}");
        }
    });
}

#[test]
fn a_stopping_origin_finishes_what_it_began() {
    talk(async |mut client, stop| {
        let head = "POST /slow/20 HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
        client.send(head.as_bytes()).await.unwrap();
        let interim = client.head().await.unwrap().expect("the origin has begun");
        assert!(interim.starts_with(b"HTTP/1.1 100 "));
        stop.send_replace(true);
        let answer = ask(&mut client, "x").await;
        assert_eq!(answer, (200, false, b"one POST /slow/20\n".to_vec()));
    });
    talk(async |mut client, stop| {
        assert_eq!(ask(&mut client, "GET / HTTP/1.1\r\n\r\n").await.0, 200);
        stop.send_replace(true);
        assert!(client.head().await.unwrap().is_none(), "an idle connection is closed");
    });
}

#[test]
fn an_origin_refuses_garbage() {
    talk(async |mut client, _stop| {
        let (status, _, _) = ask(&mut client, "\u{1}\u{2}\r\n\r\n").await;
        assert_eq!(status, 400);
        assert!(client.head().await.unwrap().is_none());
    });
}
