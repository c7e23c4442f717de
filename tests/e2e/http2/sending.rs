//! What of a request goes on, from streams and into streams.

use super::backend::{Backend, Manner};
use super::frames::{self, Client, DATA, END_STREAM, HEADERS, frame};
use crate::engine::Engine;
use crate::origin::{self, Origin};

/// One client's connection by HTTP/2, to routes that send other things on.
fn site(upstream: &str) -> Engine {
    let route = |path: &str, keys: &str| {
        format!("[[server.route]]\npath = \"{path}\"\nupstream = \"app\"\n{keys}\n")
    };
    let routes = [
        route("/method", "send_method = \"PUT\""),
        route("/body", "send_body = false"),
        route("/lines", "send_headers = false"),
    ];
    Engine::start(&format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = {{ address = \"{{listen}}\", http2 = true }}\n\
         {}[upstream.app]\n{upstream}\n",
        routes.concat()
    ))
}

fn asked(client: &mut Client, method: &'static str, path: &'static str, body: &[u8]) -> String {
    let mut fields = frames::get(path);
    fields[0].1 = method;
    fields.push(("x-forwarded-for", "1.2.3.4"));
    let stream = client.begin(&fields);
    // In two pieces, so that the first is no whole body.
    client.send(&frame(DATA, 0, stream, body));
    client.send(&frame(DATA, END_STREAM, stream, body));
    let answer = client.answer(stream);
    assert_eq!(answer[0].kind, HEADERS, "{answer:?}");
    assert_eq!(answer[0].status(), 200, "{answer:?}");
    String::from_utf8(frames::body(&answer)).expect("text")
}

#[test]
fn streams_become_requests_of_http1() {
    let origin = Origin::scripted(|request| {
        let method = request.head.split(' ').next().unwrap_or_default();
        let of_client = request.header("x-forwarded-for").unwrap_or_default();
        origin::ok(&format!("{method} {} for={of_client}", request.body.len()))
    });
    let engine = site(&format!("backend = [{{ address = \"{}\" }}]", origin.address));
    let mut client = Client::new(engine.address());
    let chained = "for=1.2.3.4, 127.0.0.1";
    for _ in 0..2 {
        for (method, path, expected) in [
            ("POST", "/method", format!("PUT 10 {chained}")),
            ("POST", "/body", format!("POST 0 {chained}")),
            ("POST", "/lines", "POST 10 for=127.0.0.1".to_owned()),
            ("HEAD", "/method", String::new()),
        ] {
            assert_eq!(asked(&mut client, method, path, b"hello"), expected, "{method} {path}");
        }
    }
}

#[test]
fn and_requests_become_streams() {
    let backend = Backend::start(Manner::default());
    let engine =
        site(&format!("http2 = true\nbackend = [{{ address = \"{}\" }}]", backend.address));
    let mut client = Client::new(engine.address());
    for _ in 0..2 {
        // It echoes the body.
        assert_eq!(asked(&mut client, "POST", "/method", b"hello"), "hellohello");
        assert_eq!(asked(&mut client, "POST", "/body", b"hello"), "");
        assert_eq!(asked(&mut client, "POST", "/lines", b"hello"), "hellohello");
        assert_eq!(asked(&mut client, "HEAD", "/method", b"hello"), "");
    }
    let request = "GET /method HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = crate::client::exchange(engine.address(), request.as_bytes()).expect("an answer");
    let asked = answer.header("x-asked").expect("it tells");
    assert!(asked.starts_with("PUT ") && asked.ends_with("for=127.0.0.1"), "{asked}");
    let request = "POST /lines HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\n\
                   Connection: close\r\nContent-Length: 2\r\n\r\nab";
    let answer = crate::client::exchange(engine.address(), request.as_bytes()).expect("an answer");
    let asked = answer.header("x-asked").expect("it tells");
    assert!(asked.starts_with("POST ") && asked.ends_with("for=127.0.0.1"), "{asked}");
    assert_eq!(answer.text(), "ab");
}
