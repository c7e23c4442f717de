//! The control API over TCP, as the configuration opens, guards, moves and closes it.

use std::fs;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::client::{self, Response};
use crate::engine::Engine;
use crate::origin::Origin;
use crate::proxy::site;
use crate::{ports, wait};

/// One request with a connection of its own.
fn ask(address: &str, request: &str, headers: &str) -> Response {
    let address: SocketAddr = address.parse().expect("an address");
    let request = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n"
    );
    client::exchange(address, request.as_bytes()).expect("an answer")
}

fn with_control(keys: &str, origin: &Origin) -> String {
    format!("{}\n[control]\n{keys}\n", site("", &[origin]))
}

fn write_token(path: &Path, token: &str, mode: u32) {
    fs::write(path, token).expect("the folder is ours");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is ours");
}

#[test]
fn without_a_token_it_shows_and_changes_nothing() {
    let (origin, http) = (Origin::named("one"), ports::address());
    let engine = Engine::start(&with_control(&format!("http = \"{http}\""), &origin));
    assert_eq!(client::get(engine.address(), "/").text(), "one");
    let status = ask(&http, "GET /v1/status", "");
    assert_eq!((status.status, status.header("content-type")), (200, Some("application/json")));
    let metrics = ask(&http, "GET /metrics", "");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.text().contains("\npilothouse_upstream_requests_total{upstream=\"app\"} 1\n"));
    let drain = format!("POST /v1/upstreams/app/backends/{}/drain", origin.address);
    for request in [drain.as_str(), "POST /v1/reload", "POST /v1/shutdown", "POST /metrics"] {
        let answer = ask(&http, request, "");
        assert_eq!(answer.status, 403, "{request}");
        assert!(answer.text().contains("read-only over TCP"), "{}", answer.text());
    }
    let rebound = b"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let answer = client::exchange(http.parse().expect("an address"), rebound);
    assert_eq!(answer.expect("an answer").status, 403);
    assert_eq!(engine.backend("app", &origin.address.to_string())["state"], "up");
}

#[test]
fn a_token_is_asked_for_read_again_and_shown_to_nobody() {
    let (origin, http) = (Origin::named("one"), ports::address());
    let config = with_control(&format!("http = \"{http}\"\ntoken_file = \"token\""), &origin);
    let engine = Engine::start_in(&config, |folder| {
        write_token(&folder.join("token"), "first-s3cret\n", 0o600);
    });
    let token = engine.folder.path().join("token");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    for request in ["GET /metrics", "GET /v1/status", "POST /v1/reload"] {
        let answer = ask(&http, request, "");
        assert_eq!(answer.status, 401, "{request}");
        assert!(answer.header("www-authenticate").is_some_and(|it| it.starts_with("Bearer")));
        assert_eq!(ask(&http, request, &bearer("first-s3cre")).status, 401, "{request}");
    }
    let name = origin.address.to_string();
    let weight = format!("POST /v1/upstreams/app/backends/{name}");
    assert_eq!(ask(&http, "GET /metrics", &bearer("first-s3cret")).status, 200);
    assert_eq!(ask(&http, &format!("{weight}/drain"), &bearer("first-s3cret")).status, 200);
    wait::until("it is drained", || {
        (engine.backend("app", &name)["state"] == "drained").then_some(())
    });
    let events = client::unix_get(&engine.socket(), "/v1/events").expect("an answer").text();
    assert!(events.contains("token (from 127."), "{events}");

    write_token(&token, "second-s3cret\n", 0o644);
    let refused = engine.ctl(&["reload"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(told.contains("is open to every user (mode 644)"), "{told}");
    assert_eq!(ask(&http, "GET /metrics", &bearer("first-s3cret")).status, 200);

    write_token(&token, "second-s3cret\n", 0o600);
    let status = ask(&http, "POST /v1/reload", &bearer("first-s3cret")).status;
    assert_eq!(status, 200, "the answer still comes through the old door");
    assert_eq!(ask(&http, "GET /metrics", &bearer("first-s3cret")).status, 401);
    assert_eq!(ask(&http, "GET /metrics", &bearer("second-s3cret")).status, 200);
    let everything = engine.log() + &events + &told;
    assert!(!everything.contains("s3cret"), "{everything}");
}

#[test]
fn a_reload_opens_keeps_moves_and_closes_it() {
    let (origin, one, two) = (Origin::named("one"), ports::address(), ports::address());
    let engine = Engine::start(&site("", &[&origin]));
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let reload = |keys: &str| {
        engine.rewrite_config(&with_control(keys, &origin));
        engine.ctl_ok(&["reload"]);
    };
    assert!(client::connect(address(&one)).is_err());
    reload(&format!("http = \"{one}\""));
    assert_eq!(ask(&one, "GET /metrics", "").status, 200);

    let mut kept = BufReader::new(client::connect(address(&one)).expect("it listens"));
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {one}\r\n\r\n");
    kept.get_mut().write_all(request.as_bytes()).expect("it reads");
    assert_eq!(client::read_response(&mut kept).expect("an answer").status, 200);
    engine.ctl_ok(&["reload"]);
    kept.get_mut().write_all(request.as_bytes()).expect("nothing changed for it");
    assert_eq!(client::read_response(&mut kept).expect("an answer").status, 200);

    reload(&format!("http = \"{two}\""));
    assert_eq!(ask(&two, "GET /metrics", "").status, 200);
    wait::until("the old one is closed", || client::connect(address(&one)).is_err().then_some(()));
    engine.replace_master();
    wait::until("the next master listens, too", || client::connect(address(&two)).ok());
    assert_eq!(ask(&two, "GET /metrics", "").status, 200);
    reload("");
    wait::until("it is closed", || client::connect(address(&two)).is_err().then_some(()));
}

#[test]
fn a_port_in_use_refuses_the_configuration_and_names_its_holder() {
    let origin = Origin::named("one");
    let taken = TcpListener::bind(ports::address()).expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    let engine = Engine::start(&site("", &[&origin]));
    engine.rewrite_config(&with_control(&format!("http = \"{address}\""), &origin));
    let output = engine.ctl(&["reload"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let expected = format!("control API: bind {address}: address in use, held by ");
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
    assert_eq!(engine.status()["generation"], 1);
}

/// Whoever asks for much and takes nothing holds up nobody.
#[test]
fn clients_that_take_nothing_hold_up_nobody() {
    let (origin, http) = (Origin::named("one"), ports::address());
    let engine = Engine::start(&with_control(&format!("http = \"{http}\""), &origin));
    let address: SocketAddr = http.parse().expect("an address");
    let request = format!("GET /v1/history HTTP/1.1\r\nHost: {http}\r\n\r\n").repeat(200);
    let stuck: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = client::connect(address).expect("it listens");
            stream.set_nonblocking(true).expect("a socket");
            let _as_much_as_goes = stream.write(request.as_bytes());
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(ask(&http, "GET /metrics", "").status, 200);
        assert_eq!(client::get(engine.address(), "/").text(), "one");
    }
    drop(stuck);
}
