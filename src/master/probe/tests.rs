//! Every kind of answer against every kind of question, over real sockets.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::limits::CHECK_BODY_BYTES_MAX;
use crate::config::model::health::{CheckRequest, Excerpt, Pace, Statuses};
use crate::config::model::route::Case;

const TIMEOUT_MS: u64 = 20_000;

fn request() -> CheckRequest {
    CheckRequest {
        method: "GET".to_owned(),
        path: "/healthz".to_owned(),
        host: None,
        headers: Vec::new(),
        expect: vec![Statuses { first: 200, last: 399 }],
        body: None,
    }
}

fn check(request: CheckRequest) -> Check {
    Check {
        bind: None,
        proxy_protocol: None,
        kind: CheckKind::Http { request, tls: None },
        port: None,
        pace: Pace { interval_ms: 1, interval_down_ms: 1, jitter_percent: 0 },
        timeout_ms: TIMEOUT_MS,
        fall: 1,
        rise: 1,
    }
}

/// What a probe makes of a server that answers so, and what the server was asked.
async fn asked(check: &Check, answer: &[u8]) -> (Result<Good, ProbeError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let probe = Probe::of_check(&address, check, Rc::new(Question::new(check)));
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // Bytes left unread would turn the close into a reset.
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        // Who has seen enough does not take the rest.
        let _either_way = stream.write_all(answer).await;
        String::from_utf8(request).unwrap()
    };
    tokio::join!(probe.ask(), server)
}

async fn ask(request: CheckRequest, answer: &str) -> Result<Good, ProbeError> {
    asked(&check(request), answer.as_bytes()).await.0
}

#[tokio::test]
async fn the_status_decides() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", Ok(Good::Answered(200))),
        ("HTTP/1.0 302 Found\r\n\r\n", Ok(Good::Answered(302))),
        ("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n", Ok(Good::Answered(204))),
        ("HTTP/1.1 404 Not Found\r\n\r\n", Err(ProbeError::Status(404))),
        ("HTTP/1.1 503 Busy\r\n\r\n", Err(ProbeError::Status(503))),
        ("220 mail.example.com ESMTP\r\n", Err(ProbeError::NotHttp)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            Err(ProbeError::NotHttp),
        ),
        ("short", Err(ProbeError::NotHttp)),
        ("", Err(ProbeError::NoAnswer)),
    ] {
        assert_eq!(ask(request(), answer).await, expected, "{answer:?}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(100_000));
    assert_eq!(ask(request(), &endless).await, Err(ProbeError::NotHttp));
}

#[tokio::test]
async fn the_file_says_which_statuses_are_good() {
    let expect = vec![Statuses { first: 401, last: 401 }, Statuses { first: 500, last: 502 }];
    let request = CheckRequest { expect, ..request() };
    for (status, is_good) in [(200, false), (401, true), (402, false), (500, true), (503, false)] {
        let answer = format!("HTTP/1.1 {status} X\r\n\r\n");
        assert_eq!(ask(request.clone(), &answer).await.is_ok(), is_good, "{status}");
    }
}

#[tokio::test]
async fn the_body_holds_what_is_asked_for_however_it_is_framed() {
    let text = |text: &str| Some(Excerpt::Text(text.to_owned()));
    let regex = |pattern: &str, case| Some(Excerpt::Regex { pattern: pattern.to_owned(), case });
    let no = Err(ProbeError::Body(200));
    let yes = Ok(Good::Answered(200));
    let head = "HTTP/1.1 200 OK\r\n";
    let plain = format!("{head}Content-Length: 10\r\n\r\nall's well");
    let open = format!("{head}\r\nall's well");
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n7\r\nall's w\r\n3\r\nell\r\n0\r\n\r\n");
    let cut = format!("{head}Content-Length: 11\r\n\r\nall's well");
    for (body, answer, expected) in [
        (text("well"), &plain, &yes),
        (text("well"), &open, &yes),
        (text("well"), &chunked, &yes),
        (text("Well"), &plain, &no),
        (regex("^all.s we{1}l+$", Case::Sensitive), &chunked, &yes),
        (regex("WELL", Case::Insensitive), &open, &yes),
        (regex("WELL", Case::Sensitive), &open, &no),
        (text("well"), &cut, &Err(ProbeError::Cut)),
        // Nobody looks at it, so it need not be whole.
        (None, &cut, &yes),
    ] {
        let request = CheckRequest { body: body.clone(), ..request() };
        assert_eq!(ask(request, answer).await, *expected, "{body:?} in {answer:?}");
    }
}

#[tokio::test]
async fn of_a_long_body_the_beginning_counts() {
    for (blanks, expected) in [
        (CHECK_BODY_BYTES_MAX - 4, Ok(Good::Answered(200))),
        (CHECK_BODY_BYTES_MAX - 3, Err(ProbeError::Body(200))),
    ] {
        let request = CheckRequest { body: Some(Excerpt::Text("well".to_owned())), ..request() };
        let answer = format!(
            "HTTP/1.1 200 OK\r\n\r\n{}well{}",
            " ".repeat(blanks),
            " ".repeat(2 * CHECK_BODY_BYTES_MAX)
        );
        assert_eq!(ask(request, &answer).await, expected);
    }
}

#[tokio::test]
async fn the_request_is_the_files() {
    let request = CheckRequest {
        method: "POST".to_owned(),
        host: Some("app.internal".to_owned()),
        headers: vec![
            ("X-Probe".to_owned(), "1".to_owned()),
            ("user-agent".to_owned(), "mine".to_owned()),
        ],
        ..request()
    };
    let (_, sent) = asked(&check(request), b"HTTP/1.1 200 OK\r\n\r\n").await;
    assert_eq!(
        sent,
        "POST /healthz HTTP/1.1\r\nHost: app.internal\r\nX-Probe: 1\r\nuser-agent: mine\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (_, sent) = asked(&check(self::request()), b"HTTP/1.1 200 OK\r\n\r\n").await;
    assert!(sent.contains("\r\nHost: 127.0.0.1:"), "{sent}");
    assert!(sent.contains("\r\nUser-Agent: pilothouse-check\r\n"), "{sent}");
    assert!(!sent.contains("Content-Length"), "{sent}");
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let request = CheckRequest { method: "HEAD".to_owned(), ..request() };
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n";
    assert_eq!(ask(request, answer).await, Ok(Good::Answered(200)));
}

#[tokio::test]
async fn silence_ends_with_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let check = Check { timeout_ms: 50, ..check(request()) };
    let probe = Probe::of_check(&address, &check, Rc::new(Question::new(&check)));
    assert_eq!(probe.ask().await, Err(ProbeError::Timeout { timeout_ms: 50 }));
}

#[tokio::test]
async fn nobody_there_is_said_in_words_and_a_port_of_its_own_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    let refused = || Err(ProbeError::Io("connection refused".into()));
    drop(listener);
    let backend = Address::Tcp(gone);
    let probe = Probe::of_connection(backend.clone(), TIMEOUT_MS);
    assert_eq!(probe.ask().await, refused());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = Some(listener.local_addr().unwrap().port());
    let check = Check { kind: CheckKind::Tcp, port, ..check(request()) };
    let probe = Probe::of_check(&backend, &check, Rc::new(Question::new(&check)));
    assert_eq!(probe.ask().await, Ok(Good::Connected));
}
