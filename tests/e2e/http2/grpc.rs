//! HTTP/2 to backends: gRPC from end to end, and what becomes of requests when a backend leaves,
//! refuses, or is full.

use std::io::{BufReader, Write as _};
use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;

use super::backend::{Backend, Manner};
use super::{Curl, metric};
use crate::client::{self, connect, read_head, read_until};
use crate::engine::Engine;
use crate::tls::papers::Authority;
use crate::{ports, wait};

/// Before backends that speak HTTP/2.
pub(super) fn site(keys: &str, backends: &[&Backend]) -> Engine {
    let table = |backend: &&Backend| {
        format!("[[upstream.app.backend]]\naddress = \"{}\"\n", backend.address)
    };
    let list = backends.iter().map(table).collect::<Vec<_>>().concat();
    Engine::start(&format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = {{ address = \"{{listen}}\", http2 = true }}\n\
         route = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\nhttp2 = true\n{keys}\n{list}"
    ))
}

/// Runs with a client's connection of HTTP/2.
pub(super) fn with_client<F: Future<Output = ()>>(
    engine: &Engine,
    test: impl FnOnce(SendRequest<Bytes>) -> F,
) {
    with_client_of(engine.address(), test);
}

/// The same with whoever listens there.
pub(crate) fn with_client_of<T, F: Future<Output = T>>(
    address: SocketAddr,
    test: impl FnOnce(SendRequest<Bytes>) -> F,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let stream = TcpStream::connect(address).await.expect("the listener accepts");
        let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let outcome = tokio::time::timeout(wait::PATIENCE, test(sender)).await.expect("in time");
        driver.abort();
        outcome
    })
}

/// A request whose body is `pieces`, with a trailer; what came back, and its trailers.
pub(super) async fn call(
    sender: &SendRequest<Bytes>,
    path: &str,
    pieces: &[Bytes],
) -> (Vec<u8>, HeaderMap) {
    let mut sender = sender.clone().ready().await.expect("room");
    let request = Request::post(format!("http://test{path}")).body(()).expect("a request");
    let (answer, mut body) = sender.send_request(request, false).expect("sent");
    let pieces = pieces.to_vec();
    tokio::spawn(async move {
        for mut piece in pieces {
            while !piece.is_empty() {
                body.reserve_capacity(piece.len());
                let room = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
                let room = room.expect("open").expect("open").min(piece.len());
                body.send_data(piece.split_to(room), false).expect("open");
            }
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "17".parse().expect("a value"));
        body.send_trailers(trailers).expect("open");
    });
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("open");
        body.flow_control().release_capacity(data.len()).expect("it was taken");
        bytes.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.expect("open").unwrap_or_default();
    (bytes, trailers)
}

#[test]
fn streams_and_trailers_pass_from_end_to_end() {
    let backend = Backend::start(Manner::default());
    let engine = site("", &[&backend]);
    with_client(&engine, async |sender| {
        for size in [1, 1000, 3 << 20] {
            let pieces = vec![Bytes::from(vec![b'x'; size]); 3];
            let (bytes, trailers) = call(&sender, "/echo", &pieces).await;
            assert_eq!(bytes.len(), 3 * size);
            assert_eq!(trailers["grpc-status"], "0");
            assert_eq!(trailers["x-bytes"], (3 * size).to_string());
            assert_eq!(trailers["x-sum-back"], "17");
        }
        // An answer that is nothing but its head.
        let request = Request::get("http://test/trailers-only").body(()).expect("a request");
        let mut ready = sender.clone().ready().await.expect("room");
        let (answer, _) = ready.send_request(request, true).expect("sent");
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.headers()["grpc-status"], "5");
        assert_eq!(
            answer.headers()["x-asked"],
            "GET http://test/trailers-only te=trailers for=127.0.0.1"
        );
        assert!(answer.body().is_end_stream());
    });
    assert_eq!((backend.requests(), backend.connections()), (4, 1), "one connection carries them");
    let worker = |name: &str| metric(&engine, &format!("pilothouse_worker_{name}{{worker=\"0\"}}"));
    assert_eq!(worker("http2_backend_connections_total"), 1);
    assert_eq!(worker("http2_backend_streams_total"), 4);
}

#[test]
fn both_sides_may_speak_in_turn() {
    let backend = Backend::start(Manner::default());
    let engine = site("", &[&backend]);
    with_client(&engine, async |sender| {
        let mut sender = sender.ready().await.expect("room");
        let request = Request::post("http://test/chat").body(()).expect("a request");
        let (answer, mut out) = sender.send_request(request, false).expect("sent");
        out.send_data(Bytes::from_static(b"first"), false).expect("open");
        let mut back = answer.await.expect("an answer before the request's end").into_body();
        assert_eq!(back.data().await.expect("open").expect("open"), "first");
        for word in ["second", "third"] {
            out.send_data(Bytes::from(word), false).expect("open");
            assert_eq!(back.data().await.expect("open").expect("open"), word);
        }
        out.send_data(Bytes::new(), true).expect("open");
        assert!(back.data().await.is_none());
        let trailers = back.trailers().await.expect("open").expect("trailers");
        assert_eq!(trailers["x-bytes"], "16");
    });
}

#[test]
fn http_1_clients_are_served_as_well_trailers_included() {
    let backend = Backend::start(Manner::default());
    let engine = site("", &[&backend]);
    let Some(curl) = Curl::find() else { return };
    let said = curl.get(&engine, "/a?b", &["--http1.1", "-i", "-d", "hello"]);
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    let authority = &engine.listen;
    assert!(said.contains(&format!("x-asked: POST http://{authority}/a?b te=trailers")), "{said}");
    let mut reader = BufReader::new(connect(engine.address()).expect("the listener accepts"));
    let asked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n";
    reader.get_mut().write_all(asked).expect("open");
    assert!(read_head(&mut reader).to_ascii_lowercase().contains("transfer-encoding: chunked"));
    let body = read_until(&mut reader, "\r\n\r\n");
    assert!(body.starts_with("5\r\nhello\r\n0\r\n"), "{body}");
    assert!(body.contains("grpc-status: 0\r\n") && body.contains("x-sum-back: 5\r\n"), "{body}");
}

#[test]
fn connections_are_shared_up_to_what_a_backend_takes() {
    let backend = Backend::start(Manner { streams_max: 2, ..Manner::default() });
    let engine = site("", &[&backend]);
    with_client(&engine, async |sender| {
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    call(&sender, "/", &vec![Bytes::from_static(b"some words"); 50]).await.0.len()
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.expect("no panic"), 500);
        }
    });
    assert_eq!(backend.requests(), 20);
    assert!(backend.connections() <= 12, "{} connections for 20 requests", backend.connections());
}

#[test]
fn a_backend_that_leaves_in_order_loses_no_request() {
    let backend = Backend::start(Manner { leaves_after: 3, ..Manner::default() });
    let engine = site("retries = 0", &[&backend]);
    with_client(&engine, async |sender| {
        for round in 0..30 {
            let (bytes, _) = call(&sender, "/", &[Bytes::from_static(b"word")]).await;
            assert_eq!(bytes, b"word", "{round}");
        }
    });
    assert!(backend.connections() >= 10, "{}", backend.connections());
}

#[test]
fn what_was_refused_is_asked_elsewhere_whatever_it_is() {
    let (one, two) = (
        Backend::start(Manner { refuses: 1000, ..Manner::default() }),
        Backend::start(Manner::default()),
    );
    let engine = site("retries = 3", &[&one, &two]);
    for _ in 0..6 {
        let answer = client::exchange(
            engine.address(),
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nword",
        );
        let answer = answer.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "word"));
    }
    assert_eq!(two.requests(), 6);
}

#[test]
fn what_http_2_cannot_say_is_encoded_or_refused_at_once() {
    let backend = Backend::start(Manner::default());
    let engine = site("", &[&backend]);
    let ask = |asked: &[u8]| client::exchange(engine.address(), asked).expect("an answer");
    let answer = ask(b"GET /a<b?q=\"x\"&y=%3c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status, 200);
    let asked = answer.header("x-asked").expect("it was asked");
    assert!(asked.starts_with("GET http://a/a%3Cb?q=%22x%22&y=%3c te="), "{asked}");
    let no_host = b"GET / HTTP/1.1\r\nHost: a%41\r\nConnection: close\r\n\r\n";
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(127));
    for refused in [&no_host[..], many.as_bytes()] {
        assert_eq!(ask(refused).status, 400);
    }
    assert_eq!(backend.requests(), 1);
    let failures = "pilothouse_backend_failures_total";
    let page = client::unix_get(&engine.socket(), "/metrics").expect("the engine answers").text();
    let counts = page.lines().filter(|line| line.starts_with(failures));
    assert!(
        counts.clone().count() > 0 && counts.clone().all(|line| line.ends_with(" 0")),
        "{page}"
    );
}

#[test]
fn a_request_that_was_ended_is_not_asked_again_as_if_its_connection_had_been() {
    let backend = Backend::start(Manner::default());
    let engine = site("retries = 0", &[&backend]);
    assert_eq!(client::get(engine.address(), "/").status, 200);
    assert_eq!(client::get(engine.address(), "/reset").status, 502);
    assert_eq!(client::get(engine.address(), "/").status, 200);
    assert_eq!((backend.requests(), backend.connections()), (3, 1));
}

#[test]
fn resets_pass_both_ways() {
    let backend = Backend::start(Manner::default());
    let engine = site("retries = 0", &[&backend]);
    with_client(&engine, async |sender| {
        let mut ready = sender.clone().ready().await.expect("room");
        let request = Request::get("http://test/wait").body(()).expect("a request");
        let (answer, mut out) = ready.send_request(request, true).expect("sent");
        while backend.requests() == 0 {
            tokio::task::yield_now().await;
        }
        out.send_reset(h2::Reason::CANCEL);
        assert!(answer.await.is_err());
        while backend.resets() == 0 {
            tokio::task::yield_now().await;
        }
        let mut ready = sender.clone().ready().await.expect("room");
        let request = Request::get("http://test/half").body(()).expect("a request");
        let (answer, _) = ready.send_request(request, true).expect("sent");
        let mut body = answer.await.expect("a head").into_body();
        let mut last = body.data().await;
        while let Some(Ok(_)) = last {
            last = body.data().await;
        }
        assert!(matches!(last, Some(Err(_))), "it must not look whole: {last:?}");
    });
    assert_eq!(backend.connections(), 1, "a stream's end is not the connection's");
}

#[test]
fn a_backend_is_spoken_to_over_tls() {
    let authority = Authority::new("authority");
    let backend = Backend::secure(&authority.server(&["grpc.internal"]));
    let engine = Engine::start_in(
        &format!(
            "[engine]\nworkers = 1\n[[server]]\nlisten = {{ address = \"{{listen}}\", http2 = true }}\n\
             route = [{{ path = \"/\", upstream = \"app\" }}]\n[upstream.app]\nhttp2 = true\n\
             tls = {{ ca = \"ca.pem\", server_name = \"grpc.internal\" }}\n\
             backend = [{{ address = \"{}\" }}]\n",
            backend.address
        ),
        |folder| std::fs::write(folder.join("ca.pem"), authority.pem()).expect("it is ours"),
    );
    with_client(&engine, async |sender| {
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let (sender, piece) = (sender.clone(), Bytes::from(vec![b'x'; 300_000]));
                tokio::spawn(async move { call(&sender, "/", &[piece]).await })
            })
            .collect();
        for call in calls {
            let (bytes, trailers) = call.await.expect("no panic");
            assert_eq!(
                (bytes.len(), &trailers["grpc-status"]),
                (300_000, &"0".parse().expect("text"))
            );
        }
        let request = Request::get("http://test/").body(()).expect("a request");
        let (answer, _) =
            sender.ready().await.expect("room").send_request(request, true).expect("sent");
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.headers()["x-asked"], "GET https://test/ te=trailers for=127.0.0.1");
    });
    assert_eq!(backend.connections(), 1, "one connection carries them");
}

#[test]
fn a_backend_may_take_one_request_at_a_time() {
    let backend = Backend::start(Manner { streams_max: 1, ..Manner::default() });
    let engine = site("connections_max = 3", &[&backend]);
    with_client(&engine, async |sender| {
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut sender = sender.ready().await.expect("room");
                    let request = Request::get("http://test/").body(()).expect("a request");
                    let (answer, _) = sender.send_request(request, true).expect("sent");
                    answer.await.expect("an answer").status().as_u16()
                })
            })
            .collect();
        for call in calls {
            let status = call.await.expect("no panic");
            assert!([200, 503].contains(&status), "{status}");
        }
        let (bytes, _) = call(&sender, "/", &[Bytes::from_static(b"word")]).await;
        assert_eq!(bytes, b"word", "there is room again");
    });
    assert!(backend.connections() <= 3, "{}", backend.connections());
}

#[test]
fn our_own_errors_are_said_in_grpcs_words() {
    let nobody = format!("[[upstream.gone.backend]]\naddress = \"{}\"\n", ports::address());
    let backend = Backend::start(Manner::default());
    let engine = Engine::start(&format!(
        "[engine]\nworkers = 1\n[[server]]\nlisten = {{ address = \"{{listen}}\", http2 = true }}\n\
         access_log = {{ file = \"access.log\", format = \"$status $uri\" }}\n\
         route = [{{ path = \"/gone\", upstream = \"gone\" }}, \
                  {{ path = \"/shut\", upstream = \"app\", access = [\"deny all\"] }}, \
                  {{ path = \"/many\", upstream = \"app\", limits = [{{ zone = \"few\", status = 429 }}] }}, \
                  {{ path = \"/none\", respond = 404 }}, \
                  {{ path = \"/login\", respond = 401 }}, \
                  {{ path = \"/page\", respond = {{ status = 403, body = \"no\" }} }}, \
                  {{ path = \"/\", upstream = \"app\", first_byte_timeout = \"200ms\" }}]\n\
         [limit.few]\nkey = \"$uri\"\nrate = \"1r/m\"\n\
         [upstream.app]\nhttp2 = true\nretries = 0\nbackend = [{{ address = \"{}\" }}]\n\
         [upstream.gone]\nhttp2 = true\n{nobody}",
        backend.address
    ));
    with_client(&engine, async |sender| {
        for (path, kind, expected) in [
            ("/gone", "application/grpc+proto", (200, Some("14"))),
            ("/wait", "application/grpc", (200, Some("4"))),
            ("/gone", "application/grpc-web", (502, None)),
            ("/wait", "application/json", (504, None)),
            ("/shut", "application/grpc", (200, Some("7"))),
            ("/shut", "text/plain", (403, None)),
            ("/many", "application/grpc", (200, None)),
            ("/many", "application/grpc", (200, Some("14"))),
            ("/none", "application/grpc", (200, Some("12"))),
            ("/login", "application/grpc", (200, Some("16"))),
            ("/page", "application/grpc", (403, None)),
            ("/forbidden", "application/grpc", (403, None)),
        ] {
            let request = Request::post(format!("http://test{path}")).header("content-type", kind);
            let request = request.body(()).expect("a request");
            let mut ready = sender.clone().ready().await.expect("room");
            let (answer, _) = ready.send_request(request, true).expect("sent");
            let answer = answer.await.expect("an answer");
            let said = answer.headers().get("grpc-status").map(|it| it.to_str().expect("text"));
            assert_eq!((answer.status().as_u16(), said), expected, "{path} {kind}");
            if said.is_some() {
                assert_eq!(answer.headers()["content-type"], "application/grpc");
                assert!(answer.body().is_end_stream(), "nothing but its head");
            }
        }
    });
    let log = engine.folder.path().join("access.log");
    let lines = wait::until("it is logged as what it is", || {
        let text = std::fs::read_to_string(&log).ok()?;
        (text.lines().count() == 12).then_some(text)
    });
    let statuses: Vec<_> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected = "502 504 502 504 403 403 200 429 404 401 403 403";
    assert_eq!(statuses.join(" "), expected, "{lines}");
}
