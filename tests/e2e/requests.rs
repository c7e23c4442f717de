//! The recent requests as scripts and people see them: kept, filtered, followed, never confused by
//! what a client sends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::client;
use crate::engine::Engine;
use crate::origin::{Origin, ok};
use crate::proxy::{one_worker, site};
use crate::wait;

/// Two paths, of which one is not found.
fn origin() -> Origin {
    Origin::scripted(|request| {
        if request.head.contains("/missing") {
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()
        } else {
            ok("one")
        }
    })
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect()
}

fn paths(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["path"].as_str().expect("a path")).collect()
}

#[test]
fn a_record_says_who_asked_for_what_and_how_it_went() {
    let origin = origin();
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    client::get(engine.address(), "/a?secret=1");
    let kept = records(&engine.ctl_ok(&["requests", "--json"]));
    let record = &kept[0];
    for (name, expected) in [
        ("client", "127.0.0.1"),
        ("protocol", "HTTP/1.1"),
        ("method", "GET"),
        ("host", "test"),
        ("path", "/a"),
        ("upstream", "app"),
        ("backend", origin.address.to_string().as_str()),
    ] {
        assert_eq!(record[name], expected, "{name} of {record}");
    }
    assert_eq!((&record["status"], &record["tries"]), (&200.into(), &1.into()));
    assert!(record["bytes"].as_u64() > Some(3) && record["wall_ms"].as_u64() > Some(0));
    assert_eq!(record["is_path_cut"], false);
    let _answer = client::raw(engine.address(), b"GET /old HTTP/1.0\r\n\r\n");
    wait::until("an older client is told apart", || {
        let kept = records(&engine.ctl_ok(&["requests", "--json"]));
        kept.iter().any(|record| record["protocol"] == "HTTP/1.0").then_some(())
    });
}

#[test]
fn a_filter_leaves_what_matches_all_of_it() {
    let origin = origin();
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    for path in ["/a", "/missing", "/b", "/missing/b"] {
        client::get(engine.address(), path);
    }
    let backend = format!("app/{}", origin.address);
    for (args, expected) in [
        (&["--status", "404"][..], &["/missing", "/missing/b"][..]),
        (&["--status", "4xx", "--path", "/b"], &["/missing/b"]),
        (&["--client", "127.0.0.0/8", "-n", "1"], &["/missing/b"]),
        (&["--client", "10.0.0.1"], &[]),
        (&["--upstream", "app", "--backend", &backend, "--status", "2xx"], &["/a", "/b"]),
        (&["--method", "POST"], &[]),
    ] {
        let text = engine.ctl_ok(&[&["requests", "--json"], args].concat());
        assert_eq!(paths(&records(&text)), expected, "{args:?}");
    }
    let table = engine.ctl_ok(&["requests", "--status", "404", "--color", "never"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    let column = lines[0].find("REQUEST").expect("a title");
    assert!(lines[1..].iter().all(|line| line[column..].starts_with("test/missing")), "{table}");
}

#[test]
fn a_follower_is_told_of_each_request_once() {
    let origin = origin();
    let engine = Engine::start(&site("", &[&origin]));
    client::get(engine.address(), "/before");
    let mut stream = UnixStream::connect(engine.socket()).expect("the engine listens");
    stream.set_read_timeout(Some(wait::PATIENCE)).expect("a time limit");
    stream
        .write_all(b"GET /v1/requests?follow=1&status=2xx HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("the engine reads");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("the stream goes on"));
    let mut next = || lines.find(|line| line.starts_with('{')).expect("a record");
    assert!(next().contains("/before"));
    let sent: Vec<String> = (0..50).map(|number| format!("/after/{number}")).collect();
    for path in &sent {
        client::get(engine.address(), "/missing");
        client::get(engine.address(), path);
    }
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < sent.len() {
        let record: Value = serde_json::from_str(&next()).expect("a record a line");
        seen.push(record["path"].as_str().expect("a path").to_owned());
    }
    seen.sort();
    let mut expected = sent;
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn what_a_client_sends_can_not_reach_the_terminal() {
    let origin = origin();
    let engine = Engine::start(&one_worker("", "", &[&origin]));
    let long = "x".repeat(300);
    client::get(engine.address(), &format!("/\u{9b}31m{long}"));
    client::raw(engine.address(), b"NONSENSE\x1b[2J\r\n\r\n");
    wait::until("both are recorded", || {
        (records(&engine.ctl_ok(&["requests", "--json"])).len() == 2).then_some(())
    });
    let table = engine.ctl_ok(&["requests", "--color", "never"]);
    assert!(!table.contains(['\u{1b}', '\u{9b}']), "{table:?}");
    assert!(table.contains("400") && table.contains("xxx…"), "{table}");
}

#[test]
fn a_request_that_was_offered_twice_says_so() {
    let origin = origin();
    let dead = "[[upstream.app.backend]]\naddress = \"127.0.0.1:1\"\n";
    let config = one_worker("", "", &[&origin]);
    let engine = Engine::start(&config.replacen(
        "[[upstream.app.backend]]",
        &format!("{dead}[[upstream.app.backend]]"),
        1,
    ));
    client::get(engine.address(), "/");
    let kept = records(&engine.ctl_ok(&["requests", "--json"]));
    assert_eq!(kept[0]["tries"], 2, "{}", kept[0]);
    assert_eq!(kept[0]["backend"], origin.address.to_string());
}
