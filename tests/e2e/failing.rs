//! Backends that refuse, die, stall or lie: what a client gets, what is retried, who is blamed.

use std::io::{BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::client::{self, Load, exchange};
use crate::engine::Engine;
use crate::origin::{self, Origin};
use crate::proxy::{one_worker, site};
use crate::{ports, wait};

/// An address that refuses connections.
pub(crate) fn refusing() -> String {
    let probe = TcpListener::bind((ports::address().split(':').next().unwrap_or(""), 0));
    probe.and_then(|listener| listener.local_addr()).expect("a free port").to_string()
}

fn with_backend(config: &str, address: &str) -> String {
    config.replacen(
        "[[upstream.app.backend]]",
        &format!("[[upstream.app.backend]]\naddress = \"{address}\"\n[[upstream.app.backend]]"),
        1,
    )
}

#[test]
fn a_backend_that_is_not_there_is_502() {
    let address = refusing();
    let gone = Origin::scripted(|_| Vec::new());
    let config = one_worker("", "", &[&gone]);
    let engine = Engine::start(&config.replace(&gone.address.to_string(), &address));
    for _ in 0..3 {
        let answer = client::get(engine.address(), "/");
        assert!(answer.head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{}", answer.head);
        assert_eq!(answer.header("content-type"), Some("text/html"));
    }
    // A unix socket that is not there, and one that nobody listens on any more.
    let missing = format!("unix:{}", engine.folder.path().join("missing").display());
    engine.rewrite_config(&config.replace(&gone.address.to_string(), &missing));
    engine.ctl_ok(&["reload"]);
    assert_eq!(client::get(engine.address(), "/").status, 502);
    assert_eq!(gone.served(), 0);
}

#[test]
fn a_backend_that_closes_before_it_answers_is_502() {
    let origin = Origin::scripted(|_| Vec::new());
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for method in ["GET", "POST"] {
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (502, None));
    }
    assert_eq!(origin.served(), 2, "there is nobody else to ask");
}

#[test]
fn a_retry_is_made_only_when_it_is_safe_and_so_often() {
    // (request, retries allowed, the status, requests that the dying backends saw)
    let large = format!(
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n{}",
        "a".repeat(200_000)
    );
    for (request, retries, status, seen) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 502, 1),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, 502, 2),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2, 200, 2),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 9, 200, 2),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", 9, 200, 2),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", 9, 502, 1),
        ("PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", 9, 502, 1),
        (large.as_str(), 9, 502, 1),
    ] {
        let dying = [Origin::scripted(|_| Vec::new()), Origin::scripted(|_| Vec::new())];
        let alive = Origin::scripted(|request| origin::ok(&String::from_utf8_lossy(&request.body)));
        let keys = format!("retries = {retries}");
        let engine = Engine::start(&one_worker("", &keys, &[&dying[0], &dying[1], &alive]));
        let answer = exchange(engine.address(), request.as_bytes()).expect("an answer");
        let line = request.lines().next().unwrap_or("");
        assert_eq!(answer.status, status, "{line}, {retries} retries");
        let died: u64 = dying.iter().map(Origin::served).sum();
        assert_eq!(died, seen, "{line}, {retries} retries");
        if answer.status == 200 {
            assert!(request.ends_with(&answer.text()), "{line}: the body arrived whole");
        }
    }
}

#[test]
fn what_could_not_be_sent_is_sent_elsewhere_whatever_the_method() {
    let alive = Origin::named("alive");
    let engine = Engine::start(&with_backend(&one_worker("", "", &[&alive]), &refusing()));
    for _ in 0..4 {
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(exchange(engine.address(), request).expect("an answer").text(), "alive");
    }
    let upstream = &engine.status()["upstreams"][0];
    assert_eq!(upstream["backends"][0]["failures"], 1, "{upstream}");
}

#[test]
fn dead_pooled_connections_cost_no_request_and_no_blame() {
    let origins = [silent_closer(), silent_closer()];
    let engine = Engine::start(&site("", &[&origins[0], &origins[1]]));
    let load = Load::start(engine.address(), "/", 16);
    wait::until("4000 answers", || {
        (origins.iter().map(Origin::accepted).sum::<u64>() > 4000).then_some(())
    });
    let tally = load.stop();
    assert_eq!(tally.failed, Vec::<String>::new(), "of {}", tally.answered);
    for origin in &origins {
        let row = engine.backend("app", &origin.address.to_string());
        assert_eq!((row["state"].as_str(), row["failures"].as_u64()), (Some("up"), Some(0)));
    }
}

/// Promises to keep the connection and closes it after each response.
fn silent_closer() -> Origin {
    Origin::by_hand(|stream| {
        let mut reader = BufReader::new(stream);
        if origin::read_request(&mut reader).is_some() {
            let _either_way = reader.get_mut().write_all(&origin::ok("once"));
        }
    })
}

#[test]
fn a_failing_backend_is_left_alone_for_its_window_and_then_tried_once() {
    let is_well = Arc::new(AtomicBool::new(false));
    let health = Arc::clone(&is_well);
    let moody = Origin::scripted(move |_| {
        if health.load(Ordering::Relaxed) { origin::ok("moody") } else { Vec::new() }
    });
    let steady = Origin::named("steady");
    let config = site("", &[&moody, &steady]).replacen(
        "backend]]",
        "backend]]\nmax_fails = 2\nfail_timeout = \"2s\"",
        1,
    );
    let engine = Engine::start(&config);
    let name = moody.address.to_string();
    let state = || engine.backend("app", &name)["state"].as_str().unwrap_or("").to_owned();
    for _ in 0..20 {
        assert_eq!(client::get(engine.address(), "/").text(), "steady");
    }
    assert_eq!((moody.served(), state().as_str()), (2, "failed"), "two failures, then none");
    wait::until("the window ends: one probe, which fails", || {
        assert_eq!(client::get(engine.address(), "/").text(), "steady");
        (moody.served() == 3).then_some(())
    });
    for _ in 0..20 {
        assert_eq!(client::get(engine.address(), "/").text(), "steady");
    }
    assert_eq!(moody.served(), 3, "out again after one failed probe");
    is_well.store(true, Ordering::Relaxed);
    wait::until("it is back after its next window", || {
        (client::get(engine.address(), "/").text() == "moody").then_some(())
    });
    let answers: String = (0..10).map(|_| client::get(engine.address(), "/").text()).collect();
    assert_eq!(answers.matches("moody").count(), 5, "{answers}");
    wait::until("it is shown as up", || (state() == "up").then_some(()));
}

#[test]
fn a_client_that_leaves_takes_its_request_back() {
    let cancelled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&cancelled);
    let origin = Origin::by_hand(move |stream| {
        let mut reader = BufReader::new(stream);
        let Some(request) = origin::read_request(&mut reader) else { return };
        if request.head.contains("/streaming") {
            let start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
            let _either_way = reader.get_mut().write_all(start);
        }
        // The proxy never sends more: what comes is its close.
        let _end = reader.read(&mut [0; 1]);
        count.fetch_add(1, Ordering::Relaxed);
    });
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for (at, path) in ["/waiting", "/streaming"].into_iter().enumerate() {
        let mut stream = client::connect(engine.address()).expect("the listener accepts");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("the proxy reads");
        if path == "/streaming" {
            let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is free"));
            client::read_head(&mut reader);
        }
        wait::until("the request is there", || (origin.served() == at as u64 + 1).then_some(()));
        drop(stream);
        wait::within(crate::engine::PROMPTLY, "the request is cancelled", || {
            (cancelled.load(Ordering::Relaxed) == at as u64 + 1).then_some(())
        });
    }
    let name = origin.address.to_string();
    wait::until("nothing is in flight", || {
        (engine.backend("app", &name)["active"] == 0).then_some(())
    });
    let row = engine.backend("app", &name);
    assert_eq!((row["failures"].as_u64(), row["state"].as_str()), (Some(0), Some("up")), "{row}");
}
